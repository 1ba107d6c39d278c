//! Rows as their owner may see them, with the secrets that are derived, never stored.

use super::link::Whose;
use crate::engine::{AppointmentSeen, HoldSeen, SlotSeen};
use runtime::secret::KeyRing;
use scheduling::clinic::slot::Slot;
use scheduling::resident::appointment::Appointment;
use scheduling::resident::code::Code;
use scheduling::resident::hold::Hold;
use scheduling::resident::personal_link::{HOLD_GENERATION, Purpose};
use scheduling::working_set::ResidentDetails;

fn slot_seen(slot: &Slot) -> SlotSeen {
    SlotSeen {
        id: slot.id,
        clinic: slot.clinic,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        vaccine: slot.product,
    }
}

/// A hold with the slots that `slot_of` finds.
pub(crate) fn hold_seen<'s>(
    hold: &Hold,
    slot_of: impl Fn(base::id::SlotId) -> Option<&'s Slot>,
    keys: &KeyRing,
) -> HoldSeen {
    HoldSeen {
        id: hold.id,
        token: keys.token(Purpose::UseHold.word(), &hold.id.to_bytes(), HOLD_GENERATION),
        slots: hold
            .entries
            .iter()
            .filter_map(|id| slot_of(*id))
            .map(slot_seen)
            .collect(),
        expires_at: hold.expires_at,
        extensions_left: hold.extensions_left,
        status: hold.status,
    }
}

/// An appointment with its slot and its resident's details.
pub(crate) fn appointment_seen(
    appointment: &Appointment,
    slot: &Slot,
    details: Option<&ResidentDetails>,
    keys: &KeyRing,
) -> AppointmentSeen {
    let purpose = Purpose::ManageAppointment.word();
    AppointmentSeen {
        id: appointment.id,
        code: Code::of(appointment.code, |round, half| keys.keyed_small(round, half)).to_string(),
        status: appointment.status,
        slot: slot_seen(slot),
        dose: appointment.dose,
        series: appointment.series.clone(),
        manage_token: keys.token(purpose, &appointment.id.to_bytes(), appointment.generation),
        resident: details.map(|details| details.person.clone()),
        changed_at: appointment.changed_at,
        sequence: appointment.sequence,
        opened_by: Whose::Resident,
        shared: Vec::new(),
    }
}
