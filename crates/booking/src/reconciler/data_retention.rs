//! Erases residents whose appointments were long ago: see [`crate::erasure`]. Goes through appointments in the order
//! they were booked, in small steps; where it stands is in memory only, since looking again costs little.

use crate::conflict::again;
use crate::engine::{Engine, StartError, connection, count};
use crate::erasure::{CHAIN, forget, is_erased};
use crate::limit;
use crate::move_pause;
use crate::records::{appointment, audit, slot};
use crate::sealing::committed;
use base::id::AppointmentId;
use base::time::Timestamp;
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use scheduling::resident::appointment::Appointment;
use std::time::Duration;

/// Between two passes: nobody's details wait an hour longer than they should.
const EVERY: Duration = Duration::from_hours(1);
/// The first pass comes soon after the start, behind what people wait for.
const FIRST: Duration = Duration::from_mins(1);
/// How often it looks whether a pass is due.
const LOOK: Duration = Duration::from_millis(500);
/// Appointments looked at in one step, and erased in one transaction: some milliseconds of the writers' lock.
const AT_ONCE: u32 = 200;
/// Between two steps.
const PACE: Duration = Duration::from_millis(100);

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut connection = connection(database)?;
    let (engine_of_thread, shutdown) = (engine.clone(), engine.owner().shutdown().clone());
    engine.owner().thread("data-retention", move || {
        let clock = engine_of_thread.clock();
        let (mut next, mut before) = (clock.monotonic() + FIRST, AppointmentId::from_bits(0));
        while clock.pause_blocking(LOOK, &shutdown) {
            if clock.monotonic() < next {
                continue;
            }
            next = clock.monotonic() + EVERY;
            match pass(&engine_of_thread, &mut connection, before, &shutdown) {
                Ok(reached) => before = reached,
                Err(cause) => {
                    tracing::error!(fault = cause.fault().code(), %cause, "residents due for erasure stay for now");
                }
            }
        }
    })?;
    Ok(())
}

/// One pass; answers up to where nobody is left to erase, for the next one to begin at.
fn pass(
    engine: &Engine,
    connection: &mut Connection,
    before: AppointmentId,
    shutdown: &Shutdown,
) -> Result<AppointmentId, Broken> {
    let over = engine.clock().now() - engine.settings().duration(&limit::RESIDENT_RETENTION);
    let (mut reached, mut done_to, mut one_stays) = (before, before, false);
    loop {
        let step = look(connection, reached, over)?;
        let erased = again(|| erase(connection, engine.clock(), &step.due))?;
        count(&engine.counters().residents_erased, erased);
        reached = step.reached;
        one_stays |= step.one_stays;
        if !one_stays {
            done_to = reached;
        }
        if step.is_last || !engine.clock().pause_blocking(PACE, shutdown) {
            return Ok(done_to);
        }
    }
}

struct Step {
    due: Vec<AppointmentId>,
    /// Somebody is neither erased nor due.
    one_stays: bool,
    reached: AppointmentId,
    is_last: bool,
}

/// Looks at the appointments behind one; those that ended before `over` are due.
fn look(connection: &mut Connection, behind: AppointmentId, over: Timestamp) -> Result<Step, Broken> {
    let mut tx = connection.begin_read()?;
    // Whoever booked later than that cannot have been there before it. Ids begin with the millisecond they were minted
    // in (RFC 9562).
    let end = AppointmentId::from_bits((over.micros().max(0) as u128 / 1000) << 80);
    let rows = appointment::page(&mut tx, behind, end, AT_ONCE)?;
    let mut step = Step {
        due: Vec::new(),
        one_stays: false,
        reached: rows.last().map_or(behind, |row| row.id),
        is_last: rows.len() < AT_ONCE as usize,
    };
    for row in rows.iter().filter(|row| !is_erased(row)) {
        match slot::load(&mut tx, row.slot)? {
            Some(slot) if slot.ends_at < over => step.due.push(row.id),
            _ => step.one_stays = true,
        }
    }
    Ok(step)
}

fn erase(connection: &mut Connection, clock: &Clock, due: &[AppointmentId]) -> Result<u64, Broken> {
    if due.is_empty() {
        return Ok(0);
    }
    let mut tx = move_pause::begin(connection)?;
    let mut head = audit::shared_head(&mut tx, CHAIN)?;
    // Another process may have been there meanwhile.
    let mut rows: Vec<Appointment> = Vec::new();
    appointment::lock(&mut tx, due, |row| rows.extend(Some(row).filter(|row| !is_erased(row))))?;
    for row in &rows {
        forget(&mut tx, row, &mut head, clock.now())?;
    }
    if !rows.is_empty() {
        committed(tx)?;
    }
    Ok(rows.len() as u64)
}
