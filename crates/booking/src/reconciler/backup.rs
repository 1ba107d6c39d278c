//! Has a backup made and a restore rehearsed whenever one is due. The work is done by another process of the same
//! program: it needs memory, a disk's whole attention and other people's networks, none of which a booking should feel.
//! Several servers may look at once; whoever comes first takes the lock, and the others see that nothing is due any more.

use crate::exchange::backup::last::LastBackup;
use crate::exchange::drill::{DrillReport, last_evidence};
use crate::limit::backup as limit;
use base::limit::Settings;
use base::time::Timestamp;
use runtime::clock::Clock;
use runtime::program::{Ended, Program, ProgramError};
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it looks whether something is due: reading two small files.
const LOOK: Duration = Duration::from_secs(2);
/// A start has other things to do first.
const FIRST_LOOK: Duration = Duration::from_mins(1);
/// An installation that never had a backup is new: its first minutes are its owner's.
const FIRST_BACKUP: Duration = Duration::from_mins(5);
/// After one that failed.
const RETRY_BACKUP: Duration = Duration::from_mins(5);
const RETRY_DRILL: Duration = Duration::from_hours(1);

/// What it needs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The data folder.
    pub data: PathBuf,
    /// Our own executable.
    pub program: PathBuf,
    /// What the other process must be told and arguments must not say: where the rows are.
    pub environment: Vec<(OsString, OsString)>,
}

/// What is known of backups here; cheap to clone.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    plan: Plan,
    settings: Settings,
    clock: Clock,
    known: Mutex<Known>,
    failures: AtomicU64,
    drill_failures: AtomicU64,
}

#[derive(Default)]
struct Known {
    last: Option<LastBackup>,
    drill: Option<DrillReport>,
}

/// One kind of work that comes due.
struct Work {
    what: &'static str,
    arguments: &'static [&'static str],
    every: Duration,
    retry: Duration,
    /// Monotone time before which it is not tried.
    not_before: Duration,
    failing: bool,
}

impl Backups {
    /// Starts the thread.
    pub fn start(plan: Plan, settings: &Settings, clock: &Clock, owner: &Owner) -> std::io::Result<Self> {
        let backups = Self(Arc::new(Inner {
            plan,
            settings: settings.clone(),
            clock: clock.clone(),
            known: Mutex::default(),
            failures: AtomicU64::new(0),
            drill_failures: AtomicU64::new(0),
        }));
        backups.look();
        let (of_thread, shutdown) = (backups.clone(), owner.shutdown().clone());
        owner.thread("backup", move || of_thread.run(&shutdown))?;
        Ok(backups)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Two values, each replaced as a whole.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last backup, whoever made it.
    pub fn last(&self) -> Option<LastBackup> {
        self.known().last.clone()
    }
    /// The last rehearsal of a restore, whoever made it.
    pub fn last_drill(&self) -> Option<DrillReport> {
        self.known().drill.clone()
    }
    /// How often a backup failed that this process had asked for.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }
    /// How often a drill failed, or found something, that this process had asked for.
    pub fn drill_failures(&self) -> u64 {
        self.0.drill_failures.load(Ordering::Relaxed)
    }
    /// The clock that their age is told by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn look(&self) {
        let data = &self.0.plan.data;
        let known = Known {
            last: LastBackup::load(data),
            drill: last_evidence(data),
        };
        *self.known() = known;
    }

    fn run(&self, shutdown: &Shutdown) {
        let (clock, settings) = (&self.0.clock, &self.0.settings);
        let began = clock.monotonic();
        let mut backup = Work {
            what: "a backup",
            arguments: &["backup", "--if-due", "--json"],
            every: settings.duration(&limit::EVERY),
            retry: RETRY_BACKUP,
            not_before: began + FIRST_LOOK.min(settings.duration(&limit::EVERY)),
            failing: false,
        };
        let mut drill = Work {
            what: "a restore drill",
            arguments: &["backup", "drill", "--if-due", "--json"],
            every: settings.duration(&limit::DRILL_EVERY),
            retry: RETRY_DRILL,
            not_before: backup.not_before,
            failing: false,
        };
        while clock.pause_blocking(LOOK, shutdown) {
            self.look();
            let (made, now) = (self.last().map(|last| last.made_at()), clock.now());
            let started = clock.monotonic().saturating_sub(began);
            if backup.is_due(made, now, clock) && (made.is_some() || started >= FIRST_BACKUP.min(backup.every)) {
                self.have_done(&mut backup, &self.0.failures, shutdown);
            }
            let drilled = self.last_drill().map(|report| Timestamp::from_micros(report.at_micros));
            if made.is_some() && drill.is_due(drilled, now, clock) && !shutdown.requested() {
                self.have_done(&mut drill, &self.0.drill_failures, shutdown);
            }
        }
    }

    fn have_done(&self, work: &mut Work, failures: &AtomicU64, shutdown: &Shutdown) {
        let clock = &self.0.clock;
        let mut command = Command::new(&self.0.plan.program);
        command.args(work.arguments).arg("--data").arg(&self.0.plan.data);
        command.envs(self.0.plan.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        let began = clock.monotonic();
        let time = self.0.settings.duration(&limit::TIME);
        let why = match Program::new(command, time).run(clock, shutdown) {
            Ok(ended) if ended.is_done() => None,
            Ok(Ended { code, said }) => Some(format!("exit code {code:?}: {said}")),
            Err(ProgramError::Stopped(_)) => return,
            Err(error) => Some(error.to_string()),
        };
        self.look();
        let took_ms = clock.monotonic().saturating_sub(began).as_millis() as u64;
        work.tried(clock.monotonic(), why.is_none());
        match why {
            None => tracing::info!(took_ms, "{} was made", work.what),
            Some(cause) => {
                failures.fetch_add(1, Ordering::Relaxed);
                if work.failing {
                    tracing::warn!(took_ms, %cause, "{} failed again", work.what);
                } else {
                    tracing::error!(took_ms, %cause, "{} failed", work.what);
                }
                work.failing = true;
            }
        }
    }
}

impl Work {
    fn is_due(&self, last: Option<Timestamp>, now: Timestamp, clock: &Clock) -> bool {
        clock.monotonic() >= self.not_before && due(last, now, self.every)
    }

    fn tried(&mut self, now: Duration, done: bool) {
        // Also after a success: where somebody shifted this process's clock, the other's shows another time.
        self.not_before = now
            + if done {
                self.every / 2
            } else {
                self.retry.min(self.every)
            };
        self.failing &= !done;
    }
}

/// Whether something is due that was last done then and is wanted every so often; never when that is zero.
pub fn due(last: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    // One from the future was made by a clock that was wrong: it says nothing.
    let age = last.filter(|last| *last <= now).map(|last| now.since(last));
    !every.is_zero() && age.is_none_or(|age| age >= every)
}
