//! One trace id, one log line and one count per request, also where no answer came of it: the client left, or its time
//! was over. In a crowd only so many of those that read, and went well, have a line in each second: the log's files are
//! few, and what went wrong must still be in them an hour later. Keeps that a log line holds the route's template and never a path, query, body or token, that a panic in a
//! handler becomes an answer, and that slow requests are counted and stand out in the log.
//!
//! A caller's `traceparent` is linked in the line, not adopted: a stranger cannot choose under which id we log.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::limit::{Setting, Settings, Unit};
use http::{HeaderMap, Method};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::http::listener::{self, REQUEST_TIME};
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::task;
use crate::telemetry::REQUEST;

/// Upper bounds in seconds: 1 ms is a finding, 25 ms a booking on a busy disk, 500 ms the promise to people.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What a request may take before it is called slow.
pub const SLOW_REQUEST: Setting = Setting {
    key: "http.slow_request",
    unit: Unit::Milliseconds,
    default: 500,
    min: 10,
    max: 60_000,
    reason: "half a second is the promise to people; what is slower should be rare enough to be looked at one by one",
    below: "a busy disk fills the log with warnings",
    above: "what people complain about stands out nowhere",
};

/// Lines for requests that read and went well.
pub const LOGGED_READS: Setting = Setting {
    key: "log.reads",
    unit: Unit::Count,
    default: 100,
    min: 1,
    max: 1_000_000,
    reason: "lines in a second for readers who got what they wanted: seventy thousand visitors a minute would push out of the log \
             within minutes what went wrong for one of them. All are counted; writes, refusals, faults and slow answers are all logged",
    below: "a quiet site's log does not show who came",
    above: "in a crowd the log forgets within minutes what went wrong",
};

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
    slow: Family<Timed, Counter>,
    unanswered: Family<Timed, Counter>,
    unlogged: Counter,
    lines: Lines,
    in_flight: Gauge,
    /// From here on a request is slow.
    slow_from: Duration,
    /// From here on it is answered without its handler.
    time: Duration,
}

impl Trace {
    /// Counts into these metrics.
    pub fn new(clock: Clock, entropy: Entropy, settings: &Settings, metrics: &Metrics) -> Self {
        let parts = Parts {
            clock,
            entropy,
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            slow: Family::default(),
            unanswered: Family::default(),
            unlogged: Counter::default(),
            lines: Lines::new(settings.get(&LOGGED_READS)),
            in_flight: Gauge::default(),
            slow_from: settings.duration(&SLOW_REQUEST),
            time: settings.duration(&REQUEST_TIME),
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
                "http_slow_requests",
                "Requests that took longer than the setting http.slow_request",
                parts.slow.clone(),
            );
            registry.register(
                "http_unanswered_requests",
                "Requests whose client left before the answer",
                parts.unanswered.clone(),
            );
            registry.register(
                "http_unlogged_requests",
                "Requests that read, went well, and have no line in the log",
                parts.unlogged.clone(),
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

/// How many lines this second may still have.
struct Lines {
    most: u64,
    /// The second, and how many it has had.
    now: AtomicU64,
    left_out: AtomicU64,
}

/// Bits for a second's lines.
const COUNT_BITS: u32 = 24;

impl Lines {
    fn new(most: u64) -> Self {
        Self {
            most: most.min((1 << COUNT_BITS) - 1),
            now: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether there is one for somebody who comes now; whoever begins a second says how many the one before left out.
    fn take(&self, now: Duration) -> bool {
        let second = now.as_secs();
        let seen = self.now.load(Ordering::Relaxed);
        if seen >> COUNT_BITS != second {
            let begun = self
                .now
                .compare_exchange(seen, second << COUNT_BITS | 1, Ordering::Relaxed, Ordering::Relaxed);
            let left_out = if begun.is_ok() {
                self.left_out.swap(0, Ordering::Relaxed)
            } else {
                0
            };
            if left_out > 0 {
                tracing::info!(left_out, "requests that read and went well have no line of their own");
            }
            return true;
        }
        if seen & ((1 << COUNT_BITS) - 1) < self.most {
            self.now.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        false
    }
}

/// A request that is being answered. A client that hung up drops the future: then this is all that is left to say so.
struct Asked<'a> {
    parts: &'a Parts,
    id: TraceId,
    started: Duration,
    method: &'static str,
    route: Route,
    linked: Option<TraceId>,
    answered: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.parts.in_flight.dec();
        if !self.answered {
            let timed = self.timed();
            self.parts.unanswered.get_or_create(&timed).inc();
            self.log(None, None);
        }
    }
}

impl Asked<'_> {
    fn timed(&self) -> Timed {
        Timed {
            method: self.method,
            route: self.route.clone(),
        }
    }

    fn took(&self) -> Duration {
        self.parts.clock.monotonic().saturating_sub(self.started)
    }

    /// Counts and logs the answer.
    fn answered(mut self, response: &mut Response) {
        self.answered = true;
        let code = response.extensions_mut().remove::<Code>();
        let status = response.status().as_u16();
        let took = self.log(Some(status), code.as_ref());
        let timed = self.timed();
        self.parts.durations.get_or_create(&timed).observe(took.as_secs_f64());
        let Timed { method, route } = timed;
        let status = class(status);
        self.parts
            .requests
            .get_or_create(&Counted { method, route, status })
            .inc();
    }

    /// The one line of a request. Without a status there was nobody left to answer.
    fn log(&self, status: Option<u16>, code: Option<&Code>) -> Duration {
        let took = self.took();
        let slow = (took > self.parts.slow_from).then_some(true);
        if slow.is_some() {
            self.parts.slow.get_or_create(&self.timed()).inc();
        }
        let reads = matches!(self.method, "GET" | "HEAD");
        let went_well = slow.is_none() && status.is_some_and(|status| status < 400);
        if reads && went_well && !self.parts.lines.take(self.started) {
            self.parts.unlogged.inc();
            return took;
        }
        let (id, method, route) = (self.id, self.method, self.route.template());
        let duration_us = took.as_micros() as u64;
        let code = code.map(|code| code.0.as_ref());
        let linked = self.linked.map(tracing::field::display);
        if slow.is_some() || status.is_some_and(|status| status >= 500) {
            tracing::warn!(target: REQUEST, trace_id = %id, method, route, status, duration_us, code, slow, linked_trace_id = linked);
        } else {
            tracing::info!(target: REQUEST, trace_id = %id, method, route, status, duration_us, code, linked_trace_id = linked);
        }
        took
    }
}

/// A middleware for `Router::layer(axum::middleware::from_fn_with_state(trace, record))`, outside of all others.
pub async fn record(State(trace): State<Trace>, mut request: Request, next: Next) -> Response {
    let parts = &trace.0;
    // All zero is not a trace id; one in 2¹²⁸ requests is called 1.
    let id = TraceId(parts.entropy.bits128().max(1));
    request.extensions_mut().insert(id);
    let asked = Asked {
        parts,
        id,
        started: parts.clock.monotonic(),
        method: method_name(request.method()),
        route: Route::of(&request),
        linked: linked_trace(request.headers()),
        answered: false,
    };
    parts.in_flight.inc();
    let answer = tokio::time::timeout(parts.time, task::caught(next.run(request)));
    let mut response = match CURRENT.scope(id, answer).await {
        Ok(Some(response)) => response,
        Ok(None) => CURRENT.sync_scope(id, || {
            task::count_panic("request");
            Problem::bug().into_response()
        }),
        Err(_) => CURRENT.sync_scope(id, listener::too_slow),
    };
    asked.answered(&mut response);
    response
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
