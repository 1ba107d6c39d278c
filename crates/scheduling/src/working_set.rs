//! The rows that a batch of commands is decided on, and the effects of what was decided. Rows are fresh and locked when
//! they come in; a command sees the effects of those before it. Pure.

use crate::clinic::slot::{OverCapacity, Slot};
use crate::jurisdiction::audit::AuditEvent;
use crate::resident::appointment::Appointment;
use crate::resident::code::CodeNumber;
use crate::resident::eligibility::Answers;
use crate::resident::hold::Hold;
use crate::resident::identity::{Fingerprint, Identity};
use crate::resident::person::Person;
use crate::resident::personal_link::SharedLink;
use crate::rules::product::Cvx;
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};
use base::time::Date;
use std::collections::{BTreeMap, BTreeSet};

/// Under what a live appointment stands for its dose; unique, so that two writers cannot both pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveDoseKey {
    /// Of names and birth date.
    pub person: Fingerprint,
    /// Of one contact; for someone without any, bytes of the appointment's id, which nobody else has.
    pub contact: Fingerprint,
    /// Vaccine group.
    pub series: String,
    /// Number in the series.
    pub dose: u8,
}

impl LiveDoseKey {
    /// Where somebody stands for a dose: once for each contact; without contact, where nobody else can.
    pub fn all_of(identity: &Identity, appointment: AppointmentId, series: &str, dose: u8) -> Vec<Self> {
        let own = [(appointment.bits() as u64).to_be_bytes()];
        let contacts = if identity.contacts.is_empty() {
            &own[..]
        } else {
            &identity.contacts[..]
        };
        let key = |contact: &Fingerprint| Self {
            person: identity.person,
            contact: *contact,
            series: series.to_owned(),
            dose,
        };
        contacts.iter().map(key).collect()
    }
}

/// What stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveDose {
    /// Which appointment.
    pub appointment: AppointmentId,
    /// What is given.
    pub product: Cvx,
    /// On which local date.
    pub on: Date,
}

/// A resident's details with their screening answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidentDetails {
    /// Whom.
    pub person: Person,
    /// What they answered.
    pub answers: Answers,
}

/// Rows, by kind and id.
#[derive(Debug, Clone, Default)]
pub struct WorkingSet {
    /// Slots.
    pub slots: BTreeMap<SlotId, Slot>,
    /// Holds.
    pub holds: BTreeMap<HoldId, Hold>,
    /// Appointments.
    pub appointments: BTreeMap<AppointmentId, Appointment>,
    /// Details of the residents of those appointments that may move.
    pub residents: BTreeMap<ResidentId, ResidentDetails>,
    /// The greatest number of a code so far, or the present's where that is greater: new ones come after it.
    pub last_code: CodeNumber,
    /// Live doses of every person that a command is about.
    pub live_doses: BTreeMap<LiveDoseKey, LiveDose>,
    /// Links that residents shared, of the appointments that a command is about, by appointment and number.
    pub links: BTreeMap<(AppointmentId, u32), SharedLink>,
    /// How many mails with a new link of an appointment have not been delivered yet.
    pub links_on_their_way: BTreeMap<AppointmentId, u32>,
    /// What has changed and must be written.
    pub touched: Touched,
}

/// What a batch has changed.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Slots whose counters changed.
    pub slots: BTreeSet<SlotId>,
    /// Holds that are new.
    pub holds_new: BTreeSet<HoldId>,
    /// Holds that changed.
    pub holds: BTreeSet<HoldId>,
    /// Appointments that are new.
    pub appointments_new: BTreeSet<AppointmentId>,
    /// Appointments that changed.
    pub appointments: BTreeSet<AppointmentId>,
    /// Residents that are new.
    pub residents_new: BTreeSet<ResidentId>,
    /// Links that are new.
    pub links_new: BTreeSet<(AppointmentId, u32)>,
    /// Links that were stopped.
    pub links: BTreeSet<(AppointmentId, u32)>,
    /// Live doses that stand anew, in order of decision.
    pub live_doses: Vec<(LiveDoseKey, Option<LiveDose>)>,
}

/// One consequence of a decision.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A slot's counters move.
    Places {
        /// Which slot.
        slot: SlotId,
        /// Kept places gained or lost.
        held: i32,
        /// Booked places gained or lost.
        booked: i32,
    },
    /// A new hold.
    HoldPlaced(Hold),
    /// A hold stands otherwise.
    HoldChanged(Hold),
    /// A new appointment with its resident's details.
    Booked(Box<Appointment>, Box<ResidentDetails>),
    /// An appointment stands otherwise.
    AppointmentChanged(Box<Appointment>),
    /// A link is shared.
    LinkShared(SharedLink),
    /// A shared link opens nothing any more.
    LinkStopped(SharedLink),
    /// A live dose stands.
    DoseStands(LiveDoseKey, LiveDose),
    /// A live dose stands no more.
    DoseFalls(LiveDoseKey),
    /// To be told in the audit chain.
    Audit(AuditEvent),
}

impl WorkingSet {
    /// Applies the effects of one decision; events are handed back in order. Over capacity is a bug and leaves the set
    /// unusable: the caller must drop it.
    pub fn apply(&mut self, effects: Vec<Effect>) -> Result<Vec<AuditEvent>, OverCapacity> {
        let mut events = Vec::new();
        for effect in effects {
            match effect {
                Effect::Places { slot, held, booked } => {
                    self.slots.get_mut(&slot).ok_or(OverCapacity)?.shift(held, booked)?;
                    self.touched.slots.insert(slot);
                }
                Effect::HoldPlaced(hold) => {
                    self.touched.holds_new.insert(hold.id);
                    self.holds.insert(hold.id, hold);
                }
                Effect::HoldChanged(hold) => {
                    self.touched.holds.insert(hold.id);
                    self.holds.insert(hold.id, hold);
                }
                Effect::Booked(appointment, details) => {
                    self.touched.appointments_new.insert(appointment.id);
                    self.touched.residents_new.insert(appointment.resident);
                    self.residents.insert(appointment.resident, *details);
                    self.last_code = self.last_code.max(appointment.code);
                    self.appointments.insert(appointment.id, *appointment);
                }
                Effect::AppointmentChanged(appointment) => {
                    self.touched.appointments.insert(appointment.id);
                    self.appointments.insert(appointment.id, *appointment);
                }
                Effect::LinkShared(link) => {
                    self.touched.links_new.insert((link.appointment, link.number));
                    self.links.insert((link.appointment, link.number), link);
                }
                Effect::LinkStopped(link) => {
                    self.touched.links.insert((link.appointment, link.number));
                    self.links.insert((link.appointment, link.number), link);
                }
                Effect::DoseStands(key, dose) => {
                    self.touched.live_doses.push((key.clone(), Some(dose.clone())));
                    self.live_doses.insert(key, dose);
                }
                Effect::DoseFalls(key) => {
                    self.live_doses.remove(&key);
                    self.touched.live_doses.push((key, None));
                }
                Effect::Audit(event) => events.push(event),
            }
        }
        Ok(events)
    }
}
