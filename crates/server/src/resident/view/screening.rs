//! Before a time is kept: the few questions that are not personal, so that nobody who cannot have this vaccine here
//! keeps a place from somebody who can.

use html::error_summary::{Errors, error_summary};
use html::form::{Choice, Question, hidden, primary_button};
use html::layout::{back_link, call_us, onward_link};
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::{Markup, html};

use super::details::question;
use super::hold::{AppointmentTime, when_and_where};
use crate::resident::typed::Asked;

/// The questions before a hold.
#[derive(Debug)]
pub struct Screening {
    /// For which time.
    pub time: AppointmentTime,
    /// Ages to choose from: code and words.
    pub ages: Vec<Choice>,
    /// The age that was chosen.
    pub age: String,
    /// What to mend.
    pub errors: Errors,
    /// The idempotency key of the request that keeps the time.
    pub key: String,
    /// Questions about groups that may book now, each with what was answered.
    pub groups: Vec<(Asked, String)>,
}

/// The page's content.
pub fn view(screening: &Screening, locale: &Locale) -> Markup {
    let date = locale.date_day(screening.time.date());
    html! {
        (back_link(&screening.time.clinic_href, &locale.text("back-to-times")))
        (error_summary(&screening.errors, locale))
        h1 { (locale.text("screening-heading")) }
        (when_and_where(&screening.time, locale))
        form method="post" action="/holds" {
            (hidden("slot", &screening.time.slot.to_string()))
            (hidden("key", &screening.key))
            (hidden("screened", "1"))
            (Question {
                name: "age",
                legend: &locale.tell("screening-age", &[("date", (&date).into())]),
                hint: Some(&locale.text("screening-age-hint")),
                error: screening.errors.of("age"),
                choices: &screening.ages,
            }.radios(&screening.age))
            @for (asked, answer) in &screening.groups { (question(asked, answer, screening.errors.of(&asked.field()), locale)) }
            div class="buttons" { (primary_button(&locale.text("screening-button"))) }
        }
    }
}

/// Why this time cannot be booked by this person, and what can.
#[derive(Debug)]
pub struct NotForYou {
    /// The time.
    pub time: AppointmentTime,
    /// From which age this vaccine is given, in words.
    pub from_age: Option<String>,
    /// Up to which age.
    pub to_age: Option<String>,
    /// What the rules say where it is not about the age.
    pub reason: Option<String>,
    /// Other vaccines of this clinic that this age can have: words and link.
    pub instead: Vec<(String, String)>,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
}

/// The page's content.
pub fn not_for_you(page: &NotForYou, locale: &Locale) -> Markup {
    let vaccine = ("vaccine", (&page.time.vaccine).into());
    let why = match (&page.from_age, &page.to_age) {
        (Some(from), _) => locale.tell("not-for-you-from", &[vaccine, ("age", from.into())]),
        (None, Some(to)) => locale.tell("not-for-you-to", &[vaccine, ("age", to.into())]),
        (None, None) => page
            .reason
            .clone()
            .unwrap_or_else(|| locale.tell("not-for-you-group", &[vaccine])),
    };
    html! {
        (Notice {
            gravity: Gravity::Info,
            heading: locale.text("not-for-you-heading"),
            body: html! { p { (why) } p { (locale.text("not-for-you-nothing-kept")) } },
            is_page_heading: true,
        }.markup())
        @if !page.instead.is_empty() {
            h2 { (locale.text("not-for-you-instead")) }
            @for (words, href) in &page.instead { (onward_link(href, words)) }
        }
        h2 { (locale.text("not-for-you-other")) }
        (onward_link(&format!("/times/{}", page.time.slot), &locale.text("not-for-you-change-age")))
        (onward_link(&page.time.clinic_href, &locale.text("back-to-times")))
        (onward_link("/", &locale.text("start-search")))
        (call_us(page.phone.as_deref(), locale))
    }
}
