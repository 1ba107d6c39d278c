//! The minimal site's one page.

use std::time::Duration;

use html::notice::{Gravity, Notice};
use html::style;
use maud::{DOCTYPE, Markup, html};
use reliability::overload::minimal_site::NoAnswer;
use runtime::http::trace::TraceId;

use super::words::{Language, Words};
use crate::upstream::last_known::{Clinic, Place};

/// What was known.
pub struct Shown<'a> {
    pub clinics: &'a [Clinic],
    pub age: Duration,
    /// Whether it is young enough to say what was open.
    pub with_openings: bool,
}

/// The whole document.
pub fn page(language: Language, why: NoAnswer, shown: Option<&Shown<'_>>, reference: Option<TraceId>) -> String {
    let words = language.words();
    html! {
        (DOCTYPE)
        html lang=(language.code()) dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (words.title) }
                link rel="stylesheet" href=(style::sheet_path());
                link rel="icon" type="image/svg+xml" href=(style::logo_path());
            }
            body class="level-gold" {
                a class="skip" href="#main" { (words.skip) }
                header { div class="band" { div class="wide band-row" {
                    a class="brand" href="/" { span class="brand-text" { span class="brand-name" { (words.service) } } }
                } } }
                main id="main" {
                    (chooser(language))
                    (notice(words, why))
                    h2 { (words.clinics) }
                    @match shown {
                        Some(shown) if !shown.clinics.is_empty() => (clinics(language, shown)),
                        _ => p { (words.no_clinics) },
                    }
                }
                footer { div class="wide" {
                    @if let Some(reference) = reference {
                        p class="reference" { (words.reference) " " span dir="ltr" class="nb" { (reference) } }
                    }
                } }
            }
        }
    }
    .into_string()
}

fn chooser(language: Language) -> Markup {
    html! {
        p class="after" {
            @match language {
                Language::English => a class="alone" href="/?lang=es" lang="es" hreflang="es" { "Español" },
                Language::Spanish => a class="alone" href="/?lang=en" lang="en" hreflang="en" { "English" },
            }
        }
    }
}

fn notice(words: &Words, why: NoAnswer) -> Markup {
    let gravity = match why {
        NoAnswer::NothingHappened => Gravity::Stop,
        NoAnswer::OutcomeUnknown => Gravity::Unknown,
    };
    Notice {
        gravity,
        heading: words.down.to_owned(),
        body: html! {
            p { (words.ours) }
            p { @match why {
                NoAnswer::NothingHappened => (words.again),
                NoAnswer::OutcomeUnknown => (words.unknown),
            } }
            p { (words.safe) }
        },
        is_page_heading: true,
    }
    .markup()
}

fn clinics(language: Language, shown: &Shown<'_>) -> Markup {
    let words = language.words();
    html! {
        p class="lead" { (language.as_of(shown.age.as_secs() / 60)) }
        ul class="cards" {
            @for clinic in shown.clinics {
                li class="card" {
                    h3 { (clinic.name) }
                    p class="meta" { (place(&clinic.address)) }
                    p {
                        @match clinic.free.filter(|_| shown.with_openings) {
                            None => (words.cannot_tell),
                            Some(0) => (words.none_then),
                            Some(count) => (language.open_times(count)),
                        }
                    }
                }
            }
        }
    }
}

fn place(place: &Place) -> String {
    let parts = [place.street.as_deref(), place.city.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
