//! The gateway has no files left: who is there is served, who comes waits, and the processor has nothing to do meanwhile. With
//! files again everybody is served.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::unistd::Pid;

use super::visitor::Visit;
use super::{Stage, pids};
use crate::client::Ask;
use crate::program;
use crate::site::Site;
use crate::suite::Tally;

/// Connections beyond what it may still open.
const TOO_MANY: usize = 40;
/// How long it has none left.
const LASTS: Duration = Duration::from_secs(2);
/// What it may work in that time, in percent of one processor: it looks ten times a second on each core.
const WORK_MAX: f64 = 20.0;
/// What the kernel counts a process's time in for others to read, on every Linux machine (`USER_HZ`, time(7)).
const TICK: Duration = Duration::from_millis(10);

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    let gateway = *pids(site, "gateway")?.first().context("a gateway")?;
    let client = site.client();
    stage.runtime.block_on(client.ask(&Ask::get("/livez"), 200))?;
    let files = std::fs::read_dir(format!("/proc/{gateway}/fd"))?.count();
    let before = limit(gateway, &(files + 2).to_string())?;
    let crowd: Vec<_> = (0..TOO_MANY)
        .map(|_| TcpStream::connect(site.address()))
        .collect::<Result<_, _>>()?;
    let (began, work) = (Instant::now(), worked(gateway)?);
    std::thread::sleep(LASTS);
    let share = worked(gateway)?.saturating_sub(work).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let kept = stage.runtime.block_on(client.ask(&Ask::get("/livez"), 200));
    drop(crowd);
    limit(gateway, &before)?;
    kept.context("on a connection that was there before")?;
    let visited = stage.runtime.block_on(Visit::get(&site.address(), "GET /").go());
    println!(
        "  no files left for {TOO_MANY} connections: {share:.1} % of a processor, who was there is served; with files again a visitor waits {:.0} ms",
        visited.took.as_secs_f64() * 1e3
    );
    ensure!(share <= WORK_MAX, "the gateway spins: {share:.1} % of a processor");
    ensure!(visited.status() == 200, "with files again: {visited:?}");
    Ok(Tally::passed(3))
}

/// Sets the files that a process may open; what it was before.
fn limit(pid: Pid, files: &str) -> Result<String> {
    let pid = pid.to_string();
    let before = Command::new("prlimit")
        .args(["--pid", &pid, "--nofile", "--noheadings", "--output", "SOFT"])
        .output()?;
    let before = String::from_utf8_lossy(&before.stdout).trim().to_owned();
    // The soft one alone: it may be raised again.
    program::run(Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={files}:")]))?;
    Ok(before)
}

/// The processor's time that a process has used.
fn worked(pid: Pid) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // After the name, which may have anything in it (proc(5)): the state is the first, utime and stime the 12th and 13th.
    let after = text.rsplit_once(')').context("no name in it")?.1;
    let ticks = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap_or_default());
    Ok(TICK * ticks.sum::<u64>() as u32)
}
