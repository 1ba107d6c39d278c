//! `evenkeel backup`: one moment of all data in one file, while booking goes on; and whether such a file comes back.

use std::path::{Path, PathBuf};

use base::time::Timestamp;
use booking::exchange::backup::last::LastBackup;
use booking::exchange::backup::{BackupError, ENDING, Made, Making, Workplace, artefact, kept, outlived};
use booking::exchange::drill::{self, DrillReport};
use booking::exchange::relocation::name;
use booking::limit::HOLD_GRACE;
use booking::limit::backup as limit;
use booking::reconciler::backup::due;
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use database::Database;
use runtime::clock::Clock;
use runtime::destination::{Destination, Place};
use runtime::entropy::Entropy;
use runtime::program::Program;
use runtime::secret::{KEY_FILE, KeyRing};

use super::Data;
use crate::exit::{CouldNotLook, Exit, Usage};
use crate::storage::{LongWork, Storage, megabytes, refuse_foreign_root, span};

const EXAMPLES: &str = "\
Examples:
  evenkeel backup                       to the configured place (DATA/backups unless backup.destination says otherwise)
  evenkeel backup /mnt/nas/evenkeel     into a folder that exists
  evenkeel backup before-upgrade.ekb    to this file
  evenkeel backup s3://bucket/evenkeel  to object storage (credentials: AWS_… variables, or backup.s3 in evenkeel.toml)
  evenkeel backup list                  what there is at the configured place
  evenkeel backup drill                 does the newest one come back? Restores it elsewhere, verifies, compares

Also while a server runs: booking goes on. Servers make one every backup.every seconds by themselves.
A backup holds no key. Without DATA/keys/master.key it cannot be read: keep a copy of that file somewhere else.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 could not look (no data, no keys), 5 the data is of a newer version";

/// Make a backup while booking goes on, or rehearse a restore
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Backup {
    #[command(subcommand)]
    also: Option<Also>,
    /// A file, a folder that exists, or s3://BUCKET/PREFIX; else the configured place
    #[arg(value_name = "FILE|DIR|URL")]
    place: Option<String>,
    #[command(flatten)]
    at: Data,
    /// Only when the newest one is older than backup.every
    #[arg(long, conflicts_with = "place")]
    if_due: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Also {
    Drill(DrillArguments),
    List(ListArguments),
}

const DRILL_EXAMPLES: &str = "\
Examples:
  evenkeel backup drill          fetches the newest backup, restores it elsewhere, verifies, compares with live data
  evenkeel backup drill --json   the same, as the line that is kept in DATA/evidence/backup-drill.jsonl
  evenkeel backup drill --restored postgres://evenkeel@spare/evenkeel
                                 a PostgreSQL that you brought back by its own backups: verifies it, compares with live data

Exit codes: 0 it comes back whole, 1 failed, 3 something is wrong with it, 4 could not look (no backup, no keys)";

/// Rehearse a restore of the newest backup, and keep the result as evidence
#[derive(Args)]
#[command(after_help = DRILL_EXAMPLES)]
struct DrillArguments {
    #[command(flatten)]
    at: Data,
    /// Only when the last one is older than backup.drill_every
    #[arg(long)]
    if_due: bool,
    /// Look at this PostgreSQL instead, which was brought back by other means; nothing is written to it
    #[arg(long, value_name = "URL", conflicts_with = "if_due")]
    restored: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  evenkeel backup list                       at the configured place
  evenkeel backup list s3://bucket/evenkeel  somewhere else; also on a machine without data";

/// Show what backups there are, oldest first
#[derive(Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArguments {
    /// A folder or s3://BUCKET/PREFIX; else the configured place
    #[arg(value_name = "DIR|URL")]
    place: Option<String>,
    #[command(flatten)]
    at: Data,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.also {
            Some(Also::Drill(arguments)) => arguments.run(),
            Some(Also::List(arguments)) => arguments.run(),
            None => self.make(),
        }
    }

    fn make(self) -> anyhow::Result<Exit> {
        let site = Site::open(&self.at)?;
        let target = self
            .place
            .as_deref()
            .map(|text| target(text, &site.storage))
            .transpose()?;
        let workplace = match Workplace::take(&site.data) {
            // Somebody else is at it, so that soon nothing will be due.
            Err(BackupError::Busy) if self.if_due => return Ok(not_due(self.json, None)),
            taken => taken?,
        };
        let last = LastBackup::load(&site.data).map(|last| last.made_at());
        let every = site.storage.settings.duration(&limit::EVERY);
        if self.if_due && !due(last, site.clock.now(), every) {
            return Ok(not_due(self.json, last));
        }
        let mut work = LongWork::new(self.json)?;
        let began = site.clock.monotonic();
        let making = Making {
            database: &site.database,
            keys: &site.keys,
            clock: &site.clock,
            entropy: &Entropy::real(),
            settings: &site.storage.settings,
            workplace: &workplace,
        };
        let made = making.make(&mut |step, done, total| work.watch(step, done, total))?;
        let (destination, name) = match &target {
            Some(place) => (&place.destination, place.name.as_deref().unwrap_or(&made.name)),
            None => (&site.storage.destination, made.name.as_str()),
        };
        destination.put(&made.file, name)?;
        let took_ms = || site.clock.monotonic().saturating_sub(began).as_millis() as u64;
        let removed = if target.is_none() {
            site.send_on(&made, &work)?;
            site.remember(&made, took_ms())?
        } else {
            Vec::new()
        };
        work.end();
        let kept = Kept {
            made: &made,
            place: destination
                .path(name)
                .map_or_else(|| format!("{destination}/{name}"), |path| path.display().to_string()),
            took_ms: took_ms(),
            removed,
        };
        if self.json {
            println!("{}", kept.json());
        } else {
            println!("{}", kept.text(&site.data));
            if let Some(warning) = site.storage.warning(&site.data).filter(|_| target.is_none()) {
                eprintln!("Warning: {warning}");
            }
        }
        Ok(Exit::Done)
    }
}

