//! Frees holds whose time and grace are over, through the committer like every other change. Keeps `holds_end`: a
//! freed place is offered again. Only if the row still says `held` when its turn comes: a booking that arrived in time
//! and is decided before wins.

use crate::committer::{Task, Tokens};
use crate::engine::{Engine, Rendered, StartError, connection, count};
use crate::{limit, move_pause, records};
use base::id::HoldId;
use base::limit::Settings;
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use scheduling::command::Command;
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(500);
/// Freed in one turn; more wait for the next, half a second later.
const AT_ONCE: u32 = 200;
/// How long the engine waits for its own command.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut connection = connection(database)?;
    let (engine_of_thread, shutdown) = (engine.clone(), engine.owner().shutdown().clone());
    engine.owner().thread("hold-expiry", move || {
        let mut failing = false;
        while engine_of_thread.clock().pause_blocking(EVERY, &shutdown) {
            let done = free_due(&engine_of_thread, &mut connection);
            if let Err(cause) = &done
                && !failing
            {
                tracing::error!(fault = cause.fault().code(), %cause, "due holds could not be found");
            }
            failing = done.is_err();
        }
    })?;
    Ok(())
}

fn free_due(engine: &Engine, connection: &mut Connection) -> Result<(), Broken> {
    if move_pause::is_paused(connection)? {
        return Ok(());
    }
    // All at once into the queue, so that they share batches; then wait for them, so that the next turn finds others.
    let due = due(connection, engine.clock(), engine.settings())?;
    let answers: Vec<_> = due
        .into_iter()
        .filter_map(|(_, task)| engine.inner().queue.send(task).ok())
        .collect();
    // Read-only, busy: they stay held, and the next turn tries again.
    let freed = answers
        .into_iter()
        .filter_map(|answer| answer.blocking_recv().ok()?.ok())
        .count();
    count(&engine.counters().expired_holds, freed as u64);
    Ok(())
}

/// What is due, each with the command that frees it.
pub(crate) fn due(
    connection: &mut Connection,
    clock: &Clock,
    settings: &Settings,
) -> Result<Vec<(HoldId, Task)>, Broken> {
    let now = clock.now();
    let before = now - settings.duration(&limit::HOLD_GRACE);
    let due = records::hold::due(&mut connection.begin_read()?, before, AT_ONCE)?;
    let task = |hold| {
        let render = Arc::new(|_: &crate::engine::Verdict<'_>| Rendered {
            status: 200,
            body: Vec::new(),
        });
        let tokens = Tokens {
            own: true,
            ..Tokens::default()
        };
        let deadline = clock.monotonic() + PATIENCE;
        Task::new(Command::ExpireHold { hold }, tokens, now, deadline, None, render)
    };
    Ok(due.into_iter().map(|hold| (hold, task(hold))).collect())
}
