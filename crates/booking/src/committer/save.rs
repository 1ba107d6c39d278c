//! Writes what a batch changed: each touched row once, in its last state, by kind and id; then its events, outcomes and
//! the change row.

use super::batch::Gathered;
use crate::records;
use crate::records::change::Change;
use base::id::SlotId;
use base::time::Timestamp;
use database::{Broken, Connection, Transaction};
use scheduling::planted;
use scheduling::working_set::{LiveDose, LiveDoseKey};
use std::collections::BTreeSet;

/// What followers and the snapshot need to know of a commit that changed what is free.
pub(crate) struct Saved {
    pub sequence: i64,
    pub free: Vec<(SlotId, u32)>,
}

pub(super) fn save(tx: &mut Transaction<'_>, gathered: &Gathered, now: Timestamp) -> Result<Option<Saved>, Broken> {
    let (set, touched) = (&gathered.set, &gathered.set.touched);
    records::resident::insert(tx, &gathered.residents)?;
    let slots = touched.slots.iter().map(|id| &set.slots[id]);
    records::slot::save_counters(tx, slots.clone())?;
    let free = slots.map(|slot| (slot.id, slot.free())).collect();
    let holds = touched.holds.difference(&touched.holds_new);
    records::hold::insert(tx, touched.holds_new.iter().map(|id| &set.holds[id]))?;
    records::hold::save(tx, holds.map(|id| &set.holds[id]))?;
    let appointments = touched.appointments.difference(&touched.appointments_new);
    records::appointment::insert(tx, touched.appointments_new.iter().map(|id| &set.appointments[id]))?;
    records::appointment::save(tx, appointments.map(|id| &set.appointments[id]))?;
    for key in &touched.links_new {
        records::shared_link::insert(tx, &set.links[key])?;
    }
    for key in touched.links.difference(&touched.links_new) {
        records::shared_link::save(tx, &set.links[key])?;
    }
    save_doses(tx, gathered)?;
    records::audit::insert(tx, &gathered.links)?;
    if !planted::is("outcome_outside_transaction") {
        records::outcome::insert(tx, &gathered.outcomes)?;
    }
    records::outbox::insert(tx, &gathered.messages)?;
    if touched.slots.is_empty() {
        // Only outcomes or a hold's end changed: nobody's picture of what is free. The last change is another's then,
        // and must not be taken for shown.
        return Ok(None);
    }
    let sequence = records::change::position(tx)?;
    let change = Change {
        sequence,
        slots: touched.slots.iter().copied().collect(),
        clinics: Vec::new(),
    };
    records::change::insert(tx, &change, now)?;
    Ok(Some(Saved { sequence, free }))
}

/// In the order of decision: a dose that fell and stands anew in one batch is first deleted, then inserted. Where none
/// fell and all belong to new appointments, they go together.
fn save_doses(tx: &mut Transaction<'_>, gathered: &Gathered) -> Result<(), Broken> {
    let touched = &gathered.set.touched;
    let new = |dose: &LiveDose| touched.appointments_new.contains(&dose.appointment);
    let doses: Option<Vec<_>> = touched
        .live_doses
        .iter()
        .map(|(key, dose)| dose.as_ref().filter(|dose| new(dose)).map(|dose| (key, dose)))
        .collect();
    let once = |doses: &Vec<(&LiveDoseKey, &LiveDose)>| {
        let keys: BTreeSet<_> = doses.iter().map(|(key, _)| *key).collect();
        keys.len() == doses.len()
    };
    if let Some(doses) = doses.filter(once) {
        return records::live_dose::stand_new(tx, doses);
    }
    for (key, dose) in &touched.live_doses {
        match dose {
            Some(dose) => records::live_dose::stand(tx, key, dose)?,
            None => records::live_dose::fall(tx, key)?,
        }
    }
    Ok(())
}

/// The bug `outcome_outside_transaction`: whatever goes wrong here, the effect stands without its answer.
pub(super) fn outcomes_afterwards(connection: &mut Connection, gathered: &Gathered) {
    let Ok(mut tx) = connection.begin() else { return };
    for outcome in &gathered.outcomes {
        let _ = records::outcome::insert(&mut tx, [outcome]);
    }
    let _ = tx.commit();
}
