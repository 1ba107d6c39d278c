//! `/api/v1/appointments`: booking what a hold keeps, and by the manage token seeing, cancelling and moving it.

use axum::extract::State;
use axum::response::Response;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::{Date, Zone, add_days};
use booking::engine::{AppointmentSeen, BookingRequest};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hold::{SLOT, slot_id};
use super::problem::Problem;
use super::resident::{self, AnswersRequest, ResidentRequest, ResidentShown};
use super::slot::Slot;
use crate::answer::{self, AskError, Shape};
use crate::app::App;
use crate::limit::{CREDENTIAL_CHARACTERS_MAX, DOSE_MAX, HOLD_ENTRIES_MAX};
use crate::request::arrival::Arrived;
use crate::request::body::{EmptyBody, JsonBody};
use crate::request::credential::Credential;
use crate::request::fields::{self, Findings, Object, Raw};
use crate::request::idempotency_key::IdempotencyKey;
use crate::request::path::PathId;
use crate::request::query::{Query, RawQuery};

/// A booking of a hold with one entry, or one booking for each entry of a hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub enum AppointmentRequest {
    /// For a hold of one entry.
    One(AppointmentOne),
    /// For a hold of any number of entries: all or none.
    Several(AppointmentSeveral),
}

/// One booking.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct AppointmentOne {
    /// The hold's id.
    #[schema(max_length = 64)]
    hold: String,
    /// The hold's token.
    #[schema(max_length = 256)]
    token: String,
    /// Whom it is for.
    resident: ResidentRequest,
    /// Answers to the questions of `GET /questions`; `{}` when left out.
    #[serde(default)]
    #[schema(value_type = AnswersRequest, required = false)]
    answers: serde_json::Value,
    /// Number in the series of this vaccine group; 1 when left out.
    #[serde(default)]
    #[schema(required = false, minimum = 1, maximum = 20, default = 1)]
    dose: u8,
}

/// One booking for each entry of the hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct AppointmentSeveral {
    /// The hold's id.
    #[schema(max_length = 64)]
    hold: String,
    /// The hold's token.
    #[schema(max_length = 256)]
    token: String,
    /// Exactly one for each entry of the hold.
    #[schema(min_items = 1, max_items = 12)]
    bookings: Vec<BookingOne>,
}

/// Who takes which slot of the hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Booking)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct BookingOne {
    /// One of the hold's slots.
    #[schema(max_length = 64)]
    slot: String,
    /// Whom it is for.
    resident: ResidentRequest,
    /// Answers to the questions of `GET /questions`; `{}` when left out.
    #[serde(default)]
    #[schema(value_type = AnswersRequest, required = false)]
    answers: serde_json::Value,
    /// Number in the series of this vaccine group; 1 when left out.
    #[serde(default)]
    #[schema(required = false, minimum = 1, maximum = 20, default = 1)]
    dose: u8,
}

/// Where to move to: a hold of one entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body; `read_hold` reads it")]
pub struct RescheduleRequest {
    /// The hold's id.
    #[schema(max_length = 64)]
    hold: String,
    /// The hold's token.
    #[schema(max_length = 256)]
    token: String,
}

/// FHIR Appointment.status.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes the answer")]
pub enum AppointmentStatus {
    /// It will take place.
    Booked,
    /// The resident is there.
    Arrived,
    /// The dose was given.
    Fulfilled,
    /// It will not take place.
    Cancelled,
    /// Nobody came.
    Noshow,
}

/// A new appointment, with the secret that manages it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentBooked {
    /// Opaque.
    #[schema(example = "apt-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub id: String,
    /// To be said by telephone and kept by people without one.
    #[schema(example = "7KXM-2QRD-9J")]
    pub code: String,
    /// FHIR Appointment.status.
    #[schema(value_type = AppointmentStatus)]
    pub status: &'static str,
    /// When and where.
    pub slot: Slot,
    /// Number in the series.
    #[schema(minimum = 1)]
    pub dose: u8,
    /// The personal link for the resident.
    #[schema(format = "uri")]
    pub manage_url: String,
    /// The Bearer of this appointment's calls.
    pub manage_token: String,
}

/// Several new appointments, in the order of the bookings.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentsBooked {
    /// One for each entry of the hold.
    pub appointments: Vec<AppointmentBooked>,
}

/// An appointment as its resident sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Appointment {
    /// Opaque.
    #[schema(example = "apt-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub id: String,
    /// To be said by telephone.
    #[schema(example = "7KXM-2QRD-9J")]
    pub code: String,
    /// FHIR Appointment.status.
    #[schema(value_type = AppointmentStatus)]
    pub status: &'static str,
    /// When and where.
    pub slot: Slot,
    /// Number in the series.
    #[schema(minimum = 1)]
    pub dose: u8,
    /// Whom it is for; null once personal data was removed.
    #[schema(required)]
    pub resident: Option<ResidentShown>,
}

