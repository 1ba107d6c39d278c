//! Which requests may be sent again, and how many of them: a fifth of all requests, and a few a second whatever the
//! traffic, so that retries never double an overload (as in Finagle and linkerd).

use std::time::Duration;

/// Retries that are allowed, in hundredths. Earned by requests, and by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBudget {
    hundredths: u64,
    percent: u64,
    per_second: u64,
    seen: Duration,
}

/// What is saved up at most, in seconds' worth of `per_second`.
const SAVED_S: u64 = 10;

impl RetryBudget {
    /// `percent` of requests, and `per_second` always.
    pub fn new(percent: u64, per_second: u64, now: Duration) -> Self {
        let hundredths = per_second * 100 * SAVED_S;
        Self {
            hundredths,
            percent,
            per_second,
            seen: now,
        }
    }

    /// A request came.
    pub fn deposit(&mut self, now: Duration) {
        let millis = now.saturating_sub(self.seen).as_millis() as u64;
        self.seen = self.seen.max(now);
        let most = self.per_second * 100 * SAVED_S * 2;
        self.hundredths = (self.hundredths + self.percent + millis * self.per_second / 10).min(most);
    }

    /// Whether one more retry is allowed; then it is spent.
    pub fn withdraw(&mut self) -> bool {
        let rest = self.hundredths.checked_sub(100);
        self.hundredths = rest.unwrap_or(self.hundredths);
        rest.is_some()
    }
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Nothing of the request left us.
    NotSent,
    /// It left us, and no whole answer came.
    Sent,
}

/// Whether a request may go to another server after this. One that was never sent may always; one that was sent only when
/// doing it twice is as good as once.
pub fn may_go_again(tried: Tried, is_safe_or_keyed: bool, left: Duration) -> bool {
    !left.is_zero() && (tried == Tried::NotSent || is_safe_or_keyed)
}
