//! Personal links: what each secret opens. Keeps `links_are_personal`: a link is unguessable, for one purpose and one
//! thing only. The secret itself is derived outside (a keyed hash of purpose, id and generation) and never stored.

/// What a secret is for. Part of what is hashed, so that none opens what another is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Extend, give back or book one hold.
    UseHold,
    /// See, cancel or move one appointment.
    ManageAppointment,
}

impl Purpose {
    /// The word that is hashed.
    pub fn word(self) -> &'static str {
        match self {
            Self::UseHold => "use-hold",
            Self::ManageAppointment => "manage-appointment",
        }
    }
}

/// A hold's secret never needs sending anew: it lives for minutes.
pub const HOLD_GENERATION: u32 = 0;
