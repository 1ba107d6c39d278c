//! How many connections there may be: of all, a share of the files that the process may open; of one network, so many
//! that nobody takes them all. IPv6 counts by /64, which is what one household or one attacker is given (RFC 6177).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// Share of the process's files that connections may take: upstreams, logs and journals need some too.
const FILES_PERCENT: u64 = 80;

/// Connections at once for a process that may open `files`, where `wanted` are written in the settings. Each visitor's
/// connection may need one to a server as well.
pub fn cap(wanted: u64, files: u64) -> u64 {
    wanted.min(files / 100 * FILES_PERCENT / 2).max(1)
}

/// What counts as one network.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
        four @ IpAddr::V4(_) => four,
    }
}

/// How many connections each network has; none for those that have none, so that it never grows beyond the cap of all.
#[derive(Debug, Default)]
pub struct PerNetwork(BTreeMap<IpAddr, u64>);

impl PerNetwork {
    /// Whether one more from there is let in; then it counts.
    pub fn enter(&mut self, address: IpAddr, most: u64) -> bool {
        let count = self.0.entry(network_of(address)).or_default();
        let fits = *count < most;
        *count += u64::from(fits);
        fits
    }

    /// One that was let in has ended.
    pub fn leave(&mut self, address: IpAddr) {
        let network = network_of(address);
        if let Some(count) = self.0.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&network);
            }
        }
    }

    /// Networks that have a connection.
    pub fn networks(&self) -> usize {
        self.0.len()
    }
}
