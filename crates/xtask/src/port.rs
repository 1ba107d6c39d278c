//! Ports for what is stopped and started again at the same address. Never one that the system gives to whoever connects
//! somewhere: while nobody listens, a client's own end may take it, even by connecting to itself, and then the program
//! that comes back finds it taken.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Where to look: above what needs root and what well-known programs use, below what systems give away.
const FIRST: u16 = 20_000;
const MANY: u16 = 10_000;

/// How many were given by this process: nobody has one twice.
static GIVEN: AtomicU16 = AtomicU16::new(0);

/// One that nobody listens at.
pub fn free() -> Result<u16> {
    // Processes that run beside each other begin elsewhere.
    let begin = (std::process::id() % u32::from(MANY)) as u16;
    for _ in 0..MANY {
        let n = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_mul(7).wrapping_add(n) % MANY;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}
