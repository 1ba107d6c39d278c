//! The minimal site's one page: what is broken, that appointments are safe, the clinics with what was last known of them in
//! the past tense, whom to call.

use std::time::Duration;

use html::icon::Icon;
use html::layout::{Jurisdiction, Level, NEUTRAL_SEAL, Page, Shell};
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::tag::{Tone, tag};
use maud::{Markup, html};
use reliability::overload::minimal_site::NoAnswer;
use runtime::http::trace::TraceId;

use super::language::Language;
use crate::upstream::last_known::{Clinic, Known, Place};

/// What was known.
pub struct Shown<'a> {
    pub known: &'a Known,
    pub age: Duration,
    /// Whether it is young enough to say what was open.
    pub with_openings: bool,
}

/// The whole document.
pub fn page(
    language: Language,
    locale: &Locale,
    why: NoAnswer,
    shown: Option<&Shown<'_>>,
    reference: Option<TraceId>,
) -> String {
    let main = html! {
        (chooser(language, locale))
        (notice(locale, why))
        p class="lead" { strong { (locale.text("minimal-have-one")) } " " (locale.text("minimal-safe")) }
        h2 { (locale.text("minimal-clinics")) }
        @match shown {
            Some(shown) if !shown.known.clinics.is_empty() => (clinics(locale, shown)),
            _ => p { (locale.text("minimal-no-clinics")) },
        }
    };
    let page = Page {
        level: Level::Gold,
        reference: reference.map(|reference| reference.to_string()),
        ..Page::new(locale.text("minimal-title"), main)
    };
    let shell = Shell {
        jurisdiction: jurisdiction(locale, shown),
        locale,
        rehearsal: false,
    };
    shell.document(&page)
}

/// Before we ever heard from a server it has no name.
fn jurisdiction(locale: &Locale, shown: Option<&Shown<'_>>) -> Jurisdiction {
    let known = shown.and_then(|shown| shown.known.jurisdiction.as_ref());
    Jurisdiction {
        name: known.map_or_else(|| locale.text("service-name"), |known| known.name.clone()),
        seal_svg: NEUTRAL_SEAL.to_owned(),
        phone: known.and_then(|known| known.phone.clone()),
        demo_as_of: known.and_then(|known| known.demo_as_of.clone()),
    }
}

fn chooser(language: Language, locale: &Locale) -> Markup {
    let other = language.other().code();
    html! {
        p class="after" {
            a class="alone" href={ "/?lang=" (other) } lang=(other) hreflang=(other) { (locale.text("minimal-other-language")) }
        }
    }
}

fn notice(locale: &Locale, why: NoAnswer) -> Markup {
    let gravity = match why {
        NoAnswer::NothingHappened => Gravity::Warn,
        NoAnswer::OutcomeUnknown => Gravity::Unknown,
    };
    Notice {
        gravity,
        heading: locale.text("minimal-down"),
        body: html! {
            p { (locale.text("minimal-works")) " " (locale.text("minimal-ours")) }
            p { @match why {
                NoAnswer::NothingHappened => (locale.text("minimal-again")),
                NoAnswer::OutcomeUnknown => (locale.text("minimal-unknown")),
            } }
        },
        is_page_heading: true,
    }
    .markup()
}

fn clinics(locale: &Locale, shown: &Shown<'_>) -> Markup {
    let span = locale.span(shown.age.as_secs());
    let span = [("span", (&span).into())];
    html! {
        p class="with-icon" {
            (Icon::Clock.markup())
            span {
                @if shown.with_openings { (locale.tell("minimal-as-of", &span)) }
                @else { (locale.tell("minimal-too-old", &span)) }
            }
        }
        ul class="cards" {
            @for clinic in &shown.known.clinics {
                li class="card" {
                    h3 { bdi { (clinic.name) } }
                    p class="meta" { (place(&clinic.address)) }
                    (openings(locale, clinic, shown.with_openings))
                }
            }
        }
    }
}

fn openings(locale: &Locale, clinic: &Clinic, can_tell: bool) -> Markup {
    match clinic.free.filter(|_| can_tell) {
        None => tag(Tone::Unknown, &locale.text("minimal-cannot-tell")),
        Some(0) => tag(Tone::Plain, &locale.text("minimal-none-then")),
        Some(count) => tag(
            Tone::Warn,
            &locale.tell("minimal-open-times", &[("count", count.into())]),
        ),
    }
}

fn place(place: &Place) -> String {
    let parts = [place.street.as_deref(), place.city.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
