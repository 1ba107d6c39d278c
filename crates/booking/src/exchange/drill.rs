//! The rehearsal of a restore: the newest backup is fetched, restored elsewhere, verified, and compared with the live
//! database. Its report says how much would be lost (RPO) and how long it takes (RTO); each is kept as a line of
//! evidence that names the line before it by its hash.

use super::backup::artefact::{Artefact, HeadNote, hex};
use super::backup::{BackupError, KeptBackup, Watch, Workplace, head_notes, io, kept};
use super::restore::{self, RestoreError};
use crate::records::{self, census};
use crate::sealing;
use base::time::Timestamp;
use database::Database;
use runtime::clock::Clock;
use runtime::destination::{Destination, DestinationError};
use runtime::secret::KeyRing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// What a drill uses.
pub struct Drill<'d> {
    /// Where backups are kept.
    pub destination: &'d Destination,
    /// The live database.
    pub live: &'d Database,
    /// The installation's keys.
    pub keys: &'d KeyRing,
    /// The clock.
    pub clock: &'d Clock,
    /// Where it is restored to, and thrown away.
    pub workplace: &'d Workplace,
    /// For `verify`.
    pub hold_grace: Duration,
}

/// There was nothing to rehearse with.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// There is no backup.
    #[error("there is no backup at {0}")]
    NoBackup(String),
    /// Backups cannot be reached.
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

/// One line of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillReport {
    /// When the drill began.
    pub at: String,
    /// The same, in microseconds since 1970.
    pub at_micros: i64,
    /// Whether everything was as it must be.
    pub passed: bool,
    /// What was not.
    pub findings: Vec<String>,
    /// Which backup.
    pub backup: String,
    /// Where it was kept.
    pub destination: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum, once it was read.
    pub sha256: Option<String>,
    /// How much would be lost if the machine were lost now: the age of the newest backup, in seconds.
    pub rpo_s: f64,
    /// The age of the last event in it, in seconds; none when there is no event.
    pub last_event_age_s: Option<f64>,
    /// How long it took until a verified database was there, in seconds.
    pub rto_s: f64,
    /// Of that, fetching it.
    pub fetch_s: f64,
    /// Of that, `verify`.
    pub verify_s: f64,
    /// Rows of each table: in the backup, and live now.
    pub rows: BTreeMap<String, (u64, u64)>,
    /// Chains whose end in the backup is part of the live chain.
    pub chains: usize,
    /// SHA-256 of the line before, in hexadecimal; empty for the first.
    pub previous: String,
}

