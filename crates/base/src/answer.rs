//! The three exits of any operation, never mixed: a *refusal* (the rules say no), a *fault* (the world failed),
//! and a *bug* (a panic, caught at the edge of the task that had it).

use std::fmt;

/// Outer: did the world work. Inner: do the rules agree. `?` carries faults only.
pub type Answer<T, R> = Result<Result<T, R>, Fault>;

/// The world failed. Answered with 503 and `Retry-After`; a bad event for the objectives; logged once at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// More work waits than can be done in time, or another writer has the database. Nothing happened.
    Busy,
    /// The deadline passed before a decision was made. Nothing happened.
    TimedOut,
    /// The database does not answer. Nothing happened.
    Unreachable,
    /// The database takes no writes (full or read-only). Nothing happened.
    ReadOnly,
    /// A commit was asked for and its answer was lost, and could not be looked up yet. Something may have happened.
    OutcomeUnknown,
}

impl Fault {
    /// Every fault, for registers and metrics.
    pub const ALL: [Self; 5] = [
        Self::Busy,
        Self::TimedOut,
        Self::Unreachable,
        Self::ReadOnly,
        Self::OutcomeUnknown,
    ];

    /// The public kebab-case code (`API.md`).
    pub fn code(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
            Self::ReadOnly => "read-only",
            Self::OutcomeUnknown => "outcome-unknown",
        }
    }

    /// Whether a retry must carry the same idempotency key. With the key a retry is always safe; without one only
    /// when nothing can have happened.
    pub fn retry_needs_key(self) -> bool {
        matches!(self, Self::TimedOut | Self::OutcomeUnknown)
    }

    /// Seconds a caller should wait before it tries again (`Retry-After`).
    pub fn retry_after_s(self) -> u64 {
        match self {
            Self::Busy | Self::TimedOut => 1,
            Self::OutcomeUnknown => 2,
            Self::Unreachable | Self::ReadOnly => 5,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Fault {}
