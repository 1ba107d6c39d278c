//! A whole installation on a cluster, people who book there all the time, and whoever looks on: one drill after another
//! is played before them.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;
use tokio::task::JoinHandle;

use super::drills::Drill;
use super::gap::{self, seconds};
use super::watch::{Seen, Watch};
use crate::patroni::Cluster;
use crate::site::{Site, Start};
use crate::traveller::{self, Time};
use crate::{Checkout, history};

/// Clients at once, each one request at a time.
const CLIENTS: usize = 16;
/// At so many clinics.
const CLINICS: usize = 60;
/// Until somebody sends them home.
const FOR_EVER: Duration = Duration::from_hours(24);
/// How long the last may take to learn every outcome.
const RESOLVED_WITHIN: Duration = Duration::from_mins(1);
/// Writes have flowed so long before and after a drill.
const QUIET: Duration = Duration::from_secs(2);
/// Once a fault was answered, the front page says so within this time.
const SAID_WITHIN: Duration = Duration::from_secs(1);
/// Longest that writes may be away at all before the drill is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// See the head of this file.
pub struct Stage {
    /// Where whatever asks runs.
    pub runtime: tokio::runtime::Runtime,
    watch: Watch,
    clients: JoinHandle<()>,
    crowd: Crowd,
    ledger: Arc<Ledger>,
    /// The installation.
    pub site: Site,
    /// A time that nobody else wants.
    pub spare: Time,
    /// What is hurt.
    pub cluster: Cluster,
    /// The product.
    pub binary: PathBuf,
    /// Holds its data folder.
    pub scratch: PathBuf,
    /// Since when writes should come back by themselves.
    since: i64,
}

/// How one drill went.
pub struct Outcome {
    /// The longest time without an acknowledged write.
    pub away: Duration,
    /// After the first fault was answered, the front page said so.
    pub said_after: Option<Duration>,
    /// From the moment at which it was hurt.
    pub said_within: Option<Duration>,
    /// Requests to write whose outcome was not known at once.
    pub in_doubt: usize,
    seen: Seen,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = &self.seen;
        let (away, slowest) = (seconds(self.away), seconds(seen.slowest_write));
        write!(
            f,
            "writes away {away}, slowest answer {slowest}, {:?}, in doubt {}",
            seen.faults, self.in_doubt
        )?;
        let find = seen.slowest_find.as_millis();
        write!(
            f,
            "; {} finds, slowest {find} ms, oldest {} s",
            seen.found, seen.oldest_s
        )?;
        self.said_within.map_or(Ok(()), |within| {
            write!(f, "; said so {} after the blow", seconds(within))
        })
    }
}

/// What the end found.
pub struct Judged {
    /// Promises kept.
    pub passed: usize,
    /// For people.
    pub said: String,
}

impl Stage {
    /// Starts the installation on the cluster, and lets people in.
    pub fn set(checkout: &Checkout, name: &str, cluster: Cluster) -> Result<Self> {
        println!("  three nodes up after {}", seconds(cluster.up_after));
        let scratch = checkout.scratch(name)?;
        let (binary, data) = (checkout.binary(), scratch.join("data"));
        let url = format!("EVENKEEL_DATABASE={}", cluster.url());
        let site = Start::new(&binary, &data).under(&["/usr/bin/env", &url]).up()?;
        println!("  the demonstration is served after {}", seconds(site.ready_after));
        let runtime = crate::suite::runtime()?;
        let (times, mut own) = runtime.block_on(traveller::split_times(&site.client(), CLINICS))?;
        let spare = own.pop().context("a time of our own")?;
        let ledger = history::ledger(&scratch)?;
        let crowd = Crowd::new(&site.public(), times, Arc::clone(&ledger), Entropy::real());
        runtime.block_on(crowd.look_at_times());
        let clients = runtime.spawn(crowd.clone().visit(CLIENTS, FOR_EVER));
        let watch = Watch::begin(runtime.handle(), &site.public(), own);
        Ok(Self {
            runtime,
            watch,
            clients,
            crowd,
            ledger,
            site,
            spare,
            cluster,
            binary,
            scratch,
            since: 0,
        })
    }

