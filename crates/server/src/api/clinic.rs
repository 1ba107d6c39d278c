//! `GET /api/v1/clinics`: the clinics near a ZIP, or all of them, each with what is free and when the next time is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use base::time::Timestamp;
use booking::availability::snapshot::{ClinicAvailability, Snapshot};
use http::HeaderMap;
use scheduling::rules::product::Cvx;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::ready_answer::{ReadyAnswer, Source};
use super::slot::VACCINE;
use crate::answer::AskError;
use crate::app::App;
use crate::limit::{WITHIN_KM_DEFAULT, WITHIN_KM_MAX, WITHIN_KM_MIN};
use crate::request::arrival::Arrived;
use crate::request::cursor::{self, AfterClinic};
use crate::request::fields::Findings;
use crate::request::query::{Query, RawQuery};

/// Where a clinic is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Address {
    /// House number and street; null when not known.
    #[schema(required)]
    pub street: Option<String>,
    /// City or town.
    #[schema(required)]
    pub city: Option<String>,
    /// Two letters.
    #[schema(required)]
    pub state: Option<String>,
    /// Five digits; null when not known.
    #[schema(required)]
    pub zip: Option<String>,
}

/// A clinic and what it has.
#[derive(Debug, Serialize, ToSchema)]
pub struct Clinic {
    /// Opaque.
    #[schema(example = "cln-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub id: String,
    /// As people know it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Null when it has none.
    #[schema(required)]
    pub phone: Option<String>,
    /// Degrees north (WGS 84); null when not known.
    #[schema(required)]
    pub latitude: Option<f64>,
    /// Degrees east (WGS 84); null when not known.
    #[schema(required)]
    pub longitude: Option<f64>,
    /// Great-circle distance from `near`, to a tenth; null when it cannot be told.
    #[schema(required)]
    pub distance_km: Option<f64>,
    /// Start of the next time with a free place, in the clinic's offset. Null with `free` 0: none in the published
    /// days. Null with `free` null: cannot tell.
    #[schema(required, format = DateTime)]
    pub next_available: Option<String>,
    /// Free places in the published days: 0 is none, null is "cannot tell".
    #[schema(required, minimum = 0)]
    pub free: Option<u32>,
}

/// Some clinics.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClinicList {
    /// By distance, then name.
    pub clinics: Vec<Clinic>,
    /// When the server last confirmed that this is current.
    #[schema(format = DateTime, example = "2026-11-24T14:02:00Z")]
    pub as_of: String,
    /// Where the list goes on, or null.
    #[schema(required)]
    pub next: Option<String>,
}

/// The query of `GET /clinics`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query; `ClinicQuestion::read` reads it")]
pub struct ClinicQuery {
    /// Five-digit ZIP. Without it: all clinics, by name.
    #[param(required = false, pattern = "^[0-9]{5}$", example = "01602")]
    near: String,
    /// Kilometres from the ZIP's centre; counts only with `near`.
    #[param(required = false, minimum = 1, maximum = 500, default = 40)]
    within_km: f64,
    /// CVX code: only clinics that offer it, and only its times counted.
    #[param(required = false, pattern = "^([0-9]{2}|[1-9][0-9]{2})$", example = "03")]
    vaccine: String,
    /// Entries at most.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The `next` of an earlier answer to the same question.
    #[param(required = false, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: String,
}

const NAMES: &[&str] = &["near", "within_km", "vaccine", "limit", "cursor"];

/// What `GET /clinics` was asked, read.
struct ClinicQuestion {
    near: Option<(f64, f64)>,
    within_tenths_km: u32,
    vaccine: Option<Cvx>,
    limit: usize,
    after: Option<AfterClinic>,
}

impl ClinicQuestion {
    fn read(query: &Query, zip: impl Fn(&str) -> Option<(f64, f64)>) -> Result<Self, AskError> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let near = query.optional("near", "a five-digit ZIP that exists", f, zip);
        let within = query.optional("within_km", "a number from 1 to 500", f, kilometres);
        let vaccine = query.optional("vaccine", VACCINE, f, Cvx::parse);
        let limit = query.limit(f);
        let after = query.optional("cursor", cursor::EXPECTED, f, AfterClinic::open);
        let question = (|| {
            let within_tenths_km = (within?.unwrap_or(WITHIN_KM_DEFAULT) * 10.0).round() as u32;
            Some(Self {
                near: near?,
                within_tenths_km,
                vaccine: vaccine?,
                limit: limit?,
                after: after?,
            })
        })();
        findings.conclude(question)
    }
}

/// Decimal digits with at most one point, within the bounds of the contract.
fn kilometres(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.starts_with(|c: char| c.is_ascii_digit());
    let value: f64 = plain.then(|| text.parse().ok()).flatten()?;
    (WITHIN_KM_MIN..=WITHIN_KM_MAX).contains(&value).then_some(value)
}

