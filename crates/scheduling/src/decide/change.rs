//! Cancelling and moving an appointment: by whoever holds a link to it, until it begins; cancelling also by whoever
//! says its code and birth date.

use super::book::{Candidate, check_dose};
use super::hold::{booked, opened, usable};
use super::{Circumstances, Decided, Done, HOLD_EXPECTED, No, event};
use crate::command::Proof;
use crate::jurisdiction::audit::Subject;
use crate::refusal::Refusal;
use crate::resident::appointment::{Appointment, Status};
use crate::resident::personal_link::is_over;
use crate::working_set::{Effect, LiveDose, WorkingSet};
use base::id::{AppointmentId, HoldId};

/// An appointment that a link opened, and whose links are not over: else the same answer as for an unknown one.
pub(super) fn managed<'s>(
    id: AppointmentId,
    opened: bool,
    set: &'s WorkingSet,
    at: &Circumstances<'_>,
) -> Result<&'s Appointment, No> {
    let found = set.appointments.get(&id).filter(|_| opened).ok_or(No::NotFound)?;
    let slot = set.slots.get(&found.slot).ok_or(No::NotFound)?;
    if is_over(slot.ends_at, at.limits.link_lasts, at.now) {
        return Err(No::NotFound);
    }
    Ok(found)
}

pub(super) fn has_begun(appointment: &Appointment, set: &WorkingSet, at: &Circumstances<'_>) -> bool {
    set.slots
        .get(&appointment.slot)
        .is_none_or(|slot| slot.has_begun(at.now))
}

pub(super) fn cancel(id: AppointmentId, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let appointment = managed(id, proof.appointment || proof.by_code, set, at)?;
    if appointment.status == Status::Cancelled {
        return Ok((Done::Cancelled(id), Vec::new()));
    }
    // A resident cancels before it begins; what happened at the clinic is the clinic's to say.
    if appointment.status != Status::Booked || has_begun(appointment, set, at) {
        return Err(Refusal::TooLate.into());
    }
    let kind = Status::step(Some(Status::Booked), Status::Cancelled).expect("cancelling is an edge of the table");
    let cancelled = Appointment {
        status: Status::Cancelled,
        sequence: appointment.sequence.saturating_add(1),
        changed_at: at.now,
        ..appointment.clone()
    };
    let mut effects: Vec<Effect> = appointment.dose_keys().into_iter().map(Effect::DoseFalls).collect();
    effects.push(Effect::Places {
        slot: appointment.slot,
        held: 0,
        booked: -1,
    });
    effects.push(event(kind, Subject::Appointment(id), Some(appointment.slot), at.now));
    effects.push(Effect::AppointmentChanged(Box::new(cancelled)));
    Ok((Done::Cancelled(id), effects))
}

pub(super) fn reschedule(
    id: AppointmentId,
    hold: HoldId,
    proof: Proof,
    set: &WorkingSet,
    at: &Circumstances<'_>,
) -> Decided {
    let appointment = managed(id, proof.appointment, set, at)?;
    let hold = opened(hold, proof, set).ok_or_else(|| No::invalid("/hold", HOLD_EXPECTED))?;
    if appointment.status != Status::Booked || has_begun(appointment, set, at) {
        return Err(Refusal::TooLate.into());
    }
    usable(hold, at)?;
    let [slot] = hold.entries[..] else {
        return Err(No::invalid("/hold", "a hold of one entry"));
    };
    let slot = set
        .slots
        .get(&slot)
        .ok_or_else(|| No::invalid("/hold", HOLD_EXPECTED))?;
    if slot.has_begun(at.now) {
        return Err(Refusal::TooLate.into());
    }
    if at.rules.series_of(slot.product) != Some(appointment.series.as_str()) {
        return Err(Refusal::WrongVaccine.into());
    }
    let details = set.residents.get(&appointment.resident).ok_or(No::NotFound)?;
    let candidate = Candidate {
        itself: id,
        identity: &appointment.identity,
        series: &appointment.series,
        dose: appointment.dose,
        person: &details.person,
        answers: &details.answers,
    };
    check_dose(&candidate, slot, &set.live_doses, at)?;
    let kind = Status::step(Some(Status::Booked), Status::Booked).expect("moving is an edge of the table");
    let moved = Appointment {
        slot: slot.id,
        hold: hold.id,
        product: slot.product,
        sequence: appointment.sequence.saturating_add(1),
        changed_at: at.now,
        ..appointment.clone()
    };
    // The new place first, then the old one goes: also where both are places of one slot, never more than there are.
    let mut effects = booked(hold, at);
    effects.push(Effect::Places {
        slot: appointment.slot,
        held: 0,
        booked: -1,
    });
    for key in appointment.dose_keys() {
        effects.push(Effect::DoseStands(
            key,
            LiveDose {
                appointment: id,
                product: slot.product,
                on: slot.date,
            },
        ));
    }
    effects.push(event(kind, Subject::Appointment(id), Some(slot.id), at.now));
    effects.push(Effect::AppointmentChanged(Box::new(moved)));
    Ok((Done::Moved(id), effects))
}
