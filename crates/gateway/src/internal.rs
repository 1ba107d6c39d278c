//! The internal listener: whether this process gets on, whether it reaches a server, and its counts. All open to whoever
//! reaches it, which is this machine.

use axum::Router;
use axum::routing::get;
use http::HeaderMap;
use runtime::http::health::Health;
use runtime::http::metrics::Metrics;

use crate::visit::Gate;

/// Everything on the internal port.
pub fn router(gate: &Gate, metrics: Metrics) -> Router {
    let gate = gate.clone();
    Router::new()
        .route("/livez", get(|| async { Health::well() }))
        .route(
            "/readyz",
            get(move || async move {
                let answers = gate.shared.upstreams.all().iter().any(|one| one.health().answers());
                Health::of([("servers", answers), ("draining", !gate.shared.is_leaving())])
            }),
        )
        .route(
            "/metrics",
            get(move |headers: HeaderMap| async move { metrics.answer(&headers) }),
        )
}
