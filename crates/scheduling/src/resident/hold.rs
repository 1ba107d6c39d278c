//! A hold: places kept for someone who is typing (FHIR Slot `busy-tentative`). It ends in one of three ways, once:
//! booked, given back, or expired. Keeps `holds_end`. Pure.

use base::id::{HoldId, SlotId};
use base::time::Timestamp;

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldStatus {
    /// Live: its places count as taken, whatever the clock says, until the row says otherwise.
    Held,
    /// Ended: turned into appointments.
    Booked,
    /// Ended: given back by its owner.
    GivenBack,
    /// Ended: its time and grace were over.
    Expired,
}

impl HoldStatus {
    /// Every status, for storage and tests.
    pub const ALL: [Self; 4] = [Self::Held, Self::Booked, Self::GivenBack, Self::Expired];
    /// As stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Booked => "booked",
            Self::GivenBack => "given-back",
            Self::Expired => "expired",
        }
    }
    /// From its stored form.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// How it stands.
    pub status: HoldStatus,
    /// One slot per place, in the order asked; an id may repeat.
    pub entries: Vec<SlotId>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Until when people are told it lasts. A command counts by its arrival against this.
    pub expires_at: Timestamp,
    /// How often it may be extended still.
    pub extensions_left: u32,
}
