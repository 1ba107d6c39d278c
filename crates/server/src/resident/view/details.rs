//! The details form of a hold: who the appointment is for, how to reach them, and the questions of this vaccine.

use html::error_summary::error_summary;
use html::form::{Choice, DateField, Question, TextField, Width, hidden, primary_button, select};
use html::layout::back_link;
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::{Markup, html};

use super::hold::{AppointmentTime, FORM, when_and_where};
use crate::limit::{EMAIL_CHARACTERS_MAX, NAME_CHARACTERS_MAX, PHONE_CHARACTERS_MAX};
use crate::resident::typed::{Asked, AskedKind, LANGUAGES, Mending, NEEDS, Typed};

/// What the form shows.
#[derive(Debug)]
pub struct DetailsPage {
    /// `/hold/{id}/{token}`.
    pub base: String,
    /// The time that is kept.
    pub time: AppointmentTime,
    /// What was typed.
    pub typed: Typed,
    /// What to mend.
    pub mending: Mending,
    /// The questions of this vaccine.
    pub questions: Vec<Asked>,
    /// How many doses its series has.
    pub doses: u8,
    /// Whether whoever gives an address is written to.
    pub sends_mail: bool,
    /// The idempotency key of "More time".
    pub key: String,
    /// Something to say first: the key of a sentence.
    pub says: Option<&'static str>,
}

/// The page's content.
pub fn view(page: &DetailsPage, locale: &Locale) -> Markup {
    html! {
        (back_link(&page.time.clinic_href, &locale.text("back-to-other-times")))
        (error_summary(&page.mending.errors, locale))
        @if let Some(says) = page.says {
            (Notice { gravity: Gravity::Info, heading: locale.text(says), body: html! {}, is_page_heading: false }.markup())
        }
        h1 { (locale.text("details-heading")) }
        (when_and_where(&page.time, locale))
        form id=(FORM) method="post" action={ (page.base) "/details" } novalidate {
            (hidden("key", &page.key))
            (who(page, locale))
            (how_to_reach(page, locale))
            (for_the_visit(page, locale))
            (which_dose(page, locale))
            @for asked in &page.questions {
                (question(asked, page.typed.answer(&asked.id), page.mending.errors.of(&asked.field()), locale))
            }
            div class="buttons" { (primary_button(&locale.text("details-button"))) }
        }
        form class="centered" method="post" action={ (page.base) "/give-up" } {
            button class="link-button" type="submit" { (locale.text("give-up")) }
        }
    }
}

fn who(page: &DetailsPage, locale: &Locale) -> Markup {
    let name = |name: &'static str, label: &str, value: &str| {
        TextField {
            name,
            label: &locale.text(label),
            hint: None,
            error: page.mending.errors.of(name),
            value,
            kind: "text",
            autocomplete: name,
            width: Width::Full,
            longest: NAME_CHARACTERS_MAX,
        }
        .markup()
    };
    let at_fault = DateField::id_at_fault("birth", page.mending.wrong_birth);
    let [month, day, year] = &page.typed.birth;
    html! {
        (name("given-name", "details-given-name", &page.typed.given_name))
        (name("family-name", "details-family-name", &page.typed.family_name))
        (DateField {
            name: "birth",
            legend: &locale.text("details-birth"),
            hint: &locale.text("details-birth-hint"),
            error: page.mending.errors.of(&at_fault),
            wrong: page.mending.wrong_birth,
            typed: [month, day, year],
            labels: [&locale.text("details-month"), &locale.text("details-day"), &locale.text("details-year")],
        }.markup())
    }
}

fn how_to_reach(page: &DetailsPage, locale: &Locale) -> Markup {
    html! {
        (TextField {
            name: "phone",
            label: &locale.text("details-phone"),
            hint: Some(&locale.text("details-phone-hint")),
            error: page.mending.errors.of("phone"),
            value: &page.typed.phone,
            kind: "tel",
            autocomplete: "tel",
            width: Width::Full,
            longest: PHONE_CHARACTERS_MAX,
        }.markup())
        (TextField {
            name: "email",
            label: &locale.text("details-email"),
            hint: page.sends_mail.then(|| locale.text("details-email-hint")).as_deref(),
            error: page.mending.errors.of("email"),
            value: &page.typed.email,
            kind: "email",
            autocomplete: "email",
            width: Width::Full,
            longest: EMAIL_CHARACTERS_MAX,
        }.markup())
    }
}

fn for_the_visit(page: &DetailsPage, locale: &Locale) -> Markup {
    let mut languages = vec![Choice::new("", locale.text("details-language-any"))];
    languages.extend(
        LANGUAGES
            .iter()
            .map(|code| Choice::new(*code, locale.text(&format!("language-{code}")))),
    );
    let needs: Vec<_> = NEEDS
        .iter()
        .map(|code| Choice::new(*code, locale.text(&format!("need-{code}"))))
        .collect();
    html! {
        (select("language", &locale.text("details-language"), Some(&locale.text("details-language-hint")), &languages, &page.typed.language, ""))
        (Question {
            name: "needs",
            legend: &locale.text("details-needs"),
            hint: Some(&locale.text("details-needs-hint")),
            error: None,
            choices: &needs,
        }.checkboxes(&page.typed.needs))
    }
}

fn which_dose(page: &DetailsPage, locale: &Locale) -> Markup {
    let choices: Vec<_> = (1..=page.doses)
        .map(|number| {
            Choice::new(
                number.to_string(),
                locale.tell("dose-number", &[("number", u64::from(number).into())]),
            )
        })
        .collect();
    let chosen = if page.typed.dose.is_empty() {
        "1"
    } else {
        &page.typed.dose
    };
    html! {
        @if page.doses > 1 {
            (Question {
                name: "dose",
                legend: &locale.text("details-dose"),
                hint: Some(&locale.text("details-dose-hint")),
                error: None,
                choices: &choices,
            }.radios(chosen))
        }
    }
}

/// One question of the rules. Its words are data of the jurisdiction.
pub fn question(asked: &Asked, answer: &str, error: Option<&str>, locale: &Locale) -> Markup {
    let name = asked.field();
    let legend = if asked.is_required {
        asked.text.clone()
    } else {
        locale.tell("question-optional", &[("question", (&asked.text).into())])
    };
    let hint = asked.hint.as_deref();
    match &asked.kind {
        AskedKind::YesNo => {
            let choices = [
                Choice::new("yes", locale.text("yes")),
                Choice::new("no", locale.text("no")),
                Choice::new("unknown", locale.text("dont-know")),
            ];
            Question {
                name: &name,
                legend: &legend,
                hint,
                error,
                choices: &choices,
            }
            .radios(answer)
        }
        AskedKind::Choice(choices) => Question {
            name: &name,
            legend: &legend,
            hint,
            error,
            choices,
        }
        .radios(answer),
        AskedKind::Date => TextField {
            name: &name,
            label: &legend,
            hint: Some(hint.unwrap_or(&locale.text("question-date-hint"))),
            error,
            value: answer,
            kind: "text",
            autocomplete: "off",
            width: Width::Full,
            longest: 32,
        }
        .markup(),
    }
}
