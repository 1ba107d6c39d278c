//! One trace id, one log line and one count per request. Keeps that a log line holds the route's template and never a
//! path, query, body or token, and that a panic in a handler becomes an answer.
//!
//! A caller's `traceparent` is linked in the line, not adopted: a stranger cannot choose under which id we log.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::task;
use crate::telemetry::REQUEST;

/// Upper bounds in seconds: 1 ms is a finding, 25 ms a booking on a busy disk, 500 ms the promise to people.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// A W3C trace id: 16 bytes, not all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Put on a response by whoever refuses or fails: the public code, for the log line.
#[derive(Debug, Clone)]
pub struct Code(pub Cow<'static, str>);

tokio::task_local! {
    static CURRENT: TraceId;
}

/// The trace id of the request that this task is answering.
pub fn current() -> Option<TraceId> {
    CURRENT.try_with(|trace| *trace).ok()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    method: &'static str,
    route: Route,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    method: &'static str,
    route: Route,
}

/// A route's template as a label: the router's own text, shared and not copied. Without a route there is no template,
/// and the path itself may be anything, also a token.
#[derive(Debug, Clone)]
struct Route(Option<MatchedPath>);

impl Route {
    fn of(request: &Request) -> Self {
        Self(request.extensions().get::<MatchedPath>().cloned())
    }
    fn template(&self) -> &str {
        self.0.as_ref().map_or("(none)", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.template() == other.template()
    }
}
impl Eq for Route {}
impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.template().hash(state);
    }
}
impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.template().encode(encoder)
    }
}

/// What the middleware needs; cheap to clone.
#[derive(Clone)]
pub struct Trace(Arc<Parts>);

struct Parts {
    clock: Clock,
    entropy: Entropy,
    requests: Family<Counted, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl Trace {
    /// Counts into these metrics.
    pub fn new(clock: Clock, entropy: Entropy, metrics: &Metrics) -> Self {
        let parts = Parts {
            clock,
            entropy,
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
        };
        metrics.register(|registry| {
            registry.register(
                "http_requests",
                "Requests answered, by route and class of status",
                parts.requests.clone(),
            );
            registry.register(
                "http_request_duration_seconds",
                "Time from a request's head to its answer's head",
                parts.durations.clone(),
            );
            registry.register(
                "http_requests_in_flight",
                "Requests being answered",
                parts.in_flight.clone(),
            );
        });
        Self(Arc::new(parts))
    }
}

/// Counts an answer that was never given too: a client that hung up drops the future.
struct InFlight<'a>(&'a Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A middleware for `Router::layer(axum::middleware::from_fn_with_state(trace, record))`, outside of all others.
pub async fn record(State(trace): State<Trace>, mut request: Request, next: Next) -> Response {
    let parts = &trace.0;
    let started = parts.clock.monotonic();
    // All zero is not a trace id; one in 2¹²⁸ requests is called 1.
    let id = TraceId(parts.entropy.bits128().max(1));
    request.extensions_mut().insert(id);
    let route = Route::of(&request);
    let method = method_name(request.method());
    let linked = linked_trace(request.headers());
    parts.in_flight.inc();
    let in_flight = InFlight(&parts.in_flight);
    let answered = CURRENT.scope(id, task::caught(next.run(request))).await;
    let mut response = match answered {
        Some(response) => response,
        None => CURRENT.sync_scope(id, || {
            task::count_panic("request");
            Problem::bug().into_response()
        }),
    };
    drop(in_flight);
    let took = parts.clock.monotonic().saturating_sub(started);
    let code = response.extensions_mut().remove::<Code>();
    log(
        id,
        method,
        route.template(),
        response.status().as_u16(),
        took,
        code.as_ref(),
        linked,
    );
    let status = class(response.status().as_u16());
    parts
        .durations
        .get_or_create(&Timed {
            method,
            route: route.clone(),
        })
        .observe(took.as_secs_f64());
    parts.requests.get_or_create(&Counted { method, route, status }).inc();
    response
}

fn log(
    id: TraceId,
    method: &str,
    route: &str,
    status: u16,
    took: Duration,
    code: Option<&Code>,
    linked: Option<TraceId>,
) {
    let duration_us = took.as_micros() as u64;
    let code = code.map(|code| code.0.as_ref());
    let linked = linked.map(tracing::field::display);
    if status >= 500 {
        tracing::warn!(target: REQUEST, trace_id = %id, method, route, status, duration_us, code, linked_trace_id = linked);
    } else {
        tracing::info!(target: REQUEST, trace_id = %id, method, route, status, duration_us, code, linked_trace_id = linked);
    }
}

/// The id of a `traceparent` of version 00 to fe (W3C Trace Context, level 1, §3.2.2).
pub fn linked_trace(headers: &HeaderMap) -> Option<TraceId> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, digits: usize| {
        text.len() == digits
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let whole = hex(version, 2) && version != "ff" && hex(id, 32) && hex(parent, 16) && hex(flags, 2);
    let bits = u128::from_str_radix(id, 16).ok().filter(|bits| whole && *bits != 0)?;
    Some(TraceId(bits))
}

/// A closed list: a caller cannot make new names in our metrics.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