/// An appointment that moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentMoved {
    /// With its new slot.
    #[serde(flatten)]
    pub appointment: Appointment,
    /// The personal link, the same as before.
    #[schema(format = "uri")]
    pub manage_url: String,
    /// The same as before.
    pub manage_token: String,
}

/// What a booking answers: one appointment, or a list of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "describes the answer; nobody makes one")]
pub enum BookedAnswer {
    /// The hold had one entry, and the body one booking.
    One(AppointmentBooked),
    /// The body had `bookings`.
    Several(AppointmentsBooked),
}

impl AppointmentBooked {
    /// A new appointment.
    pub fn new(seen: &AppointmentSeen, app: &App) -> Self {
        Self {
            id: seen.id.to_string(),
            code: seen.code.clone(),
            status: seen.status.code(),
            slot: answer::slot_shown(&seen.slot, app),
            dose: seen.dose,
            manage_url: manage_url(seen, app),
            manage_token: seen.manage_token.clone(),
        }
    }
}

impl Appointment {
    /// An appointment by its manage token.
    pub fn new(seen: &AppointmentSeen, app: &App) -> Self {
        Self {
            id: seen.id.to_string(),
            code: seen.code.clone(),
            status: seen.status.code(),
            slot: answer::slot_shown(&seen.slot, app),
            dose: seen.dose,
            resident: seen.resident.as_ref().map(ResidentShown::from),
        }
    }
}

impl AppointmentMoved {
    /// An appointment after it moved.
    pub fn new(seen: &AppointmentSeen, app: &App) -> Self {
        Self {
            appointment: Appointment::new(seen, app),
            manage_url: manage_url(seen, app),
            manage_token: seen.manage_token.clone(),
        }
    }
}

/// The personal link of an appointment.
pub fn manage_url(seen: &AppointmentSeen, app: &App) -> String {
    app.public_url()
        .link(&format!("/appointment/{}/{}", seen.id, seen.manage_token))
}

/// What a hold in a body must be: the same for unknown ones and for a wrong token.
pub const HOLD: &str = scheduling::decide::HOLD_EXPECTED;

struct Booking {
    hold: HoldId,
    token: String,
    bookings: Vec<BookingRequest>,
    single: bool,
}

fn read(raw: Raw<'_>, latest_birth: Date, findings: &mut Findings) -> Option<Booking> {
    let known = ["hold", "token", "resident", "answers", "dose", "bookings"];
    let fields = Object::open("", raw, &known, findings)?;
    let hold = read_hold(&fields, findings);
    let Some(raw) = fields.get("bookings") else {
        let booking = read_booking(&fields, None, latest_birth, findings);
        let (hold, token) = hold?;
        return Some(Booking {
            hold,
            token,
            bookings: vec![booking?],
            single: true,
        });
    };
    for name in ["resident", "answers", "dose"]
        .into_iter()
        .filter(|name| fields.get(name).is_some())
    {
        findings.invalid(fields.at(name), "not given when `bookings` is");
    }
    let entries = fields::array(raw).filter(|entries| (1..=HOLD_ENTRIES_MAX).contains(&entries.len()));
    let Some(entries) = entries else {
        findings.invalid(
            "/bookings",
            format!("1 to {HOLD_ENTRIES_MAX} bookings, one for each entry of the hold"),
        );
        return None;
    };
    let mut bookings = Vec::new();
    for (n, entry) in entries.iter().enumerate() {
        let at = format!("/bookings/{n}");
        let Some(fields) = Object::open(&at, entry, &["slot", "resident", "answers", "dose"], findings) else {
            continue;
        };
        let slot = fields.required("slot", SLOT, findings, slot_id);
        bookings.extend(read_booking(&fields, slot, latest_birth, findings).filter(|_| slot.is_some()));
    }
    let (hold, token) = hold?;
    (bookings.len() == entries.len()).then_some(Booking {
        hold,
        token,
        bookings,
        single: false,
    })
}

fn read_booking(
    fields: &Object<'_>,
    slot: Option<SlotId>,
    latest_birth: Date,
    findings: &mut Findings,
) -> Option<BookingRequest> {
    let resident = fields.get("resident");
    if resident.is_none() {
        findings.invalid(
            fields.at("resident"),
            "an object with given_name, family_name and birth_date",
        );
    }
    let resident = resident.and_then(|raw| resident::read(&fields.at("resident"), raw, latest_birth, findings));
    let answers = resident::read_answers(fields, findings);
    let dose = fields.optional("dose", "a whole number from 1 to 20", findings, |raw| {
        fields::integer(raw, 1, DOSE_MAX)
    });
    Some(BookingRequest {
        slot,
        resident: resident?,
        answers: answers?,
        dose: dose?.unwrap_or(1) as u8,
    })
}

fn read_hold(fields: &Object<'_>, findings: &mut Findings) -> Option<(HoldId, String)> {
    let hold = fields.required("hold", HOLD, findings, |raw| HoldId::parse(&fields::text(raw)?).ok());
    let token = fields.required("token", "the hold's token", findings, |raw| {
        fields::text_of(raw, 1, CREDENTIAL_CHARACTERS_MAX).map(std::borrow::Cow::into_owned)
    });
    Some((hold?, token?))
}

