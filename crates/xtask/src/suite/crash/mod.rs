//! Killed at any instant, nothing acknowledged is lost. A minute long, 64 clients book over HTTP while the server is
//! killed with SIGKILL: at hook points between receiving, deciding, committing and answering, and from outside at any
//! time; the supervisor is killed too. Every answer that never came is asked for again by its key, and at the end
//! `verify` compares what the clients were told with what is stored, and every checker of `rehearsal` judges the history
//! of all requests.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rehearsal::crowd::Crowd;
use rehearsal::ledger::{Ledger, Told};
use runtime::entropy::Entropy;

use super::Tally;
use crate::client::Client;
use crate::group::Group;
use crate::site::{Site, Start};
use crate::{Checkout, history, traveller};

/// How long the clients book.
const LASTS: Duration = Duration::from_mins(1);
/// Clients at once.
const CLIENTS: usize = 64;
/// The supervisor's lives: between two of them it is killed itself. Each arms other crash points in its servers, at
/// the n-th passage; a point late in a request's way is passed more rarely than one at its beginning.
const LIVES: [&str; 5] = [
    "receive:40",
    "decide:40",
    "before-commit:20",
    "after-commit:20",
    "answer:200",
];
/// How old a server becomes at most before it is killed from outside; in turn, so that some reach their crash point.
const SERVER_AGE_MAX: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(2500),
    Duration::from_millis(2500),
];
/// Starts of a server in one life of the supervisor, at most.
const STARTS_MAX: usize = 60;
/// What must have been tried for the test to mean something.
const KILLS_MIN: usize = 20;
const IN_FLIGHT_MIN: usize = 50;
const UNKNOWN_MIN: usize = 5;
/// How long the clients may take, once nobody is killed any more, to learn every outcome.
const RESOLVED_WITHIN: Duration = Duration::from_secs(20);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    lasting(checkout, LASTS)
}

/// The same for longer: as many lives of a supervisor more.
pub fn lasting(checkout: &Checkout, lasts: Duration) -> Result<Tally> {
    let scratch = checkout.scratch("crash")?;
    let data = scratch.join("data");
    let port = crate::port::free()?;
    let listen = format!("127.0.0.1:{port}");
    let binary = checkout.binary();
    let start = |spec: Option<&str>| {
        let start = Start::new(&binary, &data).listen(&listen);
        match spec {
            // One for each start of a server in this life; past the last one a server would stay.
            Some(spec) => (0..STARTS_MAX)
                .fold(start.arg("--rehearsal"), |start, _| start.arg("--crash-at").arg(spec))
                .up(),
            None => start.up(),
        }
    };
    let site = start(None)?;
    let runtime = super::runtime()?;
    let client = Client::new(&format!("http://{listen}"));
    let times = runtime.block_on(traveller::open_times(&client, "02108", 60))?;
    println!("  {} open times at the nearest clinics", times.len());
    let ledger = history::ledger(&scratch)?;
    let crowd = Crowd::new(&format!("http://{listen}"), times, Arc::clone(&ledger), Entropy::real());
    runtime.block_on(crowd.look_at_times());
    site.stop()?;

    let (mut kills, mut leftover, mut site) = (Kills::default(), None, Some(start(Some(LIVES[0]))?));
    let clients = runtime.spawn(crowd.clone().visit(CLIENTS, lasts));
    let began = Instant::now();
    let lives = LIVES.len() as u32 * (lasts.as_secs() / LASTS.as_secs()) as u32;
    for (life, spec) in LIVES.iter().cycle().take(lives as usize).enumerate() {
        let current = match site.take() {
            Some(site) => site,
            None => start(Some(spec))?,
        };
        drop(leftover.take()); // the former children are gone by now, or `up` would not be ready
        let until = began + lasts * (life as u32 + 1) / lives;
        kills.during(&current, spec, until, &ledger);
        kills.supervisors += 1;
        leftover = kill_supervisor(current, &ledger)?;
    }
    let site = start(None)?; // whole again: now every outcome can be learnt
    drop(leftover);
    runtime
        .block_on(async { tokio::time::timeout(RESOLVED_WITHIN, clients).await })
        .context("clients still wait")??;
    kills.print(&ledger);
    check(&kills, &ledger)?;
    let judged = runtime.block_on(history::conclude(&crowd, &ledger))?;
    verify(&binary, &data, &scratch, &ledger)?;
    ensure!(site.stop()?.success(), "the site did not stop cleanly");
    Ok(Tally::passed(6 + judged))
}

fn kill_supervisor(site: Site, ledger: &Ledger) -> Result<Option<Group>> {
    ledger.note_kill();
    site.kill_supervisor()
}

#[derive(Default)]
struct Kills {
    at_hook: Vec<(String, usize)>,
    outside: usize,
    supervisors: usize,
}

