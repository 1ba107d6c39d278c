//! A log file that never makes the work wait: lines go through a bounded queue to an owned thread, which writes, and
//! turns the file over by size and by age. When the queue is full lines are dropped, counted, and the log says so.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
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
    reason: "about a second of requests at full speed, 8 MiB",
    below: "a short burst drops lines",
    above: "a slow disk costs memory that the work needs",
};

/// How long a process that ends waits for its last lines.
const FLUSH_WAIT: Duration = Duration::from_secs(1);
/// Rights of a log file: its owner writes, its group (whoever looks after the machine) reads.
const MODE: u32 = 0o640;

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The writing end, cheap to clone: what is written in one call is one line.
#[derive(Clone)]
pub struct LogFile {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
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
        let (lines, waiting) = sync_channel(settings.get(&WAITING_LINES) as usize);
        let dropped = Arc::new(AtomicU64::new(0));
        let (log, count) = (
            Self {
                lines,
                dropped: Arc::clone(&dropped),
            },
            dropped,
        );
        owner.thread("log", move || turner.run(open, &waiting, &count))?;
        Ok(log)
    }

    /// Lines dropped so far because the queue was full and not yet owned up to in the log.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until what was written before is in the file, a second at most. Blocks: for the end of a process.
    pub fn flush(&self) {
        // Nobody ever sends here: a wait of a millisecond, also under a clock that stands still.
        let (_never, pause) = sync_channel::<()>(1);
        let (done, wait) = sync_channel(1);
        let mut message = Message::Flush(done);
        for _ in 0..FLUSH_WAIT.as_millis() {
            match self.lines.try_send(message) {
                Ok(()) => {
                    let _ = wait.recv_timeout(FLUSH_WAIT);
                    return;
                }
                Err(TrySendError::Full(unsent)) => message = unsent,
                Err(TrySendError::Disconnected(_)) => return,
            }
            let _ = pause.recv_timeout(Duration::from_millis(1));
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
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

    fn run(&self, mut open: Open, waiting: &Receiver<Message>, dropped: &AtomicU64) {
        // Written together: everything that waits, up to this many bytes, is one call to the file system.
        let mut batch: Vec<u8> = Vec::with_capacity(64 << 10);
        loop {
            let flushed = match waiting.recv_timeout(Duration::from_mins(1)) {
                Ok(message) => collect(message, waiting, &mut batch),
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let lost = dropped.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let line = serde_json::json!({"timestamp": self.clock.now().to_string(), "level": "WARN",
                    "target": "runtime::log_file", "message": "log lines were dropped: the disk is too slow", "dropped": lost});
                batch.extend_from_slice(format!("{line}\n").as_bytes());
            }
            // A full disk must not stop the work: the lines are lost, and said to be lost once there is room again.
            if self.write(&mut open, &batch).is_err() {
                let lines = batch.split_inclusive(|byte| *byte == b'\n').count();
                dropped.fetch_add(lines as u64, Ordering::Relaxed);
            }
            batch.clear();
            for done in flushed {
                let _ = done.try_send(());
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

/// Takes what waits without waiting for more. Returns who wants to know when it is written.
fn collect(first: Message, waiting: &Receiver<Message>, batch: &mut Vec<u8>) -> Vec<SyncSender<()>> {
    let mut flushed = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Line(line) => batch.extend_from_slice(&line),
            Message::Flush(done) => flushed.push(done),
        }
        next = if batch.len() < 64 << 10 {
            waiting.try_recv().ok()
        } else {
            None
        };
    }
    flushed
}
