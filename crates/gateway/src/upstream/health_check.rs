//! Asks each server whether it is ready, on the socket where people's requests go. One miss is nothing, two are silence;
//! a refused connection needs no second look.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use reliability::overload::balancing::Health;
use runtime::clock::Clock;
use runtime::shortage::is_ours;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::limit::{PROBE_PAUSE, PROBE_TIME};
use crate::upstream::Upstream;
use crate::visit::Shared;

/// Misses in a row that are silence.
const MISSES: u32 = 2;

/// Asks until the owner stops; one task a server.
pub fn start(shared: &Arc<Shared>, owner: &Owner) {
    for place in 0..shared.upstreams.all().len() {
        let (shared, stop) = (Arc::clone(shared), owner.shutdown().clone());
        owner.spawn("health check", async move { keep_asking(&shared, place, &stop).await });
    }
}

/// Asks each once, so that the first visitor meets a judgement.
pub async fn first_look(shared: &Shared) {
    let time = shared.settings().duration(&PROBE_TIME);
    for upstream in shared.upstreams.all() {
        judge(upstream, &shared.clock, &mut 0, ask(upstream, time).await);
    }
}

async fn keep_asking(shared: &Shared, place: usize, stop: &Shutdown) {
    let Some(upstream) = shared.upstreams.all().get(place) else {
        return;
    };
    let mut misses = 0;
    while !stop.requested() {
        let (pause, time) = (
            shared.settings().duration(&PROBE_PAUSE),
            shared.settings().duration(&PROBE_TIME),
        );
        judge(upstream, &shared.clock, &mut misses, ask(upstream, time).await);
        // After a miss the question is asked again at once: people wait for the answer.
        if misses != 1 {
            tokio::select! {
                () = shared.clock.sleep(pause) => {}
                () = stop.wait() => return,
            }
        }
    }
}

fn judge(upstream: &Upstream, clock: &Clock, misses: &mut u32, said: io::Result<u16>) {
    let health = match said {
        Ok(200) => Health::Ready,
        Ok(_) => Health::Unready,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Health::Refused,
        // Then we have not asked, and know nothing.
        Err(error) if is_ours(&error) => return,
        Err(_) => {
            *misses = misses.saturating_add(1);
            if *misses < MISSES {
                return;
            }
            Health::Silent
        }
    };
    if health != Health::Silent {
        *misses = 0;
    }
    if upstream.seen(health, clock.monotonic()) {
        tracing::info!(server = %upstream.authority(), ?health, "a server was seen");
    }
}

/// The status of its `/readyz`.
async fn ask(upstream: &Upstream, time: Duration) -> io::Result<u16> {
    let authority = upstream.authority().as_str();
    let asked = async {
        let mut stream = TcpStream::connect(authority).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        // `HTTP/1.1 200`
        let mut head = [0u8; 12];
        stream.read_exact(&mut head).await?;
        let digits = head
            .strip_prefix(b"HTTP/1.1 ")
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let status = digits.and_then(|digits| digits.parse().ok());
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
    };
    tokio::time::timeout(time, asked)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
