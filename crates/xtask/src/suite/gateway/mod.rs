//! What the gateway promises, with real processes: one of two servers killed under load and nobody notices; all killed, or
//! silent, and everybody is told so at once; servers that misbehave are avoided; the gateway itself killed, and ended in
//! order. The figures are printed.

mod ended;
mod exhausted;
mod killed;
mod misbehaving;
mod nobody_answers;
mod refreshing;
mod visitor;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Tally;
use crate::Checkout;
use crate::client::Client;
use crate::site::{Site, Start};

/// Longest wait for a killed server, or the gateway, to be there again.
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("gateway")?;
    let stage = Stage {
        binary: checkout.binary(),
        data: scratch.join("data"),
        runtime: super::runtime()?,
        scratch,
    };
    let site = Start::new(&stage.binary, &stage.data).arg("--zones").arg("2").up()?;
    let mut tally = Tally::default();
    for act in [
        killed::run,
        nobody_answers::run,
        misbehaving::run,
        refreshing::run,
        exhausted::run,
        ended::run,
    ] {
        tally.add(act(&stage, &site)?);
    }
    ensure!(site.stop()?.success(), "the site did not stop cleanly");
    Ok(tally)
}

/// What every act needs.
struct Stage {
    binary: PathBuf,
    data: PathBuf,
    scratch: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    /// A gateway by hand before these servers, with the installation's key; it answers at its `--listen`.
    fn gateway(&self, site: &Site, name: &str, servers: &[String]) -> Result<ByHand> {
        let data = self.scratch.join(name);
        std::fs::create_dir_all(&data)?;
        std::fs::copy(self.data.join("edge.key"), data.join("edge.key"))?;
        let address = format!("127.0.0.1:{}", crate::port::free()?);
        let start = Start::new(&self.binary, &data).gateway(&address);
        let start = start.arg("--public-url").arg(site.public());
        let start = servers
            .iter()
            .fold(start, |start, server| start.arg("--to").arg(server));
        Ok(ByHand {
            site: start.up()?,
            address,
        })
    }
}

/// A gateway without a supervisor.
struct ByHand {
    site: Site,
    address: String,
}

/// The processes of a role, now.
fn pids(site: &Site, role: &str) -> Result<Vec<Pid>> {
    let now = site.processes()?;
    let list = now["pids"][role]
        .as_array()
        .context("processes.json names no processes")?;
    let pids = list.iter().filter_map(Value::as_i64);
    Ok(pids.map(|pid| Pid::from_raw(pid as i32)).collect())
}

/// `127.0.0.1:PORT` of each server's own socket.
fn servers(site: &Site) -> Result<Vec<String>> {
    let now = site.processes()?;
    let list = now["servers"].as_array().context("processes.json names no servers")?;
    let urls = list.iter().filter_map(Value::as_str);
    Ok(urls.map(|url| url.trim_start_matches("http://").to_owned()).collect())
}

/// Waits until so many processes of a role run, none of them one of these.
fn until_there(site: &Site, role: &str, count: usize, gone: &[Pid]) -> Result<Vec<Pid>> {
    let until = Instant::now() + BACK_WITHIN;
    loop {
        let now = pids(site, role).unwrap_or_default();
        if now.len() == count && !now.iter().any(|pid| gone.contains(pid)) {
            return Ok(now);
        }
        ensure!(
            Instant::now() < until,
            "{role}: {now:?} after {BACK_WITHIN:?}, without {gone:?}"
        );
        std::thread::sleep(LOOK);
    }
}

/// Waits until the gateway has seen so many servers ready: what it counts is at its internal listener.
fn until_seen_ready(stage: &Stage, site: &Site, count: usize) -> Result<()> {
    let until = Instant::now() + BACK_WITHIN;
    loop {
        let internal = site.processes()?["internal"]["gateway"][0]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let metrics = stage
            .runtime
            .block_on(Client::new(&internal).send(&crate::client::Ask::get("/metrics")));
        let text = metrics.map(|answer| answer.text()).unwrap_or_default();
        let seen = text
            .lines()
            .find_map(|line| line.strip_prefix("evenkeel_gateway_servers_ready "));
        if seen.and_then(|seen| seen.trim().parse::<usize>().ok()) == Some(count) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "the gateway does not see {count} servers ready");
        std::thread::sleep(LOOK);
    }
}

fn signal(pid: Pid, what: Signal) -> Result<()> {
    kill(pid, what).with_context(|| format!("{what} to {pid}"))
}

/// The smallest of these that `percent` of them do not exceed.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(at).copied().unwrap_or_default()
}
