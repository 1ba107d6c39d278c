//! Records where every audit chain of the database ends, whoever writes it, a moment after each commit: see
//! [`crate::heads`]. In its own thread, so that no booking waits for a second sync.

use crate::engine::{Engine, StartError, connection};
use crate::heads::{self, Gap, HeadsError, Recorded};
use crate::records::audit::{self, Head};
use base::time::Timestamp;
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How often it looks whether something was committed: what is cut off within this span of a crash is not missed.
const EVERY: Duration = Duration::from_millis(250);
/// How long it waits for the committer's last batch when all stop.
const LAST_WAIT: Duration = Duration::from_millis(300);
const LAST_LOOK: Duration = Duration::from_millis(5);

/// What is known of the heads, for metrics.
#[derive(Debug)]
pub struct Watch {
    /// When the recorded heads were last those of the database, in microseconds.
    confirmed_at: AtomicI64,
    /// Events that were found missing, ever.
    missing: AtomicU64,
    /// Whether there is anything to record: a database in memory has no heads.
    is_kept: bool,
}

impl Watch {
    pub(crate) fn new(now: Timestamp, is_kept: bool) -> Self {
        Self {
            confirmed_at: AtomicI64::new(now.micros()),
            missing: AtomicU64::new(0),
            is_kept,
        }
    }
    /// How long ago the recorded heads were those of the database.
    pub fn age(&self, now: Timestamp) -> Duration {
        if self.is_kept {
            now.since(Timestamp::from_micros(self.confirmed_at.load(Ordering::Relaxed)))
        } else {
            Duration::ZERO
        }
    }
    /// Events that were found missing, ever.
    pub fn missing(&self) -> u64 {
        self.missing.load(Ordering::Relaxed)
    }
}

/// Looks at start for what was lost, and says so loudly: the server goes on, since what is left must be served, and
/// people must not be told "booked" by a page that is down.
pub(crate) fn check(database: &Database, connection: &mut Connection, clock: &Clock) -> Result<Watch, Broken> {
    let now = clock.now();
    let folder = heads::folder(database, connection)?;
    let watch = Watch::new(now, folder.is_some());
    if let Some(folder) = folder {
        let (recorded, unreadable) = heads::read(&folder);
        for cause in unreadable {
            tracing::error!(%cause, "a chain's recorded head cannot be read: whether it lost something cannot be told");
        }
        for gap in heads::check(connection, &recorded, now)? {
            tell(&gap);
        }
    }
    let missing = audit::missing(&mut connection.begin_read()?)?;
    watch.missing.store(missing, Ordering::Relaxed);
    Ok(watch)
}

fn tell(gap: &Gap) {
    let Recorded { chain, head, .. } = &gap.recorded;
    tracing::error!(
        chain,
        first = gap.first,
        last = head.sequence,
        missing = gap.count,
        "acknowledged changes are gone: {gap}; see docs/operator/lost-changes.md"
    );
}

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut connection = connection(database)?;
    let Some(folder) = heads::folder(database, &mut connection)? else {
        return Ok(());
    };
    let mut recorder = Recorder {
        connection,
        folder,
        seen: None,
        known: Vec::new(),
    };
    let (engine_of_thread, shutdown) = (engine.clone(), engine.owner().shutdown().clone());
    engine.owner().thread("heads", move || {
        let clock = engine_of_thread.clock();
        let mut failing = false;
        while clock.pause_blocking(EVERY, &shutdown) {
            failing = recorder.turn(&engine_of_thread, failing);
        }
        let until = clock.monotonic() + LAST_WAIT;
        while !engine_of_thread.inner().queue.is_stopped() && clock.monotonic() < until {
            clock.sleep_blocking(LAST_LOOK);
        }
        recorder.turn(&engine_of_thread, failing);
    })?;
    Ok(())
}

struct Recorder {
    connection: Connection,
    folder: PathBuf,
    /// The database's version at the last look.
    seen: Option<i64>,
    /// What was recorded last, where there is no such version.
    known: Vec<(String, Head)>,
}

#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Heads(#[from] HeadsError),
}

impl Recorder {
    /// Records what has changed; whether it failed.
    fn turn(&mut self, engine: &Engine, failing: bool) -> bool {
        let now = engine.clock().now();
        match self.look(now) {
            Ok(true) => {
                let confirmed = &engine.inner().heads.confirmed_at;
                confirmed.fetch_max(now.micros(), Ordering::Relaxed);
                false
            }
            Ok(false) => failing,
            Err(cause) => {
                if !failing {
                    tracing::error!(%cause, "the heads of the audit chains cannot be recorded");
                }
                true
            }
        }
    }

    /// Whether what is recorded is what the database had.
    fn look(&mut self, now: Timestamp) -> Result<bool, NotRecorded> {
        let version = self.connection.data_version()?;
        if version.is_some() && self.seen == version {
            return Ok(true);
        }
        let heads = all(&mut self.connection)?;
        if self.connection.is_shared() {
            if heads == self.known {
                return Ok(true);
            }
            // A primary that came back shows commits that no standby had, and that may yet be lost: not behind this one.
            self.connection.settle()?;
        }
        let recorded = heads::record(&self.folder, &heads, now)?;
        if recorded.is_some() {
            self.seen = version;
            self.known = heads;
        }
        Ok(recorded.is_some())
    }
}

fn all(connection: &mut Connection) -> Result<Vec<(String, Head)>, Broken> {
    let mut tx = connection.begin_read()?;
    let mut heads = Vec::new();
    for chain in audit::chains(&mut tx)? {
        let head = audit::head(&mut tx, &chain)?;
        heads.push((chain, head));
    }
    Ok(heads)
}

/// Records the heads once: for commands that write without a server.
pub fn record_now(database: &Database, connection: &mut Connection, now: Timestamp) -> Result<(), Broken> {
    let Some(folder) = heads::folder(database, connection)? else {
        return Ok(());
    };
    let heads = all(connection)?;
    if let Err(cause) = heads::record(&folder, &heads, now) {
        tracing::warn!(%cause, "the heads of the audit chains could not be recorded; a server will");
    }
    Ok(())
}
