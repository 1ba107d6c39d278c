//! `/`: the first page.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use base::time::{Timestamp, add_days};
use html::error_summary::Errors;
use html::layout::Page;
use http::StatusCode;
use scheduling::rules::product::Cvx;

use super::form_body::Query;
use super::page::{self, For, locale};
use super::search::Search;
use super::vaccine;
use super::view::home::{Home, view};
use crate::app::App;

/// Days in the search's list, as many as are published at least.
const DAYS_TO_CHOOSE: i64 = 14;

/// `GET /`.
pub async fn see(State(app): State<App>, Query(query): Query) -> Response {
    let model = model(Search::read(&query), Errors::new(), Vec::new(), &app);
    let mut page = Page::new(locale().text("home-heading"), view(&model, locale()));
    page.has_hero = true;
    page::answer(&app, StatusCode::OK, &page, For::Anyone)
}

/// The page with what was typed, and what to mend.
pub fn model(search: Search, errors: Errors, towns: Vec<(String, String)>, app: &App) -> Home {
    let (rules, now) = (app.engine().rules(), app.engine().clock().now());
    let zone = rules.jurisdiction().zone.clone();
    let today = now.date_in(&zone);
    let counted = app.counted().of(app);
    Home {
        search,
        vaccines: vaccine::groups(counted.products, &rules),
        days: (0..DAYS_TO_CHOOSE).map(|n| add_days(today, n)).collect(),
        errors,
        towns,
        open_times: app.can_tell().then_some(counted.open_times),
        as_of: counted.as_of,
        is_working: app.engine().failing().is_empty(),
        zone,
    }
}

/// How long a count is good for: it is shown with the minute in which it was true.
const COUNT_LIFETIME: Duration = Duration::from_secs(1);

/// What the first page counts over all times, counted once a second and not for each visitor.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<Count>>);

#[derive(Debug, Clone)]
struct Count {
    counted_at: Duration,
    as_of: Timestamp,
    open_times: u64,
    products: BTreeSet<Cvx>,
}

impl Counted {
    fn of(&self, app: &App) -> Count {
        let monotonic = app.engine().clock().monotonic();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(count) if monotonic.saturating_sub(count.counted_at) < COUNT_LIFETIME => count.clone(),
            _ => kept.insert(Count::new(monotonic, app)).clone(),
        }
    }
}

impl Count {
    fn new(counted_at: Duration, app: &App) -> Self {
        let (snapshot, as_of) = app.engine().current();
        let now = app.engine().clock().now();
        let mut count = Self {
            counted_at,
            as_of,
            open_times: 0,
            products: BTreeSet::new(),
        };
        for slot in snapshot.clinics().iter().flat_map(|availability| &availability.slots) {
            count.open_times += u64::from(slot.starts_at > now && slot.free > 0);
            count.products.insert(slot.vaccine);
        }
        count
    }
}
