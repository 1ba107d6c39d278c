//! When it does not go on: a time that is gone, a hold that is over, a fault of ours, a page that is not there. Says
//! what is safe, keeps what was typed, and offers the next step.

use base::answer::Fault;
use html::form::{hidden, primary_button};
use html::layout::{call_us, onward_link};
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::{Markup, html};

use super::hold::{Nearest, nearest};
use crate::resident::typed::Typed;

/// A time that cannot be had any more.
#[derive(Debug)]
pub struct TimeGone {
    /// Why: the beginning of the two keys `…-title` and `…-body`.
    pub why: &'static str,
    /// The nearest open times.
    pub nearest: Nearest,
    /// All times of the clinic.
    pub all_times: String,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
}

/// The page's content.
pub fn time_gone(page: &TimeGone, locale: &Locale) -> Markup {
    let kept = !page.nearest.typed.is_blank();
    html! {
        (Notice {
            gravity: Gravity::Warn,
            heading: locale.text(&format!("{}-title", page.why)),
            body: html! {
                p { (locale.text(&format!("{}-body", page.why))) }
                @if kept { p { (locale.text("typing-kept")) } }
            },
            is_page_heading: true,
        }.markup())
        @if page.nearest.times.is_empty() {
            p { (locale.text("nearest-none")) }
        } @else {
            h2 { (locale.tell("nearest-title", &[("count", page.nearest.times.len().into())])) }
            (nearest(&page.nearest, locale))
        }
        div class="after" {
            (onward_link(&page.all_times, &locale.text("see-all-times")))
            (onward_link("/", &locale.text("start-search")))
        }
        (call_us(page.phone.as_deref(), locale))
    }
}

/// Something we said no to, with one way on.
#[derive(Debug)]
pub struct Said {
    /// The beginning of the two keys `…-title` and `…-body`.
    pub what: String,
    /// How grave.
    pub gravity: Gravity,
    /// Ways on: link and the key of its words.
    pub ways: Vec<(String, &'static str)>,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
}

/// The page's content.
pub fn said(page: &Said, locale: &Locale) -> Markup {
    html! {
        (Notice {
            gravity: page.gravity,
            heading: locale.text(&format!("{}-title", page.what)),
            body: html! { p { (locale.text(&format!("{}-body", page.what))) } },
            is_page_heading: true,
        }.markup())
        @for (href, words) in &page.ways { (onward_link(href, &locale.text(words))) }
        (call_us(page.phone.as_deref(), locale))
    }
}

/// A fault: what was asked can be asked again, with the same key and everything that was typed.
#[derive(Debug)]
pub struct FaultPage {
    /// What failed.
    pub fault: Fault,
    /// Where the same request goes.
    pub action: String,
    /// Its other fields: the key, the time.
    pub fields: Vec<(&'static str, String)>,
    /// What was typed.
    pub typed: Typed,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
}

/// The page's content.
pub fn fault(page: &FaultPage, locale: &Locale) -> Markup {
    let code = page.fault.code();
    let unknown = page.fault == Fault::OutcomeUnknown;
    html! {
        (Notice {
            gravity: if unknown { Gravity::Unknown } else { Gravity::Warn },
            heading: locale.text(&format!("fault-{code}-title")),
            body: html! {
                p { (locale.text(&format!("fault-{code}-body"))) }
                @if !page.typed.is_blank() { p { (locale.text("typing-kept")) } }
            },
            is_page_heading: true,
        }.markup())
        form method="post" action=(page.action) {
            @for (name, value) in &page.fields { (hidden(name, value)) }
            (page.typed.hidden())
            div class="buttons" { (primary_button(&locale.text("check-again"))) }
        }
        // While we do not know, every way to start over is left out: it could book twice.
        @if !unknown { p class="centered" { a class="alone" href="/" { (locale.text("start-search")) } } }
        (call_us(page.phone.as_deref(), locale))
    }
}
