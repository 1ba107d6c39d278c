//! When a request arrived: the instant its head was read. Counts against a hold's expiry, however long the body took
//! on a bad line.

use axum::extract::FromRequestParts;
use base::time::Timestamp;
use http::request::Parts;

use crate::app::App;

/// The instant. Put on every request by `guard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived(pub Timestamp);

impl FromRequestParts<App> for Arrived {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let now = || Self(app.engine().clock().now());
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_else(now))
    }
}
