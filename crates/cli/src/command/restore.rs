//! `evenkeel restore`: a backup into an empty place, verified before anything is touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use booking::exchange::backup::artefact::{Artefact, Header};
use booking::exchange::backup::{BackupError, ENDING, Workplace};
use booking::exchange::restore::{self, RestoreError};
use booking::limit::HOLD_GRACE;
use booking::verify::Report;
use clap::Args;
use database::Database;
use runtime::clock::Clock;
use runtime::destination::{Destination, Place};
use runtime::disk_space::free_bytes;
use runtime::entropy::Entropy;
use runtime::secret::{KEY_FILE, KeyRing};
use supervisor::instance::holder;

use super::Data;
use super::backup::newest;
use crate::configuration;
use crate::exit::{CouldNotLook, Exit, Usage};
use crate::storage::{LongWork, access, megabytes, span};

const EXAMPLES: &str = "\
Examples:
  evenkeel restore backup.ekb --data /srv/vax --keys /media/usb/master.key
  evenkeel restore /mnt/nas/evenkeel --data /srv/vax      the newest backup in a folder; keys are in /srv/vax/keys already
  evenkeel restore s3://bucket/evenkeel --data /srv/vax   the newest one there (credentials: AWS_… variables)
  evenkeel restore backup.ekb --data /srv/vax --database postgres://evenkeel@db1,db2,db3/evenkeel
                                                          into an empty database; a backup fits either engine

The place must be empty: no database in it, or one without data. Keys are put into DATA/keys first, or named with --keys.
Step by step, for a machine that burned: docs/operator/backup.md

Exit codes: 0 restored and verified, 1 failed, 2 wrong usage or the place is not empty, 3 the backup is damaged (or what
was restored breaks a promise), 4 could not look (no backup, no keys, other keys), 5 the backup is of a newer version";

/// Bring a backup back into an empty place
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// The backup; of a folder or s3://BUCKET/PREFIX the newest
    #[arg(value_name = "FILE|DIR|URL")]
    from: String,
    #[command(flatten)]
    at: Data,
    /// The copy of the key file, or of its folder, that was kept somewhere else; the file is put into DATA/keys
    #[arg(long, value_name = "FILE|DIR")]
    keys: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Restore {
    /// Looks at everything, then restores, then verifies.
    pub fn run(mut self) -> anyhow::Result<Exit> {
        if let Some(folder) = self.keys.as_ref().filter(|kept| kept.is_dir()) {
            self.keys = Some(folder.join(KEY_FILE));
        }
        let data = &self.at.data;
        let database = self.at.database()?;
        let server = database.cluster().is_some();
        refuse_occupied(&database, data)?;
        if let Some(holder) = holder(data)? {
            let why = "stop it first (`evenkeel stop`)";
            return Err(Usage(format!("process {} runs on {}: {why}", holder.pid, data.display())).into());
        }
        let own_keys = data.join("keys").join(KEY_FILE);
        if self.keys.is_some() && own_keys.exists() {
            let why = "are there already: leave out --keys, or move them away";
            return Err(Usage(format!("keys in {} {why}", own_keys.display())).into());
        }
        let texts = configuration::load(data)?;
        let place = Place::named(&self.from, ENDING, &access(&texts)).map_err(|error| Usage(error.to_string()))?;
        let name = place.name.clone().map_or_else(|| newest(&place.destination), Ok)?;
        let mut work = LongWork::new(self.json)?;
        let (local, workplace) = brought(&place.destination, &name, data)?;
        let opened = Artefact::open(&local, &name, &mut |step, done, total| work.watch(step, done, total));
        let artefact = opened.map_err(RestoreError::from)?;
        let keys = self.open_keys(&own_keys, &artefact.header)?;
        let keys_at = self.keys.as_deref().unwrap_or(&own_keys).display().to_string();
        artefact.usable(&keys, &keys_at).map_err(RestoreError::from)?;

        let clock = Clock::real();
        let data = supervisor::installation::prepare(data)?;
        let workplace = workplace.map_or_else(|| Workplace::take(&data), Ok)?;
        look_for_room(workplace.folder(), artefact.header.database_bytes)?;
        let now = clock.now();
        let watch = &mut |step, done, total| work.watch(step, done, total);
        let unpacked = restore::unpack(&artefact, workplace.folder(), now, watch)?;
        restore::note(&unpacked, artefact.header.made_at(), now)?;
        if let Some(kept) = &self.keys {
            KeyRing::put_back(kept, &data.join("keys"))?;
        }
        if server {
            restore::fill(&unpacked, &database, now, &mut |step, done, total| {
                work.watch(step, done, total)
            })?;
        } else {
            restore::put_in_place(&unpacked, &data)?;
        }
        let grace = Duration::from_secs(HOLD_GRACE.max);
        let report = restore::verify(&database, &keys, grace)?;
        work.end();
        let restored = Restored {
            name: &name,
            artefact: &artefact,
            report: &report,
            data: &data,
            place: database
                .cluster()
                .map_or_else(|| data.display().to_string(), ToString::to_string),
            age: now.since(artefact.header.made_at()),
        };
        if self.json {
            println!("{}", restored.json());
        } else {
            restored.print();
        }
        Ok(if report.findings.is_empty() {
            Exit::Done
        } else {
            Exit::FoundWrong
        })
    }

    fn open_keys(&self, own: &Path, header: &Header) -> anyhow::Result<KeyRing> {
        let could_not = |error: runtime::secret::KeyError| CouldNotLook(error.to_string());
        if let Some(kept) = &self.keys {
            return Ok(KeyRing::read_kept(kept).map_err(could_not)?);
        }
        if !own.is_file() {
            let needed = header.key_numbers();
            let hint = format!(
                "put the copy you kept to {}, or name it with --keys FILE",
                own.display()
            );
            return Err(CouldNotLook(format!("this backup needs key {needed}, and there are no keys: {hint}")).into());
        }
        let folder = own.parent().unwrap_or(own);
        Ok(KeyRing::open_or_create(folder, &Entropy::real()).map_err(could_not)?)
    }
}

