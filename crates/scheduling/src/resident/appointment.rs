//! An appointment from booked to fulfilled, cancelled or noshow (FHIR Appointment.status), as one table of edges, each
//! naming its AuditEvent. Keeps `one_live_appointment_per_resident_and_dose`. Pure: knows no storage, no HTTP, not
//! even who is asking.

use super::code::CodeNumber;
use super::identity::Identity;
use crate::jurisdiction::audit::AuditKind;
use crate::rules::product::Cvx;
use crate::working_set::LiveDoseKey;
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};
use base::time::Timestamp;

/// FHIR Appointment.status, the ones that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It will take place.
    Booked,
    /// The resident is there.
    Arrived,
    /// The dose was given.
    Fulfilled,
    /// It will not take place.
    Cancelled,
    /// Nobody came.
    Noshow,
}

/// From, to, and the AuditEvent that the step leaves. What is not here cannot happen.
pub const EDGES: &[(Option<Status>, Status, AuditKind)] = &[
    (None, Status::Booked, AuditKind::AppointmentBooked),
    (Some(Status::Booked), Status::Booked, AuditKind::AppointmentMoved),
    (Some(Status::Booked), Status::Cancelled, AuditKind::AppointmentCancelled),
    (Some(Status::Booked), Status::Arrived, AuditKind::ResidentArrived),
    (Some(Status::Booked), Status::Noshow, AuditKind::ResidentDidNotCome),
    (Some(Status::Arrived), Status::Fulfilled, AuditKind::DoseGiven),
    (
        Some(Status::Arrived),
        Status::Cancelled,
        AuditKind::AppointmentCancelled,
    ),
];

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Booked,
        Self::Arrived,
        Self::Fulfilled,
        Self::Cancelled,
        Self::Noshow,
    ];

    /// FHIR's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Arrived => "arrived",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::Noshow => "noshow",
        }
    }
    /// From FHIR's code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
    /// Whether it takes a place of its slot and stands for its dose.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Booked | Self::Arrived | Self::Fulfilled)
    }
    /// The AuditEvent of a step, if the step exists.
    pub fn step(from: Option<Self>, to: Self) -> Option<AuditKind> {
        EDGES
            .iter()
            .find(|(a, b, _)| *a == from && *b == to)
            .map(|(_, _, event)| *event)
    }
}

/// An appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// What people can say by telephone.
    pub code: CodeNumber,
    /// How it stands.
    pub status: Status,
    /// Where and when.
    pub slot: SlotId,
    /// The hold that its place came from.
    pub hold: HoldId,
    /// What is given.
    pub product: Cvx,
    /// The vaccine group whose series the dose belongs to.
    pub series: String,
    /// Number in that series, from 1.
    pub dose: u8,
    /// Whose details.
    pub resident: ResidentId,
    /// Who that is.
    pub identity: Identity,
    /// Raised when its link is sent anew, which ends the old link.
    pub generation: u32,
    /// Raised with each change, as calendars count versions of an entry (RFC 5545 §3.8.7.4).
    pub sequence: u32,
    /// Somebody of the same names and birth date had a live appointment for this dose under another contact.
    pub possible_duplicate: bool,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// When its own link was last sent anew to the contact on file.
    pub link_sent_at: Option<Timestamp>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Appointment {
    /// Where it stands for its dose while it is live.
    pub fn dose_keys(&self) -> Vec<LiveDoseKey> {
        LiveDoseKey::all_of(&self.identity, self.id, &self.series, self.dose)
    }
}
