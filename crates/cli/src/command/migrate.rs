//! `evenkeel migrate`: a live jurisdiction into another database, and back again until somebody confirms.

use std::path::{Path, PathBuf};
use std::time::Duration;

use booking::exchange::backup::Step;
use booking::exchange::relocation::{Move, Moved, Part, name};
use booking::exchange::restore;
use booking::limit::HOLD_GRACE;
use clap::Args;
use database::Database;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::{KEY_FILE, KeyRing};
use supervisor::instance::holder;

use crate::configuration;
use crate::exit::{CouldNotLook, Exit, Usage};
use crate::storage::{LongWork, refuse_foreign_root, span};

const EXAMPLES: &str = "\
Examples:
  evenkeel migrate --from /srv/vax --to postgres://evenkeel@db1,db2,db3/evenkeel
                                         copies while people book, pauses booking, brings the rest, compares, verifies
  evenkeel migrate --confirm --from /srv/vax --to postgres://evenkeel@db1,db2,db3/evenkeel
                                         the new one is in force, the old one never again
  evenkeel migrate --undo --from /srv/vax --to postgres://evenkeel@db1,db2,db3/evenkeel
                                         booking goes on where it was, the new one is emptied
  evenkeel migrate --from postgres://evenkeel@db1/evenkeel --to /srv/vax2
                                         the other way; copy the folder `keys` into /srv/vax2 first
  EVENKEEL_DATABASE=postgres://… evenkeel migrate --from /srv/vax --to EVENKEEL_DATABASE
                                         a URL with a password, which others on this machine must not read

Servers go on running. While booking is paused they answer 503 `read-only`, finding goes on, and holds do not expire.
Killed or failed, run it again: it goes on where it was. Step by step: docs/operator/migrate.md

Exit codes: 0 done, 1 failed, 2 wrong usage or the place is not empty, 3 copied and found wrong (booking goes on where it
was), 4 could not look (no data, no keys, no database), 5 the data is of a newer version";

