//! A look at the machine before a start: is there room on the disk, and does the clock look right. Only ever warns:
//! a site that could run should run.

use std::fmt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base::time::Timestamp;
use nix::sys::statvfs::statvfs;

/// Below this much free space a start warns: a busy day's bookings, its log files and a copy of the database.
const FREE_BYTES_MIN: u64 = 2 << 30;
/// No clock that is right shows an earlier time: the year in which this was written.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// Data may be this much newer than now before the clock is called wrong, in seconds.
const AHEAD_S_MAX: i64 = 60;
/// Where systemd-timesyncd says that it has set the clock at least once (`systemd-timesyncd.service(8)`).
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Little free space.
    LittleSpace {
        /// What is left.
        free_bytes: u64,
    },
    /// The free space cannot be read.
    SpaceUnknown,
    /// The clock is wrong for sure: it shows a time before this program, or before data that exists.
    ClockBehind,
    /// Whether somebody keeps the clock right cannot be told here.
    ClockUnknown,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LittleSpace { free_bytes } => write!(
                f,
                "little disk space: {} MiB free where the data lies, {} MiB are advised; when it is full, booking stops",
                free_bytes >> 20,
                FREE_BYTES_MIN >> 20
            ),
            Self::SpaceUnknown => f.write_str("cannot tell how much disk space is free"),
            Self::ClockBehind => f.write_str(
                "the machine's clock is behind: it shows a time before data that exists. Appointment times will be wrong",
            ),
            Self::ClockUnknown => f.write_str(
                "cannot tell whether the machine's clock is kept right (no systemd-timesyncd here); check that it is",
            ),
        }
    }
}

impl Seen {
    /// Whether it needs somebody's hand, rather than being something we cannot know.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::LittleSpace { .. } | Self::ClockBehind)
    }
}

/// Looks at the disk under `data` and at the clock.
pub fn look(data: &Path, now: Timestamp) -> Vec<Seen> {
    let newest = data
        .join("evenkeel.sqlite")
        .metadata()
        .and_then(|file| file.modified())
        .ok();
    let newest = newest
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map(|since| Timestamp::default() + since);
    let free_bytes = statvfs(data)
        .ok()
        .map(|disk| disk.blocks_available() * disk.fragment_size());
    judge(free_bytes, now, newest, Path::new(SYNCHRONIZED).exists())
}

/// What there is to say about these facts.
pub fn judge(free_bytes: Option<u64>, now: Timestamp, newest: Option<Timestamp>, synchronized: bool) -> Vec<Seen> {
    let mut seen = Vec::new();
    match free_bytes {
        None => seen.push(Seen::SpaceUnknown),
        Some(free_bytes) if free_bytes < FREE_BYTES_MIN => seen.push(Seen::LittleSpace { free_bytes }),
        Some(_) => {}
    }
    let after_data = newest.is_none_or(|newest| newest.seconds() <= now.seconds() + AHEAD_S_MAX);
    if now < EARLIEST || !after_data {
        seen.push(Seen::ClockBehind);
    } else if !synchronized {
        seen.push(Seen::ClockUnknown);
    }
    seen
}
