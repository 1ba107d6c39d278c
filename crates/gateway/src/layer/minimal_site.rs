//! Answers when nothing below does: 503 with a whole page, in the visitor's language, that says what works, what is safe,
//! and what was open when we last knew, with its age. For programs a problem with the same meaning. Never "none left" for
//! "cannot tell". The style sheet is ours to give, so that the page looks like one.

mod language;
mod view;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus_client::metrics::counter::Counter;
use reliability::overload::minimal_site::{NoAnswer, can_tell};
use runtime::http::health::Health;
use runtime::http::metrics::Metrics;
use runtime::http::problem::Problem;
use runtime::http::trace::{self, Code};

use crate::layer::retry_budget::Unanswered;
use crate::limit::LAST_KNOWN_AGE;
use crate::upstream::last_known::LastKnown;
use crate::visit::{Gate, Shared};
use language::{Language, Words};

/// When to come again, in seconds: a restart takes less, and a crowd that comes every ten seconds is one we can bear.
const AGAIN_S: u64 = 10;

/// What the minimal site knows, and how often it spoke.
pub struct MinimalSite {
    known: LastKnown,
    words: Words,
    answers: Counter,
}

impl MinimalSite {
    /// With what was kept.
    pub fn new(known: LastKnown, metrics: &Metrics) -> Self {
        let answers = Counter::default();
        metrics.register(|registry| {
            registry.register(
                "gateway_degraded_answers",
                "Requests that no server answered, and the minimal site did",
                answers.clone(),
            );
        });
        Self {
            known,
            words: Words::default(),
            answers,
        }
    }

    /// The last known openings.
    pub fn last_known(&self) -> &LastKnown {
        &self.known
    }
}

/// What of a request decides its degraded answer.
struct Asked {
    path: String,
    is_for_program: bool,
    is_head: bool,
    language: Language,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let (path, headers) = (request.uri().path(), request.headers());
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
                .unwrap_or_default()
        };
        let accept = text(ACCEPT);
        let wants_json = accept.contains("json") && !accept.contains("text/html");
        Self {
            is_for_program: path == "/api" || path.starts_with("/api/") || path.starts_with("/$") || wants_json,
            path: path.to_owned(),
            is_head: request.method() == Method::HEAD,
            language: Language::chosen(request.uri().query().unwrap_or_default(), text(ACCEPT_LANGUAGE)),
        }
    }
}

/// The layer.
pub async fn answer(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    if asked.path == "/readyz" && gate.shared.is_leaving() {
        return Health::of([("draining", false)]).into_response();
    }
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Unanswered>() {
        Some(Unanswered(why)) => degraded(&gate.shared, &asked, why),
        None => response,
    }
}

fn degraded(shared: &Shared, asked: &Asked, why: NoAnswer) -> Response {
    if asked.path == "/readyz" {
        return Health::of([("servers", false)]).into_response();
    }
    if let Some((kind, bytes)) = html::style::asset(&asked.path) {
        return ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=300")], bytes).into_response();
    }
    shared.minimal_site.answers.inc();
    if asked.is_for_program {
        return problem(why);
    }
    page(shared, asked, why)
}

fn problem(why: NoAnswer) -> Response {
    let detail = match why {
        NoAnswer::NothingHappened => "No server answers right now. Nothing was changed.",
        NoAnswer::OutcomeUnknown => {
            "The server went away while it worked on this. Ask again with the same idempotency key to learn what became of it."
        }
    };
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        why.code(),
        "We cannot answer right now",
    )
    .detail(detail)
    .retry(AGAIN_S, why == NoAnswer::OutcomeUnknown)
    .into_response()
}

fn page(shared: &Shared, asked: &Asked, why: NoAnswer) -> Response {
    let known = shared.minimal_site.known.get();
    let now = shared.clock.now();
    let age = |at: i64| Duration::from_micros(now.micros().saturating_sub(at).max(0) as u64);
    let shown = known.as_ref().map(|known| {
        let age = age(known.at);
        view::Shown {
            known,
            age,
            with_openings: can_tell(age, shared.settings().duration(&LAST_KNOWN_AGE)),
        }
    });
    let locale = shared.minimal_site.words.of(asked.language);
    let text = view::page(asked.language, locale, why, shown.as_ref(), trace::current());
    let body = if asked.is_head { Body::empty() } else { Body::from(text) };
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    dress(response.headers_mut(), asked.language);
    response.extensions_mut().insert(Code(why.code().into()));
    response
}

fn dress(headers: &mut HeaderMap, language: Language) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    headers.insert(RETRY_AFTER, HeaderValue::from(AGAIN_S));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'"),
    );
}
