//! Who is at the other end: the connection's address or, where that is a proxy of ours, whom the proxy says it speaks for.
//! Keeps that nobody can pass for somebody else: only what a proxy that `server.proxies` names has added counts.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use runtime::http::listener::ClientAddress;

use crate::app::App;

/// What proxies write into: each adds whom it was asked by, at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Behind a test there is no connection, and one address for all.
const NOWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// The proxies in front of us.
#[derive(Debug, Default)]
pub struct Proxies {
    networks: Vec<Network>,
    /// Whether it was said that a proxy is there that nobody named.
    warned: AtomicBool,
}

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: IpAddr,
    bits: u8,
}

fn bits_of(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let first: IpAddr = address.parse().ok()?;
        let whole = bits_of(first).1;
        let bits = bits.map_or(Some(whole), |bits| bits.parse().ok())?;
        (bits <= whole).then_some(Self { first, bits })
    }

    fn has(&self, address: IpAddr) -> bool {
        let ((ours, width), (theirs, of)) = (bits_of(self.first), bits_of(address));
        width == of && (ours ^ theirs).checked_shr(u32::from(width - self.bits)).unwrap_or(0) == 0
    }
}

fn networks(text: &str) -> Result<Vec<Network>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| Network::parse(part).ok_or_else(|| format!("expected an address or a network, not {part:?}")))
        .collect()
}

/// Says what is wrong with a list of proxies.
pub fn check(text: &str) -> Result<(), String> {
    networks(text).map(|_| ())
}

impl Proxies {
    /// Of addresses and networks behind commas. What does not read was refused when the settings were loaded.
    pub fn new(text: &str) -> Self {
        Self {
            networks: networks(text).unwrap_or_default(),
            warned: AtomicBool::new(false),
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.has(address))
    }

    /// Who asks: from the connection backwards, the first who is no proxy of ours. An entry that is no address ends the
    /// walk: whoever wrote it is the one we know.
    pub fn client(&self, connection: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = connection.to_canonical();
        let lines: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.has(client) {
                break;
            }
            match address(entry.trim()) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        let is_unnamed = !lines.is_empty() && connection.to_canonical().is_loopback() && !self.has(client);
        if is_unnamed && self.networks.is_empty() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "requests come through a proxy that `server.proxies` does not name: everybody behind it counts as one \
                 network where tries at codes are slowed"
            );
        }
        client
    }
}

/// An address as proxies write it: some add the port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse().ok().or_else(with_port)
}

/// Who asks, as far as we can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ClientAddress>();
        let connection = connection.map_or(NOWHERE, |ClientAddress(address)| address.ip());
        Ok(Self(app.proxies().client(connection, &parts.headers)))
    }
}
