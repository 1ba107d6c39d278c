//! Problems (RFC 9457): how a refusal, a fault or a bug looks on the wire. Keeps that each carries a documented `code`
//! and the trace id. Doesn't know which problems exist.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::trace::{self, Code, TraceId};

/// The media type of a problem.
pub const CONTENT: &str = "application/problem+json";

/// An answer that says what went wrong, for programs and people.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Which problem: kebab-case, documented.
    pub code: Cow<'static, str>,
    /// What it is, the same text each time.
    pub title: Cow<'static, str>,
    /// What it is about this time; never an internal cause.
    pub detail: Option<String>,
    /// Which fields are at fault.
    pub errors: Vec<FieldError>,
    /// Whether and how to try again, on faults.
    pub retry: Option<Retry>,
    /// Further members.
    pub extra: Map<String, Value>,
}

/// A field at fault.
#[derive(Debug, Clone, Serialize)]
pub struct FieldError {
    /// JSON pointer into the body, or the name of the query's part.
    pub field: String,
    /// What was expected there.
    pub expected: String,
}

/// How to try again.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Retry {
    /// Seconds to wait first.
    pub after_s: u64,
    /// Whether the retry must carry the same idempotency key, because something may have happened.
    pub with_same_key: bool,
}

#[derive(Serialize)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of that status, code and title.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            retry: None,
            extra: Map::new(),
        }
    }

    /// Says what it is about this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names a field at fault and what was expected there.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, expected: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            field: field.into(),
            expected: expected.into(),
        });
        self
    }

    /// Says how to try again.
    #[must_use]
    pub fn retry(mut self, after_s: u64, with_same_key: bool) -> Self {
        self.retry = Some(Retry { after_s, with_same_key });
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The problem of a panic: our mistake, and no word about its cause.
    pub fn bug() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "This is our mistake")
            .detail("It has been recorded under the trace id.")
    }

    /// The body's bytes.
    pub fn body(&self, trace: Option<TraceId>) -> Vec<u8> {
        let members = Members {
            // Names the type without promising a page that must stay up as long as any client.
            kind: format!("urn:problem-type:evenkeel:{}", self.code),
            title: &self.title,
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            code: &self.code,
            trace_id: trace.map(|trace| trace.to_string()),
            errors: &self.errors,
            retry: self.retry,
            extra: &self.extra,
        };
        serde_json::to_vec(&members).expect("strings and numbers always make JSON")
    }
}

/// Carries the trace id of the request that is being answered.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body(trace::current())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry) = self.retry {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry.after_s));
        }
        response.extensions_mut().insert(Code(self.code));
        response
    }
}