impl Drill<'_> {
    /// Rehearses. A backup that does not come back is a report that did not pass, not an error.
    pub fn run(&self, watch: Watch<'_>) -> Result<DrillReport, DrillError> {
        let (now, began) = (self.clock.now(), self.clock.monotonic());
        let newest = kept(self.destination)?.pop();
        let newest = newest.ok_or_else(|| DrillError::NoBackup(self.destination.to_string()))?;
        let mut report = begun(&newest, self.destination.to_string(), now);
        if let Err(error) = self.restore(&newest, &mut report, now, watch) {
            report.findings.push(error.to_string());
        }
        report.rto_s = (self.clock.monotonic().saturating_sub(began)).as_secs_f64();
        report.passed = report.findings.is_empty();
        Ok(report)
    }

    /// The same for a database that somebody brought back by other means, such as the server's own backups. Nothing is
    /// written to it. How long that took is not known here.
    pub fn look_at(&self, restored: &Database) -> Result<DrillReport, RestoreError> {
        let (now, began) = (self.clock.now(), self.clock.monotonic());
        let mut connection = restored.connect_read_only()?.patient();
        database::migration::require_current(&mut connection, records::MIGRATIONS)?;
        let bytes = connection.bytes()?;
        let mut tx = connection.begin_read()?;
        let (rows, heads) = (census::rows(&mut tx)?, head_notes(&mut tx, now)?);
        let wrong_keys = sealing::check(&mut tx, self.keys)?.err();
        drop(tx);
        let last = heads.values().filter_map(|head| Timestamp::parse(&head.at)).max();
        let found = KeptBackup {
            made_at: last.unwrap_or(now),
            name: "brought back by other means".to_owned(),
            bytes,
        };
        let mut report = begun(&found, super::relocation::name(restored), now);
        report.last_event_age_s = last.map(|at| now.since(at).as_secs_f64());
        report.findings.extend(wrong_keys.map(|wrong| wrong.to_string()));
        self.verify(restored, &mut report)?;
        self.compare(&rows, &heads, &mut report)?;
        report.rto_s = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        report.passed = report.findings.is_empty();
        Ok(report)
    }

    fn restore(
        &self,
        newest: &KeptBackup,
        report: &mut DrillReport,
        now: Timestamp,
        watch: Watch<'_>,
    ) -> Result<(), RestoreError> {
        let began = self.clock.monotonic();
        let fetched = self.workplace.folder().join("fetched");
        self.destination
            .fetch(&newest.name, &fetched)
            .map_err(BackupError::from)?;
        report.fetch_s = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        let artefact = Artefact::open(&fetched, &newest.name, watch)?;
        artefact.usable(self.keys, "this installation's keys")?;
        report.sha256 = Some(artefact.written.sha256.clone());
        report.last_event_age_s = artefact.header.last_event_at().map(|at| now.since(at).as_secs_f64());
        let unpacked = restore::unpack(&artefact, self.workplace.folder(), now, watch)?;
        self.verify(&Database::file(&unpacked.file), report)?;
        self.compare(&artefact.header.rows, &artefact.header.heads, report)
    }

    fn verify(&self, restored: &Database, report: &mut DrillReport) -> Result<(), RestoreError> {
        let began = self.clock.monotonic();
        let verified = restore::verify(restored, self.keys, self.hold_grace)?;
        report.verify_s = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        let broken = verified
            .findings
            .iter()
            .map(|f| format!("{}: {}", f.invariant, f.detail));
        report.findings.extend(broken);
        Ok(())
    }

    /// The live database is the backup gone on: it has each chain's end that the backup has, and everything after.
    fn compare(
        &self,
        restored: &BTreeMap<String, u64>,
        heads: &BTreeMap<String, HeadNote>,
        report: &mut DrillReport,
    ) -> Result<(), RestoreError> {
        let mut live = self.live.connect_read_only()?.patient();
        let mut tx = live.begin_read()?;
        let rows = census::rows(&mut tx)?;
        for (table, count) in restored {
            let now = rows.get(table).copied().unwrap_or_default();
            report.rows.insert(table.clone(), (*count, now));
        }
        for (chain, head) in heads {
            match census::event(&mut tx, chain, head.sequence)? {
                Some((hash, _)) if hex(&hash) == head.hash => report.chains += 1,
                Some(_) => report.findings.push(format!(
                    "chain {chain}: event {} of the backup is another one in the live database",
                    head.sequence
                )),
                None => report.findings.push(format!(
                    "chain {chain}: event {} of the backup is not in the live database",
                    head.sequence
                )),
            }
        }
        Ok(())
    }
}

/// A report that says nothing yet.
fn begun(newest: &KeptBackup, destination: String, now: Timestamp) -> DrillReport {
    DrillReport {
        at: now.to_string(),
        at_micros: now.micros(),
        passed: false,
        findings: Vec::new(),
        backup: newest.name.clone(),
        destination,
        bytes: newest.bytes,
        sha256: None,
        rpo_s: now.since(newest.made_at).as_secs_f64(),
        last_event_age_s: None,
        rto_s: 0.0,
        fetch_s: 0.0,
        verify_s: 0.0,
        rows: BTreeMap::new(),
        chains: 0,
        previous: String::new(),
    }
}

/// Adds a report to the evidence of that name, down to the disk. Answers it with the hash of the line before.
pub fn keep_evidence(data: &Path, evidence: &str, mut report: DrillReport) -> Result<DrillReport, BackupError> {
    let folder = data.join("evidence");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(io(&folder))?;
    let path = folder.join(evidence);
    let mut before = read(&path);
    // Somebody was killed while writing: what is there of that line was never evidence.
    before.truncate(before.rfind('\n').map_or(0, |end| end + 1));
    report.previous = before.lines().last().map(line_hash).unwrap_or_default();
    let mut line = serde_json::to_string(&report).expect("plain values");
    line.push('\n');
    let append = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        file.set_len(before.len() as u64)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    append().map_err(io(&path))?;
    Ok(report)
}

/// The evidence of drills, in the folder `evidence`.
pub const EVIDENCE: &str = "backup-drill.jsonl";
/// That of databases which were brought back by other means: it says nothing of whether a drill is due.
pub const EVIDENCE_BY_OTHERS: &str = "restored-drill.jsonl";

/// The last report, if there is one.
pub fn last_evidence(data: &Path) -> Option<DrillReport> {
    let text = read(&data.join("evidence").join(EVIDENCE));
    serde_json::from_str(text.lines().last()?).ok()
}

/// How many lines of evidence follow each other without a gap or a change; the error is the line that does not.
pub fn check_evidence(text: &str) -> Result<usize, usize> {
    let mut before = String::new();
    for (n, line) in text.lines().enumerate() {
        let report: DrillReport = serde_json::from_str(line).map_err(|_| n + 1)?;
        if report.previous != before {
            return Err(n + 1);
        }
        before = line_hash(line);
    }
    Ok(text.lines().count())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn line_hash(line: &str) -> String {
    hex(&Sha256::digest(line.as_bytes()))
}