/// The latest date that is "today" anywhere: a child born today in Guam may be booked from Boston.
fn latest_birth(app: &App) -> Date {
    add_days(app.engine().clock().now().date_in(&Zone::utc()), 1)
}

/// Books what a hold keeps.
///
/// `resident` for a hold of one entry, `bookings` for one of any number: exactly one per entry, all or none.
#[utoipa::path(
    post, path = "/api/v1/appointments", tag = "book", operation_id = "book_appointment",
    request_body = AppointmentRequest,
    responses(
        (status = 201, description = "Booked.", body = BookedAnswer),
        (status = 409, description = "A refusal: `hold-expired`, `hold-ended`, `already-booked`, `too-soon`, `too-young`, `not-eligible`, `wrong-vaccine`, `too-late`.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn book(
    State(app): State<App>,
    arrived: Arrived,
    RawQuery(query): RawQuery,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let latest_birth = latest_birth(&app);
    let asked = fields::read_body(&body, |raw, findings| read(raw, latest_birth, findings))?;
    let key = key.within("POST /api/v1/appointments", "", None, &body);
    let shape = if asked.single { Shape::One } else { Shape::Several };
    let ask = app.ask_since(arrived, Some(key), answer::render(&app, StatusCode::CREATED, shape));
    let resident = app.resident();
    Ok(answer::reply(
        resident
            .book(asked.hold, &asked.token, asked.bookings, asked.single, ask)
            .await,
    ))
}

/// Shows an appointment.
#[utoipa::path(
    get, path = "/api/v1/appointments/{id}", tag = "manage", operation_id = "see_appointment",
    params(("id" = String, Path, description = "The appointment's id.")), security(("manage_token" = [])),
    responses((status = 200, description = "The appointment: no birth date, phone or e-mail.", body = Appointment)),
)]
pub async fn see(
    State(app): State<App>,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    credential: Credential,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let appointment = AppointmentId::parse(&id).map_err(|_| AskError::NotFound)?;
    match app.resident().see_appointment(appointment, credential.token()).await {
        Ok(Some(seen)) => Ok(answer::json(StatusCode::OK, &Appointment::new(&seen, &app))),
        Ok(None) => Err(AskError::NotFound),
        Err(fault) => Ok(answer::fault(fault)),
    }
}

/// Cancels an appointment.
///
/// Its place is free again at once. A second time says the same as the first.
#[utoipa::path(
    post, path = "/api/v1/appointments/{id}/cancel", tag = "manage", operation_id = "cancel_appointment",
    params(("id" = String, Path, description = "The appointment's id.")), security(("manage_token" = [])),
    responses(
        (status = 200, description = "Cancelled.", body = Appointment),
        (status = 409, description = "`too-late`: it has begun or is over.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(
    State(app): State<App>,
    arrived: Arrived,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    credential: Credential,
    key: IdempotencyKey,
    EmptyBody(body): EmptyBody,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let appointment = AppointmentId::parse(&id).map_err(|_| AskError::NotFound)?;
    let key = key.within(
        "POST /api/v1/appointments/{id}/cancel",
        &id,
        Some(credential.token()),
        &body,
    );
    let ask = app.ask_since(arrived, Some(key), answer::render(&app, StatusCode::OK, Shape::Plain));
    Ok(answer::reply(
        app.resident().cancel(appointment, credential.token(), ask).await,
    ))
}

/// Moves an appointment to what a hold keeps.
///
/// Same id, code and manage token, new slot. The old place is given back in the same transaction.
#[utoipa::path(
    post, path = "/api/v1/appointments/{id}/reschedule", tag = "manage", operation_id = "reschedule_appointment",
    params(("id" = String, Path, description = "The appointment's id.")), security(("manage_token" = [])),
    request_body = RescheduleRequest,
    responses(
        (status = 200, description = "Moved.", body = AppointmentMoved),
        (status = 409, description = "A refusal: `hold-expired`, `hold-ended`, `too-soon`, `too-young`, `wrong-vaccine`, `too-late`.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reschedule(
    State(app): State<App>,
    arrived: Arrived,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    credential: Credential,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let appointment = AppointmentId::parse(&id).map_err(|_| AskError::NotFound)?;
    let (hold, token) = fields::read_body(&body, |raw, findings| {
        read_hold(&Object::open("", raw, &["hold", "token"], findings)?, findings)
    })?;
    let key = key.within(
        "POST /api/v1/appointments/{id}/reschedule",
        &id,
        Some(credential.token()),
        &body,
    );
    let ask = app.ask_since(arrived, Some(key), answer::render(&app, StatusCode::OK, Shape::Moved));
    Ok(answer::reply(
        app.resident()
            .reschedule(appointment, credential.token(), hold, &token, ask)
            .await,
    ))
}
