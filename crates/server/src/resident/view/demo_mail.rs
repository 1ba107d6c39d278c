//! Mail that a demonstration would have sent, the newest first: to whom, what, and the whole text with its links.

use base::time::Timestamp;
use html::locale::Locale;
use html::{Markup, html};

/// A mail as the page shows it.
#[derive(Debug)]
pub struct ShownMail {
    /// Names it.
    pub name: String,
    /// When it was written, if that can be read.
    pub at: Option<Timestamp>,
    /// Whom it is for.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
}

/// The page's content. `a_day`: how many mails an address gets in a day.
pub fn view(mails: &[ShownMail], a_day: u64, locale: &Locale) -> Markup {
    html! {
        h1 { (locale.text("demo-mail-heading")) }
        p class="lead" { (locale.text("demo-mail-lead")) }
        p class="after" { (locale.tell("demo-mail-limit", &[("count", a_day.into())])) }
        @if mails.is_empty() { p class="after" { (locale.text("demo-mail-none")) } }
        @for mail in mails { (one(mail, locale)) }
    }
}

fn one(mail: &ShownMail, locale: &Locale) -> Markup {
    html! {
        section class="mail" {
            h2 { (mail.subject) }
            p class="soft" {
                (locale.text("demo-mail-to")) ": " bdi { (mail.to) }
                @if let Some(at) = mail.at { br; time datetime=(at.to_string()) { (at.to_string()) } }
            }
            div class="mail-text" { (with_links(&mail.text)) }
            p class="after" {
                a href={ "/demo/mail/" (mail.name) } { (locale.text("demo-mail-look")) } " · "
                a href={ "/demo/mail/" (mail.name) ".eml" } { (locale.text("demo-mail-file")) }
            }
        }
    }
}

/// Line by line; a line that is an address of ours leads there.
fn with_links(text: &str) -> Markup {
    html! {
        @for line in text.lines() {
            @if line.starts_with("http://") || line.starts_with("https://") {
                a class="personal-link" dir="ltr" href=(line) { (line) } br;
            } @else {
                (line) br;
            }
        }
    }
}
