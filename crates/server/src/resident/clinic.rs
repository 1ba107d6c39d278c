//! `/clinics/{clinic}`: a clinic's days and times.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use base::id::ClinicId;
use base::time::{Date, Timestamp, Zone, add_days, date_text, days_between, parse_date};
use booking::availability::snapshot::{ClinicAvailability, OpenSlot};
use html::form::Choice;
use html::layout::Page;
use http::StatusCode;
use scheduling::rules::product::Cvx;

use super::form_body::{Form, Query};
use super::page::{self, For, locale};
use super::reach::Reach;
use super::results::as_of;
use super::search::{Search, address};
use super::times::address_line;
use super::vaccine;
use super::view::clinic::{
    Chip, Choosing, ClinicPage, Day, DayState, Part, ProductTimes, TIMES_SHOWN, TimeButton, Times, view,
};
use crate::app::App;

/// Days of the strip.
const DAYS: i64 = 7;

/// Where the links of a clinic's page lead: its own address, or that of an appointment that moves.
#[derive(Debug)]
pub struct Links {
    /// Without a query.
    pub path: String,
    /// What every link repeats.
    pub kept: Vec<(&'static str, String)>,
}

impl Links {
    fn to(&self, pairs: &[(&'static str, String)]) -> String {
        address(&self.path, &[&self.kept, pairs].concat())
    }
}

/// `GET /clinics/{clinic}`.
pub async fn see(State(app): State<App>, Path(id): Path<String>, Query(query): Query) -> Response {
    let app = &app;
    let (snapshot, at) = app.engine().current();
    let Some(availability) = ClinicId::parse(&id).ok().and_then(|id| snapshot.clinic(id)) else {
        return page::not_found(app);
    };
    let links = Links {
        path: format!("/clinics/{id}"),
        kept: vec![("q", query.get("q").to_owned())],
    };
    let model = model((availability, at), &query, &links, None, app);
    let page = Page::new(model.name.clone(), view(&model, &Choosing::See, locale()));
    page::answer(app, StatusCode::OK, &page, For::Visitor)
}

/// A clinic's page for a query with `vaccine`, `day` and `more`. `only` keeps to what an appointment that moves can have.
pub fn model(
    (availability, at): (&ClinicAvailability, Timestamp),
    query: &Form,
    links: &Links,
    only: Option<&Reach<'_>>,
    app: &App,
) -> ClinicPage {
    let (rules, now) = (app.engine().rules(), app.engine().clock().now());
    let (clinic, zone) = (&availability.clinic, &availability.clinic.zone);
    let first = availability.slots.partition_point(|slot| slot.starts_at <= now);
    let coming = &availability.slots[first..];
    let groups = vaccine::groups(coming.iter().map(|slot| slot.vaccine), &rules);
    let asked = only.map_or(query.get("vaccine"), Reach::series);
    let known = vaccine::asked_name(asked, &rules).map(|_| asked.to_owned());
    let group = known
        .or_else(|| first_open_group(coming, &groups, app))
        .unwrap_or_default();
    let products = vaccine::products(&group, &rules);
    let offered: Vec<&OpenSlot> = coming.iter().filter(|slot| products.contains(&slot.vaccine)).collect();
    let slots: Vec<&OpenSlot> = match only {
        Some(reach) => offered.iter().copied().filter(|slot| reach.has(slot, zone)).collect(),
        None => offered.clone(),
    };
    let today = now.date_in(zone);
    let first_open = slots
        .iter()
        .find(|slot| slot.free > 0)
        .map(|slot| slot.starts_at.date_in(zone));
    let asked_day = parse_date(query.get("day")).filter(|day| *day >= today);
    let day = asked_day.or(first_open).unwrap_or(today);
    let last = slots.last().map(|slot| slot.starts_at.date_in(zone));
    let strip = Strip {
        day,
        today,
        last,
        can_tell: app.can_tell(),
    };
    let chosen = if only.is_some() { String::new() } else { group.clone() };
    let on = |day: Date, more: &str| {
        links.to(&[
            ("vaccine", chosen.clone()),
            ("day", date_text(day)),
            ("more", more.to_owned()),
        ])
    };
    ClinicPage {
        back: back(query.get("q"), app),
        name: clinic.name.clone(),
        address: address_line(clinic),
        phone: clinic.phone.clone(),
        hours: clinic.hours.clone(),
        is_made: !clinic.made.is_empty(),
        vaccines: chips(groups, &group, links),
        as_of: as_of(at, zone, app),
        days: strip.days(&offered, &slots, zone, |day| format!("{}#times", on(day, ""))),
        earlier: strip.earlier().map(|day| on(day, "")),
        later: strip.later().map(|day| on(day, "")),
        times: app.can_tell().then(|| {
            let more = (!query.has("more")).then(|| format!("{}#times", on(day, "1")));
            let name = vaccine::asked_name(&group, &rules).unwrap_or_default();
            times_of_day(&slots, day, zone, &name, more, app)
        }),
        has_nothing: slots.is_empty(),
    }
}

fn chips(groups: Vec<Choice>, chosen: &str, links: &Links) -> Vec<Chip> {
    let chip = |group: Choice| Chip {
        is_chosen: group.value == chosen,
        href: links.to(&[("vaccine", group.value)]),
        name: group.label,
    };
    groups.into_iter().map(chip).collect()
}

fn back(place: &str, app: &App) -> (String, String) {
    if place.is_empty() {
        return ("/".to_owned(), locale().text("back-to-search"));
    }
    let search = Search {
        place: place.to_owned(),
        ..Search::default()
    };
    let near = place.chars().any(|c| c.is_ascii_digit()) && app.engine().zip(place.trim()).is_some();
    let words = if near {
        locale().tell("back-to-results", &[("place", place.into())])
    } else {
        locale().text("back-to-clinics")
    };
    (search.href("/clinics"), words)
}

fn first_open_group(coming: &[OpenSlot], groups: &[Choice], app: &App) -> Option<String> {
    let open = coming
        .iter()
        .find(|slot| slot.free > 0)
        .map(|slot| vaccine::group(slot.vaccine, app));
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
        let weeks = days_between(self.today, self.day).max(0) / DAYS;
        add_days(self.today, weeks * DAYS)
    }

    /// `offered` is what the clinic has, `slots` what can be chosen of it: a day with times for others only is not one
    /// on which the clinic is closed.
    fn days(&self, offered: &[&OpenSlot], slots: &[&OpenSlot], zone: &Zone, link: impl Fn(Date) -> String) -> Vec<Day> {
        let is_on = |slot: &OpenSlot, date| slot.starts_at.date_in(zone) == date;
        (0..DAYS)
            .map(|n| add_days(self.start(), n))
            .map(|date| {
                let state = match slots.iter().filter(|slot| slot.free > 0 && is_on(slot, date)).count() {
                    _ if !self.can_tell => DayState::CannotTell,
                    0 if offered.iter().any(|slot| is_on(slot, date)) => DayState::NoneLeft,
                    0 => DayState::Closed,
                    left => DayState::Left(left),
                };
                Day {
                    date,
                    href: link(date),
                    state,
                    is_chosen: date == self.day,
                }
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

/// Open times of a day by product and part of the day: the first six of each, or all when there is nothing more to
/// ask for.
fn times_of_day(slots: &[&OpenSlot], day: Date, zone: &Zone, vaccine: &str, more: Option<String>, app: &App) -> Times {
    let open = slots
        .iter()
        .filter(|slot| slot.free > 0 && slot.starts_at.date_in(zone) == day);
    let mut by_product: BTreeMap<Cvx, BTreeMap<Part, Vec<TimeButton>>> = BTreeMap::new();
    let mut hidden = 0;
    for slot in open {
        let part = Part::of_hour(slot.starts_at.in_zone(zone).time().hour());
        let buttons = by_product.entry(slot.vaccine).or_default().entry(part).or_default();
        if more.is_some() && buttons.len() >= TIMES_SHOWN {
            hidden += 1;
            continue;
        }
        buttons.push(TimeButton {
            slot: slot.id,
            at: slot.starts_at,
            free: slot.free,
        });
    }
    // The name also says for whom a product is ("12 years and older"), which the group's name does not.
    let several = slots.windows(2).any(|pair| pair[0].vaccine != pair[1].vaccine);
    let of_product = |(product, parts): (Cvx, BTreeMap<_, _>)| ProductTimes {
        product: several.then(|| vaccine::name(product, app)),
        parts: parts.into_iter().collect(),
    };
    let mut products: Vec<ProductTimes> = by_product.into_iter().map(of_product).collect();
    products.sort_by_key(|of_product| {
        of_product
            .parts
            .first()
            .and_then(|(_, buttons)| Some(buttons.first()?.at))
    });
    Times {
        date: day,
        vaccine: vaccine.to_owned(),
        zone: zone.clone(),
        products,
        more: more.filter(|_| hidden > 0).map(|href| (hidden, href)),
    }
}
