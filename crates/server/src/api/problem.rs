//! The shape of every error answer (RFC 9457), as the description shows it. `answer` makes them.

use serde::Serialize;
use utoipa::ToSchema;

use super::slot::Slot;

/// A field (or name of the query) that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer into the body, or the name in the query.
    #[schema(example = "/resident/birth_date")]
    pub field: String,
    /// What would have been right.
    #[schema(example = "a date, YYYY-MM-DD")]
    pub expected: String,
}

/// How to try again.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the answer")]
pub struct Retry {
    /// Seconds to wait, as in `Retry-After`.
    #[schema(minimum = 0)]
    after_s: u32,
    /// Whether the retry must carry the same idempotency key.
    with_same_key: bool,
}

/// An error answer.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the answer")]
pub struct Problem {
    /// Names the kind of problem.
    #[schema(example = "urn:problem-type:evenkeel:slot-full")]
    r#type: String,
    /// The kind of problem, in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened and what to do.
    detail: String,
    /// The kind of problem, for programs.
    #[schema(example = "slot-full")]
    code: String,
    /// Quote it when you ask for help.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    trace_id: String,
    /// Where fields are at fault.
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// On faults.
    #[schema(nullable = false)]
    retry: Option<Retry>,
    /// When a time is gone: the open times nearest to it.
    #[schema(nullable = false)]
    nearest: Option<Vec<Slot>>,
    /// When it is too soon, or the person too young: the first day on which it is not.
    #[schema(format = Date, nullable = false)]
    earliest: Option<String>,
}
