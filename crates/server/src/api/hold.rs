//! `/api/v1/holds`: places kept for someone who is typing. All of a hold's places or none.

use axum::extract::State;
use axum::response::Response;
use base::id::{HoldId, SlotId};
use booking::engine::HoldSeen;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::Problem;
use super::slot::Slot;
use crate::answer::{self, AskError, Shape};
use crate::app::App;
use crate::limit::HOLD_ENTRIES_MAX;
use crate::request::arrival::Arrived;
use crate::request::body::{EmptyBody, JsonBody};
use crate::request::credential::Credential;
use crate::request::fields::{self, Findings, Object, Raw};
use crate::request::idempotency_key::IdempotencyKey;
use crate::request::path::PathId;
use crate::request::query::{Query, RawQuery};

/// What to hold: one slot, or several; an id may repeat, once for each person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub enum HoldRequest {
    /// One place.
    One(HoldOne),
    /// Several places, all or none.
    Several(HoldSeveral),
}

/// One place of one slot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct HoldOne {
    /// The slot's id.
    #[schema(max_length = 64, example = "slt-01jd3v8qk2s0v6m2x4y8z0a1b2")]
    slot: String,
}

/// A place for each entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct HoldSeveral {
    /// 1 to 12 ids of slots.
    #[schema(min_items = 1, max_items = 12)]
    slots: Vec<String>,
}

/// A hold. Its token opens it and nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    /// Opaque.
    #[schema(example = "hld-01jd3v8qk2s0v6m2x4y8z0a1b2", max_length = 64)]
    pub id: String,
    /// Its secret: the Bearer of this hold's calls, and `token` of a booking.
    pub token: String,
    /// In the order they were asked for.
    pub slots: Vec<Slot>,
    /// Until when it is kept.
    #[schema(format = DateTime, example = "2026-11-24T14:12:00Z")]
    pub expires_at: String,
    /// How often it can be extended still.
    #[schema(minimum = 0)]
    pub extensions_left: u32,
}

impl Hold {
    /// A hold as its owner sees it.
    pub fn new(hold: &HoldSeen, app: &App) -> Self {
        Self {
            id: hold.id.to_string(),
            token: hold.token.clone(),
            slots: hold.slots.iter().map(|slot| answer::slot_shown(slot, app)).collect(),
            expires_at: hold.expires_at.to_string(),
            extensions_left: hold.extensions_left,
        }
    }
}

/// What a slot in a body must be: the same for unknown ones and for what is no id at all.
pub const SLOT: &str = scheduling::decide::SLOT_EXPECTED;

/// The slots, and whether one was asked for as such, not as a list.
fn read(raw: Raw<'_>, findings: &mut Findings) -> Option<(Vec<SlotId>, bool)> {
    let fields = Object::open("", raw, &["slot", "slots"], findings)?;
    if fields.get("slot").is_some() && fields.get("slots").is_some() {
        findings.invalid("/slots", "not given when `slot` is");
        return None;
    }
    let Some(raw) = fields.get("slots") else {
        return fields
            .required("slot", SLOT, findings, slot_id)
            .map(|slot| (vec![slot], true));
    };
    let expected = format!("1 to {HOLD_ENTRIES_MAX} ids of appointment times");
    let entries = fields::array(raw).filter(|entries| (1..=HOLD_ENTRIES_MAX).contains(&entries.len()));
    let Some(entries) = entries else {
        findings.invalid("/slots", expected);
        return None;
    };
    let mut slots = Vec::new();
    for (n, entry) in entries.iter().enumerate() {
        match slot_id(entry) {
            Some(slot) => slots.push(slot),
            None => findings.invalid(format!("/slots/{n}"), SLOT),
        }
    }
    (slots.len() == entries.len()).then_some((slots, false))
}

/// A slot's id in a body.
pub fn slot_id(raw: Raw<'_>) -> Option<SlotId> {
    SlotId::parse(&fields::text(raw)?).ok()
}

/// Keeps places while someone types.
///
/// All places or none. The token in the answer is the credential of this hold.
#[utoipa::path(
    post, path = "/api/v1/holds", tag = "book", operation_id = "place_hold", request_body = HoldRequest,
    responses(
        (status = 201, description = "Held until `expires_at`.", body = Hold),
        (status = 409, description = "`slot-full`, `too-late`: with `nearest`, the nearest open times.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn place(
    State(app): State<App>,
    arrived: Arrived,
    RawQuery(query): RawQuery,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let (slots, single) = fields::read_body(&body, read)?;
    let key = key.within("POST /api/v1/holds", "", None, &body);
    let ask = app.ask_since(
        arrived,
        Some(key),
        answer::render(&app, StatusCode::CREATED, Shape::Plain),
    );
    Ok(answer::reply(app.resident().place_hold(slots, single, ask).await))
}

/// Keeps a hold longer.
#[utoipa::path(
    post, path = "/api/v1/holds/{id}/extend", tag = "book", operation_id = "extend_hold",
    params(("id" = String, Path, description = "The hold's id.")), security(("hold_token" = [])),
    responses(
        (status = 200, description = "Held until the new `expires_at`.", body = Hold),
        (status = 409, description = "`hold-expired`, `hold-ended`, `no-extensions-left`.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn extend(
    State(app): State<App>,
    arrived: Arrived,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    credential: Credential,
    key: IdempotencyKey,
    EmptyBody(body): EmptyBody,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let hold = HoldId::parse(&id).map_err(|_| AskError::NotFound)?;
    let key = key.within("POST /api/v1/holds/{id}/extend", &id, Some(credential.token()), &body);
    let ask = app.ask_since(arrived, Some(key), answer::render(&app, StatusCode::OK, Shape::Plain));
    Ok(answer::reply(
        app.resident().extend_hold(hold, credential.token(), ask).await,
    ))
}

/// Gives a hold back.
///
/// Its places are free again at once. A second time says the same as the first.
#[utoipa::path(
    delete, path = "/api/v1/holds/{id}", tag = "book", operation_id = "give_back_hold",
    params(("id" = String, Path, description = "The hold's id.")), security(("hold_token" = [])),
    responses(
        (status = 204, description = "Given back."),
        (status = 409, description = "`hold-ended`: it was booked.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn give_back(
    State(app): State<App>,
    arrived: Arrived,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    credential: Credential,
    key: Option<IdempotencyKey>,
) -> Result<Response, AskError> {
    Query::none(&query)?;
    let hold = HoldId::parse(&id).map_err(|_| AskError::NotFound)?;
    let key = key.map(|key| key.within("DELETE /api/v1/holds/{id}", &id, Some(credential.token()), b""));
    let ask = app.ask_since(arrived, key, answer::render(&app, StatusCode::NO_CONTENT, Shape::Plain));
    Ok(answer::reply(
        app.resident().give_back_hold(hold, credential.token(), ask).await,
    ))
}
