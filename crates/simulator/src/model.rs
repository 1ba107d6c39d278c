//! What must be so, by the words of the rules and by nothing else: a second, slow and simple way to decide every
//! command. It counts places by looking at every row, keeps everything in plain maps, and shares no line with
//! `scheduling::decide`; a rule that was changed there alone is noticed at its first use.

pub mod decide;
pub mod rules;

use crate::people::Spelled;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::{Date, Timestamp};
use scheduling::refusal::Refusal;
use scheduling::resident::appointment::Status;
use scheduling::resident::hold::HoldStatus;
use std::collections::BTreeMap;
use std::time::Duration;

/// An appointment time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
    /// The clinic's date.
    pub date: Date,
    /// CVX code.
    pub product: i64,
    /// How many can come.
    pub capacity: u32,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the row it is compared with")]
pub struct Held {
    pub status: HoldStatus,
    pub entries: Vec<SlotId>,
    pub placed_at: Timestamp,
    pub expires_at: Timestamp,
    pub extensions_left: u32,
}

/// An appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the row it is compared with")]
pub struct Booked {
    pub status: Status,
    pub slot: SlotId,
    pub hold: HoldId,
    pub who: Spelled,
    pub series: &'static str,
    pub dose: u8,
    pub allergy: Option<&'static str>,
    pub possible_duplicate: bool,
    pub booked_at: Timestamp,
    pub changed_at: Timestamp,
    pub sequence: u32,
    pub links_sent: u32,
    pub link_sent_at: Option<Timestamp>,
}

/// A link that a resident shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the row it is compared with")]
pub struct Shared {
    pub made_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
}

/// What was answered under a key, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which body came with it.
    pub body: u64,
    /// HTTP status.
    pub status: u16,
    /// The words of the answer.
    pub text: String,
    /// The whole answer, secrets too, where somebody has seen it.
    pub whole: Option<Vec<u8>>,
    /// The refusal's code.
    pub code: Option<&'static str>,
    /// When its request arrived.
    pub at: Timestamp,
}

/// One AuditEvent that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// As stored.
    pub kind: &'static str,
    /// About which hold or appointment.
    pub subject: [u8; 16],
    /// Which slot.
    pub slot: Option<SlotId>,
    /// When the command arrived.
    pub at: Timestamp,
}

/// What a command must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Done {
        /// HTTP status.
        status: u16,
        /// The words.
        text: String,
    },
    /// The rules say no.
    Refused(Refusal),
    /// The body is wrong there.
    Invalid(String),
    /// There is no such thing for this credential.
    NotFound,
}

impl Verdict {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Done { status, .. } => *status,
            Self::Refused(_) => 409,
            Self::Invalid(_) => 422,
            Self::NotFound => 404,
        }
    }
    /// The words of the answer.
    pub fn text(&self) -> String {
        match self {
            Self::Done { text, .. } => text.clone(),
            Self::Refused(refusal) => format!("{refusal:?}"),
            Self::Invalid(field) => format!("invalid {field}"),
            Self::NotFound => "not found".to_owned(),
        }
    }
    /// Whether it is kept under the key.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Refused(_))
    }
    /// The code of a refusal.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code()),
            _ => None,
        }
    }
}

/// One consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A hold is there, or stands otherwise.
    Hold(HoldId, Held),
    /// An appointment is there, or stands otherwise.
    Appointment(AppointmentId, Booked),
    /// A shared link is there, or is stopped.
    Link(AppointmentId, u32, Shared),
    /// So many messages are due.
    Messages(u64),
    /// An AuditEvent.
    Event(Event),
}

/// The numbers of the rules.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the words of the settings")]
pub struct Numbers {
    pub hold_lifetime: Duration,
    pub hold_extensions: u32,
    pub hold_grace: Duration,
    pub outcome_retention: Duration,
    pub link_lasts: Duration,
    pub links_shared: usize,
    pub link_anew: Duration,
    pub code_lasts: Duration,
    pub sends_mail: bool,
}

/// Everything that must be so.
pub struct Model {
    /// Appointment times.
    pub places: BTreeMap<SlotId, Place>,
    /// Holds.
    pub holds: BTreeMap<HoldId, Held>,
    /// Appointments.
    pub appointments: BTreeMap<AppointmentId, Booked>,
    /// Shared links, by appointment and number.
    pub links: BTreeMap<(AppointmentId, u32), Shared>,
    /// Messages that wait; nobody delivers them here.
    pub messages: u64,
    /// Answers kept, by the key as stored.
    pub kept: BTreeMap<Vec<u8>, Kept>,
    /// AuditEvents of each chain, in order.
    pub audit: BTreeMap<String, Vec<Event>>,
    /// Settings.
    pub numbers: Numbers,
}

impl Model {
    /// An empty one.
    pub fn new(numbers: Numbers) -> Self {
        Self {
            places: BTreeMap::new(),
            holds: BTreeMap::new(),
            appointments: BTreeMap::new(),
            links: BTreeMap::new(),
            messages: 0,
            kept: BTreeMap::new(),
            audit: BTreeMap::new(),
            numbers,
        }
    }

    /// Held and booked places of each slot that has any, by looking at every row.
    pub fn taken(&self) -> BTreeMap<SlotId, (u32, u32)> {
        let mut taken: BTreeMap<SlotId, (u32, u32)> = BTreeMap::new();
        for hold in self.holds.values().filter(|hold| hold.status == HoldStatus::Held) {
            for slot in &hold.entries {
                taken.entry(*slot).or_default().0 += 1;
            }
        }
        for appointment in self.live() {
            taken.entry(appointment.1.slot).or_default().1 += 1;
        }
        taken
    }

    /// Free places of a slot.
    pub fn free(&self, slot: SlotId) -> u32 {
        let (held, booked) = self.taken().get(&slot).copied().unwrap_or_default();
        self.places
            .get(&slot)
            .map_or(0, |place| place.capacity.saturating_sub(held + booked))
    }

    /// Appointments that take a place.
    pub fn live(&self) -> impl Iterator<Item = (&AppointmentId, &Booked)> {
        self.appointments
            .iter()
            .filter(|(_, booked)| booked.status == Status::Booked)
    }

    /// Lets consequences happen.
    pub fn apply(&mut self, chain: &str, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Hold(id, hold) => {
                    self.holds.insert(id, hold);
                }
                Edit::Appointment(id, booked) => {
                    self.appointments.insert(id, booked);
                }
                Edit::Link(id, number, link) => {
                    self.links.insert((id, number), link);
                }
                Edit::Messages(more) => self.messages += more,
                Edit::Event(event) => self.audit.entry(chain.to_owned()).or_default().push(event),
            }
        }
    }

    /// Forgets answers that are older than they are kept.
    pub fn forget_old(&mut self, now: Timestamp) -> usize {
        let (before, had) = (now - self.numbers.outcome_retention, self.kept.len());
        self.kept.retain(|_, kept| kept.at >= before);
        had - self.kept.len()
    }
}
