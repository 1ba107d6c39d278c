//! What a gateway says of a request: who asks, and how long an answer is worth something. Believed only with the gateway's
//! mark, and only in a server that was started behind one; in any other such headers are thrown away unread.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use runtime::http::edge::EDGE;
use runtime::http::listener::ClientAddress;

use crate::app::App;

/// What deciding and answering takes; a request with less left is not begun. A commit that was begun is never given up.
const LEAST: Duration = Duration::from_millis(5);

tokio::task_local! {
    static LEFT: Duration;
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Goes on, with the server's own deadline.
    Open,
    /// Goes on, and has this long.
    Within(Duration),
    /// Nobody waits for its answer any more.
    TooLate,
    /// Came past the gateway.
    Refused,
}

/// Reads the header, and takes it out. From here on the client's address is whom the gateway saw.
pub fn enter(app: &App, request: &mut Request) -> Entry {
    let header = request.headers_mut().remove(EDGE);
    let Some(key) = app.edge() else { return Entry::Open };
    let text = header.as_ref().and_then(|value| value.to_str().ok());
    // The gateway's clock is the machine's: a rehearsal shifts ours alone.
    let now = app.engine().clock().unshifted();
    let Some(edge) = text.and_then(|text| key.open(text, now)) else {
        return Entry::Refused;
    };
    request
        .extensions_mut()
        .insert(ClientAddress(SocketAddr::new(edge.client, 0)));
    if edge.left < LEAST {
        Entry::TooLate
    } else {
        Entry::Within(edge.left)
    }
}

/// Does this with so long left.
pub async fn with_left<T>(left: Duration, work: impl Future<Output = T>) -> T {
    LEFT.scope(left, work).await
}

/// The shorter of this span and what the request has left.
pub fn within(span: Duration) -> Duration {
    LEFT.try_with(|left| span.min(*left)).unwrap_or(span)
}
