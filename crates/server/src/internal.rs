//! The internal listener: what machines and operators ask of this process alone. `/livez`, `/readyz` and `/metrics`
//! are open to whoever reaches it; all else takes the operator's token.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use http::{HeaderMap, StatusCode};
use runtime::http::metrics::Metrics;
use runtime::http::operator::{self, Operator};
use runtime::http::problem::Problem;
use runtime::http::trace::{self, Trace};
use serde_json::json;
use std::time::Duration;

use crate::answer::{self, AskError};
use crate::api::health;
use crate::app::App;
use crate::request::body::JsonBody;
use crate::request::fields::{self, Object};

/// Furthest a rehearsal may move the clock in one step: a year, in seconds.
const SHIFT_S_MAX: i64 = 366 * 86_400;

/// Everything on the internal port.
pub fn router(app: App, metrics: Metrics, operator: Operator, trace: Trace) -> Router {
    // Neither logged nor counted: a scrape would count itself as in flight, and a probe a second here would stand in the
    // same counts as the public listener's, whose routes have the same names.
    let open = Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route(
            "/metrics",
            get(move |headers: HeaderMap| async move { metrics.answer(&headers) }),
        )
        .method_not_allowed_fallback(|| async { AskError::MethodNotAllowed });
    let operators = Router::new()
        .route("/rehearsal/clock", get(clock).post(shift_clock))
        .fallback(|| async { AskError::NotFound })
        .method_not_allowed_fallback(|| async { AskError::MethodNotAllowed })
        .layer(middleware::from_fn_with_state(operator, operator::only))
        // Outside of the other: whoever comes without the token is counted and gets a trace id too.
        .layer(middleware::from_fn_with_state(trace, trace::record));
    open.merge(operators).with_state(app)
}

/// `GET /rehearsal/clock`: what time it is here, and how far that is from the machine's.
async fn clock(State(app): State<App>) -> Response {
    let clock = app.engine().clock();
    answer::json(
        StatusCode::OK,
        &json!({"now": clock.now().to_string(), "shifted_s": clock.shifted_by().as_secs()}),
    )
}

/// `POST /rehearsal/clock` with `{"shift_s":N}`: moves the time on. Only in a process started to be tried out.
async fn shift_clock(State(app): State<App>, body: JsonBody) -> Result<Response, AskError> {
    let JsonBody(bytes) = body;
    let shift_s = fields::read_body(&bytes, |raw, findings| {
        let fields = Object::open("", raw, &["shift_s"], findings)?;
        let expected = format!("a whole number of seconds from 0 to {SHIFT_S_MAX}");
        fields.required("shift_s", &expected, findings, |raw| {
            fields::integer(raw, 0, SHIFT_S_MAX)
        })
    })?;
    if app.engine().clock().shift(Duration::from_secs(shift_s as u64)).is_err() {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "not-in-rehearsal",
            "This process is not in rehearsal",
        )
        .detail("Its clock cannot be moved. Start it with --rehearsal, never on an installation that people use.");
        return Ok(problem.into_response());
    }
    tracing::warn!(shift_s, "the clock was moved: this is a rehearsal");
    Ok(clock(State(app)).await)
}
