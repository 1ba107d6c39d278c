//! Writes a history down while it happens: every event at once into a file and into memory, with monotone times.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::time::Timestamp;
use runtime::clock::Clock;

use crate::history::{Asked, Event, Head, History, Micros, What, line};

/// Writes one history.
pub struct Recorder {
    clock: Clock,
    head: Head,
    /// The clock's monotone time at the beginning.
    began: Micros,
    next: AtomicU64,
    written: Mutex<Written>,
}

struct Written {
    events: Vec<Event>,
    file: BufWriter<File>,
    /// The first thing that went wrong with the file.
    broken: Option<io::Error>,
}

/// An operation that is being recorded.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    number: u64,
    attempt: u32,
}

impl Recorder {
    /// Begins a history in this file.
    pub fn begin(path: &Path, clock: Clock, alone: bool, slack: Micros) -> io::Result<Self> {
        let began = micros(&clock);
        let head = Head {
            history: 1,
            began: clock.now().micros(),
            alone,
            slack,
        };
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(line(&head).as_bytes())?;
        Ok(Self {
            clock,
            head,
            began,
            next: AtomicU64::new(0),
            written: Mutex::new(Written {
                events: Vec::new(),
                file,
                broken: None,
            }),
        })
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
    /// Now, on the history's scale.
    pub fn now(&self) -> Micros {
        micros(&self.clock) - self.began
    }
    /// An instant that a server states (RFC 3339), on the history's scale.
    pub fn scaled(&self, text: &str) -> Option<Micros> {
        Some(Timestamp::parse(text)?.micros() - self.head.began)
    }

    /// Somebody wants something: its first attempt is about to be sent.
    pub fn invoke(&self, client: u32, ask: Asked) -> Op {
        let op = Op {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            attempt: 0,
        };
        self.write(op, What::Invoke { client, ask });
        op
    }
    /// The same is about to be sent again.
    pub fn again(&self, op: Op, client: u32, ask: Asked) -> Op {
        let op = Op {
            attempt: op.attempt + 1,
            ..op
        };
        self.write(op, What::Invoke { client, ask });
        op
    }
    /// How an attempt ended.
    pub fn ended(&self, op: Op, what: What) {
        self.write(op, what);
    }

    fn write(&self, op: Op, what: What) {
        let mut written = self.written();
        // Read under the lock, so that the lines are in the order of their times.
        let event = Event {
            at: self.now(),
            op: op.number,
            attempt: op.attempt,
            what,
        };
        let text = line(&event);
        if let Err(error) = written.file.write_all(text.as_bytes()) {
            written.broken.get_or_insert(error);
        }
        written.events.push(event);
    }

    /// The history so far. The file has it as well, or an error says why not.
    pub fn history(&self) -> io::Result<History> {
        let mut written = self.written();
        if let Some(error) = written.broken.take() {
            return Err(error);
        }
        written.file.flush()?;
        Ok(History {
            head: self.head.clone(),
            events: written.events.clone(),
        })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(clock: &Clock) -> Micros {
    clock.monotonic().as_micros() as Micros
}
