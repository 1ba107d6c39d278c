//! Command × working set × now → change or refusal. The one place where it is decided what may happen; the same for
//! every engine and for the simulator. First everything is checked, then everything takes effect: all or nothing.
//! Pure.

mod book;
mod change;
mod hold;
mod link;

use crate::command::{Command, Proof};
use crate::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::working_set::{Effect, WorkingSet};
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use std::time::Duration;

/// What surrounds a decision.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// The instant at which the command arrived: what counts against a hold's expiry.
    pub now: Timestamp,
    /// Rules in force.
    pub rules: &'a Rules,
    /// Numbers an installation may turn.
    pub limits: Limits,
    /// Whether mails go out here.
    pub sends_mail: bool,
}

/// The numbers of the booking rules (see the Settings of the engine for their reasons).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a hold lasts.
    pub hold_lifetime: Duration,
    /// How often it may be extended.
    pub hold_extensions: u32,
    /// How long after its expiry a hold is freed.
    pub hold_grace: Duration,
    /// How long after its end an appointment's links open it still.
    pub link_lasts: Duration,
    /// Links that the resident of one appointment may have shared and not stopped.
    pub links_shared: u32,
    /// Time between two fresh links to the same contact.
    pub link_anew_every: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the rows are in the working set.
    Done(Done),
    /// The rules say no.
    Refused(Refusal),
    /// The body names something unknown, foreign, or not fitting.
    Invalid {
        /// JSON pointer.
        field: String,
        /// What is expected there.
        expected: String,
    },
    /// What the URL names is unknown, or the credential does not open it.
    NotFound,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A hold is placed or extended.
    Held(HoldId),
    /// A hold is given back.
    GivenBack(HoldId),
    /// A hold was freed, or had ended before.
    Expired(HoldId),
    /// Appointments are made, in the order asked.
    Booked(Vec<AppointmentId>),
    /// An appointment is cancelled (perhaps before).
    Cancelled(AppointmentId),
    /// An appointment is moved.
    Moved(AppointmentId),
    /// A link to an appointment was made, stopped (perhaps before), or sent anew (perhaps just before).
    Linked(AppointmentId),
}

/// An outcome and its effects; a no has none.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What to answer.
    pub outcome: Outcome,
    /// What to change, in order.
    pub effects: Vec<Effect>,
}

/// Why nothing happens; carried by `?` inside the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum No {
    Refused(Refusal),
    Invalid { field: String, expected: String },
    NotFound,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl No {
    pub(crate) fn invalid(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            expected: expected.into(),
        }
    }
}

/// What a hold in a body must be: said alike for an unknown one and a wrong token.
pub const HOLD_EXPECTED: &str = "the id of a hold, with its token in `token`";
/// What a slot in a body must be.
pub const SLOT_EXPECTED: &str = "the id of an appointment time of GET /slots";

/// Decides one command. The working set is only read; apply the effects to it afterwards.
pub fn decide(command: &Command, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decision {
    let decided = match command {
        Command::PlaceHold { hold, slots, single } => hold::place(*hold, slots, *single, set, at),
        Command::ExtendHold { hold } => hold::extend(*hold, proof, set, at),
        Command::GiveBackHold { hold } => hold::give_back(*hold, proof, set, at),
        Command::ExpireHold { hold } => hold::expire(*hold, set, at),
        Command::Book { hold, bookings, single } => book::book(*hold, bookings, *single, proof, set, at),
        Command::Cancel { appointment } => change::cancel(*appointment, proof, set, at),
        Command::Reschedule { appointment, hold } => change::reschedule(*appointment, *hold, proof, set, at),
        Command::ShareLink { appointment } => link::share(*appointment, proof, set, at),
        Command::StopLink { appointment, number } => link::stop(*appointment, *number, proof, set, at),
        Command::SendLinkAnew { appointment } => link::send_anew(*appointment, proof, set, at),
    };
    match decided {
        Ok((done, effects)) => Decision {
            outcome: Outcome::Done(done),
            effects,
        },
        Err(no) => {
            let outcome = match no {
                No::Refused(refusal) => Outcome::Refused(refusal),
                No::Invalid { field, expected } => Outcome::Invalid { field, expected },
                No::NotFound => Outcome::NotFound,
            };
            Decision {
                outcome,
                effects: Vec::new(),
            }
        }
    }
}

pub(crate) type Decided = Result<(Done, Vec<Effect>), No>;

pub(crate) fn event(kind: AuditKind, subject: Subject, slot: Option<SlotId>, at: Timestamp) -> Effect {
    Effect::Audit(AuditEvent {
        kind,
        subject,
        slot,
        at,
        count: 1,
    })
}
