//! What can be asked of the engine. Ids and codes of new things are minted before, so that deciding is pure; whether
//! a presented token opens the row it names is found out on the fresh row and handed in as [`Proof`].

use crate::resident::eligibility::Answers;
use crate::resident::identity::Identity;
use crate::resident::person::Person;
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};

/// A command, typed and complete.
#[derive(Debug, Clone)]
pub enum Command {
    /// Keep places, all or none; an id repeats once for each person in the same slot.
    PlaceHold {
        /// Of the new hold.
        hold: HoldId,
        /// At least one.
        slots: Vec<SlotId>,
        /// Whether one slot was asked for as such, not as a list: only for the pointers in what is said to be invalid.
        single: bool,
    },
    /// Keep them longer.
    ExtendHold {
        /// Which.
        hold: HoldId,
    },
    /// Give them back.
    GiveBackHold {
        /// Which.
        hold: HoldId,
    },
    /// Free the places of a hold whose time and grace are over. Only the engine itself asks this.
    ExpireHold {
        /// Which.
        hold: HoldId,
    },
    /// Turn a hold into appointments, one for each of its entries, all or none.
    Book {
        /// Which.
        hold: HoldId,
        /// Exactly one per entry.
        bookings: Vec<Booking>,
        /// Whether the one booking was given as such, not as a list.
        single: bool,
    },
    /// Cancel an appointment.
    Cancel {
        /// Which.
        appointment: AppointmentId,
    },
    /// Move an appointment to what a hold keeps; its old place is given back in the same step.
    Reschedule {
        /// Which.
        appointment: AppointmentId,
        /// A hold of one entry.
        hold: HoldId,
    },
    /// Make a link of its own for somebody who helps with an appointment.
    ShareLink {
        /// Which.
        appointment: AppointmentId,
    },
    /// Stop such a link.
    StopLink {
        /// Which appointment.
        appointment: AppointmentId,
        /// Which of its links.
        number: u32,
    },
    /// End an appointment's own link and send a new one to the contact on file.
    SendLinkAnew {
        /// Which.
        appointment: AppointmentId,
    },
}

impl Command {
    /// Its name for metrics: one word, from a closed list.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PlaceHold { .. } => "place_hold",
            Self::ExtendHold { .. } => "extend_hold",
            Self::GiveBackHold { .. } => "give_back_hold",
            Self::ExpireHold { .. } => "expire_hold",
            Self::Book { .. } => "book",
            Self::Cancel { .. } => "cancel",
            Self::Reschedule { .. } => "reschedule",
            Self::ShareLink { .. } => "share_link",
            Self::StopLink { .. } => "stop_link",
            Self::SendLinkAnew { .. } => "send_link_anew",
        }
    }
}

/// One person's booking of one place.
#[derive(Debug, Clone)]
pub struct Booking {
    /// Of the new appointment.
    pub appointment: AppointmentId,
    /// Of the person's details, kept apart from the appointment.
    pub resident: ResidentId,
    /// Which of the hold's slots; may be left out for a hold of one entry.
    pub slot: Option<SlotId>,
    /// Whom it is for.
    pub person: Person,
    /// Who that is, as keyed hashes.
    pub identity: Identity,
    /// Answers to the screening questions.
    pub answers: Answers,
    /// Number in the series, from 1.
    pub dose: u8,
}

/// Which of the secrets that came with a command open the rows they name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proof {
    /// The hold's token does. Also true for the engine's own commands.
    pub hold: bool,
    /// A token to manage the appointment does: the resident's own, or one that was shared.
    pub appointment: bool,
    /// It is the resident's own.
    pub own_link: bool,
    /// The appointment's code and birth date were said just now: enough to cancel, not to move.
    pub by_code: bool,
}
