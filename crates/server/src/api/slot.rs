//! `GET /api/v1/slots`: a clinic's appointment times, full ones too, by start and then id.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use base::id::ClinicId;
use base::time::{Date, Time, Timestamp, Zone, add_days, days_between, parse_date};
use booking::availability::snapshot::{ClinicAvailability, OpenSlot};
use booking::engine::SlotSeen;
use http::HeaderMap;
use scheduling::rules::product::Cvx;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::ready_answer::{ReadyAnswer, Source};
use crate::answer::AskError;
use crate::app::App;
use crate::limit::{DAYS_DEFAULT, DAYS_MAX, ID_CHARACTERS_MAX};
use crate::request::arrival::Arrived;
use crate::request::cursor::{self, AfterSlot};
use crate::request::fields::Findings;
use crate::request::query::{Query, RawQuery};

/// An appointment time at a clinic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Slot {
    /// Opaque.
    #[schema(example = "slt-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub id: String,
    /// The clinic's id.
    #[schema(example = "cln-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub clinic: String,
    /// In the clinic's offset.
    #[schema(format = DateTime, example = "2026-12-01T09:20:00-05:00")]
    pub start: String,
    /// In the clinic's offset.
    #[schema(format = DateTime, example = "2026-12-01T09:40:00-05:00")]
    pub end: String,
    /// CVX code.
    #[schema(example = "03")]
    pub vaccine: String,
}

impl Slot {
    /// A slot in the wall time of its clinic.
    pub fn new(slot: &SlotSeen, zone: &Zone) -> Self {
        Self {
            id: slot.id.to_string(),
            clinic: slot.clinic.to_string(),
            start: slot.starts_at.rfc3339_in(zone),
            end: slot.ends_at.rfc3339_in(zone),
            vaccine: slot.vaccine.to_string(),
        }
    }

    /// A slot of the snapshot.
    pub fn open(slot: &OpenSlot, clinic: ClinicId, zone: &Zone) -> Self {
        Self {
            id: slot.id.to_string(),
            clinic: clinic.to_string(),
            start: slot.starts_at.rfc3339_in(zone),
            end: slot.ends_at.rfc3339_in(zone),
            vaccine: slot.vaccine.to_string(),
        }
    }
}

/// An appointment time with the number of its places.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotOffered {
    /// The time.
    #[serde(flatten)]
    pub slot: Slot,
    /// Places in all.
    #[schema(minimum = 0)]
    pub capacity: u16,
    /// Places left: 0 is none, null is "cannot tell".
    #[schema(required, minimum = 0)]
    pub free: Option<u16>,
}

/// Some of a clinic's slots.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotList {
    /// By start, then id.
    pub slots: Vec<SlotOffered>,
    /// When the server last confirmed that this is current.
    #[schema(format = DateTime, example = "2026-11-24T14:02:00Z")]
    pub as_of: String,
    /// Where the list goes on, or null.
    #[schema(required)]
    pub next: Option<String>,
}

/// The query of `GET /slots`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query; `SlotQuestion::read` reads it")]
pub struct SlotQuery {
    /// The clinic's id. An unknown one is 404, one longer than an id can be is 422.
    #[param(min_length = 1, max_length = 64, example = "cln-01jd3v8qk2s0v6m2x4y8z0a1b2")]
    clinic: String,
    /// First day, in the clinic's time; default today.
    #[param(format = Date, required = false, example = "2026-12-01")]
    from: String,
    /// Last day, inclusive, at most 366 days from the first; default 14 days after the first.
    #[param(format = Date, required = false, example = "2026-12-15")]
    to: String,
    /// CVX code.
    #[param(required = false, pattern = "^([0-9]{2}|[1-9][0-9]{2})$", example = "03")]
    vaccine: String,
    /// Entries at most.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The `next` of an earlier answer to the same question.
    #[param(required = false, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: String,
}

const NAMES: &[&str] = &["clinic", "from", "to", "vaccine", "limit", "cursor"];

/// What `GET /slots` was asked, read.
struct SlotQuestion {
    first: Date,
    last: Date,
    vaccine: Option<Cvx>,
    limit: usize,
    after: Option<AfterSlot>,
    /// The days were counted from today, so the answer ends with it.
    of_today: bool,
}

