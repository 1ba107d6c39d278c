//! Booking: a hold's places become appointments. Here it is checked who may have which dose, and that nobody has it
//! twice.

use super::hold::{booked, opened, usable};
use super::{Circumstances, Decided, Done, HOLD_EXPECTED, No, SLOT_EXPECTED, event};
use crate::clinic::slot::Slot;
use crate::command::{Booking, Proof};
use crate::jurisdiction::audit::Subject;
use crate::planted;
use crate::refusal::Refusal;
use crate::resident::appointment::{Appointment, Status};
use crate::resident::code::CodeNumber;
use crate::resident::eligibility::Answers;
use crate::resident::hold::Hold;
use crate::resident::identity::Identity;
use crate::resident::person::Person;
use crate::rules::{DoseRequest, OtherDose, RuleRefusal};
use crate::working_set::{Effect, LiveDose, LiveDoseKey, ResidentDetails, WorkingSet};
use base::id::{AppointmentId, HoldId, SlotId};

pub(super) fn book(
    id: HoldId,
    bookings: &[Booking],
    single: bool,
    proof: Proof,
    set: &WorkingSet,
    at: &Circumstances<'_>,
) -> Decided {
    let hold = opened(id, proof, set).ok_or_else(|| No::invalid("/hold", HOLD_EXPECTED))?;
    usable(hold, at)?;
    let slots = assign(hold, bookings, single)?;
    let mut effects = booked(hold, at);
    // Live doses with those of this very command: two doses of a series, or the same person twice, in one hold.
    let mut live = set.live_doses.clone();
    for (n, (booking, slot)) in bookings.iter().zip(&slots).enumerate() {
        let slot = set.slots.get(slot).ok_or(No::NotFound)?;
        if slot.has_begun(at.now) {
            return Err(Refusal::TooLate.into());
        }
        let pointer = if single {
            String::new()
        } else {
            format!("/bookings/{n}")
        };
        at.rules
            .validate_answers(slot.product, booking.dose, slot.date, &booking.answers)
            .map_err(|(field, expected)| No::invalid(format!("{pointer}/answers{field}"), expected))?;
        let series = at
            .rules
            .series_of(slot.product)
            .ok_or(Refusal::WrongVaccine)?
            .to_owned();
        for (key, dose) in stand(booking, &series, slot) {
            let duplicate = live.insert(key.clone(), dose.clone());
            if duplicate.is_some() && !planted::is("resident_check_skipped") {
                return Err(Refusal::AlreadyBooked.into());
            }
            effects.push(Effect::DoseStands(key, dose));
        }
    }
    for (n, (booking, slot)) in bookings.iter().zip(&slots).enumerate() {
        let slot = &set.slots[slot];
        let series = at.rules.series_of(slot.product).unwrap_or_default();
        let candidate = Candidate {
            itself: booking.appointment,
            identity: &booking.identity,
            series,
            dose: booking.dose,
            person: &booking.person,
            answers: &booking.answers,
        };
        check_dose(&candidate, slot, &live, at)?;
        let code = set.last_code.after(n as u64 + 1);
        effects.extend(make(booking, hold, slot, series, code, set, at));
    }
    Ok((Done::Booked(bookings.iter().map(|b| b.appointment).collect()), effects))
}

/// Which slot each booking gets: exactly one booking for each entry of the hold.
fn assign(hold: &Hold, bookings: &[Booking], single: bool) -> Result<Vec<SlotId>, No> {
    if bookings.len() != hold.entries.len() {
        let field = if single { "/hold" } else { "/bookings" };
        let expected = if single {
            "a hold of one entry; for several use `bookings`".to_owned()
        } else {
            format!(
                "exactly {} bookings, one for each entry of the hold",
                hold.entries.len()
            )
        };
        return Err(No::invalid(field, expected));
    }
    let mut left = hold.entries.clone();
    let mut assigned = Vec::with_capacity(bookings.len());
    for (n, booking) in bookings.iter().enumerate() {
        let slot = booking.slot.unwrap_or(hold.entries[0]);
        let place = left.iter().position(|entry| *entry == slot);
        let place = place.ok_or_else(|| {
            let expected = if hold.entries.contains(&slot) {
                "each of the hold's entries exactly once"
            } else {
                SLOT_EXPECTED
            };
            No::invalid(format!("/bookings/{n}/slot"), expected)
        })?;
        assigned.push(left.swap_remove(place));
    }
    Ok(assigned)
}

