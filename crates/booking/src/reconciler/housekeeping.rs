//! Forgets what was kept for a while only: outcomes and messages past their retention, changes every follower has seen.

use crate::conflict::again;
use crate::engine::{Engine, StartError, connection};
use crate::move_pause;
use crate::reconciler::message_delivery::COPIES_COUNT;
use crate::{limit, records};
use base::limit::Settings;
use database::{Broken, CommitFailed, Connection, Database};
use runtime::clock::Clock;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);
/// How often it looks whether it should stop.
const LOOK: Duration = Duration::from_millis(500);
/// Rows forgotten in one transaction, so that no booking waits long for it.
const AT_ONCE: u32 = 2_000;

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut connection = connection(database)?;
    let (engine_of_thread, shutdown) = (engine.clone(), engine.owner().shutdown().clone());
    engine.owner().thread("housekeeping", move || {
        let mut next = engine_of_thread.clock().monotonic() + EVERY;
        while engine_of_thread.clock().pause_blocking(LOOK, &shutdown) {
            if engine_of_thread.clock().monotonic() < next {
                continue;
            }
            next = engine_of_thread.clock().monotonic() + EVERY;
            if let Err(cause) = forget(&mut connection, engine_of_thread.clock(), engine_of_thread.settings()) {
                tracing::warn!(fault = cause.fault().code(), %cause, "old outcomes and changes stay for now");
            }
        }
    })?;
    Ok(())
}

/// Forgets once.
pub(crate) fn forget(connection: &mut Connection, clock: &Clock, settings: &Settings) -> Result<(), Broken> {
    again(|| forget_once(connection, clock, settings))
}

fn forget_once(connection: &mut Connection, clock: &Clock, settings: &Settings) -> Result<(), Broken> {
    let before = clock.now() - settings.duration(&limit::OUTCOME_RETENTION);
    let keep = settings.get(&limit::CHANGES_KEPT) as i64;
    let mut tx = move_pause::begin(connection)?;
    let outcomes = records::outcome::forget_before(&mut tx, before, AT_ONCE)?;
    let changes = records::change::forget(&mut tx, keep, AT_ONCE)?;
    let (kept, now) = (settings.duration(&limit::MAILS_KEPT), clock.now());
    let messages = records::outbox::forget_before(&mut tx, now - kept, AT_ONCE)?;
    let copies = records::outbox::forget_copies(&mut tx, now - COPIES_COUNT, AT_ONCE)?;
    if outcomes + changes + messages + copies == 0 {
        return Ok(());
    }
    tx.commit().map_err(CommitFailed::of_a_try)
}
