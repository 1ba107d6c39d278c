//! Stands before every door: turns away requests for other hosts, and sees that no answer leaves without the security
//! headers. Notes when a request arrived. Knows no routes but the two that machines ask by address.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::answer::Fault;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use runtime::http::problem::Problem;

use crate::answer::AskError;
use crate::answer::keeping::FOR_GATEWAY;
use crate::app::App;
use crate::request::arrival::Arrived;
use crate::request::edge::{self, Entry};

/// Asked by load balancers and supervisors, which know addresses and no names.
const ASKED_BY_ADDRESS: [&str; 2] = ["/livez", "/readyz"];

/// For every answer that sets none of its own: nothing may be loaded, run or framed.
const CLOSED_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The headers that each answer has unless its door says otherwise.
const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, CLOSED_POLICY),
    // What is not said to be public is personal.
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];
/// One year: once people came by https they come by nothing else.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The outermost layer of the public router.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Arrived(app.engine().clock().now()));
    let by_address = ASKED_BY_ADDRESS.contains(&request.uri().path());
    let mut response = match edge::enter(&app, &mut request) {
        Entry::Refused if !by_address => AskError::UnknownHost.into_response(),
        _ if !is_for_us(&app, &request) => AskError::UnknownHost.into_response(),
        Entry::TooLate => too_late(),
        Entry::Within(left) => edge::with_left(left, next.run(request)).await,
        Entry::Open | Entry::Refused => next.run(request).await,
    };
    let headers = response.headers_mut();
    if app.edge().is_none() {
        headers.remove(FOR_GATEWAY);
    }
    headers.reserve(ALWAYS.len());
    for (name, value) in &ALWAYS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if app.public_url().is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    response
}

/// Whoever asked has gone, or goes before we could answer: nothing is begun.
fn too_late() -> Response {
    let fault = Fault::TimedOut;
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        fault.code(),
        "There is no time left for this",
    )
    .detail("Nothing was begun. Try again with the same idempotency key.")
    .retry(1, fault.retry_needs_key())
    .into_response()
}

fn is_for_us(app: &App, request: &Request) -> bool {
    if ASKED_BY_ADDRESS.contains(&request.uri().path()) {
        return true;
    }
    // HTTP/2 and absolute-form targets carry the authority in the URI, which wins (RFC 9112 §3.2.2).
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => only_host(request.headers()),
    };
    host.is_some_and(|host| app.public_url().answers_to(host))
}

fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}
