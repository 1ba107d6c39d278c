//! The one place that turns what happened into HTTP: a verdict of the engine (done, refused, invalid, not found), a
//! fault of the world (503), a bug of ours (500), or a request that was not one (4xx). Knows every public code; never
//! shows an inner cause.

mod code;
pub mod keeping;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base::answer::Fault;
use base::id::SlotId;
use base::time::{Zone, date_text};
use booking::engine::{Done, Render, Rendered, Reply, SlotSeen, Verdict};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use runtime::http::problem::{self, Problem};
use runtime::http::trace::{self, Code, TraceId};
use scheduling::refusal::Refusal;
use serde::Serialize;

pub use code::{CODES, CodeText, text_of};

use crate::api::appointment::{Appointment, AppointmentBooked, AppointmentMoved, AppointmentsBooked};
use crate::api::hold::Hold;
use crate::api::problem::FieldError;
use crate::api::ready_answer::{dress, etag_of, matches, not_modified};
use crate::api::slot::Slot;
use crate::app::App;
use crate::limit::NEAREST;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static(problem::CONTENT);
/// Says that this answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// What changes with a release only may be kept for five minutes.
const SLOWLY: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// What is wrong with a request before the engine hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// Not readable at all, or with names that the call does not know.
    Malformed {
        /// What stopped the reading.
        detail: String,
        /// The fields at fault, if it were fields.
        errors: Vec<FieldError>,
    },
    /// Readable, but these fields hold what they may not.
    Invalid(Vec<FieldError>),
    /// No usable idempotency key.
    KeyMissing,
    /// No credential.
    Unauthorized,
    /// Nothing here, or nothing for this credential: the same answer.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than this many bytes.
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Not JSON.
    UnsupportedMediaType,
    /// For another host.
    UnknownHost,
}

impl AskError {
    /// The public code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Invalid(_) => "invalid",
            Self::KeyMissing => "idempotency-key-missing",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooLarge { .. } => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::UnknownHost => "unknown-host",
        }
    }
}

