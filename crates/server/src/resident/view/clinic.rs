//! A clinic: where it is, its days, and the times of one day. Days that are full, closed or unknown stay in the strip.

use base::id::SlotId;
use base::time::{Date, Timestamp, Zone};
use html::form::hidden;
use html::icon::Icon;
use html::layout::{back_link, onward_link, phone};
use html::locale::Locale;
use html::{Markup, html};

use super::results::{AsOf, age};

/// Times of one part of a day that are shown before "more".
pub const TIMES_SHOWN: usize = 6;

/// What is known about one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayState {
    /// So many times can be booked.
    Left(usize),
    /// All taken.
    NoneLeft,
    /// No times that day.
    Closed,
    /// We cannot see them.
    CannotTell,
}

/// One day of the strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// Shows its times.
    pub href: String,
    /// What is known.
    pub state: DayState,
    /// Whether its times are shown below.
    pub is_chosen: bool,
}

/// One vaccine the clinic gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Shows its days.
    pub href: String,
    /// Whether its days are shown.
    pub is_chosen: bool,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Before noon.
    Morning,
    /// From noon to five.
    Afternoon,
    /// From five on.
    Evening,
}

impl Part {
    /// The part of a wall-clock hour.
    pub fn of_hour(hour: i8) -> Self {
        match hour {
            ..12 => Self::Morning,
            12..17 => Self::Afternoon,
            _ => Self::Evening,
        }
    }
    fn key(self) -> &'static str {
        match self {
            Self::Morning => "part-morning",
            Self::Afternoon => "part-afternoon",
            Self::Evening => "part-evening",
        }
    }
}

/// A time that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeButton {
    /// Which.
    pub slot: SlotId,
    /// When.
    pub at: Timestamp,
    /// How many can book it still; said only when it is one or two.
    pub free: u16,
}

/// The times of one product on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductTimes {
    /// Its name, where it must be told from others.
    pub product: Option<String>,
    /// By part of the day.
    pub parts: Vec<(Part, Vec<TimeButton>)>,
}

/// The times of the chosen day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// The day.
    pub date: Date,
    /// The vaccine.
    pub vaccine: String,
    /// The clinic's zone.
    pub zone: Zone,
    /// By product, where the day has several of the group; else one without a name.
    pub products: Vec<ProductTimes>,
    /// How many are not shown yet, and the link that shows them.
    pub more: Option<(usize, String)>,
}

/// What choosing a time does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choosing {
    /// Leads to the time's own page.
    See,
    /// Keeps it at once: for someone who moves an appointment.
    Keep {
        /// Where to send the choice.
        action: String,
        /// The idempotency key of that request.
        key: String,
    },
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicPage {
    /// Back to the results: link and words.
    pub back: (String, String),
    /// Name.
    pub name: String,
    /// Street, town, state and ZIP code.
    pub address: String,
    /// Its phone.
    pub phone: Option<String>,
    /// Its hours as text.
    pub hours: Option<String>,
    /// Whether hours, phone and times were made up for a demonstration.
    pub is_made: bool,
    /// What it gives, unless it is only one.
    pub vaccines: Vec<Chip>,
    /// Age of the numbers.
    pub as_of: AsOf,
    /// The strip.
    pub days: Vec<Day>,
    /// The week before.
    pub earlier: Option<String>,
    /// The week after.
    pub later: Option<String>,
    /// The times of the chosen day; nothing when we cannot tell.
    pub times: Option<Times>,
    /// Said instead of a strip when the clinic has published nothing.
    pub has_nothing: bool,
}

/// The page's content.
pub fn view(page: &ClinicPage, choosing: &Choosing, locale: &Locale) -> Markup {
    html! {
        (back_link(&page.back.0, &page.back.1))
        h1 { bdi { (page.name) } }
        (where_it_is(page, locale))
        @if page.vaccines.len() > 1 {
            h2 { (locale.text("clinic-vaccine")) }
            ul class="chips" {
                @for chip in &page.vaccines {
                    li { a class="chip" href=(chip.href) aria-current=[chip.is_chosen.then_some("true")] { (chip.name) } }
                }
            }
        }
        @if page.has_nothing {
            h2 { (locale.text("clinic-nothing-title")) }
            p { (locale.text("clinic-nothing-body")) }
        } @else {
            (days_and_times(page, choosing, locale))
        }
    }
}

