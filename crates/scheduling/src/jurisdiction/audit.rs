//! AuditEvents: what happened, to what, in a form that can be chained and outlives the erasure of a person. An event
//! holds ids and a salted commitment to personal details, never the details. Keeps `audit_unbroken`. Pure.

use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditKind {
    /// Places were kept.
    HoldPlaced,
    /// They were kept longer.
    HoldExtended,
    /// They were given back.
    HoldGivenBack,
    /// Their time was over.
    HoldExpired,
    /// They became appointments.
    HoldBooked,
    /// An appointment was made.
    AppointmentBooked,
    /// It was moved.
    AppointmentMoved,
    /// It was cancelled.
    AppointmentCancelled,
    /// A link to it was made for somebody who helps.
    LinkShared,
    /// That link was stopped.
    LinkStopped,
    /// Its own link was ended and a new one sent.
    LinkSentAnew,
    /// The resident came.
    ResidentArrived,
    /// The resident did not come.
    ResidentDidNotCome,
    /// The dose was given.
    DoseGiven,
    /// Clinics were added or changed.
    ClinicsImported,
    /// ZIP codes were added or changed.
    ZipsImported,
    /// Sessions and their slots were published.
    SessionsPublished,
    /// Rules were put in force.
    RulesImported,
    /// An appointment was shown to whoever has its personal link: once for all such reads of an hour.
    AppointmentReadByLink,
    /// A resident's details, and what could be recognised by them, were erased.
    ResidentErased,
    /// A backup was brought back. It counts the seconds from the backup's moment to this one: what was told within them
    /// may be missing.
    BackupRestored,
    /// Events that had been acknowledged are gone: as many before this one as it counts. With a count of 0: one of them
    /// was replaced.
    GapFound,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::HoldPlaced,
        Self::HoldExtended,
        Self::HoldGivenBack,
        Self::HoldExpired,
        Self::HoldBooked,
        Self::AppointmentBooked,
        Self::AppointmentMoved,
        Self::AppointmentCancelled,
        Self::LinkShared,
        Self::LinkStopped,
        Self::LinkSentAnew,
        Self::ResidentArrived,
        Self::ResidentDidNotCome,
        Self::DoseGiven,
        Self::ClinicsImported,
        Self::ZipsImported,
        Self::SessionsPublished,
        Self::RulesImported,
        Self::AppointmentReadByLink,
        Self::ResidentErased,
        Self::BackupRestored,
        Self::GapFound,
    ];

    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::HoldPlaced => "hold-placed",
            Self::HoldExtended => "hold-extended",
            Self::HoldGivenBack => "hold-given-back",
            Self::HoldExpired => "hold-expired",
            Self::HoldBooked => "hold-booked",
            Self::AppointmentBooked => "appointment-booked",
            Self::AppointmentMoved => "appointment-moved",
            Self::AppointmentCancelled => "appointment-cancelled",
            Self::LinkShared => "link-shared",
            Self::LinkStopped => "link-stopped",
            Self::LinkSentAnew => "link-sent-anew",
            Self::ResidentArrived => "resident-arrived",
            Self::ResidentDidNotCome => "resident-did-not-come",
            Self::DoseGiven => "dose-given",
            Self::ClinicsImported => "clinics-imported",
            Self::ZipsImported => "zips-imported",
            Self::SessionsPublished => "sessions-published",
            Self::RulesImported => "rules-imported",
            Self::AppointmentReadByLink => "appointment-read-by-link",
            Self::ResidentErased => "resident-erased",
            Self::BackupRestored => "backup-restored",
            Self::GapFound => "gap-found",
        }
    }
    /// From its stored form.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A hold.
    Hold(HoldId),
    /// An appointment.
    Appointment(AppointmentId),
    /// Many things at once, such as an import.
    Jurisdiction,
}

impl Subject {
    /// The id's bytes; sixteen zeros for the jurisdiction.
    pub fn bytes(self) -> [u8; 16] {
        match self {
            Self::Hold(id) => id.to_bytes(),
            Self::Appointment(id) => id.to_bytes(),
            Self::Jurisdiction => [0; 16],
        }
    }
}

/// An event before it has its place in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// To what.
    pub subject: Subject,
    /// The slot it is about, where there is one.
    pub slot: Option<SlotId>,
    /// When the command arrived.
    pub at: Timestamp,
    /// How many things a bulk event covers; 1 otherwise.
    pub count: u32,
}
