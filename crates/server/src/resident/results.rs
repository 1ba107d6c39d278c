//! `/clinics`: what fits a search, or a question about the place that was typed.

use axum::extract::State;
use axum::response::Response;
use base::time::{Timestamp, Zone, date_text};
use booking::availability::snapshot::{ClinicAvailability, OpenSlot, Snapshot};
use html::error_summary::Errors;
use html::layout::Page;
use http::StatusCode;
use scheduling::rules::product::Cvx;

use super::form_body::Query;
use super::page::{self, For, locale};
use super::search::{Search, Unclear, address, folded, name_fits, understand};
use super::times::place_of;
use super::view::home::search_again;
use super::view::results::{Around, AsOf, Card, Openings, Results, heading, view};
use super::{home, vaccine};
use crate::api::clinic::tenths_km;
use crate::app::App;

/// Miles around a ZIP code that are searched first.
const MILES: u32 = 25;
/// And next.
const MILES_WIDER: [u32; 3] = [50, 100, 500];
/// Clinics on one page: three screens of a phone.
const CLINICS_SHOWN: usize = 10;
/// Older than this, numbers are said in the past tense ("may be gone"); older than the setting, not at all.
const OLD_AFTER_S: u64 = 60;
/// The international mile.
pub const KM_PER_MILE: f64 = 1.609_344;

/// `GET /clinics`.
pub async fn see(State(app): State<App>, Query(query): Query) -> Response {
    let app = &app;
    let search = Search::read(&query);
    let (snapshot, at) = app.engine().current();
    let zips = app.engine();
    let names = snapshot
        .clinics()
        .iter()
        .map(|a| (a.clinic.city.as_deref().unwrap_or_default(), a.clinic.name.as_str()));
    match understand(&search.place, |zip| zips.zip(zip).is_some(), names) {
        Ok(around) => {
            let model = model(&search, around, (&snapshot, at), app);
            let page = Page::new(heading(&model, locale()), view(&model, locale()));
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
            let href = Search {
                place: town.clone(),
                ..search.clone()
            }
            .href("/clinics");
            (town, href)
        })
        .collect();
    let model = home::model(search, errors, towns, app);
    page::to_mend(
        app,
        Page::new(locale().text("search-again-heading"), search_again(&model, locale())),
    )
}

fn model(search: &Search, around: Around, (snapshot, at): (&Snapshot, Timestamp), app: &App) -> Results {
    let rules = app.engine().rules();
    let asked = vaccine::asked_name(&search.vaccine, &rules);
    let products = asked.as_ref().map(|_| vaccine::products(&search.vaccine, &rules));
    let here = place(&around, app);
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
            let gives = products
                .as_ref()
                .is_none_or(|products| availability.slots.iter().any(|s| products.contains(&s.vaccine)));
            (fits && gives).then_some((far, &**availability))
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.clinic.name, a.1.clinic.id).cmp(&(b.0, &b.1.clinic.name, b.1.clinic.id)));
    let as_of = as_of(at, &rules.jurisdiction().zone, app);
    let (count, show) = (found.len(), search.show.unwrap_or(CLINICS_SHOWN));
    let cards = found
        .iter()
        .take(show)
        .map(|(far, a)| card(search, *far, a, products.as_deref(), &as_of, app))
        .collect();
    let near = matches!(around, Around::Zip(_));
    let wider = MILES_WIDER.into_iter().find(|miles| *miles > within);
    let wider = wider.filter(|_| near && count < CLINICS_SHOWN);
    Results {
        within_miles: near.then_some(within),
        count,
        vaccine: asked,
        from: search.from,
        cards,
        more: (count > show).then(|| {
            let step = CLINICS_SHOWN.min(count - show);
            (
                step,
                Search {
                    show: Some(show + CLINICS_SHOWN),
                    ..search.clone()
                }
                .href("/clinics"),
            )
        }),
        wider: wider.map(|miles| {
            (
                miles,
                Search {
                    within: Some(miles),
                    show: None,
                    ..search.clone()
                }
                .href("/clinics"),
            )
        }),
        change: search.href("/"),
        as_of,
        around,
    }
}

/// Where is searched around.
fn place(around: &Around, app: &App) -> Option<(f64, f64)> {
    match around {
        Around::Zip(zip) => app.engine().zip(zip),
        _ => None,
    }
}

/// When the numbers on a page were true: the instant that came with the picture they are read from. One read later
/// may be that of a newer picture.
pub fn as_of(at: Timestamp, zone: &Zone, app: &App) -> AsOf {
    let now = app.engine().clock().now();
    AsOf {
        at,
        now,
        zone: zone.clone(),
        is_old: now.since(at).as_secs() > OLD_AFTER_S,
    }
}

fn card(
    search: &Search,
    far: Option<u32>,
    availability: &ClinicAvailability,
    products: Option<&[Cvx]>,
    as_of: &AsOf,
    app: &App,
) -> Card {
    let clinic = &availability.clinic;
    let from = search.from;
    let fits = |slot: &&OpenSlot| {
        slot.starts_at > as_of.now
            && products.is_none_or(|products| products.contains(&slot.vaccine))
            && from.is_none_or(|from| slot.starts_at.date_in(&clinic.zone) >= from)
    };
    let mut all = availability.slots.iter().filter(fits).peekable();
    let has_any = all.peek().is_some();
    let mut open = all.filter(|slot| slot.free > 0).peekable();
    let next = open.peek().map(|slot| slot.starts_at);
    let count = open.count();
    let openings = match next {
        _ if !app.can_tell() => Openings::CannotTell,
        Some(_) if as_of.is_old => Openings::MayBeGone { count },
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
        street_and_town: parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
        miles: far.map(|tenths| f64::from(tenths) / 10.0 / KM_PER_MILE),
        openings,
        zone: clinic.zone.clone(),
    }
}
