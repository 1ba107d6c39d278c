//! The times that an appointment can move to, as far as its page can tell: not the one it has, and only of products of
//! its series that are given at its person's age on that date. Answers and other doses are asked when it moves.
//!
//! Says nothing about why a time is not there: nobody's age can be read from a page, or from a log.

use std::sync::Arc;

use base::time::Zone;
use booking::availability::snapshot::OpenSlot;
use booking::engine::AppointmentSeen;
use scheduling::rules::Rules;

use crate::app::App;

/// What an appointment can move to.
pub struct Reach<'a> {
    appointment: &'a AppointmentSeen,
    rules: Arc<Rules>,
}

impl<'a> Reach<'a> {
    /// Of an appointment, by the rules in force.
    pub fn of(appointment: &'a AppointmentSeen, app: &App) -> Self {
        Self {
            appointment,
            rules: app.engine().rules(),
        }
    }

    /// The vaccine group that it stays in.
    pub fn series(&self) -> &str {
        &self.appointment.series
    }

    /// Whether a slot of a clinic in this zone is one of them, free or not.
    pub fn has(&self, slot: &OpenSlot, zone: &Zone) -> bool {
        let appointment = self.appointment;
        slot.id != appointment.slot.id
            && self.rules.series_of(slot.vaccine) == Some(self.series())
            && appointment.resident.as_ref().is_none_or(|person| {
                let on = slot.starts_at.date_in(zone);
                self.rules
                    .is_for_age(slot.vaccine, appointment.dose, person.birth_date, on)
            })
    }
}
