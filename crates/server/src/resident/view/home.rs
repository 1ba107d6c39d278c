//! The first page: what this is, and the one question with which finding begins.

use base::time::{Date, Timestamp, Zone};
use html::error_summary::{Errors, error_summary};
use html::form::{Choice, TextField, Width, primary_button, select};
use html::icon::Icon;
use html::locale::Locale;
use html::{Markup, html};

use crate::resident::search::{Search, place_words_max};

/// What the first page shows.
#[derive(Debug)]
pub struct Home {
    /// What was typed and chosen.
    pub search: Search,
    /// The vaccines that are given here: code and name.
    pub vaccines: Vec<Choice>,
    /// Days from which on to look.
    pub days: Vec<Date>,
    /// What to mend.
    pub errors: Errors,
    /// Towns that what was typed could mean, each with a search for it.
    pub towns: Vec<(String, String)>,
    /// How many open times there are, unless we cannot tell.
    pub open_times: Option<u64>,
    /// When that was last confirmed.
    pub as_of: Timestamp,
    /// Whether booking works.
    pub is_working: bool,
    /// In which zone to say it.
    pub zone: Zone,
}

/// The page's content.
pub fn view(home: &Home, locale: &Locale) -> Markup {
    html! {
        div class="hero" {
            div class="hero-text" {
                h1 { (locale.text("home-heading")) }
                p { (locale.text("home-no-account")) }
            }
            form class="hero-form card" action="/clinics" method="get" { (fields(home, locale)) }
        }
        ul class="facts" {
            li {
                (Icon::Calendar.markup())
                div { strong { (locale.text("home-manage-title")) } (locale.text("home-manage-body")) " " a href="/my-appointment" { (locale.text("home-manage-code")) } }
            }
            (open_times(home, locale))
            (working(home, locale))
        }
    }
}

/// The search form alone, for the page that asks to mend it.
pub fn search_again(home: &Home, locale: &Locale) -> Markup {
    html! {
        (error_summary(&home.errors, locale))
        h1 { (locale.text("search-again-heading")) }
        @if !home.towns.is_empty() {
            p class="lead" { (locale.text("search-towns")) }
            ul class="chips" {
                @for (town, href) in &home.towns { li { a class="chip" href=(href) { bdi { (town) } } } }
            }
        }
        form action="/clinics" method="get" { (fields(home, locale)) }
    }
}

fn fields(home: &Home, locale: &Locale) -> Markup {
    let mut vaccines = vec![Choice::new("", locale.text("search-any-vaccine"))];
    vaccines.extend(home.vaccines.iter().cloned());
    let mut days = vec![Choice::new("", locale.text("search-any-day"))];
    days.extend(
        home.days
            .iter()
            .map(|day| Choice::new(base::time::date_text(*day), locale.date_day(*day))),
    );
    let chosen_day = home.search.from.map(base::time::date_text).unwrap_or_default();
    html! {
        (TextField {
            name: "q",
            label: &locale.text("search-place"),
            hint: Some(&locale.text("search-place-hint")),
            error: home.errors.of("q"),
            value: &home.search.place,
            kind: "text",
            autocomplete: "postal-code",
            width: Width::Full,
            longest: place_words_max(),
        }.markup())
        (select("vaccine", &locale.text("search-vaccine"), None, &vaccines, &home.search.vaccine, ""))
        (select("from", &locale.text("search-from"), None, &days, &chosen_day, ""))
        div class="buttons" { (primary_button(&locale.text("search-button"))) }
    }
}

fn open_times(home: &Home, locale: &Locale) -> Markup {
    let as_of = locale.rich(
        "home-open-as-of",
        &[("time", locale.time_markup(home.as_of, &home.zone).into())],
    );
    html! {
        li {
            (Icon::Clock.markup())
            @match home.open_times {
                Some(0) => div { strong { (locale.text("home-open-none")) } (as_of) },
                Some(count) => div { strong { (locale.tell("home-open-title", &[("count", count.into())])) } (as_of) },
                None => div { strong { (locale.text("home-open-unknown")) } (as_of) },
            }
        }
    }
}

fn working(home: &Home, locale: &Locale) -> Markup {
    let (class, icon, title, body) = if home.is_working {
        ("fact-ok", Icon::Ok, "home-working-title", "home-working-body")
    } else {
        ("fact-warn", Icon::Warn, "home-paused-title", "home-paused-body")
    };
    html! { li class=(class) { (icon.markup()) div { strong { (locale.text(title)) } (locale.text(body)) } } }
}
