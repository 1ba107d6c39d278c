//! Finding: `/`, `/clinics` and `/clinics/{clinic}`. Reads the engine's picture of what is free; goes on when nothing
//! can be booked.

use axum::extract::{Path, State};
use axum::response::Response;
use base::id::ClinicId;
use base::time::{Date, Timestamp, Zone, add_days, date_text, parse_date};
use booking::availability::snapshot::{ClinicAvailability, OpenSlot, Snapshot};
use html::error_summary::Errors;
use html::layout::Page;
use http::StatusCode;
use scheduling::rules::product::Cvx;

use super::form_body::{Form, Query};
use super::page::{self, For, locale};
use super::search::{Search, Unclear, address, folded, name_fits, understand};
use super::times::{address_line, place_of, town_line};
use super::view::clinic::{
    Chip, Choosing, ClinicPage, Day, DayState, Part, TIMES_SHOWN, TimeButton, Times, view as clinic_view,
};
use super::view::home::{Home, search_again, view as home_view};
use super::view::results::{Around, AsOf, Card, Openings, Results, heading, view as results_view};
use super::vaccine;
use crate::api::clinic::tenths_km;
use crate::app::App;

/// Miles around a ZIP code that are searched first.
const MILES: u32 = 25;
/// And next.
const MILES_WIDER: [u32; 3] = [50, 100, 500];
/// Clinics on one page: three screens of a phone.
const CLINICS_SHOWN: usize = 10;
/// Days of the strip.
const DAYS: i64 = 7;
/// Days in the search's list, as many as are published at least.
const DAYS_TO_CHOOSE: i64 = 14;
/// Older than this, numbers are said in the past tense ("may be gone"); older than the setting, not at all.
const OLD_AFTER_S: u64 = 60;
const KM_PER_MILE: f64 = 1.609_344;

/// `GET /`.
pub async fn home(State(app): State<App>, Query(query): Query) -> Response {
    let model = home_model(Search::read(&query), Errors::new(), Vec::new(), &app);
    let mut page = Page::new(locale().text("home-heading"), home_view(&model, locale()));
    page.has_hero = true;
    page::answer(&app, StatusCode::OK, &page, For::Anyone)
}

fn home_model(search: Search, errors: Errors, towns: Vec<(String, String)>, app: &App) -> Home {
    let (rules, snapshot, now) = (app.engine().rules(), app.engine().snapshot(), app.engine().clock().now());
    let zone = rules.jurisdiction().zone.clone();
    let today = now.date_in(&zone);
    let mut open_times = 0_u64;
    let mut products = std::collections::BTreeSet::new();
    for availability in snapshot.clinics() {
        for slot in &availability.slots {
            open_times += u64::from(slot.starts_at > now && slot.free > 0);
            products.insert(slot.vaccine);
        }
    }
    Home {
        search,
        vaccines: vaccine::groups(products, &rules),
        days: (0..DAYS_TO_CHOOSE).map(|n| add_days(today, n)).collect(),
        errors,
        towns,
        open_times: app.can_tell().then_some(open_times),
        as_of: app.engine().as_of(),
        is_working: app.engine().failing().is_empty(),
        zone,
    }
}

/// `GET /clinics`.
pub async fn results(State(app): State<App>, Query(query): Query) -> Response {
    let app = &app;
    let search = Search::read(&query);
    let snapshot = app.engine().snapshot();
    let zips = app.engine();
    let names = snapshot.clinics().iter().map(|a| (a.clinic.city.as_deref().unwrap_or_default(), a.clinic.name.as_str()));
    match understand(&search.place, |zip| zips.zip(zip).is_some(), names) {
        Ok(around) => {
            let model = results_model(&search, around, &snapshot, app);
            let page = Page::new(heading(&model, locale()), results_view(&model, locale()));
            page::answer(app, StatusCode::OK, &page, For::Anyone)
        }
        Err(unclear) => ask_again(search, unclear, app),
    }
}

