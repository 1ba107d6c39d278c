//! Pure. When a child that ended is started again: at once, then later and later, never not at all. And how long its
//! start may be silent: longer after each that was given up for it.

use std::time::Duration;

/// The wait after the second end in a row; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait: a site that could run again stays down no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// A child that was well for this long has done its start; what ends it then is news, not the same failure again.
pub const HEALTHY_AFTER: Duration = Duration::from_secs(5);

/// A start's patience is doubled this often at most, from two minutes to half an hour: a start may take that long on a
/// bad disk, and killing it every time would be a site that never comes up.
const DOUBLINGS_MAX: u32 = 4;

/// How often in a row a child has ended without having been well for long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restart {
    ends: u32,
    /// Starts among them that were given up because nothing was heard.
    mute: u32,
}

impl Restart {
    /// The child has ended after being well for `healthy` (zero when it never was). Returns how long to wait before
    /// it is started again.
    pub fn ended(&mut self, healthy: Duration) -> Duration {
        if healthy >= HEALTHY_AFTER {
            *self = Self::default();
        }
        self.ends = self.ends.saturating_add(1);
        match self.ends {
            1 => Duration::ZERO,
            // Six doublings are past the longest wait already.
            ends => (FIRST_WAIT * 2u32.pow((ends - 2).min(6))).min(LONGEST_WAIT),
        }
    }
    /// The child's start was given up because nothing was heard of it.
    pub fn was_mute(&mut self) {
        self.mute = self.mute.saturating_add(1);
    }

    /// How long the next start may be silent, where the first one may be for `first`.
    pub fn start_patience(&self, first: Duration) -> Duration {
        first.saturating_mul(2u32.pow(self.mute.min(DOUBLINGS_MAX)))
    }
}
