//! Pure. The calendar file of an appointment (RFC 5545), the same entry whether it is taken from a page or comes by mail.
//! Neutral: calendars are shared, so neither the vaccine nor the link stands in it.

use base::time::Timestamp;
use html::locale::Locale;
use icalendar::{Calendar, Component as _, Event, EventLike as _, Property};

use super::view::appointment::calendar_instant;
use super::view::hold::AppointmentTime;

/// What goes into the file.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The appointment's id: the entry is replaced, not doubled, when it is added again.
    pub id: &'a str,
    /// Of this host.
    pub host: &'a str,
    /// When and where.
    pub time: &'a AppointmentTime,
    /// When the appointment last changed.
    pub changed_at: Timestamp,
    /// Which version of it this is: a later one wins.
    pub sequence: u32,
    /// Whether it was canceled.
    pub is_canceled: bool,
    /// The jurisdiction's phone.
    pub phone: Option<&'a str>,
    /// Whether this is a demonstration.
    pub is_demo: bool,
    /// What it asks of the calendar when it comes by mail; nothing when somebody takes it from a page.
    pub asks: Option<Asks<'a>>,
}

/// An entry that is sent (RFC 5546): from whom, to whom.
#[derive(Debug)]
pub struct Asks<'a> {
    /// `REQUEST` or `CANCEL`.
    pub method: &'static str,
    /// The address it comes from.
    pub organizer: &'a str,
    /// Whose address that is.
    pub organizer_name: &'a str,
    /// The address it goes to.
    pub attendee: &'a str,
}

/// The file.
pub fn file(entry: &Entry<'_>, locale: &Locale) -> String {
    let mut description = match entry.phone {
        Some(phone) => locale.tell("calendar-description", &[("phone", phone.into())]),
        None => locale.text("calendar-description-no-phone"),
    };
    if entry.is_demo {
        description = format!("{} {description}", locale.text("calendar-demo"));
    }
    let time = entry.time;
    let mut event = Event::new();
    event
        .uid(&format!("{}@{}", entry.id, entry.host))
        .add_property("DTSTAMP", calendar_instant(entry.changed_at))
        .add_property("LAST-MODIFIED", calendar_instant(entry.changed_at))
        .add_property("DTSTART", calendar_instant(time.starts_at))
        .add_property("DTEND", calendar_instant(time.ends_at))
        .add_property("SEQUENCE", entry.sequence.to_string())
        .add_property("STATUS", if entry.is_canceled { "CANCELLED" } else { "CONFIRMED" })
        .summary(&locale.text("calendar-summary"))
        .description(&description)
        .location(&format!("{}, {}, {}", time.clinic, time.street, time.town));
    let mut calendar = Calendar::new();
    if let Some(asks) = &entry.asks {
        calendar.append_property(("METHOD", asks.method));
        let mut organizer = Property::new("ORGANIZER", mailto(asks.organizer));
        organizer.add_parameter("CN", &parameter(asks.organizer_name));
        // Whoever booked has said yes: nobody waits for an answer.
        let mut attendee = Property::new("ATTENDEE", mailto(asks.attendee));
        attendee
            .add_parameter("PARTSTAT", "ACCEPTED")
            .add_parameter("RSVP", "FALSE");
        event.append_property(organizer.done()).append_property(attendee.done());
    }
    calendar.push(event.done());
    calendar.to_string()
}

/// An address as a calendar's value. Whatever could end the line or the value is not in an address; it is left out.
fn mailto(address: &str) -> String {
    let plain = |c: &char| !c.is_control() && !c.is_whitespace();
    format!("mailto:{}", address.chars().filter(plain).collect::<String>())
}

/// A parameter's value holds neither quotes nor line breaks (RFC 5545 §3.2).
fn parameter(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}
