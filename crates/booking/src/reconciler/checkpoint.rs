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
/// How long writers are made to wait for readers; a reader that stays longer is let be.
const HARD_WAIT: Duration = Duration::from_millis(100);
/// Before they are made to wait again for the same reader (measured: with a wait of 2 s, one backup let a booking wait
/// that long).
const HARD_PAUSE: Duration = Duration::from_secs(2);

/// Starts the thread.
pub(crate) fn start(database: &Database, settings: &Settings, clock: &Clock, owner: &Owner) -> Result<(), StartError> {
    let mut connection = database.connect_beside()?;
    connection.wait_at_most(HARD_WAIT)?;
    let most = settings.get(&limit::LOG_PAGES) as i64;
    let (clock, shutdown) = (clock.clone(), owner.shutdown().clone());
    owner.thread("checkpoint", move || {
        let (mut failing, mut not_hard_before) = (false, Duration::ZERO);
        while clock.pause_blocking(EVERY, &shutdown) {
            let done = turn(&mut connection, most, clock.monotonic() >= not_hard_before);
            if let Ok(Turn::ReaderStays) = done {
                not_hard_before = clock.monotonic() + HARD_PAUSE;
            }
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

enum Turn {
    Done,
    /// The log could not begin anew: somebody still reads what was before its end.
    ReaderStays,
}

/// Moves what is there. A log that only ever grows would fill the disk: beyond `most` pages writers wait once until it
/// starts anew. Before that it is moved again and again without making anyone wait, each time what came in meanwhile,
/// so that next to nothing is left to wait for. While a reader stays, the log cannot start anew however long writers
/// wait: then they are made to for an instant only, and not again for a while.
fn turn(connection: &mut Connection, most: i64, may_be_hard: bool) -> Result<Turn, Broken> {
    if connection.checkpoint(false)?.pages <= most || !may_be_hard {
        return Ok(Turn::Done);
    }
    let mut left = most;
    for _ in 0..SOFT_PASSES {
        left = connection.checkpoint(false)?.left();
    }
    if left > most / LEFT_BY_READER || connection.checkpoint(true)?.busy {
        return Ok(Turn::ReaderStays);
    }
    Ok(Turn::Done)
}
