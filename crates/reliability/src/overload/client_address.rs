//! Who asks, behind proxies: from the connection backwards, the first who is no trusted proxy. Everything left of that
//! one is forgeable and counts for nothing.

use std::net::IpAddr;

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: IpAddr,
    bits: u8,
}

/// Networks whose word on who asks counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

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

impl Networks {
    /// Of addresses and networks with commas between.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parsed = parts
            .map(|part| Network::parse(part).ok_or_else(|| format!("expected an address or a network, not {part:?}")));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this address is in one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }

    /// Who asks. `lines`: the values of X-Forwarded-For, in their order. An entry that is no address ends the walk:
    /// whoever wrote it is the one we know.
    pub fn client(&self, connection: IpAddr, lines: &[&str]) -> IpAddr {
        let mut client = connection.to_canonical();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.has(client) {
                break;
            }
            match address(entry.trim()) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
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