fn not_due(json: bool, last: Option<Timestamp>) -> Exit {
    if json {
        println!(
            "{}",
            serde_json::json!({"event": "not-due", "last": last.map(|last| last.to_string())})
        );
    } else if let Some(last) = last {
        println!("Nothing is due: the last one is of {last}.");
    } else {
        println!("Nothing is due: another process is at it.");
    }
    Exit::Done
}

/// Where somebody wants this one. A file that is no backup is not written over.
fn target(text: &str, storage: &Storage) -> anyhow::Result<Place> {
    let place = Place::named(text, ENDING, &storage.access).map_err(|error| Usage(error.to_string()))?;
    let over = place.name.as_ref().and_then(|name| place.destination.path(name));
    if let Some(path) = over.filter(|path| path.exists() && !artefact::begins_like_one(path)) {
        let why = "is there and is no backup; it is not written over";
        return Err(Usage(format!("{} {why}", path.display())).into());
    }
    Ok(place)
}

/// An installation and where its backups go.
struct Site {
    data: PathBuf,
    storage: Storage,
    database: Database,
    keys: KeyRing,
    clock: Clock,
}

impl Site {
    fn open(at: &Data) -> anyhow::Result<Self> {
        let (database, data) = (at.existing()?, &at.data);
        refuse_foreign_root(data)?;
        let data = supervisor::installation::prepare(data)?;
        let keys = data.join("keys");
        if !keys.join(KEY_FILE).is_file() {
            let why = "what is sealed cannot be read without them, so that a backup would be worth nothing";
            return Err(CouldNotLook(format!("there are no keys in {}: {why}", keys.display())).into());
        }
        let keys = KeyRing::open_or_create(&keys, &Entropy::real()).map_err(|error| CouldNotLook(error.to_string()))?;
        Ok(Self {
            storage: Storage::of(&data)?,
            database,
            keys,
            clock: Clock::real(),
            data,
        })
    }

