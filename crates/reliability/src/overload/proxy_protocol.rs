//! The PROXY protocol, version 2, as HAProxy describes it (`proxy-protocol.txt` §2.2): what a proxy of ours says of the client at
//! the beginning of a connection. Never guessed: a listener that expects it lets nobody in without it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of the part that every header has.
pub const FIXED: usize = 16;
/// Bytes that may follow it: addresses take 36, what else proxies like to tell is short.
pub const REST_MAX: usize = 2_048;

const SIGNATURE: [u8; 12] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// It is not such a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotProxied;

/// How many bytes follow the fixed part.
pub fn rest(fixed: &[u8; FIXED]) -> Result<usize, NotProxied> {
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let is_one = fixed[..12] == SIGNATURE && matches!(fixed[12], LOCAL | PROXY) && length <= REST_MAX;
    is_one.then_some(length).ok_or(NotProxied)
}

/// Whom the proxy speaks for; none when it speaks for itself.
pub fn client(fixed: &[u8; FIXED], rest: &[u8]) -> Result<Option<SocketAddr>, NotProxied> {
    match (fixed[12], fixed[13]) {
        (LOCAL, _) => Ok(None),
        (PROXY, TCP4) => {
            let all: &[u8; 12] = rest.first_chunk().ok_or(NotProxied)?;
            let address = Ipv4Addr::new(all[0], all[1], all[2], all[3]);
            Ok(Some(SocketAddr::new(
                IpAddr::V4(address),
                u16::from_be_bytes([all[8], all[9]]),
            )))
        }
        (PROXY, TCP6) => {
            let all: &[u8; 36] = rest.first_chunk().ok_or(NotProxied)?;
            let address: &[u8; 16] = all.first_chunk().ok_or(NotProxied)?;
            let port = u16::from_be_bytes([all[32], all[33]]);
            Ok(Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(*address)), port)))
        }
        _ => Err(NotProxied),
    }
}
