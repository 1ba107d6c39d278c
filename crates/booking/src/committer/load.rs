//! Brings the rows that a command is about into the working set: outcome, resident, slot, hold, appointment, in this
//! order of kinds, each by id.

use super::queue::Task;
use crate::availability::snapshot::Snapshot;
use crate::records;
use base::id::{AppointmentId, HoldId, SlotId};
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

/// Loads the rows of all of a batch. On SQLite the writers' lock is held already, so that resolving and re-reading
/// fall together.
pub(super) fn load(
    tx: &mut Transaction<'_>,
    batch: &[Task],
    now: Timestamp,
    keys: &KeyRing,
) -> Result<WorkingSet, Broken> {
    let mut wanted = resolve(batch);
    let mut set = WorkingSet::default();
    for id in &wanted.holds {
        if let Some(hold) = records::hold::load(tx, *id)? {
            wanted.slots.extend(hold.entries.iter().copied());
            set.holds.insert(*id, hold);
        }
    }
    for id in &wanted.appointments {
        if let Some(appointment) = records::appointment::load(tx, *id)? {
            wanted.slots.insert(appointment.slot);
            if wanted.moving.contains(id) {
                wanted.persons.insert(appointment.identity.person);
            }
            if let Some(details) = records::resident::load(tx, appointment.resident, keys)? {
                set.residents.insert(appointment.resident, details);
            }
            records::shared_link::of_appointment(tx, *id, |link| {
                set.links.insert((link.appointment, link.number), link);
            })?;
            let on_their_way = records::outbox::links_on_their_way(tx, &appointment)?;
            set.links_on_their_way.insert(*id, on_their_way);
            set.appointments.insert(*id, appointment);
        }
    }
    for person in &wanted.persons {
        records::live_dose::of_person(tx, *person, |key, dose| {
            set.live_doses.insert(key, dose);
        })?;
    }
    for id in &wanted.slots {
        if let Some(slot) = records::slot::load(tx, *id)? {
            set.slots.insert(*id, slot);
        }
    }
    if !wanted.persons.is_empty() {
        // The present's, even where the last one was given out by a clock that ran ahead.
        let last = records::appointment::last_code(tx)?.unwrap_or_default();
        set.last_code = last.max(CodeNumber::at(now));
    }
    Ok(set)
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
