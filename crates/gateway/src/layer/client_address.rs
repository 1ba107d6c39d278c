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

/// The layer.
pub async fn find(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ClientAddress>();
    let connection = connection.map_or(NOWHERE, |ClientAddress(address)| address.ip());
    let lines = request.headers().get_all("x-forwarded-for").iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or_default()).collect();
    let client = gate.shared.proxies.client(connection, &lines);
    for name in FORGEABLE {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().insert(Client(client));
    next.run(request).await
}
