//! Personal links: what each secret opens, and until when. Keeps `links_are_personal`: a link is unguessable, for one
//! purpose and one thing only. The secret itself is derived outside (a keyed hash of purpose, id and generation) and
//! never stored.

use std::time::Duration;

use base::id::AppointmentId;
use base::time::Timestamp;

/// What a secret is for. Part of what is hashed, so that none opens what another is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Extend, give back or book one hold.
    UseHold,
    /// See, cancel or move one appointment; share and stop links to it.
    ManageAppointment,
    /// See, cancel or move one appointment of somebody else, who can stop this link.
    HelpWithAppointment,
    /// See the time of one appointment and cancel it, for some minutes after its code and a birth date were said.
    CancelByCode,
}

impl Purpose {
    /// The word that is hashed.
    pub fn word(self) -> &'static str {
        match self {
            Self::UseHold => "use-hold",
            Self::ManageAppointment => "manage-appointment",
            Self::HelpWithAppointment => "help-with-appointment",
            Self::CancelByCode => "cancel-by-code",
        }
    }
}

/// A hold's secret never needs sending anew: it lives for minutes.
pub const HOLD_GENERATION: u32 = 0;

/// A link that an appointment's resident gave to somebody who helps: their own, which can be stopped alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedLink {
    /// To which appointment.
    pub appointment: AppointmentId,
    /// Which of its links, from 1; never given twice.
    pub number: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
}

impl SharedLink {
    /// What its secret is derived from: which appointment, and which of its links.
    pub fn bytes(&self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.appointment.to_bytes());
        bytes[16..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }
    /// Whether it opens anything still.
    pub fn is_live(&self) -> bool {
        self.stopped_at.is_none()
    }
}

/// Whether every link to an appointment is over: `lasts` after the appointment's end.
pub fn is_over(ends_at: Timestamp, lasts: Duration, now: Timestamp) -> bool {
    now > ends_at + lasts
}

/// Whether what was said by code and birth date at `said_at` counts still. A time to come is nobody's.
pub fn code_counts(said_at: Timestamp, lasts: Duration, now: Timestamp) -> bool {
    said_at <= now && now <= said_at + lasts
}
