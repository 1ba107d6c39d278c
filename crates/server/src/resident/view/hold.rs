//! The hold bar, on every page of a hold: minutes left, the clock time that counts, and "More time". And the nearest
//! open times, offered when one is gone.

use base::id::SlotId;
use base::time::{Date, Timestamp, Zone};
use html::form::hidden;
use html::locale::Locale;
use html::{Markup, html};

use crate::resident::typed::Typed;

/// The id of the form whose typing the bar's button takes along.
pub const FORM: &str = "typing";
/// At this many seconds left the bar asks for attention (the look's "at 2 minutes").
const LOW_SECONDS: u64 = 120;

/// When and where: an appointment time in words' ingredients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentTime {
    /// Which.
    pub slot: SlotId,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// The clinic's zone.
    pub zone: Zone,
    /// The clinic's name.
    pub clinic: String,
    /// Street.
    pub street: String,
    /// Town, state and ZIP code.
    pub town: String,
    /// The vaccine's name.
    pub vaccine: String,
    /// The clinic's page, at that day and vaccine.
    pub clinic_href: String,
}

impl AppointmentTime {
    /// The local date.
    pub fn date(&self) -> Date {
        self.starts_at.date_in(&self.zone)
    }
}

/// `Tuesday, December 1, 9:20 AM ET` and the clinic, under a heading.
pub fn when_and_where(time: &AppointmentTime, locale: &Locale) -> Markup {
    html! {
        p class="lead" {
            (locale.date_day_markup(time.date())) ", " (locale.time_markup(time.starts_at, &time.zone)) br;
            bdi { (time.clinic) } br;
            (time.vaccine)
        }
    }
}

/// The bar of one hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Now.
    pub now: Timestamp,
    /// Until when the time is kept.
    pub expires_at: Timestamp,
    /// How long a hold lasts from one extension to the next: the whole of the gauge.
    pub lifetime_s: u64,
    /// In which zone to say it.
    pub zone: Zone,
    /// Where "More time" leads, unless there is no more.
    pub more_time: Option<String>,
    /// Whether the appointment that moves is safe meanwhile: another sentence.
    pub is_move: bool,
}

/// The bar.
pub fn bar(bar: &Bar, locale: &Locale) -> Markup {
    let left = bar.expires_at.since(bar.now).as_secs();
    let low = left <= LOW_SECONDS;
    let minutes = left / 60;
    let per_cent = (left * 100 / bar.lifetime_s.max(1)).min(100);
    let time = html! { strong { (locale.time_markup(bar.expires_at, &bar.zone)) } };
    let sentence = match (bar.is_move, bar.more_time.is_some()) {
        (true, _) => "hold-sentence-move",
        (false, true) => "hold-sentence",
        (false, false) => "hold-sentence-last",
    };
    html! {
        section class=(if low { "bar bar-low" } else { "bar" }) aria-label=(locale.text("hold-label")) {
            div class="bar-inner" {
                div class="bar-row" {
                    p class="bar-left" {
                        @if minutes == 0 { (locale.text("hold-under-a-minute")) }
                        @else { (locale.tell("hold-minutes-left", &[("count", minutes.into())])) }
                    }
                    @if let Some(action) = &bar.more_time {
                        button class="button button-small" type="submit" form=(FORM) formaction=(action) formnovalidate {
                            (locale.text("hold-more-time"))
                        }
                    }
                }
                svg class="gauge" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                    rect class="trough" width="100" height="6" {}
                    rect class="level" width=(per_cent) height="6" {}
                }
                p { (locale.rich(sentence, &[("time", time.into())])) }
            }
        }
    }
}

/// Open times near one that is gone, each a button that keeps it, with the typing taken along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// At most three.
    pub times: Vec<AppointmentTime>,
    /// The idempotency key of whichever is chosen.
    pub key: String,
    /// What was typed so far.
    pub typed: Typed,
    /// The date of the time that is gone: others are named by date only where it differs.
    pub action: String,
}

/// The buttons.
pub fn nearest(nearest: &Nearest, locale: &Locale) -> Markup {
    html! {
        ul class="nearest" {
            @for time in &nearest.times {
                li {
                    form method="post" action=(nearest.action) {
                        (hidden("slot", &time.slot.to_string()))
                        // One key for each choice: a second thought is another request.
                        (hidden("key", &format!("{}-{}", nearest.key, time.slot)))
                        (nearest.typed.hidden())
                        button class="button" type="submit" {
                            span { (locale.date_day_markup(time.date())) ", " (locale.time_markup(time.starts_at, &time.zone)) }
                            small { bdi { (time.clinic) } }
                        }
                    }
                }
            }
        }
    }
}
