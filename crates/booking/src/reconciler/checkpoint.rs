//! Moves the write-ahead log into the database file, in its own thread, so that no booking waits for it (measured: the
//! slowest hundredth of bookings waits a third as long).

use crate::engine::StartError;
use crate::limit;
use base::limit::Settings;
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use runtime::task::Owner;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);
/// Passes before writers are made to wait: each leaves what is written in the time of one.
const SOFT_PASSES: usize = 3;
/// When more than this part of what is allowed is left after them, a reader keeps it there: a backup, a `verify`.
const LEFT_BY_READER: i64 = 4;

/// Starts the thread.
pub(crate) fn start(database: &Database, settings: &Settings, clock: &Clock, owner: &Owner) -> Result<(), StartError> {
    let mut connection = database.connect_beside()?;
    let most = settings.get(&limit::LOG_PAGES) as i64;
    let (clock, shutdown) = (clock.clone(), owner.shutdown().clone());
    owner.thread("checkpoint", move || {
        let mut failing = false;
        while clock.pause_blocking(EVERY, &shutdown) {
            let done = turn(&mut connection, most);
            if let Err(cause) = &done
                && !failing
            {
                tracing::error!(fault = cause.fault().code(), %cause, "the log could not be moved into the database file");
            }
            failing = done.is_err();
        }
    })?;
    Ok(())
}

/// Moves what is there. A log that only ever grows would fill the disk: beyond `most` pages writers wait once until it
/// starts anew. Before that it is moved again and again without making anyone wait, each time what came in meanwhile,
/// so that next to nothing is left to wait for. While a reader stays, the log cannot start anew however long writers
/// wait: then nobody is made to.
fn turn(connection: &mut Connection, most: i64) -> Result<(), Broken> {
    if connection.checkpoint(false)?.pages <= most {
        return Ok(());
    }
    let mut left = most;
    for _ in 0..SOFT_PASSES {
        left = connection.checkpoint(false)?.left();
    }
    if left > most / LEFT_BY_READER {
        return Ok(());
    }
    connection.checkpoint(true).map(|_| ())
}