    /// Has the configured command take the backup further.
    fn send_on(&self, made: &Made, work: &LongWork) -> anyhow::Result<()> {
        let Some(line) = &self.storage.command else {
            return Ok(());
        };
        let lies = self.storage.destination.path(&made.name);
        let file = lies.unwrap_or_else(|| made.file.clone());
        let time = self.storage.settings.duration(&limit::COMMAND_TIME);
        let ended = Program::line(line, &file, time)?.run(&self.clock, work.stop());
        let ended = ended.map_err(|error| anyhow::anyhow!("backup.command: {error}"))?;
        anyhow::ensure!(
            ended.is_done(),
            "backup.command ended with {}: {}",
            ended
                .code
                .map_or_else(|| "a signal".to_owned(), |code| code.to_string()),
            ended.said
        );
        Ok(())
    }

    /// Notes it as the newest, and lets go of those kept for long enough. Answers their names.
    fn remember(&self, made: &Made, took_ms: u64) -> anyhow::Result<Vec<String>> {
        let last = LastBackup {
            made_at_micros: made.made_at.micros(),
            name: made.name.clone(),
            destination: self.storage.destination.to_string(),
            bytes: made.written.bytes,
            sha256: made.written.sha256.clone(),
            took_ms,
        };
        last.save(&self.data)?;
        let destination = &self.storage.destination;
        let mut removed = Vec::new();
        // The backup is there; that an old one stays is no reason to say that it is not.
        let done = kept(destination).and_then(|kept| {
            for name in outlived(&kept, &self.storage.settings, self.clock.now()) {
                destination.remove(&name)?;
                removed.push(name);
            }
            Ok(())
        });
        if let Err(error) = done {
            eprintln!("Warning: old backups stay for now: {error}");
        }
        Ok(removed)
    }
}

struct Kept<'k> {
    made: &'k Made,
    place: String,
    took_ms: u64,
    removed: Vec<String>,
}

impl Kept<'_> {
    fn json(&self) -> serde_json::Value {
        let header = &self.made.header;
        serde_json::json!({
            "event": "backup", "place": self.place, "bytes": self.made.written.bytes, "sha256": self.made.written.sha256,
            "made_at": header.made_at, "schema": header.schema, "keys": header.keys, "rows": header.rows,
            "heads": header.heads, "database_bytes": header.database_bytes, "took_ms": self.took_ms, "removed": self.removed,
        })
    }

    fn text(&self, data: &Path) -> String {
        let header = &self.made.header;
        let rows = |table: &str| header.rows.get(table).copied().unwrap_or_default();
        let removed = match self.removed.len() {
            0 => String::new(),
            n => format!("\n{n} that had been kept for long enough went."),
        };
        format!(
            "Done: {}, {} in {:.1} s.\n\
             It holds everything acknowledged before {}: {} appointments, {} AuditEvents.\n\
             It can be read with key {} only, which is not in it: keep a copy of {}/keys/{KEY_FILE} somewhere else.{removed}",
            self.place,
            megabytes(self.made.written.bytes),
            self.took_ms as f64 / 1e3,
            header.made_at,
            rows("appointment"),
            rows("audit_event"),
            header.key_numbers(),
            data.display(),
        )
    }
}

