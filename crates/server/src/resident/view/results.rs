//! Clinics that fit a search, each with what is open there and how old that knowledge is. "None left" and "cannot tell"
//! stay in their place: they are answers too.

use base::time::{Date, Timestamp, Zone};
use html::icon::Icon;
use html::layout::back_link;
use html::locale::Locale;
use html::tag::{Tone, tag};
use html::{Markup, html};

/// What we know about the open times of a clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openings {
    /// So many, the next one then.
    Open {
        /// How many times can be booked.
        count: usize,
        /// The first of them.
        next: Timestamp,
    },
    /// So many a while ago.
    MayBeGone {
        /// How many there were.
        count: usize,
    },
    /// All taken.
    NoneLeft,
    /// The clinic has published none that fit.
    NothingPosted,
    /// We cannot see them.
    CannotTell,
}

/// When the numbers on a page were true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// When they were last confirmed.
    pub at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// In which zone to say it.
    pub zone: Zone,
    /// Whether that is longer ago than it should be.
    pub is_old: bool,
}

/// One clinic.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its page, with the search's vaccine and day.
    pub href: String,
    /// Name.
    pub name: String,
    /// Street and town.
    pub street_and_town: String,
    /// How far away, where both ends are known.
    pub miles: Option<f64>,
    /// What is open.
    pub openings: Openings,
    /// The clinic's zone.
    pub zone: Zone,
}

/// How the place of a search was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Around {
    /// Near a ZIP code.
    Zip(String),
    /// In a town.
    Town(String),
    /// By a clinic's name.
    Name(String),
    /// Everywhere.
    Everywhere,
}

/// The page.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// How the place was understood.
    pub around: Around,
    /// Within how many miles, where a distance is known.
    pub within_miles: Option<u32>,
    /// How many clinics fit in all.
    pub count: usize,
    /// The vaccine that was asked for.
    pub vaccine: Option<String>,
    /// The day from which on.
    pub from: Option<Date>,
    /// Those on this page.
    pub cards: Vec<Card>,
    /// Shows more of them.
    pub more: Option<(usize, String)>,
    /// Looks farther away: miles and link.
    pub wider: Option<(u32, String)>,
    /// Back to the search.
    pub change: String,
    /// Age of the numbers.
    pub as_of: AsOf,
}

/// The heading, also the page's title.
pub fn heading(results: &Results, locale: &Locale) -> String {
    let count = results.count;
    match (&results.around, count) {
        (Around::Zip(zip), 0) => {
            let miles = u64::from(results.within_miles.unwrap_or_default());
            locale.tell("results-none-near", &[("miles", miles.into()), ("place", zip.into())])
        }
        (Around::Zip(zip), _) => locale.tell("results-near", &[("count", count.into()), ("place", zip.into())]),
        (Around::Town(town), _) => locale.tell("results-in", &[("count", count.into()), ("place", town.into())]),
        (Around::Name(name), _) => locale.tell("results-named", &[("count", count.into()), ("name", name.into())]),
        (Around::Everywhere, _) => locale.tell("results-all", &[("count", count.into())]),
    }
}

/// The page's content.
pub fn view(results: &Results, locale: &Locale) -> Markup {
    html! {
        (back_link(&results.change, &locale.text("results-change")))
        h1 { (heading(results, locale)) }
        p class="lead" {
            @match &results.vaccine {
                Some(vaccine) => (vaccine),
                None => (locale.text("search-any-vaccine")),
            }
            @if let Some(from) = results.from { " · " (locale.tell("results-from", &[("date", (&locale.date_day(from)).into())])) }
        }
        @if results.cards.is_empty() {
            @if let Some((miles, href)) = &results.wider {
                div class="buttons" {
                    a class="button button-primary" href=(href) { (locale.tell("results-wider", &[("miles", u64::from(*miles).into())])) }
                }
            }
        } @else {
            (age(&results.as_of, locale))
            ul class="cards" { @for card in &results.cards { li class="card" { (card_view(card, locale)) } } }
            div class="after" {
                @if let Some((count, href)) = &results.more {
                    (html::layout::onward_link(href, &locale.tell("results-more", &[("count", (*count).into())])))
                }
                @if let Some((miles, href)) = &results.wider {
                    (html::layout::onward_link(href, &locale.tell("results-wider", &[("miles", u64::from(*miles).into())])))
                }
            }
        }
    }
}

/// "Open times as of 9:02 AM ET, 12 seconds ago."
pub fn age(as_of: &AsOf, locale: &Locale) -> Markup {
    let seconds = as_of.now.since(as_of.at).as_secs();
    let span = locale.span(seconds);
    let time = html! { strong { (locale.time_markup(as_of.at, &as_of.zone)) } };
    let key = match seconds {
        _ if as_of.is_old => "age-old",
        0 => "age-now",
        _ => "age",
    };
    html! {
        p class=(if as_of.is_old { "age age-old" } else { "age" }) {
            (Icon::Clock.markup())
            span { (locale.rich(key, &[("time", time.into()), ("span", (&span).into())])) }
        }
    }
}

fn card_view(card: &Card, locale: &Locale) -> Markup {
    html! {
        h2 { a href=(card.href) { bdi { (card.name) } } }
        p class="meta" { bdi { (card.street_and_town) } }
        p class="meta" {
            @match card.miles {
                Some(miles) => (locale.tell("results-miles", &[("miles", (&miles_text(miles)).into())])),
                None => (locale.text("results-no-distance")),
            }
        }
        (openings_tag(&card.openings, locale))
        @match &card.openings {
            Openings::Open { next, .. } => p class="next" {
                (locale.rich("results-next", &[("when", html! { strong class="nb" { (locale.date_short(next.date_in(&card.zone))) ", " (locale.time_markup(*next, &card.zone)) } }.into())]))
            },
            Openings::CannotTell => p class="next" { (locale.text("cannot-tell")) },
            Openings::NoneLeft => p class="meta next" { (locale.text("none-left-way-on")) },
            Openings::MayBeGone { .. } | Openings::NothingPosted => {},
        }
    }
}

/// The state of a clinic as a tag.
pub fn openings_tag(openings: &Openings, locale: &Locale) -> Markup {
    match openings {
        Openings::Open { count, .. } => tag(Tone::Ok, &locale.tell("tag-open", &[("count", (*count).into())])),
        Openings::MayBeGone { count } => tag(
            Tone::Warn,
            &locale.tell("tag-may-be-gone", &[("count", (*count).into())]),
        ),
        Openings::NoneLeft => tag(Tone::Plain, &locale.text("tag-none-left")),
        Openings::NothingPosted => tag(Tone::Plain, &locale.text("tag-nothing-posted")),
        Openings::CannotTell => tag(Tone::Unknown, &locale.text("tag-cannot-tell")),
    }
}

/// One decimal while that tells something.
fn miles_text(miles: f64) -> String {
    if miles < 9.95 {
        format!("{miles:.1}")
    } else {
        format!("{miles:.0}")
    }
}
