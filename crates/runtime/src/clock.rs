//! The one clock: the wall's time, a monotone time, and waiting. Keeps that nobody else reads a clock, so that a
//! rehearsal can move time on and a test can hold it still.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's clock and waits by it"
)]

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base::time::Timestamp;
use tokio::sync::watch;

use crate::shutdown::Shutdown;

/// How often a pausing thread looks whether it should stop: well within the time that a drain has.
const STOP_LOOK: Duration = Duration::from_millis(25);

/// A clock, cheap to clone; clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: Source,
    /// How far a shiftable clock was moved, or where a manual one stands.
    hands: Mutex<Hands>,
    /// Wakes sleeping threads when the hands were moved.
    moved: Condvar,
    /// Wakes sleeping tasks when the hands were moved.
    told: watch::Sender<()>,
}

enum Source {
    Real {
        start: Instant,
    },
    Shiftable {
        start: Instant,
    },
    Manual,
    /// As manual, but whoever sleeps moves it on: one thread plays everybody.
    Simulated,
}

#[derive(Clone, Copy)]
struct Hands {
    /// Manual: the wall's time. Otherwise unused.
    wall: Timestamp,
    /// Manual: monotone time. Shiftable: the sum of all shifts.
    ahead: Duration,
}

/// This clock cannot be moved: the process was not started for a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this clock cannot be shifted: start the process with --rehearsal")]
pub struct NotShiftable;

impl Clock {
    fn new(source: Source, wall: Timestamp) -> Self {
        let hands = Mutex::new(Hands {
            wall,
            ahead: Duration::ZERO,
        });
        Self(Arc::new(Inner {
            source,
            hands,
            moved: Condvar::new(),
            told: watch::Sender::new(()),
        }))
    }

    /// The machine's clock.
    pub fn real() -> Self {
        Self::new(Source::Real { start: Instant::now() }, Timestamp::default())
    }

    /// The machine's clock, which [`Clock::shift`] may move on: only for a process in rehearsal.
    pub fn shiftable() -> Self {
        Self::new(Source::Shiftable { start: Instant::now() }, Timestamp::default())
    }

    /// A clock that stands at `at` until it is set or advanced: for tests and simulation.
    pub fn manual(at: Timestamp) -> Self {
        Self::new(Source::Manual, at)
    }

    /// A manual clock for a simulation in one thread: who sleeps by it moves it on instead of waiting for somebody.
    pub fn simulated(at: Timestamp) -> Self {
        Self::new(Source::Simulated, at)
    }

    fn stands_still(&self) -> bool {
        matches!(self.0.source, Source::Manual | Source::Simulated)
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        // Two plain values: whatever panicked while holding them left them whole.
        self.0.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match self.0.source {
            Source::Real { .. } => wall(),
            Source::Shiftable { .. } => wall() + self.hands().ahead,
            Source::Manual | Source::Simulated => self.hands().wall,
        }
    }

    /// The instant without any shift: what the clocks of other processes on this machine show. For marks that two of them
    /// compare, of which a rehearsal shifts one.
    pub fn unshifted(&self) -> Timestamp {
        match self.0.source {
            Source::Real { .. } | Source::Shiftable { .. } => wall(),
            Source::Manual | Source::Simulated => self.hands().wall,
        }
    }

    /// Time since this clock was made; never goes back.
    pub fn monotonic(&self) -> Duration {
        match self.0.source {
            Source::Real { start } => start.elapsed(),
            Source::Shiftable { start } => start.elapsed() + self.hands().ahead,
            Source::Manual | Source::Simulated => self.hands().ahead,
        }
    }

    /// Whether this clock shows another time than the machine's (a rehearsal shifted it).
    pub fn shifted_by(&self) -> Duration {
        match self.0.source {
            Source::Shiftable { .. } => self.hands().ahead,
            Source::Real { .. } | Source::Manual | Source::Simulated => Duration::ZERO,
        }
    }