/// The rows under which a booking stands for its dose.
fn stand(booking: &Booking, series: &str, slot: &Slot) -> Vec<(LiveDoseKey, LiveDose)> {
    let dose = LiveDose {
        appointment: booking.appointment,
        product: slot.product,
        on: slot.date,
    };
    LiveDoseKey::all_of(&booking.identity, booking.appointment, series, booking.dose)
        .into_iter()
        .map(|key| (key, dose.clone()))
        .collect()
}

pub(super) struct Candidate<'a> {
    pub itself: AppointmentId,
    pub identity: &'a Identity,
    pub series: &'a str,
    pub dose: u8,
    pub person: &'a Person,
    pub answers: &'a Answers,
}

/// Asks the rules whether this person may have this dose in this slot, given the doses that the same person, by a
/// contact too, has or will have. Doses under other contacts do not count: that would tell a stranger about them.
pub(super) fn check_dose(
    candidate: &Candidate<'_>,
    slot: &Slot,
    live: &std::collections::BTreeMap<LiveDoseKey, LiveDose>,
    at: &Circumstances<'_>,
) -> Result<(), Refusal> {
    let others: Vec<OtherDose> = live
        .iter()
        .filter(|(key, dose)| {
            key.person == candidate.identity.person
                && key.series == candidate.series
                && key.dose != candidate.dose
                && dose.appointment != candidate.itself
                && candidate.identity.shares_contact(key.contact)
        })
        .map(|(key, dose)| OtherDose {
            dose: key.dose,
            product: dose.product,
            on: dose.on,
        })
        .collect();
    let request = DoseRequest {
        product: slot.product,
        dose: candidate.dose,
        birth_date: candidate.person.birth_date,
        on: slot.date,
        answers: candidate.answers,
        others: &others,
    };
    at.rules.check(&request).map_err(|no| match no {
        RuleRefusal::TooYoung { from } => Refusal::TooYoung { earliest: from },
        RuleRefusal::TooSoon { earliest } => Refusal::TooSoon { earliest },
        RuleRefusal::NotEligible { .. } => Refusal::NotEligible,
        RuleRefusal::WrongVaccine { .. } => Refusal::WrongVaccine,
    })
}

fn make(
    booking: &Booking,
    hold: &Hold,
    slot: &Slot,
    series: &str,
    code: CodeNumber,
    set: &WorkingSet,
    at: &Circumstances<'_>,
) -> Vec<Effect> {
    let possible_duplicate = set
        .live_doses
        .keys()
        .any(|key| key.person == booking.identity.person && key.series == series && key.dose == booking.dose);
    let appointment = Appointment {
        id: booking.appointment,
        code,
        status: Status::Booked,
        slot: slot.id,
        hold: hold.id,
        product: slot.product,
        series: series.to_owned(),
        dose: booking.dose,
        resident: booking.resident,
        identity: booking.identity.clone(),
        generation: 0,
        sequence: 0,
        possible_duplicate,
        link_sent_at: None,
        booked_at: at.now,
        changed_at: at.now,
    };
    let kind = Status::step(None, Status::Booked).expect("booking is an edge of the table");
    let details = ResidentDetails {
        person: booking.person.clone(),
        answers: booking.answers.clone(),
    };
    vec![
        event(kind, Subject::Appointment(appointment.id), Some(slot.id), at.now),
        Effect::Booked(Box::new(appointment), Box::new(details)),
    ]
}