fn ask_again(search: Search, unclear: Unclear, app: &App) -> Response {
    let place = ("place", (&search.place).into());
    let (words, towns) = match unclear {
        Unclear::Empty => (locale().text("error-place-empty"), Vec::new()),
        Unclear::UnknownZip(zip) => (locale().tell("error-place-zip", &[("zip", (&zip).into())]), Vec::new()),
        Unclear::Unknown => (locale().tell("error-place-unknown", &[place]), Vec::new()),
        Unclear::Towns(towns) => (locale().tell("error-place-towns", &[place]), towns),
    };
    let mut errors = Errors::new();
    errors.add("q", words);
    let towns = towns
        .into_iter()
        .map(|town| {
            let href = Search { place: town.clone(), ..search.clone() }.href("/clinics");
            (town, href)
        })
        .collect();
    let model = home_model(search, errors, towns, app);
    page::to_mend(app, Page::new(locale().text("search-again-heading"), search_again(&model, locale())))
}

fn results_model(search: &Search, around: Around, snapshot: &Snapshot, app: &App) -> Results {
    let (rules, now) = (app.engine().rules(), app.engine().clock().now());
    let asked = vaccine::asked_name(&search.vaccine, &rules);
    let products = asked.as_ref().map(|_| vaccine::products(&search.vaccine, &rules));
    let here = match &around {
        Around::Zip(zip) => app.engine().zip(zip),
        _ => None,
    };
    let within = search.within.unwrap_or(MILES);
    let wanted = folded(&search.place);
    let mut found: Vec<(Option<u32>, &ClinicAvailability)> = snapshot
        .clinics()
        .iter()
        .filter_map(|availability| {
            let clinic = &availability.clinic;
            let far = here.zip(place_of(clinic)).map(|(from, to)| tenths_km(from, to));
            let fits = match &around {
                Around::Zip(_) => far.is_some_and(|far| f64::from(far) <= f64::from(within) * KM_PER_MILE * 10.0),
                Around::Town(town) => clinic.city.as_deref().is_some_and(|city| folded(city) == folded(town)),
                Around::Name(_) => name_fits(&clinic.name, &wanted),
                Around::Everywhere => true,
            };
            let gives = products.as_ref().is_none_or(|products| availability.slots.iter().any(|s| products.contains(&s.vaccine)));
            (fits && gives).then_some((far, &**availability))
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.clinic.name, a.1.clinic.id).cmp(&(b.0, &b.1.clinic.name, b.1.clinic.id)));
    let (count, show) = (found.len(), search.show.unwrap_or(CLINICS_SHOWN));
    let cards = found.iter().take(show).map(|(far, a)| card(search, *far, a, products.as_deref(), now, app)).collect();
    let near = matches!(around, Around::Zip(_));
    let wider = MILES_WIDER.into_iter().find(|miles| near && *miles > within && count < CLINICS_SHOWN);
    Results {
        within_miles: near.then_some(within),
        count,
        vaccine: asked,
        from: search.from,
        cards,
        more: (count > show).then(|| {
            let step = CLINICS_SHOWN.min(count - show);
            (step, Search { show: Some(show + CLINICS_SHOWN), ..search.clone() }.href("/clinics"))
        }),
        wider: wider.map(|miles| (miles, Search { within: Some(miles), show: None, ..search.clone() }.href("/clinics"))),
        change: search.href("/"),
        as_of: as_of(&rules.jurisdiction().zone, app),
        around,
    }
}

/// When the numbers on a page were true.
pub fn as_of(zone: &Zone, app: &App) -> AsOf {
    let (at, now) = (app.engine().as_of(), app.engine().clock().now());
    AsOf { at, now, zone: zone.clone(), is_old: now.since(at).as_secs() > OLD_AFTER_S }
}

