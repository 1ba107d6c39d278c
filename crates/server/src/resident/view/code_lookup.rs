//! Finding an appointment again by its code: the form, and what it shows.

use base::time::Timestamp;
use html::error_summary::{Errors, error_summary};
use html::form::{DateField, TextField, Width, WrongParts, hidden, primary_button};
use html::layout::phone;
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::{Markup, html};

use super::hold::AppointmentTime;
use crate::resident::code_lookup::CODE_TYPED_MAX;

/// The form.
#[derive(Debug, Default)]
pub struct LookUp {
    /// The code as typed.
    pub code: String,
    /// Month, day and year of birth as typed.
    pub birth: [String; 3],
    /// What to mend.
    pub errors: Errors,
    /// Parts of the date of birth to mend.
    pub wrong_birth: WrongParts,
}

/// Whether a fresh link is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// By e-mail, since this instant.
    Mailed {
        /// When it was sent.
        at: Timestamp,
    },
    /// There is no e-mail address on file.
    CannotBeSent,
}

/// What was found.
#[derive(Debug)]
pub struct FoundPage {
    /// `/my-appointment/{appointment}/{said_at}/{token}`.
    pub base: String,
    /// When and where.
    pub time: AppointmentTime,
    /// Whether it is canceled.
    pub is_canceled: bool,
    /// Whether that was just now, here.
    pub just_canceled: bool,
    /// Whether it can be.
    pub can_cancel: bool,
    /// Whether a fresh link is on its way.
    pub sending: Sending,
    /// Of the button.
    pub key: String,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
}

/// Asks for the code and the date of birth.
pub fn ask_for_code(asked: &LookUp, locale: &Locale) -> Markup {
    let at_fault = DateField::id_at_fault("birth", asked.wrong_birth);
    let [month, day, year] = &asked.birth;
    html! {
        (error_summary(&asked.errors, locale))
        h1 { (locale.text("lookup-heading")) }
        p class="lead" { (locale.text("lookup-lead")) }
        form method="post" action="/my-appointment" {
            (TextField {
                name: "code",
                label: &locale.text("lookup-code"),
                hint: Some(&locale.text("lookup-code-hint")),
                error: asked.errors.of("code"),
                value: &asked.code,
                kind: "text",
                autocomplete: "off",
                width: Width::Full,
                longest: CODE_TYPED_MAX,
            }.markup())
            (DateField {
                name: "birth",
                legend: &locale.text("lookup-birth"),
                hint: &locale.text("details-birth-hint"),
                error: asked.errors.of(&at_fault),
                wrong: asked.wrong_birth,
                typed: [month, day, year],
                labels: [&locale.text("details-month"), &locale.text("details-day"), &locale.text("details-year")],
            }.markup())
            div class="buttons" { (primary_button(&locale.text("lookup-button"))) }
        }
    }
}

/// Its time, and the button that cancels it.
pub fn found(page: &FoundPage, locale: &Locale) -> Markup {
    let time = &page.time;
    html! {
        @if page.is_canceled {
            (Notice {
                gravity: if page.just_canceled { Gravity::Done } else { Gravity::Info },
                heading: locale.text("appointment-canceled"),
                body: html! { p { (locale.tell("canceled-by-you", &[
                    ("date", (&locale.date_day(time.date())).into()),
                    ("time", (&locale.time(time.starts_at, &time.zone)).into()),
                ])) } },
                is_page_heading: true,
            }.markup())
            div class="buttons" { a class="button button-primary" href=(time.clinic_href) { (locale.text("canceled-choose")) } }
        } @else {
            h1 { (locale.text("lookup-found-heading")) }
            p class="lead" {
                (locale.date_day_markup(time.date())) ", " (locale.time_markup(time.starts_at, &time.zone)) br;
                bdi { (time.clinic) } br; bdi { (time.street) } br; bdi { (time.town) } br; (time.vaccine)
            }
            (sent(page, locale))
            @if page.can_cancel {
                h2 { (locale.text("cancel-heading")) }
                p { (locale.text("cancel-someone-else")) }
                form method="post" action={ (page.base) "/cancel" } {
                    (hidden("key", &page.key))
                    div class="buttons" { button class="button button-stop" type="submit" { (locale.text("cancel-button")) } }
                }
            } @else {
                p { (locale.text("appointment-cannot-change")) }
            }
        }
    }
}

/// To move it takes the link; where none can be sent, a person.
fn sent(page: &FoundPage, locale: &Locale) -> Markup {
    match page.sending {
        Sending::Mailed { at } => html! {
            p class="after" { (locale.tell("lookup-mailed", &[("time", (&locale.time(at, &page.time.zone)).into())])) }
        },
        Sending::CannotBeSent => html! {
            p class="after" {
                (locale.text("lookup-not-mailed")) " "
                @if let Some(number) = &page.phone { (locale.rich("lookup-call", &[("phone", phone(number, true).into())])) }
            }
        },
    }
}
