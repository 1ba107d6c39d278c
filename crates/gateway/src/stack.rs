//! The order of layers. A request passes them from the bottom of this list to its top; an answer comes back the other way.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use runtime::http::health::Health;
use runtime::http::trace::{self, Trace};

use crate::layer::{cache, client_address, deadline, minimal_site, request_hygiene, retry_budget};
use crate::visit::Gate;

/// Everything on the public socket. Before any of this, `connection_limit` has closed what is too many of one network (it
/// costs least where nothing has been read yet), `entrance` has heard the proxy and shaken hands, and
/// `request_framing` follows the bytes, since what reads requests from them has chosen one reading already.
pub fn router(gate: &Gate, trace: Trace) -> Router {
    Router::new()
        // Whether this process gets on, without asking a server: whoever stands before us must not take us out because
        // they are down, since we have words for that.
        .route("/livez", get(|| async { Health::well() }))
        // Innermost: a try after a try, each chosen by `balancing` and made by `forward`. Inside the minimal site, so that
        // people see it only when no try helped.
        .fallback(retry_budget::send)
        // Around all tries, so that a crowd costs one; inside the minimal site, since what was so a moment ago is better
        // than that nobody answers.
        .layer(from_fn_with_state(gate.clone(), cache::give))
        // Around what needs a server, inside what refuses: who is refused is told why, and not that we are down.
        .layer(from_fn_with_state(gate.clone(), minimal_site::answer))
        // (load shedding stands here: after the queue's own order, before a server is asked)
        // (waiting room: only whoever proved to be no flood gets a place in line)
        // (challenge: costs the visitor something, so only after the buckets have said that it is needed)
        // (token bucket: by client, so after the client address and the block list)
        // (block list: cheapest of all that look at who it is)
        // The instant of arrival: outside of everything that may wait, because waiting counts.
        .layer(from_fn_with_state(gate.clone(), deadline::stamp))
        // Who asks, before any layer that treats people by who they are.
        .layer(from_fn_with_state(gate.clone(), client_address::find))
        // What two readers could take differently gets no further, and nobody below sees headers that clients forged.
        .layer(from_fn_with_state(gate.clone(), request_hygiene::clean))
        // Outside of all others: what they refuse is counted and has a trace id too.
        .layer(from_fn_with_state(trace, trace::record))
        .with_state(gate.clone())
}
