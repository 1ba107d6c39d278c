//! Says who asks: the connection's address or, behind proxies that `gateway.proxies` names, whom they speak for. Refuses
//! nobody. From here on no header of the client says who it is.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use reliability::overload::request_hygiene::FORGEABLE;
use runtime::http::listener::ClientAddress;

use crate::visit::{Client, Gate};

/// Behind a test there is no connection, and one address for all.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The layer.
pub async fn find(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ClientAddress>();
    let connection = connection.map_or(NOWHERE, |ClientAddress(address)| address.ip());
    let lines = request.headers().get_all(FORWARDED_FOR).iter();
    let lines: Vec<String> = lines.map(|line| line.to_str().unwrap_or_default().to_owned()).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let client = gate.shared.proxies.client(connection, &lines);
    // A proxy on this machine that nobody named: everybody behind it looks as if they sat here. A server shows some
    // things only to whoever does, so it must hear that this is not known.
    let is_unnamed = client.is_loopback() && !lines.is_empty();
    for name in FORGEABLE
        .into_iter()
        .filter(|name| !is_unnamed || *name != FORWARDED_FOR)
    {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().insert(Client(client));
    next.run(request).await
}