fn card(
    search: &Search,
    far: Option<u32>,
    availability: &ClinicAvailability,
    products: Option<&[Cvx]>,
    now: Timestamp,
    app: &App,
) -> Card {
    let clinic = &availability.clinic;
    let from = search.from;
    let fits = |slot: &&OpenSlot| {
        slot.starts_at > now
            && products.is_none_or(|products| products.contains(&slot.vaccine))
            && from.is_none_or(|from| slot.starts_at.date_in(&clinic.zone) >= from)
    };
    let mut all = availability.slots.iter().filter(fits).peekable();
    let has_any = all.peek().is_some();
    let mut open = all.filter(|slot| slot.free > 0).peekable();
    let next = open.peek().map(|slot| slot.starts_at);
    let count = open.count();
    let is_old = as_of(&clinic.zone, app).is_old;
    let openings = match next {
        _ if !app.can_tell() => Openings::CannotTell,
        Some(_) if is_old => Openings::MayBeGone { count },
        Some(next) => Openings::Open { count, next },
        None if has_any => Openings::NoneLeft,
        None => Openings::NothingPosted,
    };
    let town = clinic.city.clone().unwrap_or_default();
    let parts = [clinic.street.clone().unwrap_or_default(), town];
    Card {
        href: address(
            &format!("/clinics/{}", clinic.id),
            &[
                ("vaccine", search.vaccine.clone()),
                ("day", from.map(date_text).unwrap_or_default()),
                ("q", search.place.clone()),
            ],
        ),
        name: clinic.name.clone(),
        street_and_town: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
        miles: far.map(|tenths| f64::from(tenths) / 10.0 / KM_PER_MILE),
        openings,
        zone: clinic.zone.clone(),
    }
}

/// `GET /clinics/{clinic}`.
pub async fn clinic(State(app): State<App>, Path(id): Path<String>, Query(query): Query) -> Response {
    let app = &app;
    let snapshot = app.engine().snapshot();
    let Some(availability) = ClinicId::parse(&id).ok().and_then(|id| snapshot.clinic(id)) else {
        return page::not_found(app);
    };
    let model = clinic_model(availability, &query, &format!("/clinics/{id}"), None, app);
    let page = Page::new(model.name.clone(), clinic_view(&model, &Choosing::See, locale()));
    page::answer(app, StatusCode::OK, &page, For::Anyone)
}

/// A clinic's days and times at an address, which gets `vaccine`, `day`, `more` and `q`. `only` keeps to one vaccine
/// group, for an appointment that moves.
pub fn clinic_model(
    availability: &ClinicAvailability,
    query: &Form,
    path: &str,
    only: Option<&str>,
    app: &App,
) -> ClinicPage {
    let (rules, now) = (app.engine().rules(), app.engine().clock().now());
    let clinic = &availability.clinic;
    let first = availability.slots.partition_point(|slot| slot.starts_at <= now);
    let coming = &availability.slots[first..];
    let groups = vaccine::groups(coming.iter().map(|slot| slot.vaccine), &rules);
    let asked = only.map_or_else(|| query.get("vaccine").to_owned(), str::to_owned);
    let chosen = vaccine::asked_name(&asked, &rules)
        .map(|_| asked.clone())
        .or_else(|| first_open_group(coming, &groups, app))
        .unwrap_or_default();
    let products = vaccine::products(&chosen, &rules);
    let slots: Vec<&OpenSlot> = coming.iter().filter(|slot| products.contains(&slot.vaccine)).collect();
    let place = query.get("q").to_owned();
    let link = |vaccine: &str, day: &str, more: &str| {
        let vaccine = if only.is_some() { String::new() } else { vaccine.to_owned() };
        address(path, &[("vaccine", vaccine), ("day", day.to_owned()), ("more", more.to_owned()), ("q", place.clone())])
    };
    let zone = &clinic.zone;
    let today = now.date_in(zone);
    let first_open = slots.iter().find(|slot| slot.free > 0).map(|slot| slot.starts_at.date_in(zone));
    let day = parse_date(query.get("day")).filter(|day| *day >= today).or(first_open).unwrap_or(today);
    let strip = Strip { day, today, last: slots.last().map(|slot| slot.starts_at.date_in(zone)), can_tell: app.can_tell() };
    let vaccine_name = vaccine::asked_name(&chosen, &rules).unwrap_or_default();
    ClinicPage {
        back: back(&place, app),
        name: clinic.name.clone(),
        address: address_line(clinic),
        phone: clinic.phone.clone(),
        hours: clinic.hours.clone(),
        is_made: !clinic.made.is_empty(),
        vaccines: groups
            .into_iter()
            .map(|group| Chip { is_chosen: group.value == chosen, href: link(&group.value, "", ""), name: group.label })
            .collect(),
        as_of: as_of(zone, app),
        days: strip.days(&slots, zone, |day| format!("{}#times", link(&chosen, &date_text(day), ""))),
        earlier: strip.earlier().map(|day| link(&chosen, &date_text(day), "")),
        later: strip.later().map(|day| link(&chosen, &date_text(day), "")),
        times: app.can_tell().then(|| {
            let more = (!query.has("more")).then(|| format!("{}#times", link(&chosen, &date_text(day), "1")));
            times_of_day(&slots, day, zone, &vaccine_name, more, app)
        }),
        has_nothing: slots.is_empty(),
    }
}

