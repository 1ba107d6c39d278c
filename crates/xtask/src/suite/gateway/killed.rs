//! One of two servers is killed with SIGKILL, again and again, while many clients find, hold, book, read, move and cancel.
//! No client meets anything of it: every request gets its own answer the first time it is sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rehearsal::crowd::Crowd;
use rehearsal::history::{History, What};
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;

use super::{Stage, pids, signal, until_seen_ready, until_there};
use crate::site::Site;
use crate::suite::{Tally, crash};
use crate::{history, traveller};

/// Clients at once.
const CLIENTS: usize = 192;
/// How often a server is killed.
const KILLS: usize = 12;
/// Requests sent and not answered when a server was killed, in all.
const IN_FLIGHT_MIN: usize = 1_000;
/// How old both become before the next is killed.
const AGE: Duration = Duration::from_millis(250);
/// Longer than all kills take on a laden machine.
const LASTS_MAX: Duration = Duration::from_mins(2);
/// How long the clients may take to end the visit that they are in.
const HOME_WITHIN: Duration = Duration::from_secs(30);
/// Answers of a door that asked nobody and says "later": no failure.
const LATER: [&str; 2] = ["rate-limited", "waiting-room"];

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    let times = stage
        .runtime
        .block_on(traveller::open_times(&site.client(), "02108", 60))?;
    let ledger = history::ledger(&stage.scratch)?;
    let crowd = Crowd::new(&site.public(), times, Arc::clone(&ledger), Entropy::real());
    stage.runtime.block_on(crowd.look_at_times());
    let visiting = stage.runtime.spawn(crowd.clone().visit(CLIENTS, LASTS_MAX));
    let began = Instant::now();
    let killed = kill_in_turn(stage, site, &ledger);
    let lasted = began.elapsed();
    crowd.send_home();
    stage
        .runtime
        .block_on(async { tokio::time::timeout(HOME_WITHIN, visiting).await })
        .context("clients still wait")??;
    killed?;
    let (answered, in_flight) = (
        ledger.answered.load(Ordering::Relaxed),
        ledger.in_flight_at_kill.load(Ordering::Relaxed),
    );
    let failed = failures(&ledger.recorder.history()?);
    println!(
        "  {KILLS} kills of one of two servers in {:.1} s: {in_flight} requests in flight, {answered} answered, {} failed",
        lasted.as_secs_f64(),
        failed.values().sum::<usize>()
    );
    for (what, count) in &failed {
        println!("    {count} × {what}");
    }
    ensure!(failed.is_empty(), "requests failed");
    ensure!(
        in_flight >= IN_FLIGHT_MIN,
        "only {in_flight} requests were in flight at a kill, {IN_FLIGHT_MIN} are wanted"
    );
    let judged = stage.runtime.block_on(history::conclude(&crowd, &ledger))?;
    crash::verify(&stage.binary, &stage.data, &stage.scratch, &ledger)?;
    println!("  {} acknowledged appointments, all there", ledger.acknowledged().len());
    Ok(Tally::passed(3 + judged))
}

fn kill_in_turn(stage: &Stage, site: &Site, ledger: &Ledger) -> Result<()> {
    for turn in 0..KILLS {
        until_seen_ready(stage, site, 2)?;
        std::thread::sleep(AGE);
        let servers = pids(site, "server")?;
        let one = *servers.get(turn % 2).context("two servers")?;
        ledger.note_kill();
        signal(one, Signal::SIGKILL)?;
        until_there(site, "server", 2, &[one])?;
    }
    until_seen_ready(stage, site, 2)
}

/// What was not answered the first time it was sent, by kind and cause.
fn failures(history: &History) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    let mut failed = BTreeMap::new();
    for event in &history.events {
        match &event.what {
            What::Invoke { ask, .. } => {
                let shown = serde_json::to_value(ask).unwrap_or_default();
                asked.insert(event.op, shown["do"].as_str().unwrap_or("a request").to_owned());
            }
            What::Failed { why } if LATER.contains(&why.as_str()) => {}
            What::Failed { why } | What::Unknown { why } => {
                let what = asked.get(&event.op).map_or("a request", String::as_str);
                *failed.entry(format!("{what}: {why}")).or_default() += 1;
            }
            _ => {}
        }
    }
    failed
}