impl Kills {
    /// Kills one server after another until then; how each came to its end is told by who killed it.
    fn during(&mut self, site: &Site, spec: &str, until: Instant, ledger: &Ledger) {
        let mut hooks = 0;
        let mut current: Option<(Pid, Instant)> = None;
        let mut ours: Option<Pid> = None;
        let mut servers = 0_usize;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            let now = site.server().ok();
            match (current, now) {
                (Some((pid, _)), now) if now != Some(pid) => {
                    // Gone, and if it was not us it was its crash point.
                    if ours != Some(pid) {
                        hooks += 1;
                    }
                    current = None;
                }
                (None, Some(pid)) if ours != Some(pid) => {
                    servers += 1;
                    current = Some((pid, Instant::now()));
                }
                (Some((pid, since)), _) if since.elapsed() > SERVER_AGE_MAX[servers % SERVER_AGE_MAX.len()] => {
                    ledger.note_kill();
                    if nix::sys::signal::kill(pid, Signal::SIGKILL).is_ok() {
                        self.outside += 1;
                        ours = Some(pid);
                    }
                    current = None;
                }
                _ => {}
            }
        }
        self.at_hook.push((spec.to_owned(), hooks));
    }

    fn total(&self) -> usize {
        self.outside + self.at_hook.iter().map(|(_, count)| count).sum::<usize>()
    }

    fn print(&self, ledger: &Ledger) {
        let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
        println!(
            "  servers killed: {} ({} from outside; at crash points: {:?})",
            self.total(),
            self.outside,
            self.at_hook
        );
        println!("  supervisors killed: {}", self.supervisors);
        println!(
            "  requests answered: {}, of them refusals: {}, faults: {}",
            count(&ledger.answered),
            count(&ledger.refused),
            count(&ledger.faults)
        );
        println!("  in flight at a kill: {}", count(&ledger.in_flight_at_kill));
        println!(
            "  came back unknown: {}, of them done before the kill: {}",
            count(&ledger.unknown),
            count(&ledger.replayed)
        );
        println!("  acknowledged appointments: {}", ledger.acknowledged().len());
    }
}

fn check(kills: &Kills, ledger: &Ledger) -> Result<()> {
    ensure!(
        kills.total() >= KILLS_MIN,
        "only {} servers were killed, {KILLS_MIN} are wanted",
        kills.total()
    );
    for (spec, count) in &kills.at_hook {
        ensure!(*count > 0, "no server came to its end at `{spec}`");
    }
    let in_flight = ledger.in_flight_at_kill.load(Ordering::Relaxed);
    ensure!(
        in_flight >= IN_FLIGHT_MIN,
        "only {in_flight} requests were in flight at a kill, {IN_FLIGHT_MIN} are wanted"
    );
    let unknown = ledger.unknown.load(Ordering::Relaxed);
    ensure!(
        unknown >= UNKNOWN_MIN,
        "only {unknown} outcomes were unknown, {UNKNOWN_MIN} are wanted"
    );
    ensure!(!ledger.acknowledged().is_empty(), "nothing was acknowledged");
    Ok(())
}

/// `verify` finds every acknowledged appointment, and would find one that is not there.
pub(super) fn verify(binary: &Path, data: &Path, scratch: &Path, ledger: &Ledger) -> Result<()> {
    verify_on(binary, data, None, scratch, ledger)
}

/// The same of an installation whose database is elsewhere.
pub(super) fn verify_on(
    binary: &Path,
    data: &Path,
    database: Option<&str>,
    scratch: &Path,
    ledger: &Ledger,
) -> Result<()> {
    let (told, lines) = (ledger.acknowledged(), ledger.acknowledged_lines());
    let file = scratch.join("acknowledged.ndjson");
    std::fs::write(&file, &lines)?;
    let (code, said) = ask_verify_on(binary, data, database, &file)?;
    ensure!(code == 0, "verify --acknowledged ended with {code}:\n{said}");

    let one = told.first().context("nothing was acknowledged")?;
    let other = if one.status == "booked" { "cancelled" } else { "booked" };
    let lie = Told {
        status: other.to_owned(),
        ..one.clone()
    };
    std::fs::write(&file, lines + &lie.line())?;
    let (code, said) = ask_verify_on(binary, data, database, &file)?;
    ensure!(
        code == 3,
        "verify did not find a planted lie: ended with {code}:\n{said}"
    );
    Ok(())
}

/// Runs `verify --acknowledged`: its exit code, and what it said.
pub(super) fn ask_verify(binary: &Path, data: &Path, file: &Path) -> Result<(i32, String)> {
    ask_verify_on(binary, data, None, file)
}

fn ask_verify_on(binary: &Path, data: &Path, database: Option<&str>, file: &Path) -> Result<(i32, String)> {
    let mut verify = Command::new(binary);
    if let Some(url) = database {
        verify.env("EVENKEEL_DATABASE", url);
    }
    verify
        .arg("verify")
        .arg("--data")
        .arg(data)
        .arg("--acknowledged")
        .arg(file);
    let output = verify.output().context("starting verify")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let Some(code) = output.status.code() else {
        bail!("verify was killed: {said}")
    };
    Ok((code, said))
}
