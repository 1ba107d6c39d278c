//! After a failed sync: makes what is in the database certain again (ADR 6).
//!
//! When the sync at COMMIT fails, the frames of that commit stand in the log's file, whole, and may or may not be on
//! disk. The log's index does not know them, so nobody reads them; but whoever next rebuilds the index (the first to
//! open the database after a crash) takes them for committed. And Linux forgets: after one failed sync it calls the
//! lost pages clean, so that they are read from memory, a later sync succeeds, and they are still not on disk.
//!
//! So both halves are made true, under the writers' lock: every byte of the log is written over itself and synced,
//! which brings to disk whatever only memory had; then a commit of our own is made in the place of the one in doubt,
//! which ends every frame behind it for good, because each frame's checksum holds the one before.
//!
//! Before that nothing may be moved from the log into the database file: a power cut would take the log's lost pages and
//! leave the file with a part of what they held. Hence no connection closes the log before it is settled.

use crate::fault::Broken;
use crate::sqlite::broken;
use base::answer::Fault;
use rusqlite::Connection;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Copied at once.
const CHUNK: usize = 1 << 20;

pub(crate) fn settle(connection: &Connection, file: Option<&Path>) -> Result<(), Broken> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(broken)?;
    let settled = inside(connection, file);
    if settled.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    settled
}

fn inside(connection: &Connection, file: Option<&Path>) -> Result<(), Broken> {
    if let Some(file) = file {
        rewrite(&log_of(file)).map_err(|error| Broken::Fault {
            fault: fault_of(&error),
            cause: format!("the log could not be made durable: {error}"),
        })?;
    }
    // A number that nobody reads, and that no commit in doubt has written.
    let number: i32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(broken)?;
    let next = number.checked_add(1).unwrap_or_default();
    connection
        .execute_batch(&format!("PRAGMA user_version = {next}; COMMIT"))
        .map_err(broken)
}

fn log_of(file: &Path) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push("-wal");
    name.into()
}

/// Writes a file over itself, so that the system takes every page for changed and brings it to disk. Nobody else
/// changes it meanwhile: we have the writers' lock. SQLite keeps no lock on this file that closing it would drop.
fn rewrite(log: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let read = file.read_at(&mut chunk, at)?;
        if read == 0 {
            return file.sync_all();
        }
        file.write_all_at(&chunk[..read], at)?;
        at += read as u64;
    }
}

fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull => Fault::ReadOnly,
        _ => Fault::Unreachable,
    }
}
