//! The answers of `/livez` and `/readyz`: 200, or 503 with the names of the failing checks, and nothing else.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

/// The checks that fail, by name; none means well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Names, never causes: the answer is public.
    pub failing: Vec<&'static str>,
}

impl Health {
    /// Nothing fails.
    pub fn well() -> Self {
        Self::default()
    }

    /// These checks, each with whether it holds.
    pub fn of(checks: impl IntoIterator<Item = (&'static str, bool)>) -> Self {
        let failing = checks.into_iter().filter_map(|(name, holds)| (!holds).then_some(name));
        Self {
            failing: failing.collect(),
        }
    }

    /// Whether nothing fails.
    pub fn is_well(&self) -> bool {
        self.failing.is_empty()
    }
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        let status = if self.is_well() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let mut response = (status, Json(serde_json::json!({ "failing": self.failing }))).into_response();
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
