//! Brings the rows that a command is about into the working set: outcome, resident, slot, hold, appointment, in this
//! order of kinds, each by id. A person is locked, not rows of theirs: what the rules ask is also what is *not* there.

use super::queue::Task;
use crate::availability::snapshot::Snapshot;
use crate::records;
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use runtime::secret::KeyRing;
use scheduling::command::Command;
use scheduling::resident::code::CodeNumber;
use scheduling::resident::identity::Fingerprint;
use scheduling::working_set::WorkingSet;
use std::collections::BTreeSet;

/// What a batch is about.
#[derive(Default)]
struct Resolved {
    slots: BTreeSet<SlotId>,
    holds: BTreeSet<HoldId>,
    appointments: BTreeSet<AppointmentId>,
    persons: BTreeSet<Fingerprint>,
    /// Appointments whose residents' details the rules need again.
    moving: BTreeSet<AppointmentId>,
}

/// Loads the rows of all of a batch. Where this writer is alone, resolving and re-reading fall together. Where it is not:
/// what the rows are about is read first, then they are locked by kind and id, and read as they are then.
pub(super) fn load(
    tx: &mut Transaction<'_>,
    batch: &[Task],
    last_code: Option<CodeNumber>,
    now: Timestamp,
    keys: &KeyRing,
) -> Result<WorkingSet, Broken> {
    let mut wanted = resolve(batch);
    let mut set = WorkingSet::default();
    if tx.is_shared() {
        look_ahead(tx, &mut wanted)?;
        tx.lock_each(&wanted.persons)?;
        records::slot::lock(tx, &wanted.slots, |slot| {
            set.slots.insert(slot.id, slot);
        })?;
    }
    let known = wanted.slots.clone();
    records::hold::lock(tx, &wanted.holds, |hold| {
        wanted.slots.extend(hold.entries.iter().copied());
        set.holds.insert(hold.id, hold);
    })?;
    records::appointment::lock(tx, &wanted.appointments, |appointment| {
        wanted.slots.insert(appointment.slot);
        if wanted.moving.contains(&appointment.id) {
            wanted.persons.insert(appointment.identity.person);
        }
        set.appointments.insert(appointment.id, appointment);
    })?;
    if tx.is_shared() && wanted.slots != known {
        return Err(Broken::Conflict("an appointment was moved meanwhile".to_owned()));
    }
    let residents: BTreeSet<ResidentId> = set.appointments.values().map(|row| row.resident).collect();
    records::resident::of(tx, &residents, keys, |id, details| {
        set.residents.insert(id, details);
    })?;
    for (id, appointment) in &set.appointments {
        let on_their_way = records::outbox::links_on_their_way(tx, appointment)?;
        set.links_on_their_way.insert(*id, on_their_way);
    }
    records::shared_link::of(tx, &wanted.appointments, |link| {
        set.links.insert((link.appointment, link.number), link);
    })?;
    records::live_dose::of_persons(tx, &wanted.persons, |key, dose| {
        set.live_doses.insert(key, dose);
    })?;
    if !tx.is_shared() {
        records::slot::of(tx, &wanted.slots, |slot| {
            set.slots.insert(slot.id, slot);
        })?;
    }
    if !wanted.persons.is_empty() {
        set.last_code = match last_code {
            Some(taken) => taken,
            // The present's, even where the last one was given out by a clock that ran ahead.
            None => records::appointment::last_code(tx)?
                .unwrap_or_default()
                .max(CodeNumber::at(now)),
        };
    }
    Ok(set)
}

/// Which slots and persons the holds and appointments of a batch are about, as they stand before they are locked. Whose
/// an appointment is never changes.
fn look_ahead(tx: &mut Transaction<'_>, wanted: &mut Resolved) -> Result<(), Broken> {
    let Resolved {
        slots,
        holds,
        appointments,
        persons,
        moving,
    } = wanted;
    records::hold::of(tx, &*holds, |hold| slots.extend(hold.entries.iter().copied()))?;
    records::appointment::of(tx, &*appointments, |appointment| {
        slots.insert(appointment.slot);
        if moving.contains(&appointment.id) {
            persons.insert(appointment.identity.person);
        }
    })
}

/// How many numbers of codes a batch may need.
pub(super) fn codes_wanted(batch: &[Task]) -> u32 {
    let wanted = |task: &Task| match &task.command {
        Command::Book { bookings, .. } => bookings.len() as u32,
        _ => 0,
    };
    batch.iter().map(wanted).sum()
}

/// The bug `capacity_not_reread`: as many places are free as the snapshot shows, whatever the rows say.
pub(super) fn count_by_snapshot(set: &mut WorkingSet, snapshot: &Snapshot) {
    for slot in set.slots.values_mut() {
        if let Some((_, shown)) = snapshot.slot(slot.id) {
            slot.booked = slot.capacity.saturating_sub(u32::from(shown.free) + slot.held);
        }
    }
}

fn resolve(batch: &[Task]) -> Resolved {
    let mut wanted = Resolved::default();
    for task in batch {
        match &task.command {
            // Its id is new: nothing of it is there to load.
            Command::PlaceHold { slots, .. } => wanted.slots.extend(slots.iter().copied()),
            Command::ExtendHold { hold } | Command::GiveBackHold { hold } | Command::ExpireHold { hold } => {
                wanted.holds.insert(*hold);
            }
            Command::Book { hold, bookings, .. } => {
                wanted.holds.insert(*hold);
                wanted
                    .persons
                    .extend(bookings.iter().map(|booking| booking.identity.person));
            }
            Command::Cancel { appointment }
            | Command::ShareLink { appointment }
            | Command::StopLink { appointment, .. }
            | Command::SendLinkAnew { appointment } => {
                wanted.appointments.insert(*appointment);
            }
            Command::Reschedule { appointment, hold } => {
                wanted.holds.insert(*hold);
                wanted.appointments.insert(*appointment);
                wanted.moving.insert(*appointment);
            }
        }
    }
    wanted
}
