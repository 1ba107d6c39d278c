//! The gateway itself comes to an end. Killed under its supervisor: connections wait in the socket that the supervisor keeps,
//! and none is refused. Told to end (SIGTERM): under its supervisor nobody notices, because its follower is there
//! before it leaves; by hand it ends what it has begun, and then itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::visitor::{PAST_CACHE, Visit, Visited};
use super::{LOOK, Stage, misbehaving, percentile, pids, servers, signal, until_there};
use crate::client::{Ask, Client};
use crate::site::Site;
use crate::suite::Tally;

/// Visitors at once.
const VISITORS: usize = 12;
/// How often the gateway is killed, and how often it is told to end.
const ENDS: usize = 5;
/// How old it becomes between.
const AGE: Duration = Duration::from_millis(400);
/// A connection that was made this long after a kill was not made with the killed gateway.
const DYING: Duration = Duration::from_millis(30);
/// What a visitor may wait for a gateway that was killed.
const WAITS_AT_MOST: Duration = Duration::from_secs(3);
/// How long each request in flight takes when the gateway by hand is told to end.
const IN_FLIGHT: Duration = Duration::from_millis(600);
/// It ends after them, within this.
const ENDS_WITHIN: Duration = Duration::from_secs(4);

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    killed(stage, site)?;
    relieved(stage, site)?;
    by_hand(stage, site)?;
    Ok(Tally::passed(4))
}

fn killed(stage: &Stage, site: &Site) -> Result<()> {
    let (visits, kills) = ending(stage, site, Signal::SIGKILL)?;
    let cut = |visited: &Visited| {
        let failed = visited.began + visited.took;
        kills
            .iter()
            .any(|kill| visited.began <= *kill + DYING && failed + DYING >= *kill)
    };
    let refused = visits.iter().filter(|visited| visited.was_refused()).count();
    let failed: Vec<_> = visits.iter().filter(|visited| visited.status() != 200).collect();
    let mut times: Vec<_> = visits.iter().map(|visited| visited.took).collect();
    let worst = percentile(&mut times, 100);
    println!(
        "  gateway killed {ENDS} times: {} visitors, {refused} refused, {} cut in the middle by a kill, the longest wait {:.0} ms",
        visits.len(),
        failed.len(),
        worst.as_secs_f64() * 1e3
    );
    ensure!(refused == 0, "connections were refused");
    if let Some(other) = failed.iter().find(|visited| !cut(visited)) {
        anyhow::bail!("a visitor who came after a kill was not served: {other:?}");
    }
    ensure!(worst <= WAITS_AT_MOST, "a visitor waited for {worst:?}");
    Ok(())
}

fn relieved(stage: &Stage, site: &Site) -> Result<()> {
    let lasting = Lasting::start(stage, site);
    let (visits, _) = ending(stage, site, Signal::SIGTERM)?;
    let lasted = lasting.end(stage)?;
    let failed: Vec<_> = visits.iter().filter(|visited| visited.status() != 200).collect();
    let mut times: Vec<_> = visits.iter().map(|visited| visited.took).collect();
    println!(
        "  gateway relieved {ENDS} times: {} visitors with a connection each and {lasted} requests on kept ones, {} failed, the longest wait {:.0} ms",
        visits.len(),
        failed.len(),
        percentile(&mut times, 100).as_secs_f64() * 1e3
    );
    ensure!(
        failed.is_empty(),
        "not served while the gateway was relieved: {:?}",
        failed[0]
    );
    Ok(())
}

/// Visitors come all the time while the gateway ends so often by this signal. All visits, and when it was sent.
fn ending(stage: &Stage, site: &Site, how: Signal) -> Result<(Vec<Visited>, Vec<Instant>)> {
    let visit = Visit {
        headers: PAST_CACHE,
        ..Visit::get(&site.address(), "GET /")
    };
    let (over, all) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Visited>>>::default());
    let mut visitors = Vec::new();
    for _ in 0..VISITORS {
        let (visit, over, all) = (visit.clone(), Arc::clone(&over), Arc::clone(&all));
        visitors.push(stage.runtime.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let visited = visit.go().await;
                all.lock().unwrap_or_else(PoisonError::into_inner).push(visited);
            }
        }));
    }
    let ended = (0..ENDS).map(|_| {
        std::thread::sleep(AGE);
        let gateway = *pids(site, "gateway")?.first().context("a gateway")?;
        signal(gateway, how)?;
        let at = Instant::now();
        until_there(site, "gateway", 1, &[gateway])?;
        Ok(at)
    });
    let ended: Result<Vec<_>> = ended.collect();
    std::thread::sleep(AGE);
    over.store(true, Ordering::Relaxed);
    for visitor in visitors {
        stage.runtime.block_on(visitor)?;
    }
    let all = std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((all, ended?))
}

