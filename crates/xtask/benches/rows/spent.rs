//! What this process has spent: processor time and bytes written. Unlike a rate these hardly depend on what else the
//! machine does.

use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel counts processor time in these (`USER_HZ`, the same on every Linux we know).
const TICK: Duration = Duration::from_millis(10);

/// Since the process began, or between two moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// Processor time of all threads, in and outside the kernel.
    pub cpu: Duration,
    /// Bytes handed to the kernel to write.
    pub bytes: u64,
}

impl Spent {
    /// So far.
    pub fn now() -> Result<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The name, in parentheses, may hold spaces; the third field follows it (proc(5)).
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<u32>().ok());
        let (user, system) = ticks(14).zip(ticks(15)).context("/proc/self/stat has no times")?;
        let io = std::fs::read_to_string("/proc/self/io")?;
        let bytes = io
            .lines()
            .find_map(|line| line.strip_prefix("wchar:"))
            .context("/proc/self/io has no wchar")?;
        Ok(Self {
            cpu: TICK * (user + system),
            bytes: bytes.trim().parse()?,
        })
    }

    /// Since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            bytes: self.bytes - earlier.bytes,
        }
    }
}