    /// Waits for `span` of this clock's time; a shift shortens the wait.
    pub async fn sleep(&self, span: Duration) {
        match self.0.source {
            Source::Real { .. } => return tokio::time::sleep(span).await,
            Source::Simulated => return self.advance(span),
            Source::Shiftable { .. } | Source::Manual => {}
        }
        let until = self.monotonic().saturating_add(span);
        let mut told = self.0.told.subscribe();
        loop {
            let left = until.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            // A manual clock never gets there by itself: its long wait only ends by being told.
            let wait = if matches!(self.0.source, Source::Manual) {
                Duration::from_hours(24)
            } else {
                left
            };
            // The sender lives in `self`, so that `changed` cannot fail.
            let _ = tokio::time::timeout(wait, told.changed()).await;
        }
    }

    /// As [`Clock::sleep`], for an owned thread.
    pub fn sleep_blocking(&self, span: Duration) {
        match self.0.source {
            Source::Real { .. } => return std::thread::sleep(span),
            Source::Simulated => return self.advance(span),
            Source::Shiftable { .. } | Source::Manual => {}
        }
        let until = self.monotonic().saturating_add(span);
        loop {
            let hands = self.hands();
            let passed = match self.0.source {
                Source::Real { start } | Source::Shiftable { start } => start.elapsed() + hands.ahead,
                Source::Manual | Source::Simulated => hands.ahead,
            };
            let left = until.saturating_sub(passed);
            if left.is_zero() {
                return;
            }
            let wait = if matches!(self.0.source, Source::Manual) {
                Duration::from_hours(24)
            } else {
                left
            };
            drop(
                self.0
                    .moved
                    .wait_timeout(hands, wait)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    /// As [`Clock::sleep_blocking`], but given up soon after `stop` is requested. Returns whether to go on: false when
    /// it was.
    pub fn pause_blocking(&self, span: Duration, stop: &Shutdown) -> bool {
        let until = self.monotonic().saturating_add(span);
        loop {
            let left = until.saturating_sub(self.monotonic());
            if left.is_zero() || stop.requested() {
                return !stop.requested();
            }
            match self.0.source {
                Source::Real { .. } => std::thread::sleep(left.min(STOP_LOOK)),
                Source::Simulated => self.advance(left),
                // Woken at once when the clock is moved.
                Source::Shiftable { .. } | Source::Manual => {
                    let woken = self.0.moved.wait_timeout(self.hands(), left.min(STOP_LOOK));
                    drop(woken.unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }

    /// Moves a shiftable (or manual) clock on by `span`; refused on the real one.
    pub fn shift(&self, span: Duration) -> Result<(), NotShiftable> {
        if matches!(self.0.source, Source::Real { .. }) {
            return Err(NotShiftable);
        }
        self.turn(|hands| {
            hands.wall = hands.wall + span;
            hands.ahead = hands.ahead.saturating_add(span);
        });
        Ok(())
    }

    /// Sets a manual clock, also back; its monotone time only follows forward. No effect on other clocks.
    pub fn set(&self, at: Timestamp) {
        if self.stands_still() {
            self.turn(|hands| {
                hands.ahead = hands.ahead.saturating_add(at.since(hands.wall));
                hands.wall = at;
            });
        }
    }

    /// Sets the wall's time of a manual clock alone, as a time server does: monotone time stays. No effect on other
    /// clocks.
    pub fn step_wall(&self, at: Timestamp) {
        if self.stands_still() {
            self.turn(|hands| hands.wall = at);
        }
    }

    /// Advances a manual clock. No effect on other clocks.
    pub fn advance(&self, span: Duration) {
        if self.stands_still() {
            self.turn(|hands| {
                hands.wall = hands.wall + span;
                hands.ahead = hands.ahead.saturating_add(span);
            });
        }
    }

    fn turn(&self, change: impl FnOnce(&mut Hands)) {
        change(&mut self.hands());
        self.0.moved.notify_all();
        self.0.told.send_replace(());
    }
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.source {
            Source::Real { .. } => "real",
            Source::Shiftable { .. } => "shiftable",
            Source::Manual => "manual",
            Source::Simulated => "simulated",
        };
        write!(f, "Clock({kind}, {})", self.now())
    }
}
