//! `cargo xtask history URL`: clients book at any site that speaks the public API, everything is written down, and the
//! checkers of `rehearsal` judge the history. The suites that kill servers use the same.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rehearsal::checker::Report;
use rehearsal::client::Client;
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Ledger;
use rehearsal::look;
use rehearsal::recorder::Recorder;
use runtime::clock::Clock;
use runtime::entropy::Entropy;

use crate::suite;

/// What is asked for on the command line.
pub struct Wanted<'a> {
    /// The site's public URL; http only.
    pub url: &'a str,
    /// How long the clients visit.
    pub lasts: Duration,
    /// Clients at once.
    pub clients: usize,
    /// Clinics nearest to this ZIP; any, when none is given.
    pub near: Option<&'a str>,
    /// At how many clinics.
    pub clinics: usize,
    /// Others take places there meanwhile.
    pub shared: bool,
    /// By how much the site's clock may differ from ours.
    pub slack: Duration,
    /// Where the history is written.
    pub output: &'a Path,
}

/// Records a history and judges it. Whether every checker is content.
pub fn run(wanted: &Wanted<'_>) -> Result<bool> {
    let runtime = suite::runtime()?;
    let slack = wanted.slack.as_micros() as i64;
    let recorder = Recorder::begin(wanted.output, Clock::real(), !wanted.shared, slack)
        .with_context(|| format!("writing {}", wanted.output.display()))?;
    let ledger = Arc::new(Ledger::new(recorder));
    runtime.block_on(async {
        let times = look::open_times(&Client::new(wanted.url), wanted.near, wanted.clinics).await?;
        ensure!(!times.is_empty(), "no open time at {}", wanted.url);
        println!("{} open times", times.len());
        let crowd = Crowd::new(wanted.url, times, Arc::clone(&ledger), Entropy::real());
        crowd.look_at_times().await;
        crowd.clone().visit(wanted.clients, wanted.lasts).await;
        crowd.look_at_times().await;
        crowd.look_at_appointments().await;
        Ok(())
    })?;
    let report = Report::of(&ledger.recorder.history()?);
    println!("{report}");
    println!("written to {}", wanted.output.display());
    let broken = ledger.broken_promises();
    for what in broken.iter().take(10) {
        println!("  {what}");
    }
    Ok(report.passes() && broken.is_empty())
}

/// Judges a history file again. Whether every checker is content.
pub fn judge(file: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let history = rehearsal::history::History::read(&text).map_err(|cause| anyhow::anyhow!(cause))?;
    let report = Report::of(&history);
    println!("{report}");
    Ok(report.passes())
}

/// A ledger with its history in this folder, of clients who are alone at the site.
pub fn ledger(scratch: &Path) -> Result<Arc<Ledger>> {
    let recorder = Recorder::begin(&scratch.join("history.ndjson"), Clock::real(), true, 0)?;
    Ok(Arc::new(Ledger::new(recorder)))
}

/// The end of a suite, when nobody asks any more: reads everything once more, then every checker judges all of it.
/// How many promises that is.
pub async fn conclude(crowd: &Crowd, ledger: &Ledger) -> Result<usize> {
    crowd.look_at_times().await;
    crowd.look_at_appointments().await;
    let broken = ledger.broken_promises();
    ensure!(
        broken.is_empty(),
        "{} promises broken, the first: {}",
        broken.len(),
        broken[0]
    );
    let history = ledger.recorder.history()?;
    let report = Report::of(&history);
    println!("  {} events written down\n{report}", history.events.len());
    ensure!(
        report.passes(),
        "the history breaks what must be true of every server: {:?}",
        report.broken()
    );
    Ok(report.0.len())
}