impl IntoResponse for AskError {
    fn into_response(self) -> Response {
        let unauthorized = self == Self::Unauthorized;
        let problem = problem_of(self.code());
        let problem = match self {
            Self::Malformed { detail, errors } => with_errors(problem.detail(detail), errors),
            Self::Invalid(errors) => with_errors(problem, errors),
            Self::TooLarge { max } => problem.detail(format!("The body is larger than {max} bytes.")),
            _ => problem,
        };
        let mut response = problem.into_response();
        if unauthorized {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn with_errors(problem: Problem, errors: Vec<FieldError>) -> Problem {
    errors
        .into_iter()
        .fold(problem, |problem, error| problem.field(error.field, error.expected))
}

/// The problem that a code stands for, with its documented words.
pub fn problem_of(code: &str) -> Problem {
    let text = text_of(code);
    let status = StatusCode::from_u16(text.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(status, text.code, text.title).detail(text.detail)
}

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A personal answer: never kept by anyone on the way.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    answer(status, JSON, bytes(value))
}

/// An answer that is the same for everyone and changes seldom.
pub fn public_json(headers: &HeaderMap, value: &impl Serialize) -> Response {
    let body = bytes(value);
    let etag = etag_of(&[&body]);
    if matches(headers, &etag) {
        return not_modified(&etag, SLOWLY);
    }
    let mut response = Response::new(Body::from(body));
    dress(response.headers_mut(), &etag, SLOWLY, JSON);
    response
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("answers are plain values")
}

/// The world failed: 503, when to try again, and whether the retry needs the same key.
pub fn fault(fault: Fault) -> Response {
    problem_of(fault.code())
        .retry(fault.retry_after_s(), fault.retry_needs_key())
        .into_response()
}

/// What the engine replied to a command, or the fault that kept it from deciding.
pub fn reply(reply: Result<Reply, Fault>) -> Response {
    let reply = match reply {
        Ok(reply) => reply,
        Err(failed) => return fault(failed),
    };
    if reply.bug {
        return Problem::bug().into_response();
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = if status.is_success() { JSON } else { PROBLEM_JSON };
    let mut response = answer(status, content_type, reply.body);
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    if reply.replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(code) = reply.code {
        response.extensions_mut().insert(Code(code.into()));
    }
    response
}

/// How a verdict that is done is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As what it is: a hold, an appointment.
    Plain,
    /// A booking of one, shown alone.
    One,
    /// Bookings, shown as a list.
    Several,
    /// An appointment that moved: with the link and token that stay the same.
    Moved,
}

/// Writes verdicts for the API, successes with this status. Pure and quick: it runs inside the engine's batch, and
/// its bytes are what a repeated request gets again.
pub fn render(app: &App, status: StatusCode, shape: Shape) -> Render {
    let app = app.clone();
    let trace = trace::current();
    Arc::new(move |verdict: &Verdict<'_>| match verdict {
        Verdict::Done(done) => Rendered {
            status: status.as_u16(),
            body: body_of(done, shape, &app),
        },
        Verdict::Refused(refusal) => rendered(&refused(refusal, &app), trace),
        Verdict::Invalid { field, expected } => rendered(&problem_of("invalid").field(*field, *expected), trace),
        Verdict::NotFound => rendered(&problem_of("not-found"), trace),
    })
}

fn rendered(problem: &Problem, trace: Option<TraceId>) -> Rendered {
    Rendered {
        status: problem.status.as_u16(),
        body: problem.body(trace),
    }
}

/// A refusal with what helps to go on.
fn refused(refusal: &Refusal, app: &App) -> Problem {
    let problem = problem_of(refusal.code());
    match refusal {
        Refusal::SlotFull { slot } | Refusal::HoldExpired { slot, .. } => {
            let nearest = serde_json::to_value(nearest(*slot, app)).expect("slots are plain values");
            problem.with("nearest", nearest)
        }
        Refusal::TooSoon { earliest } | Refusal::TooYoung { earliest } => {
            problem.with("earliest", date_text(*earliest))
        }
        _ => problem,
    }
}

fn body_of(done: &Done, shape: Shape, app: &App) -> Vec<u8> {
    match (done, shape) {
        (Done::Held(hold), _) => bytes(&Hold::new(hold, app)),
        (Done::GivenBack | Done::Nothing, _) => Vec::new(),
        (Done::Booked(seen), Shape::One) if seen.len() == 1 => bytes(&AppointmentBooked::new(&seen[0], app)),
        (Done::Booked(seen), _) => {
            let appointments = seen.iter().map(|seen| AppointmentBooked::new(seen, app)).collect();
            bytes(&AppointmentsBooked { appointments })
        }
        (Done::Seen(seen), Shape::Moved) => bytes(&AppointmentMoved::new(seen, app)),
        (Done::Seen(seen), _) => bytes(&Appointment::new(seen, app)),
    }
}

/// A slot as shown to people, in its clinic's wall time.
pub fn slot_shown(slot: &SlotSeen, app: &App) -> Slot {
    let snapshot = app.engine().snapshot();
    // A clinic that the snapshot does not have is one that was just imported: UTC is true, if not local.
    let zone = snapshot
        .clinic(slot.clinic)
        .map_or_else(Zone::utc, |clinic| clinic.clinic.zone.clone());
    Slot::new(slot, &zone)
}

/// The open times nearest to one that is gone: same clinic, same vaccine, at most three, by start.
pub fn nearest(slot: SlotId, app: &App) -> Vec<Slot> {
    let snapshot = app.engine().snapshot();
    let Some((clinic, gone)) = snapshot.slot(slot) else {
        return Vec::new();
    };
    let now = app.engine().clock().now();
    let mut open: Vec<_> = clinic
        .slots
        .iter()
        .filter(|other| other.starts_at > now && other.free > 0 && other.vaccine == gone.vaccine && other.id != slot)
        .collect();
    open.sort_unstable_by_key(|other| ((other.starts_at.micros() - gone.starts_at.micros()).abs(), other.id));
    open.truncate(NEAREST);
    open.sort_unstable_by_key(|other| (other.starts_at, other.id));
    open.iter()
        .map(|other| Slot::open(other, clinic.clinic.id, &clinic.clinic.zone))
        .collect()
}