/// Clients that keep their connections, as browsers do, and never send anything twice.
struct Lasting {
    over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Result<usize>>>,
}

impl Lasting {
    fn start(stage: &Stage, site: &Site) -> Self {
        let over = Arc::<AtomicBool>::default();
        let clients = (0..VISITORS).map(|_| {
            let (client, over) = (site.client(), Arc::clone(&over));
            stage.runtime.spawn(async move {
                let mut count = 0;
                while !over.load(Ordering::Relaxed) {
                    client
                        .ask(&Ask::get("/").header("cookie", "a=b"), 200)
                        .await
                        .with_context(|| format!("request {count}"))?;
                    count += 1;
                }
                Ok(count)
            })
        });
        let clients = clients.collect();
        Self { over, clients }
    }
    fn end(self, stage: &Stage) -> Result<usize> {
        self.over.store(true, Ordering::Relaxed);
        let mut count = 0;
        for client in self.clients {
            count += stage.runtime.block_on(client)?.context("on a kept connection")?;
        }
        Ok(count)
    }
}

fn by_hand(stage: &Stage, site: &Site) -> Result<()> {
    let real = servers(site)?.first().context("a server")?.clone();
    let gate = stage.gateway(site, "gateway-drained", &[misbehaving::slow(&real, IN_FLIGHT)?])?;
    let visit = Visit {
        host: site.address(),
        headers: PAST_CACHE,
        keeps: true,
        ..Visit::get(&gate.address, "GET /")
    };
    let internal = gate.site.ready["internal"].as_str().unwrap_or_default().to_owned();
    let ready = stage
        .runtime
        .block_on(Client::new(&internal).ask(&Ask::get("/readyz"), 200));
    ready.context("the gateway by hand is not ready")?;
    let visitors: Vec<_> = (0..VISITORS)
        .map(|_| {
            let visit = visit.clone();
            stage.runtime.spawn(async move { visit.go().await })
        })
        .collect();
    std::thread::sleep(IN_FLIGHT / 3);
    let began = Instant::now();
    let stopping = std::thread::spawn(move || gate.site.stop());
    // Whoever stands before it hears at once that it leaves.
    until_unready(stage, &internal)?;
    for visitor in visitors {
        let visited = stage.runtime.block_on(visitor)?;
        let closes = visited
            .came
            .as_ref()
            .is_ok_and(|came| came.head.contains("\r\nconnection: close"));
        ensure!(
            visited.status() == 200 && closes,
            "in flight when the gateway was told to end: {visited:?}"
        );
    }
    let ended = stopping
        .join()
        .map_err(|_| anyhow::anyhow!("the thread that waits fell over"))??;
    let took = began.elapsed();
    println!(
        "  gateway by hand told to end with {VISITORS} requests in flight: all answered, ended after {:.0} ms",
        took.as_secs_f64() * 1e3
    );
    ensure!(
        ended.success() && took <= ENDS_WITHIN,
        "it ended with {ended} after {took:?}"
    );
    let after = stage.runtime.block_on(visit.go());
    ensure!(after.was_refused(), "somebody still listens: {after:?}");
    Ok(())
}

fn until_unready(stage: &Stage, internal: &str) -> Result<()> {
    let (client, until) = (Client::new(internal), Instant::now() + IN_FLIGHT);
    loop {
        match stage.runtime.block_on(client.send(&Ask::get("/readyz"))) {
            Ok(answer) if answer.status == 503 && answer.text().contains("draining") => return Ok(()),
            said => ensure!(
                Instant::now() < until,
                "/readyz of a gateway that was told to end: {said:?}"
            ),
        }
        std::thread::sleep(LOOK);
    }
}