    /// Hurts the cluster, waits until it is whole again, and checks what was promised for the time between.
    pub fn play(&mut self, drill: &Drill) -> Result<Outcome> {
        self.cluster.ready()?;
        self.until_writes_flow()?;
        let server = self.site.server()?;
        drop(self.watch.take());
        self.mark();
        let (hurt, from) = (Instant::now(), self.since);
        (drill.run)(self)?;
        self.until_writes_flow()?;
        self.cluster.ready()?;
        self.until_writes_flow()?;
        let to = self.ledger.recorder.now();
        let history = self.ledger.recorder.history()?;
        let away = gap::longest(&gap::acknowledged(&history), self.since, to);
        let seen = self.watch.take();
        let said_after = seen
            .first_fault
            .zip(seen.first_paused)
            .map(|(fault, said)| said.saturating_duration_since(fault));
        let said_within = seen.first_paused.map(|said| said.saturating_duration_since(hurt));
        let in_doubt = gap::in_doubt(&history, from);
        let outcome = Outcome {
            away,
            said_after,
            said_within,
            in_doubt,
            seen,
        };
        self.check(drill, &outcome).with_context(|| outcome.to_string())?;
        ensure!(self.site.server()? == server, "the server was started anew");
        Ok(outcome)
    }

    fn check(&self, drill: &Drill, outcome: &Outcome) -> Result<()> {
        let seen = &outcome.seen;
        ensure!(
            seen.wrong.is_empty(),
            "{} things are wrong, the first: {}",
            seen.wrong.len(),
            seen.wrong[0]
        );
        let broken = self.ledger.broken_promises();
        ensure!(
            broken.is_empty(),
            "{} promises broken, the first: {}",
            broken.len(),
            broken[0]
        );
        let (away, within) = (outcome.away, drill.within);
        ensure!(away <= within, "writes were away for {away:?}, {within:?} is promised");
        if seen.first_fault.is_some() && away > SAID_WITHIN * 2 {
            let after = outcome
                .said_after
                .context("the front page never said that booking is paused")?;
            ensure!(
                after <= SAID_WITHIN,
                "the front page said only after {after:?} that booking is paused"
            );
        }
        Ok(())
    }

    /// From now on writes should come back by themselves.
    pub fn mark(&mut self) {
        self.since = self.ledger.recorder.now();
    }

    /// Waits until writing works, and has for a while.
    pub fn until_writes_flow(&self) -> Result<()> {
        let began = Instant::now();
        let mut since = began;
        loop {
            let looked = Instant::now();
            while !self.watch.has_written_since(looked) && looked.elapsed() < QUIET {
                std::thread::sleep(PAUSE);
            }
            if !self.watch.has_written_since(looked) || looked.elapsed() > QUIET / 2 {
                since = Instant::now();
            }
            if since.elapsed() > QUIET {
                return Ok(());
            }
            ensure!(
                began.elapsed() < GIVEN_UP_AFTER,
                "writes do not flow after {GIVEN_UP_AFTER:?}\n{}",
                self.cluster.logs()
            );
        }
    }

    /// Sends everybody home, and judges all of it.
    pub fn end(self) -> Result<Judged> {
        self.crowd.send_home();
        let resolved = async { tokio::time::timeout(RESOLVED_WITHIN, self.clients).await };
        self.runtime.block_on(resolved).context("clients still wait")??;
        drop(self.watch);
        let told = self.ledger.acknowledged().len();
        let unknown = self.ledger.unknown.load(Ordering::Relaxed);
        let replayed = self.ledger.replayed.load(Ordering::Relaxed);
        let judged = self.runtime.block_on(history::conclude(&self.crowd, &self.ledger))?;
        let file = self.scratch.join("acknowledged.ndjson");
        std::fs::write(&file, self.ledger.acknowledged_lines())?;
        let mut verify = Command::new(&self.binary);
        verify
            .arg("verify")
            .arg("--data")
            .arg(self.scratch.join("data"))
            .arg("--database")
            .arg(self.cluster.url());
        let output = verify.arg("--acknowledged").arg(&file).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "verify --acknowledged ended with {}:\n{said}",
            output.status
        );
        ensure!(self.site.stop()?.success(), "the site did not stop cleanly");
        let said = format!(
            "{told} appointments acknowledged, 0 lost (`verify --acknowledged`); {unknown} answers never came, \
             {replayed} of them had been done; every checker of the history is content."
        );
        Ok(Judged {
            passed: judged + 2,
            said,
        })
    }
}