/// The strip and the chosen day's times.
pub fn days_and_times(page: &ClinicPage, choosing: &Choosing, locale: &Locale) -> Markup {
    html! {
        h2 id="days" { (locale.text("clinic-days")) }
        (age(&page.as_of, locale))
        ul class="days" {
            @for day in &page.days { li { (day_view(day, locale)) } }
            @if let Some(later) = &page.later {
                li { a class="day day-more" href=(later) { (locale.text("clinic-later")) } }
            }
        }
        @if let Some(earlier) = &page.earlier { (back_link(earlier, &locale.text("clinic-earlier"))) }
        @match &page.times {
            Some(times) => (times_view(times, choosing, locale)),
            None => p class="after" { (locale.text("cannot-tell")) },
        }
    }
}

fn where_it_is(page: &ClinicPage, locale: &Locale) -> Markup {
    html! {
        div class="where" {
            p class="with-icon" { (Icon::Pin.markup()) span { bdi { (page.address) } } }
            @if let Some(number) = &page.phone {
                p class="with-icon" { (Icon::Phone.markup()) span { (phone(number, true)) } }
            }
            @if let Some(hours) = &page.hours {
                p class="with-icon" { (Icon::Clock.markup()) span { (locale.tell("clinic-hours", &[("hours", hours.into())])) } }
            }
            @if page.is_made { p class="meta" { (locale.text("clinic-made")) } }
        }
    }
}

fn day_view(day: &Day, locale: &Locale) -> Markup {
    let what = |words: String, class: &'static str| {
        html! {
            span { (locale.weekday_short(day.date)) }
            strong class="nb" { (locale.day_month(day.date)) }
            span class=(class) { (words) }
        }
    };
    let current = day.is_chosen.then_some("date");
    match day.state {
        DayState::Left(count) => html! {
            a class="day" href=(day.href) aria-current=[current] { (what(locale.tell("day-left", &[("count", count.into())]), "left")) }
        },
        DayState::NoneLeft => html! { span class="day day-none" { (what(locale.text("day-none"), "none")) } },
        DayState::Closed => html! { span class="day day-none" { (what(locale.text("day-closed"), "none")) } },
        DayState::CannotTell => html! {
            a class="day day-unknown" href=(day.href) aria-current=[current] { (what(locale.text("day-cannot-tell"), "none")) }
        },
    }
}

fn times_view(times: &Times, choosing: &Choosing, locale: &Locale) -> Markup {
    let zone = locale.zone_long(&times.zone);
    html! {
        h2 id="times" { (locale.date_day(times.date)) }
        p class="soft" { (locale.tell("clinic-times-zone", &[("vaccine", (&times.vaccine).into()), ("zone", (&zone).into())])) }
        @if times.products.is_empty() { p class="after" { (locale.text("clinic-day-empty")) } }
        @for of_product in &times.products {
            @if let Some(product) = &of_product.product { h3 class="product" { (product) } }
            @for (part, buttons) in &of_product.parts {
                // One level below the product, where there is one.
                @if of_product.product.is_some() { h4 { (locale.text(part.key())) } }
                @else { h3 { (locale.text(part.key())) } }
                ul class="times" { @for button in buttons { li { (time_view(button, times, choosing, locale)) } } }
            }
        }
        @if let Some((count, href)) = &times.more {
            div class="after" { (onward_link(href, &locale.tell("clinic-more-times", &[("count", (*count).into())]))) }
        }
    }
}

fn time_view(button: &TimeButton, times: &Times, choosing: &Choosing, locale: &Locale) -> Markup {
    let inside = html! {
        span class="nb" { (locale.clock(button.at, &times.zone)) }
        @if (1..=2).contains(&button.free) { small { (locale.tell("time-left", &[("count", u64::from(button.free).into())])) } }
    };
    match choosing {
        Choosing::See => html! { a class="time" href={ "/times/" (button.slot) } { (inside) } },
        Choosing::Keep { action, key } => html! {
            form method="post" action=(action) {
                (hidden("slot", &button.slot.to_string()))
                (hidden("key", key))
                button class="time" type="submit" { (inside) }
            }
        },
    }
}
