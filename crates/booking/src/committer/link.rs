//! Which of an appointment's secrets was presented: the resident's own link, one that was shared, or what a code and a
//! birth date bought. Keeps `links_are_personal`: secrets are derived and compared in constant time.

use base::id::AppointmentId;
use base::time::Timestamp;
use runtime::secret::KeyRing;
use scheduling::resident::appointment::Appointment;
use scheduling::resident::personal_link::{Purpose, SharedLink};

/// A shared link is never sent anew: it is stopped, and another one made.
const SHARED_GENERATION: u32 = 0;

/// Whose link it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The resident's own.
    Resident,
    /// That of somebody who helps.
    Helper,
}

/// Whose link to this appointment a secret is, if it is one that opens. While new links are on their way, so many of the
/// resident's earlier ones still do: a mail may wait for hours, and nobody shall be without any.
pub(crate) fn opened_by<'l>(
    token: &str,
    appointment: &Appointment,
    on_their_way: u32,
    mut shared: impl Iterator<Item = &'l SharedLink>,
    keys: &KeyRing,
) -> Option<Whose> {
    let (purpose, id) = (Purpose::ManageAppointment.word(), appointment.id.to_bytes());
    let oldest = appointment.generation.saturating_sub(on_their_way);
    if (oldest..=appointment.generation).any(|generation| keys.token_matches(token, purpose, &id, generation)) {
        return Some(Whose::Resident);
    }
    let purpose = Purpose::HelpWithAppointment.word();
    shared
        .any(|link| link.is_live() && keys.token_matches(token, purpose, &link.bytes(), SHARED_GENERATION))
        .then_some(Whose::Helper)
}

/// Whether a secret is that of the resident's link as it is now, whichever key made it: not one that is about to end.
pub(crate) fn is_todays(token: &str, appointment: &Appointment, keys: &KeyRing) -> bool {
    let (purpose, id) = (Purpose::ManageAppointment.word(), appointment.id.to_bytes());
    keys.token_matches(token, purpose, &id, appointment.generation)
}

/// The secret of a shared link.
pub(crate) fn shared_token(link: &SharedLink, keys: &KeyRing) -> String {
    keys.token(Purpose::HelpWithAppointment.word(), &link.bytes(), SHARED_GENERATION)
}

/// What somebody holds who said an appointment's code and birth date: good for some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidCode {
    /// When it was said: whole seconds.
    pub at: Timestamp,
    /// The secret that proves it.
    pub token: String,
}

impl SaidCode {
    /// For an appointment whose code and birth date were right just now.
    pub(crate) fn new(id: AppointmentId, now: Timestamp, keys: &KeyRing) -> Self {
        let at = Timestamp::from_seconds(now.seconds());
        Self {
            at,
            token: keys.token(Purpose::CancelByCode.word(), &said_bytes(id, at), 0),
        }
    }
    pub(crate) fn opens(&self, id: AppointmentId, keys: &KeyRing) -> bool {
        keys.token_matches(&self.token, Purpose::CancelByCode.word(), &said_bytes(id, self.at), 0)
    }
}

fn said_bytes(id: AppointmentId, at: Timestamp) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&id.to_bytes());
    bytes[16..].copy_from_slice(&at.seconds().to_be_bytes());
    bytes
}