/// Clinics near a ZIP, or all of them.
///
/// With `near`: those within reach, by distance, then name. Without: all, by name, for finders.
#[utoipa::path(
    get, path = "/api/v1/clinics", tag = "find", operation_id = "list_clinics", params(ClinicQuery),
    responses((status = 200, description = "Clinics, by distance, then name.", body = ClinicList)),
)]
pub async fn list(
    State(app): State<App>,
    Arrived(now): Arrived,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, AskError> {
    let (snapshot, as_of) = app.engine().current();
    let can_tell = app.can_tell_at(now, as_of);
    let source = Source::Everything(snapshot.version());
    let question = ["clinics?", &raw].concat();
    if let Some(ready) = app.ready_answers().find(&question)
        && ready.source == source
        && now < ready.until
        && can_tell == ready.can_tell
    {
        return Ok(ready.respond(&headers, as_of));
    }
    let query = Query::parse(&raw, NAMES)?;
    let asked = ClinicQuestion::read(&query, |zip| app.engine().zip(zip))?;
    let ready = Arc::new(answer(&asked, &snapshot, now, can_tell));
    app.ready_answers().keep(&question, &ready);
    Ok(ready.respond(&headers, as_of))
}

fn answer(asked: &ClinicQuestion, snapshot: &Snapshot, now: Timestamp, can_tell: bool) -> ReadyAnswer {
    let mut found: Vec<(AfterClinic, Option<u32>, &Arc<ClinicAvailability>)> = snapshot
        .clinics()
        .iter()
        .filter_map(|availability| {
            let clinic = &availability.clinic;
            let distance = match asked.near {
                Some(from) => Some(tenths_km(from, (clinic.latitude?, clinic.longitude?))),
                None => None,
            };
            if distance.is_some_and(|distance| distance > asked.within_tenths_km) || !offers(availability, asked) {
                return None;
            }
            let key = AfterClinic {
                tenths_km: distance.unwrap_or(0),
                name: clinic.name.clone(),
                id: clinic.id,
            };
            asked
                .after
                .as_ref()
                .is_none_or(|after| key > *after)
                .then_some((key, distance, availability))
        })
        .collect();
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let next = (found.len() > asked.limit).then(|| found[asked.limit - 1].0.seal());
    found.truncate(asked.limit);
    let mut until = FOREVER;
    let entries: Vec<Clinic> = found
        .iter()
        .map(|(_, distance, availability)| {
            let openings = Openings::of(availability, asked.vaccine, now);
            until = until.min(openings.until);
            shown(availability, *distance, can_tell.then_some(&openings))
        })
        .collect();
    let mut json = b"\"clinics\":".to_vec();
    serde_json::to_writer(&mut json, &entries).expect("clinics are plain values");
    let source = Source::Everything(snapshot.version());
    ReadyAnswer::new(source, until, can_tell, &json, next.as_deref())
}

/// Without a vaccine in the question every clinic counts, also one that has no times yet.
fn offers(availability: &ClinicAvailability, asked: &ClinicQuestion) -> bool {
    asked
        .vaccine
        .is_none_or(|vaccine| availability.slots.iter().any(|slot| slot.vaccine == vaccine))
}

/// What a clinic has from now on.
#[derive(Debug)]
pub struct Openings {
    /// Start of the first time with a free place.
    pub next: Option<Timestamp>,
    /// Free places in all.
    pub free: u32,
    /// When the first of the counted times begins, and the count with it ends.
    pub until: Timestamp,
}

impl Openings {
    /// Counts the future times of a clinic, or those of one vaccine.
    pub fn of(availability: &ClinicAvailability, vaccine: Option<Cvx>, now: Timestamp) -> Self {
        let first = availability.slots.partition_point(|slot| slot.starts_at <= now);
        let mut openings = Self {
            next: None,
            free: 0,
            until: FOREVER,
        };
        for slot in &availability.slots[first..] {
            if slot.free == 0 || vaccine.is_some_and(|vaccine| slot.vaccine != vaccine) {
                continue;
            }
            if openings.next.is_none() {
                openings.next = Some(slot.starts_at);
                openings.until = slot.starts_at;
            }
            openings.free += u32::from(slot.free);
        }
        openings
    }
}

fn shown(availability: &ClinicAvailability, tenths_km: Option<u32>, openings: Option<&Openings>) -> Clinic {
    let clinic = &availability.clinic;
    Clinic {
        id: clinic.id.to_string(),
        name: clinic.name.clone(),
        address: Address {
            street: clinic.street.clone(),
            city: clinic.city.clone(),
            state: clinic.state.clone(),
            zip: clinic.zip.clone(),
        },
        phone: clinic.phone.clone(),
        latitude: clinic.latitude,
        longitude: clinic.longitude,
        distance_km: tenths_km.map(|tenths| f64::from(tenths) / 10.0),
        next_available: openings
            .and_then(|o| o.next)
            .map(|start| start.rfc3339_in(&clinic.zone)),
        free: openings.map(|o| o.free),
    }
}

/// Mean radius of the earth (IUGG), in kilometres.
const EARTH_KM: f64 = 6_371.008_8;
const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Great-circle distance in tenths of a kilometre by the haversine formula: what is shown is what is sorted by.
pub fn tenths_km(from: (f64, f64), to: (f64, f64)) -> u32 {
    let (from_latitude, to_latitude) = (from.0.to_radians(), to.0.to_radians());
    let half_latitude = ((to_latitude - from_latitude) / 2.0).sin();
    let half_longitude = ((to.1 - from.1).to_radians() / 2.0).sin();
    let h = half_latitude.mul_add(
        half_latitude,
        from_latitude.cos() * to_latitude.cos() * half_longitude * half_longitude,
    );
    (2.0 * EARTH_KM * h.clamp(0.0, 1.0).sqrt().asin() * 10.0).round() as u32
}
