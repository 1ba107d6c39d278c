//! Every "no" of the booking rules. A refusal is not an error: it is 4xx for the public, a good event for the
//! objectives, and it changes nothing.

use base::id::SlotId;
use base::time::{Date, Timestamp};

/// The rules say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Fewer places are free at this slot than were asked for.
    SlotFull {
        /// The slot without a place.
        slot: SlotId,
    },
    /// The command arrived when the hold's time was over.
    HoldExpired {
        /// The first slot it kept, from which others are offered.
        slot: SlotId,
        /// When it was over.
        at: Timestamp,
    },
    /// The hold was booked or given back before.
    HoldEnded,
    /// The hold was extended as often as allowed.
    NoExtensionsLeft,
    /// The same person, by a contact too, has a live appointment for this dose.
    AlreadyBooked,
    /// The interval to another dose of the series is shorter than the rules allow.
    TooSoon {
        /// The first date that would do.
        earliest: Date,
    },
    /// Younger on the appointment's date than the rules allow.
    TooYoung {
        /// The first date that would do.
        earliest: Date,
    },
    /// By age or answers not eligible for this vaccine here and now.
    NotEligible,
    /// Not the product that the doses before, or the appointment to be moved, ask for.
    WrongVaccine,
    /// The time has begun or is over, or the appointment is.
    TooLate,
    /// The idempotency key stands for another body.
    KeyReused,
}

impl Refusal {
    /// Every public code.
    pub const CODES: [&'static str; 11] = [
        "slot-full",
        "hold-expired",
        "hold-ended",
        "no-extensions-left",
        "already-booked",
        "too-soon",
        "too-young",
        "not-eligible",
        "wrong-vaccine",
        "too-late",
        "idempotency-key-reused",
    ];

    /// A code read back from storage.
    pub fn known_code(code: &str) -> Option<&'static str> {
        Self::CODES.into_iter().find(|known| *known == code)
    }

    /// The public kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SlotFull { .. } => "slot-full",
            Self::HoldExpired { .. } => "hold-expired",
            Self::HoldEnded => "hold-ended",
            Self::NoExtensionsLeft => "no-extensions-left",
            Self::AlreadyBooked => "already-booked",
            Self::TooSoon { .. } => "too-soon",
            Self::TooYoung { .. } => "too-young",
            Self::NotEligible => "not-eligible",
            Self::WrongVaccine => "wrong-vaccine",
            Self::TooLate => "too-late",
            Self::KeyReused => "idempotency-key-reused",
        }
    }
}
