//! Who may use an internal listener: whoever can read the installation's operator token. Liveness, readiness and
//! metrics are open, as probes and scrapers of other makes ask for them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use zeroize::Zeroizing;

use crate::http::problem::Problem;
use crate::secret::same_secret;

/// What anybody who reaches the listener may read.
const OPEN: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The operator token, as a middleware's state.
#[derive(Clone)]
pub struct Operator(Arc<Zeroizing<String>>);

impl Operator {
    /// Whoever presents this token is an operator.
    pub fn new(token: Zeroizing<String>) -> Self {
        Self(Arc::new(token))
    }
}

/// A middleware for `axum::middleware::from_fn_with_state(Operator::new(token), only)`.
pub async fn only(State(operator): State<Operator>, request: Request, next: Next) -> Response {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let presented = match (values.next(), values.next()) {
        (Some(only), None) => only.to_str().ok(),
        _ => None,
    };
    let token = presented.and_then(|value| value.strip_prefix("Bearer "));
    let open = OPEN.contains(&request.uri().path());
    if open || token.is_some_and(|token| same_secret(token, &operator.0)) {
        return next.run(request).await;
    }
    let mut response = Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "An operator's token is needed",
    )
    .detail("Present the content of operator.token in the data folder as `Authorization: Bearer …`.")
    .into_response();
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
