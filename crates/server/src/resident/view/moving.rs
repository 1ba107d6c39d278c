//! Moving an appointment: choose a new time, then confirm it. The old time stays until the new one is sure.

use html::form::{hidden, primary_button};
use html::layout::{back_link, onward_link};
use html::locale::Locale;
use html::{Markup, html};

use super::clinic::{Choosing, ClinicPage, days_and_times};
use super::hold::{AppointmentTime, FORM};

/// Choosing a new time.
#[derive(Debug)]
pub struct ChooseTime {
    /// `/appointment/{id}/{token}`.
    pub base: String,
    /// The appointment's time now.
    pub now_at: AppointmentTime,
    /// The clinic whose times are shown.
    pub clinic: ClinicPage,
    /// Other clinics with the same vaccine: name, distance or town, link.
    pub others: Vec<(String, String)>,
    /// What choosing a time does.
    pub choosing: Choosing,
}

/// The page's content.
pub fn choose(page: &ChooseTime, locale: &Locale) -> Markup {
    html! {
        (back_link(&page.base, &locale.text("move-keep")))
        h1 { (locale.text("move-heading")) }
        p class="lead" {
            (locale.rich("move-now", &[("when", when(&page.now_at, locale).into())]))
            " " (locale.text("move-safe"))
        }
        h2 { bdi { (page.clinic.name) } }
        p class="soft" { bdi { (page.clinic.address) } }
        @if page.clinic.has_nothing { p class="after" { (locale.text("move-nothing-here")) } }
        @else { (days_and_times(&page.clinic, &page.choosing, locale)) }
        @if !page.others.is_empty() {
            h2 { (locale.text("move-other-clinics")) }
            @for (words, href) in &page.others { (onward_link(href, words)) }
        }
    }
}

/// Confirming the new time.
#[derive(Debug)]
pub struct ConfirmMove {
    /// `/appointment/{id}/{token}`.
    pub base: String,
    /// Where the confirmation goes: `/appointment/{id}/{token}/move/{hold}/{hold_token}`.
    pub action: String,
    /// The old time.
    pub from: AppointmentTime,
    /// The new time, kept meanwhile.
    pub to: AppointmentTime,
    /// The idempotency key of the move.
    pub key: String,
}

/// The page's content.
pub fn confirm(page: &ConfirmMove, locale: &Locale) -> Markup {
    let row = |key: &str, time: &AppointmentTime| {
        html! {
            div class="answer" {
                dt { (locale.text(key)) }
                dd {
                    (locale.date_long(time.date())) br; (locale.time_markup(time.starts_at, &time.zone)) br;
                    span class="plain" { bdi { (time.clinic) } br; bdi { (time.street) ", " (time.town) } br; (time.vaccine) }
                }
            }
        }
    };
    html! {
        (back_link(&format!("{}/move", page.base), &locale.text("back-to-other-times")))
        h1 { (locale.text("move-confirm-heading")) }
        p class="lead" { (locale.text("move-confirm-lead")) }
        dl class="answers" {
            (row("move-from", &page.from))
            (row("move-to", &page.to))
        }
        form id=(FORM) method="post" action=(page.action) {
            (hidden("key", &page.key))
            div class="buttons" { (primary_button(&locale.text("move-button"))) }
        }
        form class="centered" method="post" action={ (page.action) "/give-up" } {
            button class="link-button" type="submit" { (locale.text("move-keep")) }
        }
    }
}

fn when(time: &AppointmentTime, locale: &Locale) -> Markup {
    html! { strong { (locale.date_day_markup(time.date())) ", " (locale.time_markup(time.starts_at, &time.zone)) } }
}
