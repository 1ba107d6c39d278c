//! A gateway before a real server and one that misbehaves: accepts and never answers, answers nonsense, is ten times slower.
//! Nobody meets it for long, and nobody is told of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::visitor::{PAST_CACHE, Visit};
use super::{Stage, percentile, servers};
use crate::site::Site;
use crate::suite::Tally;

/// Visitors at once, and each one's visits.
const VISITORS: usize = 8;
const VISITS_EACH: usize = 40;
/// A real answer takes milliseconds; this is more than ten times that.
const SLOWER: Duration = Duration::from_millis(60);
/// Nobody waits for a silent server longer.
const WITHIN: Duration = Duration::from_millis(1_500);
/// The slow one's share of requests at most, in percent.
const SLOW_SHARE_MAX: usize = 25;

/// How a server misbehaves.
#[derive(Clone)]
enum Manner {
    Mute,
    Garbage,
    /// Passes on to the real one, after a while.
    Slow(String, Duration),
}

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    let real = servers(site)?.first().context("a server")?.clone();
    for (name, manner) in [
        ("accepts and never answers", Manner::Mute),
        ("answers nonsense", Manner::Garbage),
        ("is ten times slower", Manner::Slow(real.clone(), SLOWER)),
    ] {
        let is_slow = matches!(manner, Manner::Slow(..));
        let (address, asked) = start(manner)?;
        let gate = stage.gateway(site, "gateway-misbehaving", &[address, real.clone()])?;
        let visit = Visit {
            host: site.address(),
            headers: PAST_CACHE,
            ..Visit::get(&gate.address, "GET /")
        };
        let mut times = stage
            .runtime
            .block_on(visits(&visit))
            .with_context(|| format!("one server {name}"))?;
        let (all, worst, asked) = (times.len(), percentile(&mut times, 100), asked.load(Ordering::Relaxed));
        println!(
            "  one of two servers {name}: {all} visitors served, half within {:.1} ms, all within {:.0} ms; it was asked {asked} times",
            percentile(&mut times, 50).as_secs_f64() * 1e3,
            worst.as_secs_f64() * 1e3
        );
        ensure!(worst <= WITHIN, "one server {name}: a visitor waited for {worst:?}");
        let share = asked * 100 / all;
        ensure!(
            !is_slow || share <= SLOW_SHARE_MAX,
            "the slow server was asked {share} % of the time"
        );
        ensure!(gate.site.stop()?.success(), "the gateway did not end well");
    }
    Ok(Tally::passed(3))
}

/// How long each took; all are answered.
async fn visits(visit: &Visit) -> Result<Vec<Duration>> {
    let mut going = Vec::new();
    for _ in 0..VISITORS {
        let visit = visit.clone();
        going.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for _ in 0..VISITS_EACH {
                let visited = visit.go().await;
                ensure!(visited.status() == 200, "{visited:?}");
                times.push(visited.took);
            }
            Ok(times)
        }));
    }
    let mut times = Vec::new();
    for one in going {
        times.extend(one.await??);
    }
    Ok(times)
}

/// Where it listens, and how many requests of visitors it has read.
fn start(manner: Manner) -> Result<(String, Arc<AtomicUsize>)> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let (address, asked) = (socket.local_addr()?.to_string(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in socket.incoming().map_while(Result::ok) {
            let (manner, count) = (manner.clone(), Arc::clone(&count));
            std::thread::spawn(move || serve(stream, &manner, &count));
        }
    });
    Ok((address, asked))
}

fn serve(mut stream: TcpStream, manner: &Manner, count: &AtomicUsize) -> io::Result<()> {
    if let Manner::Slow(real, slower) = manner {
        return pass_on(stream, real, *slower, count);
    }
    let mut bytes = [0; 8192];
    loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        counted(&bytes[..length], count);
        if matches!(manner, Manner::Garbage) {
            stream.write_all(b"\0\x01 what?\r\n\r\n")?;
            return Ok(());
        }
    }
}

/// Whether it is a visitor's.
fn counted(bytes: &[u8], count: &AtomicUsize) -> bool {
    let is_visitors = bytes.starts_with(b"GET / ");
    count.fetch_add(usize::from(is_visitors), Ordering::Relaxed);
    is_visitors
}

/// A relay that keeps each request of a visitor for a while.
pub fn pass_on(stream: TcpStream, real: &str, slower: Duration, count: &AtomicUsize) -> io::Result<()> {
    let server = TcpStream::connect(real)?;
    let (mut back, mut to_client) = (server.try_clone()?, stream.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let (mut from, mut to, mut bytes) = (stream, server, [0; 8192]);
    loop {
        let length = from.read(&mut bytes).unwrap_or(0);
        if length == 0 {
            return to.shutdown(Shutdown::Both);
        }
        if counted(&bytes[..length], count) {
            std::thread::sleep(slower);
        }
        to.write_all(&bytes[..length])?;
    }
}

/// A relay to the real server that keeps each visitor's request so long.
pub fn slow(real: &str, slower: Duration) -> Result<String> {
    Ok(start(Manner::Slow(real.to_owned(), slower))?.0)
}
