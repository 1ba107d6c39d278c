//! Letters of the engine in words: subject, text, HTML and calendar entries, in the reader's language, in the clinic's
//! time. Neutral where others look: neither subject nor calendar names a vaccine or a person.

pub mod view;

use booking::reconciler::message_delivery::letter::{CalendarFile, Letter, Told, Words};
use html::locale::Locale;
use scheduling::resident::message::Occasion;

use crate::app::App;
use crate::resident::calendar::{self, Asks};
use crate::resident::{jurisdiction, page, search, times};
use view::{Entry, Mail};

/// Puts a letter into words; `None` while one of its clinics is not in the picture here.
pub fn compose(app: &App, letter: &Letter) -> Option<Words> {
    let snapshot = app.engine().snapshot();
    if letter.about.is_empty()
        || letter
            .about
            .iter()
            .any(|told| snapshot.clinic(told.slot.clinic).is_none())
    {
        return None;
    }
    let locale = page::locale_for(letter.language.as_deref());
    let jurisdiction = jurisdiction::of(app);
    let mail = Mail {
        occasion: letter.occasion,
        jurisdiction: jurisdiction.name.clone(),
        phone: jurisdiction.phone.clone(),
        is_demo: jurisdiction.demo_as_of.is_some(),
        entries: letter.about.iter().map(|told| entry(told, app)).collect(),
    };
    Some(Words {
        from_name: jurisdiction.name.clone(),
        subject: view::subject(&mail, locale),
        text: view::text(&mail, locale),
        html: view::document(&mail, locale),
        calendars: calendars(letter, &mail, app, locale),
    })
}

fn entry(told: &Told, app: &App) -> Entry {
    let time = times::of_slot(&told.slot, app);
    let search = if time.clinic_href == "/" {
        search::address("/", &[])
    } else {
        time.clinic_href.clone()
    };
    Entry {
        given_name: told.given_name.clone(),
        code: told.code.clone(),
        link: app
            .public_url()
            .link(&format!("/appointment/{}/{}", told.id, told.manage_token)),
        search: app.public_url().link(&search),
        time,
    }
}

/// One file for each appointment: an invitation is about one entry (RFC 5546 §3.2.2).
fn calendars(letter: &Letter, mail: &Mail, app: &App, locale: &Locale) -> Vec<CalendarFile> {
    let is_canceled = letter.occasion == Occasion::Cancelled;
    let method = if is_canceled { "CANCEL" } else { "REQUEST" };
    let host = app.public_url().host();
    let entries = letter.about.iter().zip(&mail.entries).enumerate();
    entries
        .map(|(n, (told, entry))| CalendarFile {
            name: if letter.about.len() == 1 {
                "appointment.ics".to_owned()
            } else {
                format!("appointment-{}.ics", n + 1)
            },
            method,
            text: calendar::file(
                &calendar::Entry {
                    id: &told.id.to_string(),
                    host,
                    time: &entry.time,
                    changed_at: letter.at,
                    sequence: told.sequence,
                    is_canceled,
                    phone: mail.phone.as_deref(),
                    is_demo: mail.is_demo,
                    asks: Some(Asks {
                        method,
                        organizer: &letter.from,
                        organizer_name: &mail.jurisdiction,
                        attendee: &letter.to,
                    }),
                },
                locale,
            ),
        })
        .collect()
}