impl SlotQuestion {
    fn read(query: &Query, today: Date) -> Result<Self, AskError> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let from = query.optional("from", DATE, f, parse_date);
        let to = query.optional("to", DATE, f, parse_date);
        let vaccine = query.optional("vaccine", VACCINE, f, Cvx::parse);
        let limit = query.limit(f);
        let after = query.optional("cursor", cursor::EXPECTED, f, AfterSlot::open);
        let question = (|| {
            let (from, to) = (from?, to?);
            let first = from.unwrap_or(today);
            let last = to.unwrap_or_else(|| add_days(first, DAYS_DEFAULT));
            if !(0..DAYS_MAX).contains(&days_between(first, last)) {
                findings.invalid("to", format!("a day from `from` on, at most {DAYS_MAX} days in all"));
                return None;
            }
            let of_today = from.is_none();
            Some(Self {
                first,
                last,
                vaccine: vaccine?,
                limit: limit?,
                after: after?,
                of_today,
            })
        })();
        findings.conclude(question)
    }

    fn wants(&self, slot: &OpenSlot) -> bool {
        self.vaccine.is_none_or(|vaccine| slot.vaccine == vaccine)
    }
}

/// What a date in a query must be.
const DATE: &str = "a date, YYYY-MM-DD";
/// What a vaccine in a query must be. Whether we offer it is another question, whose answer is an empty list.
pub const VACCINE: &str = "a CVX code of two or three digits, such as 03";

/// The appointment times of a clinic.
///
/// Future ones only, full ones too, so that a calendar can show what is gone.
#[utoipa::path(
    get, path = "/api/v1/slots", tag = "find", operation_id = "list_slots", params(SlotQuery),
    responses((status = 200, description = "Appointment times, by start, then id.", body = SlotList)),
)]
pub async fn list(
    State(app): State<App>,
    Arrived(now): Arrived,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, AskError> {
    let (snapshot, as_of) = app.engine().current();
    let can_tell = app.can_tell_at(now, as_of);
    let question = ["slots?", &raw].concat();
    if let Some(ready) = app.ready_answers().find(&question) {
        let current = match ready.source {
            Source::Clinic(id, version) => snapshot.clinic(id).is_some_and(|clinic| clinic.version == version),
            Source::Everything(_) => false,
        };
        if current && now < ready.until && can_tell == ready.can_tell {
            return Ok(ready.respond(&headers, as_of));
        }
    }
    let query = Query::parse(&raw, NAMES)?;
    let mut findings = Findings::default();
    let id = query.required("clinic", "the id of a clinic", &mut findings, |text| {
        (1..=ID_CHARACTERS_MAX)
            .contains(&text.chars().count())
            .then(|| ClinicId::parse(text).ok())
    });
    let id = findings.conclude(id)?;
    let clinic = id.and_then(|id| snapshot.clinic(id)).ok_or(AskError::NotFound)?;
    let asked = SlotQuestion::read(&query, now.date_in(&clinic.clinic.zone))?;
    let ready = Arc::new(answer(&asked, clinic, now, can_tell));
    app.ready_answers().keep(&question, &ready);
    Ok(ready.respond(&headers, as_of))
}

fn answer(asked: &SlotQuestion, clinic: &ClinicAvailability, now: Timestamp, can_tell: bool) -> ReadyAnswer {
    let zone = &clinic.clinic.zone;
    let begin = zone.at(asked.first, Time::midnight());
    let end = zone.at(add_days(asked.last, 1), Time::midnight());
    let first = clinic
        .slots
        .partition_point(|slot| slot.starts_at <= now || slot.starts_at < begin);
    let mut rest = clinic.slots[first..]
        .iter()
        .take_while(|slot| slot.starts_at < end)
        .filter(|slot| asked.wants(slot))
        .filter(|slot| {
            asked
                .after
                .is_none_or(|after| (slot.starts_at, slot.id) > (after.starts_at, after.id))
        });
    let given: Vec<&OpenSlot> = rest.by_ref().take(asked.limit).collect();
    let next = rest.next().and(given.last()).map(|last| {
        AfterSlot {
            starts_at: last.starts_at,
            id: last.id,
        }
        .seal()
    });
    let entries: Vec<SlotOffered> = given
        .iter()
        .map(|slot| SlotOffered {
            slot: Slot::open(slot, clinic.clinic.id, zone),
            capacity: slot.capacity,
            free: can_tell.then_some(slot.free),
        })
        .collect();
    let mut json = b"\"slots\":".to_vec();
    serde_json::to_writer(&mut json, &entries).expect("slots are plain values");
    let day_ends = if asked.of_today {
        zone.at(add_days(now.date_in(zone), 1), Time::midnight())
    } else {
        FOREVER
    };
    let until = given.first().map_or(day_ends, |slot| slot.starts_at.min(day_ends));
    let source = Source::Clinic(clinic.clinic.id, clinic.version);
    ReadyAnswer::new(source, until, can_tell, &json, next.as_deref())
}

const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);
