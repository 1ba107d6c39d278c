//! Writes what a batch changed: each touched row once, in its last state, by kind and id; then its events, outcomes and
//! the change row.

use super::batch::Gathered;
use crate::records;
use crate::records::change::Change;
use base::id::SlotId;
use base::time::Timestamp;
use database::{Broken, Connection, Transaction};
use scheduling::planted;

/// What followers and the snapshot need to know of a commit that changed what is free.
pub(super) struct Saved {
    pub sequence: i64,
    pub free: Vec<(SlotId, u32)>,
}

pub(super) fn save(tx: &mut Transaction<'_>, gathered: &Gathered, now: Timestamp) -> Result<Option<Saved>, Broken> {
    let (set, touched) = (&gathered.set, &gathered.set.touched);
    for (id, stored) in &gathered.residents {
        records::resident::insert(tx, *id, stored)?;
    }
    let mut free = Vec::with_capacity(touched.slots.len());
    for id in &touched.slots {
        let slot = &set.slots[id];
        records::slot::save_counters(tx, slot)?;
        free.push((*id, slot.free()));
    }
    for id in &touched.holds_new {
        records::hold::insert(tx, &set.holds[id])?;
    }
    for id in touched.holds.difference(&touched.holds_new) {
        records::hold::save(tx, &set.holds[id])?;
    }
    for id in &touched.appointments_new {
        records::appointment::insert(tx, &set.appointments[id])?;
    }
    for id in touched.appointments.difference(&touched.appointments_new) {
        records::appointment::save(tx, &set.appointments[id])?;
    }
    for key in &touched.links_new {
        records::shared_link::insert(tx, &set.links[key])?;
    }
    for key in touched.links.difference(&touched.links_new) {
        records::shared_link::save(tx, &set.links[key])?;
    }
    // In the order of decision: a dose that fell and stands anew in one batch is first deleted, then inserted.
    for (key, dose) in &touched.live_doses {
        match dose {
            Some(dose) => records::live_dose::stand(tx, key, dose)?,
            None => records::live_dose::fall(tx, key)?,
        }
    }
    for link in &gathered.links {
        records::audit::insert(tx, link)?;
    }
    for outcome in &gathered.outcomes {
        if !planted::is("outcome_outside_transaction") {
            records::outcome::insert(tx, outcome)?;
        }
    }
    for message in &gathered.messages {
        records::outbox::insert(tx, message)?;
    }
    if touched.slots.is_empty() {
        // Only outcomes or a hold's end changed: nobody's picture of what is free. The last change is another's then,
        // and must not be taken for shown.
        return Ok(None);
    }
    let sequence = records::change::last(tx)? + 1;
    let change = Change {
        sequence,
        slots: touched.slots.iter().copied().collect(),
        clinics: Vec::new(),
    };
    records::change::insert(tx, &change, now)?;
    Ok(Some(Saved { sequence, free }))
}

/// The bug `outcome_outside_transaction`: whatever goes wrong here, the effect stands without its answer.
pub(super) fn outcomes_afterwards(connection: &mut Connection, gathered: &Gathered) {
    let Ok(mut tx) = connection.begin() else { return };
    for outcome in &gathered.outcomes {
        let _ = records::outcome::insert(&mut tx, outcome);
    }
    let _ = tx.commit();
}
