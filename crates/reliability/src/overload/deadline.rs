//! How long a request may still take, and whether its body comes fast enough. Spans of a monotone clock; what is passed
//! on is what remains, never a time of day.

use std::time::Duration;

/// When a request is worth nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// Of a request that arrived at `now` and may take `span`.
    pub fn after(now: Duration, span: Duration) -> Self {
        Self(now.saturating_add(span))
    }

    /// What remains; zero when it is over.
    pub fn left(self, now: Duration) -> Duration {
        self.0.saturating_sub(now)
    }
}

/// How slowly a body may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPace {
    /// For the whole body.
    pub whole: Duration,
    /// From here on the least rate counts.
    pub grace: Duration,
    /// Bytes a second.
    pub least_rate: u64,
}

impl BodyPace {
    /// When a body of which `bytes` have come must have brought the next byte, from its beginning on.
    pub fn next_by(&self, bytes: u64) -> Duration {
        let earned = Duration::from_millis(bytes.saturating_mul(1000) / self.least_rate.max(1));
        self.grace.max(earned).min(self.whole)
    }
}
