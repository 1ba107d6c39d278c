//! Check answers: everything once more, each with a way to change it, and the one button that books.

use html::form::{hidden, primary_button};
use html::layout::{back_link, call_us, phone};
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::{Markup, html};

use super::hold::{AppointmentTime, FORM};
use crate::resident::typed::{Asked, Details, Typed};

/// What the page shows.
#[derive(Debug)]
pub struct CheckPage {
    /// `/hold/{id}/{token}`.
    pub base: String,
    /// The time that is kept.
    pub time: AppointmentTime,
    /// What was typed: it travels in the form.
    pub typed: Typed,
    /// What it was read as.
    pub details: Details,
    /// The questions of this vaccine.
    pub questions: Vec<Asked>,
    /// How many doses the series has.
    pub doses: u8,
    /// The idempotency key of the booking.
    pub key: String,
    /// Why it was not booked: the refusal.
    pub refused: Option<Refused>,
}

/// A refusal in words.
#[derive(Debug)]
pub struct Refused {
    /// What the rules say.
    pub heading: String,
    /// What instead.
    pub body: String,
    /// Whom to call.
    pub phone: Option<String>,
}

/// The page's content.
pub fn view(page: &CheckPage, locale: &Locale) -> Markup {
    html! {
        (back_link(&page.time.clinic_href, &locale.text("back-to-other-times")))
        @if let Some(refused) = &page.refused {
            (Notice {
                gravity: Gravity::Warn,
                heading: refused.heading.clone(),
                body: html! {
                    p { (refused.body) }
                    (call_us(refused.phone.as_deref(), locale))
                },
                is_page_heading: false,
            }.markup())
        }
        h1 { (locale.text("check-heading")) }
        p class="lead" { (locale.text("check-lead")) }
        form id=(FORM) method="post" action={ (page.base) "/book" } {
            (hidden("key", &page.key))
            (hidden("at", "check"))
            (page.typed.hidden())
            dl class="answers" { (rows(page, locale)) }
            div class="buttons" { (primary_button(&locale.text("check-button"))) }
        }
        form class="centered" method="post" action={ (page.base) "/give-up" } {
            button class="link-button" type="submit" { (locale.text("give-up")) }
        }
    }
}

fn rows(page: &CheckPage, locale: &Locale) -> Markup {
    let time = &page.time;
    let person = &page.details.person;
    let other_time = |noun: &str| {
        html! {
            a class="change" href=(time.clinic_href) { (locale.text("change")) span class="hidden-words" { " " (locale.text(noun)) } }
        }
    };
    let change = |field: &str, noun: &str| change(page, field, noun, locale);
    let none = || html! { span class="plain" { (locale.text("check-none")) } };
    html! {
        (row(&locale.text("check-vaccine"), &html! { (time.vaccine) }, &other_time("check-vaccine")))
        (row(&locale.text("check-when"), &html! {
            (locale.date_long(time.date())) br; (locale.time_markup(time.starts_at, &time.zone))
        }, &other_time("check-when")))
        (row(&locale.text("check-where"), &html! {
            bdi { (time.clinic) } br; span class="plain" { bdi { (time.street) ", " (time.town) } }
        }, &other_time("check-where")))
        (row(&locale.text("check-name"), &html! { bdi { (person.given_name) " " (person.family_name) } }, &change("given-name", "check-name")))
        (row(&locale.text("details-birth"), &html! { (locale.date_plain(person.birth_date)) }, &change("birth-month", "details-birth")))
        (row(&locale.text("check-phone"), &match &person.phone {
            Some(number) => phone(number, false),
            None => none(),
        }, &change("phone", "check-phone")))
        (row(&locale.text("check-email"), &match &person.email {
            Some(address) => html! { bdi dir="ltr" { (address) } },
            None => none(),
        }, &change("email", "check-email")))
        @if let Some(language) = &person.language {
            (row(&locale.text("details-language"), &html! { (locale.text(&format!("language-{language}"))) }, &change("language", "details-language")))
        }
        @if !person.needs.is_empty() {
            (row(&locale.text("check-needs"), &html! {
                @for (n, need) in person.needs.iter().enumerate() { @if n > 0 { br; } (locale.text(&format!("need-{need}"))) }
            }, &change("needs", "check-needs")))
        }
        @if page.doses > 1 {
            (row(&locale.text("check-dose"), &html! { (locale.tell("dose-number", &[("number", u64::from(page.details.dose).into())])) }, &change("dose", "check-dose")))
        }
        @for question in &page.questions {
            @if let Some(answer) = page.details.answers.get(&question.id) {
                (row(&question.text, &html! { (question.said(answer, locale)) }, &change_answer(page, question, locale)))
            }
        }
    }
}

fn row(label: &str, value: &Markup, change: &Markup) -> Markup {
    html! { div class="answer" { dt { (label) } dd { (value) } dd class="change-cell" { (change) } } }
}

/// Back to the form, at one field, with everything typed: a button, because what was typed may not stand in an address.
fn change(page: &CheckPage, field: &str, noun: &str, locale: &Locale) -> Markup {
    html! {
        button class="link-button change" type="submit" name="edit" value=(field) formaction={ (page.base) "/details#" (field) } {
            (locale.text("change")) span class="hidden-words" { " " (locale.text(noun)) }
        }
    }
}

fn change_answer(page: &CheckPage, question: &Asked, locale: &Locale) -> Markup {
    let field = question.field();
    html! {
        button class="link-button change" type="submit" name="edit" value=(field) formaction={ (page.base) "/details#" (field) } {
            (locale.text("change")) span class="hidden-words" { " " (question.text) }
        }
    }
}
