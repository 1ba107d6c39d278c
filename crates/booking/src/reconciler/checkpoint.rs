//! Moves the write-ahead log into the database file, in its own thread, so that no booking waits for it (measured: the
//! slowest hundredth of bookings waits a third as long).

use crate::engine::StartError;
use crate::limit;
use base::limit::Settings;
use database::Database;
use runtime::clock::Clock;
use runtime::task::Owner;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);

/// Starts the thread.
pub(crate) fn start(database: &Database, settings: &Settings, clock: &Clock, owner: &Owner) -> Result<(), StartError> {
    let mut connection = database.connect_beside()?;
    let most = settings.get(&limit::LOG_PAGES) as i64;
    let (clock, shutdown) = (clock.clone(), owner.shutdown().clone());
    owner.thread("checkpoint", move || {
        let mut failing = false;
        while clock.pause_blocking(EVERY, &shutdown) {
            let done = connection.checkpoint(false).and_then(|pages| {
                // A log that only ever grows would fill the disk: then writers wait once until it starts anew.
                if pages > most { connection.checkpoint(true).map(|_| ()) } else { Ok(()) }
            });
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
