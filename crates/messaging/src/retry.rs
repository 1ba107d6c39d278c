//! Pure. How long to wait before another attempt: twice as long each time up to a limit, then a share of that by chance,
//! so that a thousand messages that failed together do not come back together ("full jitter").

use std::time::Duration;

/// The wait before the attempt after number `attempt` (from 1). `chance` draws a number below what it is given.
pub fn wait(attempt: u32, first: Duration, most: Duration, chance: impl FnOnce(u64) -> u64) -> Duration {
    let doubled = first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
    let millis = doubled.min(most).as_millis() as u64;
    Duration::from_millis(chance(millis + 1))
}
