//! A log file that never makes the work wait: lines gather in bounded memory, from where an owned thread takes them a
//! few times a second, writes, and turns the file over by size and by age. Nobody is woken for a line (a wake-up costs
//! more than the line). When memory is full lines are dropped, counted, and the log says so.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use base::limit::{Setting, Settings, Unit};
use base::time::Timestamp;
use tracing_subscriber::fmt::MakeWriter;

use crate::clock::Clock;
use crate::task::Owner;

/// A log file's size before it is turned over.
pub const BYTES: Setting = Setting {
    key: "log.bytes",
    unit: Unit::Bytes,
    default: 16 << 20,
    min: 64 << 10,
    max: 1 << 30,
    reason: "about 60,000 requests: opens in any editor, and nine of them fit on any disk",
    below: "a busy minute is spread over many files",
    above: "one process's log may fill a small disk",
};
/// A log file's age before it is turned over.
pub const AGE: Setting = Setting {
    key: "log.age",
    unit: Unit::Days,
    default: 7,
    min: 1,
    max: 366,
    reason: "a week a file on a quiet machine: what happened last Tuesday is easy to find",
    below: "no such span",
    above: "lines outlive the reason to keep them",
};
/// Log files kept beside the current one.
pub const KEPT: Setting = Setting {
    key: "log.kept",
    unit: Unit::Count,
    default: 8,
    min: 1,
    max: 100,
    reason: "two months on a quiet machine, 128 MiB at most",
    below: "the hour before a turn-over is lost",
    above: "one process's log may fill a small disk",
};
/// Lines that may wait for the log's thread.
pub const WAITING_LINES: Setting = Setting {
    key: "log.waiting_lines",
    unit: Unit::Count,
    default: 16_384,
    min: 256,
    max: 1 << 20,
    reason: "many times what gathers between two writes at full speed, 4 MiB",
    below: "a short burst drops lines",
    above: "a slow disk costs memory that the work needs",
};

/// How long a process that ends waits for its last lines.
const FLUSH_WAIT: Duration = Duration::from_secs(1);
/// Rights of a log file: its owner writes, its group (whoever looks after the machine) reads.
const MODE: u32 = 0o640;

/// How long a line may lie in memory: what a `kill -9` can take with it.
const GATHER: Duration = Duration::from_millis(40);

/// Lines between those who write them and the thread that puts them into the file.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// The thread should look before its time.
    told: Condvar,
    /// What was asked for by `flush` is in the file.
    flushed: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    lines: u64,
    /// Counts calls of `flush`, and how many of them were served.
    wanted: u64,
    served: u64,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end, cheap to clone: what is written in one call is one line.
#[derive(Clone)]
pub struct LogFile {
    shared: Arc<Shared>,
    lines_max: u64,
}

/// Where lines go, and how much of them is kept.
struct Turner {
    path: PathBuf,
    bytes: u64,
    age: Duration,
    kept: u64,
    clock: Clock,
}

/// The file that is written now.
struct Open {
    file: File,
    bytes: u64,
    since: Timestamp,
}

impl LogFile {
    /// Opens (or goes on with) the file at `path` and starts its thread.
    pub fn open(path: &Path, settings: &Settings, clock: &Clock, owner: &Owner) -> io::Result<Self> {
        let turner = Turner {
            path: path.to_owned(),
            bytes: settings.get(&BYTES),
            age: settings.duration(&AGE),
            kept: settings.get(&KEPT),
            clock: clock.clone(),
        };
        let open = turner.open()?;
        let shared = Arc::new(Shared::default());
        let log = Self {
            shared: Arc::clone(&shared),
            lines_max: settings.get(&WAITING_LINES),
        };
        owner.thread("log", move || turner.run(open, &shared))?;
        Ok(log)
    }

    /// Lines dropped so far because memory was full and not yet owned up to in the log.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Waits until what was written before is in the file, a second at most. Blocks: for the end of a process.
    pub fn flush(&self) {
        let mut waiting = self.shared.waiting();
        waiting.wanted += 1;
        let mine = waiting.wanted;
        self.shared.told.notify_one();
        let waited = self
            .shared
            .flushed
            .wait_timeout_while(waiting, FLUSH_WAIT, |waiting| waiting.served < mine);
        drop(waited);
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.shared.waiting();
        if waiting.lines >= self.lines_max {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        waiting.text.extend_from_slice(line);
        waiting.lines += 1;
        if waiting.lines == self.lines_max / 2 {
            self.shared.told.notify_one();
        }
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Turner {
    fn open(&self) -> io::Result<Open> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(MODE)
            .open(&self.path)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        let metadata = file.metadata()?;
        // A file that was there keeps its age over restarts; where the file system knows no birth, it starts anew.
        let born = metadata
            .created()
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let since = match born {
            Some(since) if metadata.len() > 0 => Timestamp::default() + since,
            _ => self.clock.now(),
        };
        Ok(Open {
            file,
            bytes: metadata.len(),
            since,
        })
    }

    fn run(&self, mut open: Open, shared: &Arc<Shared>) {
        // Two buffers in turn: one gathers while the other is written.
        let mut batch: Vec<u8> = Vec::with_capacity(64 << 10);
        loop {
            let mut waiting = shared.waiting();
            if waiting.wanted == waiting.served {
                waiting = shared
                    .told
                    .wait_timeout(waiting, GATHER)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            std::mem::swap(&mut waiting.text, &mut batch);
            waiting.lines = 0;
            let wanted = waiting.wanted;
            drop(waiting);
            let lost = shared.dropped.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let line = serde_json::json!({"timestamp": self.clock.now().to_string(), "level": "WARN",
                    "target": "runtime::log_file", "message": "log lines were dropped: the disk is too slow", "dropped": lost});
                batch.extend_from_slice(format!("{line}\n").as_bytes());
            }
            // A full disk must not stop the work: the lines are lost, and said to be lost once there is room again.
            if !batch.is_empty() && self.write(&mut open, &batch).is_err() {
                let lines = batch.split_inclusive(|byte| *byte == b'\n').count();
                shared.dropped.fetch_add(lines as u64, Ordering::Relaxed);
            }
            let last = batch.is_empty() && Arc::strong_count(shared) == 1;
            batch.clear();
            shared.waiting().served = wanted;
            shared.flushed.notify_all();
            if last {
                return;
            }
        }
    }

    fn write(&self, open: &mut Open, batch: &[u8]) -> io::Result<()> {
        let full = open.bytes > 0 && open.bytes + batch.len() as u64 > self.bytes;
        if full || self.clock.now().since(open.since) > self.age {
            self.turn_over()?;
            *open = self.open()?;
            open.since = self.clock.now();
        }
        open.file.write_all(batch)?;
        open.bytes += batch.len() as u64;
        Ok(())
    }

    /// `x.log.7` → `x.log.8`, …, `x.log` → `x.log.1`; the oldest is written over.
    fn turn_over(&self) -> io::Result<()> {
        let numbered = |n: u64| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        for n in (1..self.kept).rev() {
            if numbered(n).try_exists()? {
                std::fs::rename(numbered(n), numbered(n + 1))?;
            }
        }
        std::fs::rename(&self.path, numbered(1))
    }
}
