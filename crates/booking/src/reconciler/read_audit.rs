//! AuditEvents of reads. A read answers at once and is noted here; the notes are written together, at most a second
//! later, so that nobody who reads waits for the disk, and at most one for each appointment and hour, so that nobody
//! can fill the disk by reading. What is noted and not yet written is lost with the process.

use crate::conflict::again;
use crate::engine::{Engine, StartError, connection, count};
use crate::move_pause;
use crate::records::audit::{self, Link};
use crate::sealing::committed;
use base::id::AppointmentId;
use base::time::Timestamp;
use database::{Broken, Connection, Database};
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The chain of reads. All servers share it: whoever writes waits for whoever does.
pub const CHAIN: &str = "reads";
const EVERY: Duration = Duration::from_secs(1);
/// Events in one transaction: some milliseconds of the writers' lock.
const AT_ONCE: usize = 1_000;
/// Notes that wait while the database cannot be written: 64 KB each thousand. Beyond, they are counted as lost.
const WAITING_MAX: usize = 65_536;
/// Appointments remembered in one hour. Beyond, all are forgotten, and some are told twice: twice rather than never.
const SEEN_MAX: usize = 262_144;
const HOUR_S: i64 = 3_600;

/// Reads to be written down.
#[derive(Default)]
pub(crate) struct Reads(Mutex<State>);

#[derive(Default)]
struct State {
    hour: i64,
    seen: BTreeSet<AppointmentId>,
    waiting: Vec<(AppointmentId, Timestamp)>,
}

impl Reads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an appointment was shown to whoever has its link; whether there was room to.
    pub(crate) fn note(&self, id: AppointmentId, now: Timestamp) -> bool {
        let (mut state, hour) = (self.state(), now.seconds().div_euclid(HOUR_S));
        if state.hour != hour || state.seen.len() >= SEEN_MAX {
            state.hour = hour;
            state.seen.clear();
        }
        if state.seen.contains(&id) {
            return true;
        }
        if state.waiting.len() >= WAITING_MAX {
            return false;
        }
        state.seen.insert(id);
        state.waiting.push((id, now));
        true
    }

    fn take(&self) -> Vec<(AppointmentId, Timestamp)> {
        let mut state = self.state();
        let most = state.waiting.len().min(AT_ONCE);
        state.waiting.drain(..most).collect()
    }

    fn put_back(&self, mut notes: Vec<(AppointmentId, Timestamp)>) {
        let mut state = self.state();
        notes.append(&mut state.waiting);
        state.waiting = notes;
    }
}

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut connection = connection(database)?;
    let (engine_of_thread, shutdown) = (engine.clone(), engine.owner().shutdown().clone());
    engine.owner().thread("read-audit", move || {
        let (mut failing, mut goes_on) = (false, true);
        while goes_on {
            // Once more after the wish to stop: what was read until then.
            goes_on = engine_of_thread.clock().pause_blocking(EVERY, &shutdown);
            let done = write(&engine_of_thread, &mut connection);
            if let Err(cause) = &done
                && !failing
            {
                tracing::error!(fault = cause.fault().code(), %cause, "reads could not be written to the audit chain yet");
            }
            failing = done.is_err();
        }
    })?;
    Ok(())
}

fn write(engine: &Engine, connection: &mut Connection) -> Result<(), Broken> {
    loop {
        let notes = engine.inner().reads.take();
        if notes.is_empty() {
            return Ok(());
        }
        if let Err(cause) = again(|| append(connection, &notes)) {
            engine.inner().reads.put_back(notes);
            return Err(cause);
        }
        count(&engine.counters().reads_audited, notes.len() as u64);
    }
}

fn append(connection: &mut Connection, notes: &[(AppointmentId, Timestamp)]) -> Result<(), Broken> {
    let mut tx = move_pause::begin(connection)?;
    let mut head = audit::shared_head(&mut tx, CHAIN)?;
    for (id, at) in notes {
        let event = AuditEvent {
            kind: AuditKind::AppointmentReadByLink,
            subject: Subject::Appointment(*id),
            slot: None,
            at: *at,
            count: 1,
        };
        audit::insert(&mut tx, [&Link::forge(CHAIN, &mut head, &event, None, 0, None)])?;
    }
    committed(tx)
}
