//! Gives hot public answers again, so that a crowd of refreshers costs the servers one request a second and page: one asks,
//! all others wait for its answer or get the one before, with its age. Never what is personal: a request with a
//! credential or a cookie passes by, and so does an answer that sets one. Its failure: it asks for everything, as if it
//! were not there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base::limit::Settings;
use bytes::Bytes;
use http::header::{
    AGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use prometheus_client::metrics::counter::Counter;
use reliability::overload::cache::{Heat, Terms, Worth, terms};
use reliability::overload::minimal_site::NoAnswer;
use runtime::http::metrics::Metrics;

use crate::layer::retry_budget::{Unanswered, no_answer};
use crate::limit::{CACHE_ENTRIES, CACHE_HOT, KEPT_BYTES};
use crate::visit::{Gate, Shared};

/// What a server says for us alone.
const TERMS: HeaderName = HeaderName::from_static("cdn-cache-control");
/// How long an answer that is not to be kept is asked for by everybody at once.
const NOT_KEPT: Duration = Duration::from_secs(10);
/// How long after a failure nobody waits for somebody else's try.
const FAILED: Duration = Duration::from_millis(500);

/// Hot answers, and how often they were given.
pub struct Cache {
    places: Mutex<BTreeMap<String, Arc<Place>>>,
    most: usize,
    given: Counter,
    given_stale: Counter,
}

/// What one address is about.
#[derive(Default)]
struct Place {
    heat: Mutex<Heat>,
    kept: ArcSwapOption<Kept>,
    asking: Mutex<Asking>,
    /// Held by who asks for all.
    flight: tokio::sync::Mutex<()>,
}

/// Until when what was learnt of asking holds, on the monotone clock.
#[derive(Default, Clone, Copy)]
struct Asking {
    /// The answer is not to be kept: nobody need wait for anybody.
    everybody_until: Duration,
    /// No server answered as it should.
    failed_until: Duration,
}

/// A kept answer.
struct Kept {
    headers: HeaderMap,
    body: Bytes,
    terms: Terms,
    /// The monotone time at which it came.
    at: Duration,
}

impl Cache {
    /// By these settings.
    pub fn new(settings: &Settings, metrics: &Metrics) -> Self {
        let (given, given_stale) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            registry.register(
                "gateway_cached_answers",
                "Answers that were given again without asking a server",
                given.clone(),
            );
            registry.register(
                "gateway_cached_answers_stale",
                "Answers that were given again because no server gave a newer one",
                given_stale.clone(),
            );
        });
        Self {
            places: Mutex::default(),
            most: settings.get(&CACHE_ENTRIES) as usize,
            given,
            given_stale,
        }
    }

    /// The place of an address, where there is room for it.
    fn place(&self, key: &str, now: Duration) -> Option<Arc<Place>> {
        let mut places = lock(&self.places);
        if let Some(place) = places.get(key) {
            return Some(Arc::clone(place));
        }
        if places.len() >= self.most {
            places.retain(|_, place| !lock(&place.heat).is_cold(now));
        }
        (places.len() < self.most).then(|| Arc::clone(places.entry(key.to_owned()).or_default()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The layer.
pub async fn give(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (shared, now) = (&gate.shared, gate.shared.clock.monotonic());
    let hot = shared.settings().get(&CACHE_HOT) as u32;
    let place = key(&request).and_then(|key| shared.cache.place(&key, now));
    let Some(place) = place.filter(|place| lock(&place.heat).asked(now, hot)) else {
        return without_terms(next.run(request).await);
    };
    let asked: Vec<_> = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect();
    let flight = match place.say(shared) {
        Say::Again(kept) => return again(shared, &kept, &asked),
        Say::Everybody => return without_terms(next.run(request).await),
        // Who comes first asks; for all others this will do meanwhile.
        Say::OneMeanwhile(kept) => match place.flight.try_lock() {
            Ok(flight) => flight,
            Err(_) => return again(shared, &kept, &asked),
        },
        Say::One => place.flight.lock().await,
    };
    // Somebody may have asked while we waited.
    match place.say(shared) {
        Say::Again(kept) => again(shared, &kept, &asked),
        Say::Everybody => {
            drop(flight);
            without_terms(next.run(request).await)
        }
        Say::One | Say::OneMeanwhile(_) => fetch(shared, &place, request, next, &asked).await,
    }
}

/// Who has to ask a server.
enum Say {
    /// Nobody: this will do.
    Again(Arc<Kept>),
    /// One; the others have this.
    OneMeanwhile(Arc<Kept>),
    /// One; the others wait.
    One,
    /// Everybody: nobody's answer is another's.
    Everybody,
}

impl Place {
    fn say(&self, shared: &Shared) -> Say {
        let now = shared.clock.monotonic();
        let asking = *lock(&self.asking);
        let kept = self.kept.load_full();
        let worth = kept.as_ref().map_or(Worth::Nothing, |kept| kept.worth(now));
        match (kept, worth) {
            (Some(kept), Worth::Fresh) => Say::Again(kept),
            // A server failed just now: that nobody else has to learn.
            (Some(kept), Worth::WhileRevalidating | Worth::IfError) if now < asking.failed_until => Say::Again(kept),
            _ if now < asking.failed_until.max(asking.everybody_until) => Say::Everybody,
            (Some(kept), Worth::WhileRevalidating) => Say::OneMeanwhile(kept),
            _ => Say::One,
        }
    }
}

impl Kept {
    fn worth(&self, now: Duration) -> Worth {
        self.terms.worth(now.saturating_sub(self.at))
    }
}

/// The address of a question that is the same for everybody; none of any other.
fn key(request: &Request) -> Option<String> {
    let headers = request.headers();
    let is_personal = [AUTHORIZATION, COOKIE, RANGE]
        .iter()
        .any(|name| headers.contains_key(name));
    let is_plain = request.method() == Method::GET && request.body().is_end_stream() && !is_personal;
    let target = is_plain.then(|| request.uri().path_and_query()).flatten()?;
    Some(target.as_str().to_owned())
}

/// Asks a server, keeps what may be kept, and falls back to what was.
async fn fetch(shared: &Shared, place: &Place, mut request: Request, next: Next, asked: &[HeaderValue]) -> Response {
    // All of it, for those who have none: who has it already is told so from what is kept.
    request.headers_mut().remove(IF_NONE_MATCH);
    let mut response = next.run(request).await;
    if response.extensions().get::<Unanswered>().is_some() || response.status().is_server_error() {
        let now = shared.clock.monotonic();
        lock(&place.asking).failed_until = now + FAILED;
        return match place.kept.load_full().filter(|kept| kept.worth(now) != Worth::Nothing) {
            Some(kept) => {
                shared.cache.given_stale.inc();
                again(shared, &kept, asked)
            }
            None => without_terms(response),
        };
    }
    let most = shared.settings().get(&KEPT_BYTES);
    let Some(terms) = may_be_kept(&response, most) else {
        lock(&place.asking).everybody_until = shared.clock.monotonic() + NOT_KEPT;
        return without_terms(response);
    };
    response.headers_mut().remove(TERMS);
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        // What was read whole before it came here does not fail; if it does, nobody has an answer.
        return no_answer(NoAnswer::NothingHappened);
    };
    let kept = Kept {
        headers: head.headers,
        body: body.to_bytes(),
        terms,
        at: shared.clock.monotonic(),
    };
    let answer = respond(&kept, Duration::ZERO, asked);
    place.kept.store(Some(Arc::new(kept)));
    answer
}

/// By what its server says of it.
fn may_be_kept(response: &Response, most: u64) -> Option<Terms> {
    let headers = response.headers();
    let is_same_for_all = !headers.contains_key(SET_COOKIE) && !headers.contains_key(VARY);
    let is_small = response.body().size_hint().exact().is_some_and(|bytes| bytes <= most);
    let may = response.status() == StatusCode::OK && is_same_for_all && is_small;
    terms(headers.get(TERMS).filter(|_| may)?.to_str().ok()?)
}

/// What is meant for us goes no further.
fn without_terms(mut response: Response) -> Response {
    response.headers_mut().remove(TERMS);
    response
}

/// A kept answer once more, with its age.
fn again(shared: &Shared, kept: &Kept, asked: &[HeaderValue]) -> Response {
    shared.cache.given.inc();
    let age = shared.clock.monotonic().saturating_sub(kept.at);
    respond(kept, age, asked)
}

fn respond(kept: &Kept, age: Duration, asked: &[HeaderValue]) -> Response {
    let etag = kept.headers.get(ETAG);
    let has_it = etag.is_some_and(|etag| asked.iter().any(|asked| names(asked, etag)));
    let body = if has_it {
        Body::empty()
    } else {
        Body::from(kept.body.clone())
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.clone_from(&kept.headers);
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    if has_it {
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

/// Whether `If-None-Match` names this tag, weakly (RFC 9110 §13.1.2).
fn names(asked: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(asked), Ok(etag)) = (asked.to_str(), etag.to_str()) else {
        return false;
    };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    asked.trim() == "*" || asked.split(',').any(|tag| opaque(tag) == opaque(etag))
}
