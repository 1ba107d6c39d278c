//! Pure. The calendar file of an appointment (RFC 5545). Neutral: calendars are shared, so neither the vaccine nor the
//! link stands in it.

use base::time::Timestamp;
use html::locale::Locale;
use icalendar::{Calendar, Component as _, Event, EventLike as _};

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
    /// When the appointment last changed: a later version wins.
    pub changed_at: Timestamp,
    /// Whether it was canceled.
    pub is_canceled: bool,
    /// The jurisdiction's phone.
    pub phone: Option<&'a str>,
    /// Whether this is a demonstration.
    pub is_demo: bool,
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
        // Seconds since the epoch grow with each change, as a sequence must (RFC 5545 §3.8.7.4), and fit until 2038.
        .add_property(
            "SEQUENCE",
            entry.changed_at.seconds().clamp(0, i64::from(i32::MAX)).to_string(),
        )
        .add_property("STATUS", if entry.is_canceled { "CANCELLED" } else { "CONFIRMED" })
        .summary(&locale.text("calendar-summary"))
        .description(&description)
        .location(&format!("{}, {}, {}", time.clinic, time.street, time.town));
    let mut calendar = Calendar::new();
    calendar.push(event.done());
    calendar.to_string()
}