/// Move a live jurisdiction to another database
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {
    /// The old database: a data folder, a PostgreSQL URL, or the word `EVENKEEL_DATABASE` for what that variable says
    #[arg(long, value_name = "DIR|URL")]
    from: String,
    /// The new one, empty; of a folder the keys are there already
    #[arg(long, value_name = "DIR|URL")]
    to: String,
    /// The data folder with the keys, when both are URLs
    #[arg(long, value_name = "DIR", default_value = "./evenkeel-data")]
    data: PathBuf,
    /// The new one is in force from now on, and the old one never again
    #[arg(long, conflicts_with = "undo")]
    confirm: bool,
    /// Booking goes on in the old one, and the new one is emptied
    #[arg(long)]
    undo: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One end of a move.
struct End {
    database: Database,
    /// Where it is a file: its folder.
    folder: Option<PathBuf>,
}

impl End {
    fn named(text: &str) -> anyhow::Result<Self> {
        let given = if text == configuration::DATABASE {
            let said = configuration::from_environment(configuration::DATABASE);
            said.ok_or_else(|| Usage(format!("the variable {text} says nothing")))?
        } else {
            text.to_owned()
        };
        if given.contains("://") {
            let database = Database::postgres(&given).map_err(|error| Usage(error.to_string()))?;
            return Ok(Self { database, folder: None });
        }
        // One name, however it is said: the other end remembers it.
        let folder = std::path::absolute(&given)?;
        let folder = folder.canonicalize().unwrap_or(folder);
        Ok(Self {
            database: Database::file(&folder.join("evenkeel.sqlite")),
            folder: Some(folder),
        })
    }

    fn is_there(&self) -> bool {
        self.database.path().is_none_or(Path::is_file)
    }
}

impl Migrate {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<Exit> {
        let (from, to) = (End::named(&self.from)?, End::named(&self.to)?);
        if name(&from.database) == name(&to.database) {
            return Err(Usage(format!("both are {}", name(&from.database))).into());
        }
        for folder in [&from, &to].into_iter().filter_map(|end| end.folder.as_ref()) {
            if folder.exists() {
                refuse_foreign_root(folder)?;
            }
        }
        if !from.is_there() {
            return Err(CouldNotLook(format!("there is no database in {}", self.from)).into());
        }
        let clock = Clock::real();
        let moving = Move {
            from: &from.database,
            to: &to.database,
            clock: &clock,
        };
        if self.confirm {
            self.confirmed(&moving, &to)
        } else if self.undo {
            self.undone(&moving, &to)
        } else {
            self.moved(&moving, &from, &to)
        }
    }

    fn moved(&self, moving: &Move<'_>, from: &End, to: &End) -> anyhow::Result<Exit> {
        let keys = self.keys(from, to)?;
        if let Some(folder) = to.folder.as_ref().filter(|_| !to.is_there()) {
            restore::refuse_occupied(folder)?;
        }
        let mut work = LongWork::new(self.json)?;
        let grace = Duration::from_secs(HOLD_GRACE.max);
        let done = moving.run(&keys, &Entropy::real(), grace, &mut |part, done, total| {
            let step = match part {
                Part::Bulk | Part::Rest => Step::CopyingRows,
                Part::Comparing => Step::Comparing,
            };
            work.watch(step, done, total)
        });
        work.end();
        let done = done?;
        if self.json {
            println!("{}", json(moving, &done));
        } else {
            self.print(moving, &done);
        }
        Ok(Exit::Done)
    }

    /// The keys that both are sealed with.
    fn keys(&self, from: &End, to: &End) -> anyhow::Result<KeyRing> {
        let folder = to
            .folder
            .as_ref()
            .or(from.folder.as_ref())
            .unwrap_or(&self.data)
            .join("keys");
        if !folder.join(KEY_FILE).is_file() {
            let hint = match &to.folder {
                Some(_) => "copy the folder `keys` of the old servers there first",
                None => "name the data folder that has them with --data",
            };
            return Err(CouldNotLook(format!("there are no keys in {}: {hint}", folder.display())).into());
        }
        Ok(KeyRing::open_or_create(&folder, &Entropy::real()).map_err(|error| CouldNotLook(error.to_string()))?)
    }

    fn confirmed(&self, moving: &Move<'_>, to: &End) -> anyhow::Result<Exit> {
        if !to.is_there() {
            return Err(CouldNotLook(format!("there is no database in {}", self.to)).into());
        }
        moving.confirm()?;
        if self.json {
            let (from, to) = (name(moving.from), name(moving.to));
            println!("{}", serde_json::json!({"event": "confirmed", "from": from, "to": to}));
        } else {
            println!(
                "Booking goes on in {}.\n{} is not written to any more; no server starts on it. Keep it until the next backup.",
                name(moving.to),
                name(moving.from)
            );
        }
        Ok(Exit::Done)
    }

    fn undone(&self, moving: &Move<'_>, to: &End) -> anyhow::Result<Exit> {
        if let Some(folder) = &to.folder
            && let Some(holder) = holder(folder)?
        {
            let why = "stop it first (`evenkeel stop`)";
            return Err(Usage(format!("process {} runs on {}: {why}", holder.pid, folder.display())).into());
        }
        let paused = moving.undo()?;
        if let Some(folder) = to.folder.as_ref().filter(|_| paused.is_some()) {
            for name in ["evenkeel.sqlite", "evenkeel.sqlite-wal", "evenkeel.sqlite-shm"] {
                let _ = std::fs::remove_file(folder.join(name));
            }
            let _ = std::fs::remove_dir_all(folder.join("heads"));
        }
        let from = name(moving.from);
        if self.json {
            let paused_s = paused.map(|paused| paused.as_secs_f64());
            println!(
                "{}",
                serde_json::json!({"event": "undone", "from": from, "paused_s": paused_s})
            );
        } else if let Some(paused) = paused {
            println!(
                "Booking goes on in {from}, after a pause of {}; {} is empty.",
                span(paused),
                name(moving.to)
            );
        } else {
            println!("There was nothing to undo: {from} does not move.");
        }
        Ok(Exit::Done)
    }

    fn print(&self, moving: &Move<'_>, done: &Moved) {
        let (from, to) = (&self.from, &self.to);
        println!(
            "Copied {} rows from {} to {}: {:.1} s while booking went on, then {:.1} s with booking paused since {}, for {} rows \
             that had changed. Every row compared, {} audit chains end alike, verified: all is as it must be.\n",
            done.rows,
            name(moving.from),
            name(moving.to),
            done.bulk.as_secs_f64(),
            done.rest.as_secs_f64(),
            done.paused_at,
            done.changed,
            done.chains,
        );
        println!(
            "BOOKING IS PAUSED until you say which one counts. Servers may be started on the new one already, to look at it.\n  \
             the new one:  evenkeel migrate --confirm --from {from} --to {to}\n  \
             the old one:  evenkeel migrate --undo --from {from} --to {to}"
        );
    }
}

fn json(moving: &Move<'_>, done: &Moved) -> serde_json::Value {
    serde_json::json!({
        "event": "ready", "from": name(moving.from), "to": name(moving.to), "rows": done.rows, "changed": done.changed,
        "chains": done.chains, "bulk_s": done.bulk.as_secs_f64(), "rest_s": done.rest.as_secs_f64(),
        "paused_at": done.paused_at.to_string(), "appointments": done.verified.appointments,
    })
}