impl DrillArguments {
    fn run(self) -> anyhow::Result<Exit> {
        let site = Site::open(&self.at)?;
        let workplace = match Workplace::take(&site.data) {
            Err(BackupError::Busy) if self.if_due => return Ok(not_due(self.json, None)),
            taken => taken?,
        };
        let last = drill::last_evidence(&site.data).map(|report| Timestamp::from_micros(report.at_micros));
        let every = site.storage.settings.duration(&limit::DRILL_EVERY);
        if self.if_due && !due(last, site.clock.now(), every) {
            return Ok(not_due(self.json, last));
        }
        let mut work = LongWork::new(self.json)?;
        let drill = drill::Drill {
            destination: &site.storage.destination,
            live: &site.database,
            keys: &site.keys,
            clock: &site.clock,
            workplace: &workplace,
            hold_grace: std::time::Duration::from_secs(HOLD_GRACE.max),
        };
        let (report, evidence) = match &self.restored {
            Some(url) => {
                let restored = Database::postgres(url).map_err(|error| Usage(error.to_string()))?;
                if name(&restored) == name(&site.database) {
                    return Err(Usage("--restored: this is the live one".to_owned()).into());
                }
                (drill.look_at(&restored)?, drill::EVIDENCE_BY_OTHERS)
            }
            None => (
                drill.run(&mut |step, done, total| work.watch(step, done, total))?,
                drill::EVIDENCE,
            ),
        };
        anyhow::ensure!(!work.stop().requested(), "stopped; nothing was found out");
        let report = drill::keep_evidence(&site.data, evidence, report)?;
        work.end();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print(&report, evidence, &site.data);
        }
        Ok(if report.passed { Exit::Done } else { Exit::FoundWrong })
    }
}

fn print(report: &DrillReport, evidence: &str, data: &Path) {
    for finding in &report.findings {
        println!("{finding}");
    }
    let seconds = |s: f64| span(std::time::Duration::from_secs_f64(s.max(0.0)));
    println!(
        "{} of {}: {}.\n\
         Lost with the machine, if it burned now (RPO): what happened in the last {}{}.\n\
         Until a verified database was there (RTO): {:.1} s, of which fetching {:.1} s and verifying {:.1} s.\n\
         Kept as evidence in {}/evidence/{}.",
        report.backup,
        report.destination,
        if report.passed {
            format!("comes back whole, and {} audit chains go on from it", report.chains)
        } else {
            "DID NOT PASS".to_owned()
        },
        seconds(report.rpo_s),
        report
            .last_event_age_s
            .map(|age| format!("; the last event in it is {} old", seconds(age)))
            .unwrap_or_default(),
        report.rto_s,
        report.fetch_s,
        report.verify_s,
        data.display(),
        evidence
    );
}

impl ListArguments {
    fn run(self) -> anyhow::Result<Exit> {
        let destination = match &self.place {
            Some(text) => {
                let texts = crate::configuration::load(&self.at.data)?;
                let place = Place::named(text, ENDING, &crate::storage::access(&texts));
                place.map_err(|error| Usage(error.to_string()))?.destination
            }
            None if self.at.data.is_dir() => Storage::of(&self.at.data)?.destination,
            None => return Err(CouldNotLook(format!("there is no folder {}", self.at.data.display())).into()),
        };
        let now = Clock::real().now();
        let kept = kept(&destination).map_err(|error| CouldNotLook(error.to_string()))?;
        if self.json {
            for backup in kept {
                let (at, name) = (backup.made_at.to_string(), backup.name);
                println!(
                    "{}",
                    serde_json::json!({"event": "kept", "name": name, "made_at": at, "bytes": backup.bytes})
                );
            }
        } else if kept.is_empty() {
            println!("There is no backup at {destination}.");
        } else {
            println!("{}\nat {destination}", table(&kept, now));
        }
        Ok(Exit::Done)
    }
}

fn table(kept: &[booking::exchange::backup::KeptBackup], now: Timestamp) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["BACKUP", "MADE", "AGE", "SIZE"]);
    for backup in kept {
        table.add_row([
            &backup.name,
            &backup.made_at.to_string(),
            &span(now.since(backup.made_at)),
            &megabytes(backup.bytes),
        ]);
    }
    table
}

/// The newest backup at a destination.
pub fn newest(destination: &Destination) -> anyhow::Result<String> {
    let kept = kept(destination).map_err(|error| CouldNotLook(error.to_string()))?;
    let newest = kept.into_iter().next_back();
    Ok(newest
        .ok_or_else(|| CouldNotLook(format!("there is no backup at {destination}")))?
        .name)
}
