//! Which message follows from which change: an appointment that is booked, moved or cancelled, or whose link is sent anew,
//! is told to the address that its resident gave, if any. A family that is booked in one step to one address gets one
//! message. Pure.

use crate::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use crate::resident::appointment::Appointment;
use crate::resident::person::Person;
use crate::working_set::WorkingSet;
use base::id::AppointmentId;
use std::fmt;

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// Appointments were made.
    Booked,
    /// One was moved.
    Moved,
    /// One was cancelled.
    Cancelled,
    /// Its link was ended, and this brings the new one.
    LinkSentAnew,
}

impl Occasion {
    /// Every occasion.
    pub const ALL: [Self; 4] = [Self::Booked, Self::Moved, Self::Cancelled, Self::LinkSentAnew];

    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Moved => "moved",
            Self::Cancelled => "cancelled",
            Self::LinkSentAnew => "link-sent-anew",
        }
    }
    /// From its stored form.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occasion| occasion.code() == code)
    }
    /// The occasion that an event is, if it is one.
    fn of(kind: AuditKind) -> Option<Self> {
        match kind {
            AuditKind::AppointmentBooked => Some(Self::Booked),
            AuditKind::AppointmentMoved => Some(Self::Moved),
            AuditKind::AppointmentCancelled => Some(Self::Cancelled),
            AuditKind::LinkSentAnew => Some(Self::LinkSentAnew),
            _ => None,
        }
    }
}

/// A message that is due: what to tell, whom, about which appointments.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it tells.
    pub occasion: Occasion,
    /// The address, as given.
    pub to: String,
    /// Language tag of whoever reads it, if they named one.
    pub language: Option<String>,
    /// At least one, in the order of booking.
    pub about: Vec<AppointmentId>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} {:?})", self.occasion.code(), self.about)
    }
}

/// The messages that follow from one command's events, on the set as the command left it. A command that changed
/// nothing has no event, so that what is asked twice is told once.
pub fn due(events: &[AuditEvent], set: &WorkingSet) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for event in events {
        let (Some(occasion), Subject::Appointment(id)) = (Occasion::of(event.kind), event.subject) else {
            continue;
        };
        let Some((appointment, person)) = set.appointments.get(&id).and_then(|row| with_person(row, set)) else {
            continue;
        };
        let Some(to) = person.email.as_deref().map(str::trim).filter(|to| !to.is_empty()) else {
            continue;
        };
        let same = |message: &&mut Message| message.occasion == occasion && same_address(&message.to, to);
        match messages.iter_mut().find(same) {
            Some(message) => message.about.push(appointment.id),
            None => messages.push(Message {
                occasion,
                to: to.to_owned(),
                language: person.language.clone(),
                about: vec![appointment.id],
            }),
        }
    }
    messages
}

fn with_person<'s>(appointment: &'s Appointment, set: &'s WorkingSet) -> Option<(&'s Appointment, &'s Person)> {
    Some((appointment, &set.residents.get(&appointment.resident)?.person))
}

/// What counts as one address: its spelling without case. Mailboxes that differ by case alone exist in theory only
/// (RFC 5321 §2.4 advises against them).
pub fn address_text(address: &str) -> String {
    address.trim().to_lowercase()
}

/// An address so that its owner knows it and nobody else learns it: `m•••@example.org`.
pub fn masked(address: &str) -> String {
    let (name, host) = address.trim().rsplit_once('@').unwrap_or_default();
    let first: String = name.chars().take(1).collect();
    format!("{first}•••@{host}")
}

fn same_address(a: &str, b: &str) -> bool {
    address_text(a) == address_text(b)
}
