//! What the last backup to the configured place was, in `DATA/run/backup.json`: written by whoever made it, read by
//! every server for its metrics and for whether another is due.

use super::{BackupError, io};
use base::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The last backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// Its moment, in microseconds since 1970.
    pub made_at_micros: i64,
    /// Its name.
    pub name: String,
    /// Where it is kept.
    pub destination: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub sha256: String,
    /// How long making, keeping and sending took, in milliseconds.
    pub took_ms: u64,
}

impl LastBackup {
    /// Its moment.
    pub fn made_at(&self) -> Timestamp {
        Timestamp::from_micros(self.made_at_micros)
    }

    /// The last one of an installation; none when there was none, or nobody can tell.
    pub fn load(data: &Path) -> Option<Self> {
        let text = std::fs::read(data.join("run").join("backup.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Remembers it, in one step.
    pub fn save(&self, data: &Path) -> Result<(), BackupError> {
        let path = data.join("run").join("backup.json");
        let beside = path.with_extension("json.new");
        let text = serde_json::to_vec(self).expect("plain values");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(io(&path))
    }
}
