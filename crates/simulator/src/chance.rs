//! The one source of chance of a run: everything that might have gone otherwise is drawn here, in order.

use runtime::entropy::Entropy;
use std::time::Duration;

/// A seeded generator; clones draw from the same stream.
#[derive(Clone)]
pub struct Chance(Entropy);

impl Chance {
    /// Of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }
    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.0.below(end)
    }
    /// A number from `from` to `to`, both possible.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.0.below(to - from + 1)
    }
    /// True so often in a hundred.
    pub fn percent(&self, times: u64) -> bool {
        self.0.below(100) < times
    }
    /// True so often in ten thousand.
    pub fn in_ten_thousand(&self, times: u64) -> bool {
        times > 0 && self.0.below(10_000) < times
    }
    /// One of these; `None` of none.
    pub fn pick<'t, T>(&self, things: &'t [T]) -> Option<&'t T> {
        things.get(self.0.below(things.len() as u64) as usize)
    }
    /// A span between two, in microseconds.
    pub fn span(&self, from: Duration, to: Duration) -> Duration {
        Duration::from_micros(self.between(from.as_micros() as u64, to.as_micros() as u64))
    }
}