fn back(place: &str, app: &App) -> (String, String) {
    if place.is_empty() {
        return ("/".to_owned(), locale().text("back-to-search"));
    }
    let search = Search { place: place.to_owned(), ..Search::default() };
    let near = place.chars().any(|c| c.is_ascii_digit()) && app.engine().zip(place.trim()).is_some();
    let words = if near { locale().tell("back-to-results", &[("place", place.into())]) } else { locale().text("back-to-clinics") };
    (search.href("/clinics"), words)
}

fn first_open_group(coming: &[OpenSlot], groups: &[html::form::Choice], app: &App) -> Option<String> {
    let open = coming.iter().find(|slot| slot.free > 0).map(|slot| vaccine::group(slot.vaccine, app));
    open.or_else(|| groups.first().map(|group| group.value.clone()))
}

/// Which seven days are shown.
struct Strip {
    day: Date,
    today: Date,
    last: Option<Date>,
    can_tell: bool,
}

impl Strip {
    /// Weeks are counted from today, so that the strip does not jump when another day of it is chosen.
    fn start(&self) -> Date {
        let weeks = base::time::days_between(self.today, self.day).max(0) / DAYS;
        add_days(self.today, weeks * DAYS)
    }

    fn days(&self, slots: &[&OpenSlot], zone: &Zone, link: impl Fn(Date) -> String) -> Vec<Day> {
        (0..DAYS)
            .map(|n| add_days(self.start(), n))
            .map(|date| {
                let mut of_day = slots.iter().filter(|slot| slot.starts_at.date_in(zone) == date).peekable();
                let has_any = of_day.peek().is_some();
                let state = match of_day.filter(|slot| slot.free > 0).count() {
                    _ if !self.can_tell => DayState::CannotTell,
                    0 if has_any => DayState::NoneLeft,
                    0 => DayState::Closed,
                    left => DayState::Left(left),
                };
                Day { date, href: link(date), state, is_chosen: date == self.day }
            })
            .collect()
    }

    fn earlier(&self) -> Option<Date> {
        (self.start() > self.today).then(|| add_days(self.start(), -DAYS))
    }

    fn later(&self) -> Option<Date> {
        let next = add_days(self.start(), DAYS);
        self.last.is_some_and(|last| last >= next).then_some(next)
    }
}

fn times_of_day(slots: &[&OpenSlot], day: Date, zone: &Zone, vaccine: &str, more: Option<String>, app: &App) -> Times {
    let open: Vec<&&OpenSlot> =
        slots.iter().filter(|slot| slot.free > 0 && slot.starts_at.date_in(zone) == day).collect();
    let several_products = slots.windows(2).any(|pair| pair[0].vaccine != pair[1].vaccine);
    let mut parts: std::collections::BTreeMap<Part, Vec<TimeButton>> = std::collections::BTreeMap::new();
    let mut hidden = 0;
    for slot in open {
        let part = parts.entry(Part::of_hour(slot.starts_at.in_zone(zone).time().hour())).or_default();
        if more.is_some() && part.len() >= TIMES_SHOWN {
            hidden += 1;
            continue;
        }
        part.push(TimeButton {
            slot: slot.id,
            at: slot.starts_at,
            product: several_products.then(|| vaccine::name(slot.vaccine, app)),
            free: slot.free,
        });
    }
    Times {
        date: day,
        vaccine: vaccine.to_owned(),
        zone: zone.clone(),
        parts: parts.into_iter().collect(),
        more: more.filter(|_| hidden > 0).map(|href| (hidden, href)),
    }
}

/// What a clinic is called in a list of others: name and town.
pub fn town_of(availability: &ClinicAvailability) -> String {
    availability.clinic.city.clone().unwrap_or_else(|| town_line(&availability.clinic))
}