/// Refuses a place where there is data. Rows on a server lie elsewhere, and the folder may well be in use for its keys.
fn refuse_occupied(database: &Database, data: &Path) -> Result<(), RestoreError> {
    if database.cluster().is_some() {
        restore::refuse_filled(database)
    } else {
        restore::refuse_occupied(data)
    }
}

/// The backup as a file on this machine. Only one that has to be fetched makes anything before it is known to be good.
fn brought(from: &Destination, name: &str, data: &Path) -> anyhow::Result<(PathBuf, Option<Workplace>)> {
    if let Some(path) = from.path(name) {
        return Ok((path, None));
    }
    let workplace = Workplace::take(&supervisor::installation::prepare(data)?)?;
    let fetched = workplace.folder().join("fetched");
    from.fetch(name, &fetched)
        .map_err(|error| CouldNotLook(error.to_string()))?;
    Ok((fetched, Some(workplace)))
}

fn look_for_room(folder: &Path, bytes: u64) -> Result<(), BackupError> {
    match free_bytes(folder) {
        Some(free) if free < bytes => Err(BackupError::NoRoom {
            place: folder.to_owned(),
            needed: bytes.div_ceil(1 << 20),
            free: free >> 20,
        }),
        _ => Ok(()),
    }
}

struct Restored<'r> {
    name: &'r str,
    artefact: &'r Artefact,
    report: &'r Report,
    data: &'r Path,
    /// Where the rows are, for people.
    place: String,
    age: Duration,
}

impl Restored<'_> {
    fn json(&self) -> serde_json::Value {
        let (header, report) = (&self.artefact.header, self.report);
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|finding| serde_json::json!({"invariant": finding.invariant.name(), "detail": finding.detail}))
            .collect();
        serde_json::json!({
            "event": "restored", "backup": self.name, "sha256": self.artefact.written.sha256, "data": self.data,
            "place": self.place,
            "maybe_missing_since": header.made_at, "heads": header.heads, "rows": header.rows, "keys": header.keys,
            "schema": header.schema, "appointments": report.appointments, "findings": findings,
        })
    }

    fn print(&self) {
        let (header, report) = (&self.artefact.header, self.report);
        for finding in &report.findings {
            println!("{}: {}", finding.invariant, finding.detail);
        }
        println!(
            "Restored {} ({}) into {}: {} appointments, {}.\n",
            self.name,
            megabytes(self.artefact.written.bytes),
            self.place,
            report.appointments,
            match report.findings.len() + report.not_shown {
                0 => "verified: all is as it must be".to_owned(),
                n => format!("{n} THINGS ARE NOT AS THEY MUST BE"),
            }
        );
        println!(
            "It is the data of {}, {} ago. What people were told after that is MAYBE MISSING: appointments booked since \
             are not here, those moved or cancelled since stand as they were. Codes of missing appointments are not given \
             out again.",
            header.made_at,
            span(self.age)
        );
        for (chain, head) in &header.heads {
            println!(
                "  audit chain {chain}: the last event here is {}, of {}",
                head.sequence, head.at
            );
        }
        let elsewhere = self.place != self.data.display().to_string();
        let database = if elsewhere { " --database URL" } else { "" };
        println!("\nStart it with: evenkeel up --data {}{database}", self.data.display());
    }
}
