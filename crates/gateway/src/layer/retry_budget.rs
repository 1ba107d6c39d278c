//! Tries one server after another, within the budget: only what is safe or keyed goes again once it was sent, never to
//! the same server, never after the deadline. Has no answer of its own: what no try answered is the minimal site's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base::limit::Settings;
use http::StatusCode;
use http::request::Parts;
use http_body::Body as _;
use prometheus_client::metrics::counter::Counter;
use reliability::overload::minimal_site::NoAnswer;
use reliability::overload::retry_budget::{RetryBudget, Tried, may_go_again};
use runtime::clock::Clock;
use runtime::http::metrics::Metrics;

use crate::layer::balancing;
use crate::layer::deadline;
use crate::layer::forward::{self, Kept};
use crate::limit::{KEPT_BYTES, RETRIES_SAVED, RETRY_PERCENT};
use crate::visit::{Arrived, Gate, Until};

/// The header that makes doing it twice as good as once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The budget, and what was spent.
pub struct Retries {
    budget: Mutex<RetryBudget>,
    retried: Counter,
    exhausted: Counter,
}

impl Retries {
    /// By these settings.
    pub fn new(settings: &Settings, clock: &Clock, metrics: &Metrics) -> Self {
        let budget = RetryBudget::new(
            settings.get(&RETRY_PERCENT),
            settings.get(&RETRIES_SAVED),
            clock.monotonic(),
        );
        let (retried, exhausted) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            registry.register("gateway_retries", "Requests sent to another server", retried.clone());
            registry.register(
                "gateway_retries_refused",
                "Requests not sent to another server because the retry budget was spent",
                exhausted.clone(),
            );
        });
        Self {
            budget: Mutex::new(budget),
            retried,
            exhausted,
        }
    }

    fn budget(&self) -> MutexGuard<'_, RetryBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more may be sent. What never left us loads no server, and costs nothing.
    fn allows(&self, tried: Tried) -> bool {
        if tried == Tried::Sent && !self.budget().withdraw() {
            self.exhausted.inc();
            return false;
        }
        self.retried.inc();
        true
    }
}

/// The innermost layer.
pub async fn send(State(gate): State<Gate>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // What HTTP says is as good done twice (DELETE), and what its key makes so.
    let is_safe_or_keyed = head.method.is_idempotent() || head.headers.contains_key(IDEMPOTENCY_KEY);
    let now = gate.shared.clock.monotonic();
    let arrived = head.extensions.get::<Arrived>().map_or(now, |Arrived(at)| *at);
    gate.shared.retries.budget().deposit(now);
    let mut body = match kept(&gate, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let (mut places, mut was_sent) = (Vec::new(), false);
    while let Some((place, to)) = balancing::next(&gate.shared, &places) {
        let Some(body) = body.take() else { break };
        match forward::once(&gate, to, &head, body, arrived).await {
            Ok(response) => return response,
            Err(tried) => {
                places.push(place);
                was_sent |= tried == Tried::Sent;
                let left = left(&gate, &head);
                let others = places.len() < gate.shared.upstreams.all().len();
                if !others || !may_go_again(tried, is_safe_or_keyed, left) || !gate.shared.retries.allows(tried) {
                    break;
                }
            }
        }
    }
    // A safe request changes nothing, however far it came.
    no_answer(if was_sent && !head.method.is_safe() {
        NoAnswer::OutcomeUnknown
    } else {
        NoAnswer::NothingHappened
    })
}

fn left(gate: &Gate, head: &Parts) -> std::time::Duration {
    let until = head.extensions.get::<Until>();
    until.map_or_else(Default::default, |Until(until)| {
        until.left(gate.shared.clock.monotonic())
    })
}

/// Small bodies are kept for another try.
async fn kept(gate: &Gate, body: Body) -> Result<Kept, Response> {
    match body.size_hint().exact() {
        Some(bytes) if bytes <= gate.shared.settings().get(&KEPT_BYTES) => {
            deadline::whole(body, bytes).await.map(Kept::Whole)
        }
        _ => Ok(Kept::Streaming(Some(body))),
    }
}

/// For the minimal site to put into words.
#[derive(Debug, Clone, Copy)]
pub struct Unanswered(pub NoAnswer);

/// No server answered.
pub fn no_answer(why: NoAnswer) -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(Unanswered(why));
    response
}
