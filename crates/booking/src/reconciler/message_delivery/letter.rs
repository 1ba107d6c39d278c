//! A message between row and line: opened into what a door can put into words, and put together as an e-mail. The engine
//! knows what is told and to whom; the words, their language and their looks are the door's.

use crate::engine::SlotSeen;
use crate::records;
use crate::records::outbox::{About, Payload, SEALED, Stored};
use base::id::{AppointmentId, MessageId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use messaging::email::{Calendar, Email, address_of, with_name};
use runtime::secret::KeyRing;
use scheduling::resident::code::{Code, CodeNumber};
use scheduling::resident::message::Occasion;
use scheduling::resident::personal_link::Purpose;
use scheduling::rules::product::Cvx;
use std::sync::Arc;

/// A message to be put into words.
#[derive(Clone)]
pub struct Letter {
    /// Which.
    pub id: MessageId,
    /// What it tells.
    pub occasion: Occasion,
    /// The address that reads it.
    pub to: String,
    /// The address that it comes from.
    pub from: String,
    /// Language tag of whoever reads it.
    pub language: Option<String>,
    /// When the change was made.
    pub at: Timestamp,
    /// The appointments as the change left them.
    pub about: Vec<Told>,
}

/// One appointment of a letter.
#[derive(Clone)]
pub struct Told {
    /// Which.
    pub id: AppointmentId,
    /// Whom it is for.
    pub given_name: String,
    /// To be said by telephone.
    pub code: String,
    /// Where and when.
    pub slot: SlotSeen,
    /// Which version of it this is.
    pub sequence: u32,
    /// The secret of its personal link.
    pub manage_token: String,
}

/// It holds an address and a name: nothing of it is printed.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} {})", self.id, self.occasion.code())
    }
}

/// A letter in words.
pub struct Words {
    /// Whom it is from, as people know them.
    pub from_name: String,
    /// Neutral: it shows on a locked screen.
    pub subject: String,
    /// The whole as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Entries for the reader's calendar.
    pub calendars: Vec<CalendarFile>,
}

/// A calendar entry.
pub struct CalendarFile {
    /// The file's name.
    pub name: String,
    /// What it asks of the calendar (RFC 5546).
    pub method: &'static str,
    /// The file.
    pub text: String,
}

/// Puts a letter into words; `None` while it cannot yet, such as when its clinic is not known here.
pub type Compose = Arc<dyn Fn(&Letter) -> Option<Words> + Send + Sync>;

/// Why a row is no letter.
pub(super) enum Unreadable {
    /// Its seal does not open, or holds something else.
    Payload,
    /// What it is about is gone: its person was erased.
    Gone,
}

/// Opens a row. Links are of today's generation: one that was sent anew meanwhile would be void.
pub(super) fn open(
    tx: &mut Transaction<'_>,
    row: &Stored,
    keys: &KeyRing,
    from: &str,
) -> Result<Result<Letter, Unreadable>, Broken> {
    let (table, column) = SEALED;
    let plain = keys.open(table, column, &row.id.to_bytes(), &row.payload);
    let payload = plain
        .ok()
        .and_then(|plain| serde_json::from_slice::<Payload>(&plain).ok());
    let Some(payload) = payload else {
        return Ok(Err(Unreadable::Payload));
    };
    let mut about = Vec::with_capacity(payload.about.len());
    for one in &payload.about {
        let Some(appointment) = records::appointment::load(tx, one.appointment())? else {
            return Ok(Err(Unreadable::Gone));
        };
        about.push(told(one, appointment.generation, keys));
    }
    Ok(Ok(Letter {
        id: row.id,
        occasion: row.occasion,
        to: payload.to,
        from: address_of(from).unwrap_or_default(),
        language: payload.language,
        at: row.made_at,
        about,
    }))
}

fn told(about: &About, generation: u32, keys: &KeyRing) -> Told {
    let id = about.appointment();
    let code = Code::of(CodeNumber::from_stored(about.code), |round, half| {
        keys.keyed_small(round, half)
    });
    Told {
        id,
        given_name: about.given_name.clone(),
        code: code.to_string(),
        slot: SlotSeen {
            id: about.slot(),
            clinic: about.clinic(),
            starts_at: Timestamp::from_micros(about.starts_at),
            ends_at: Timestamp::from_micros(about.ends_at),
            vaccine: Cvx::from_number(about.product),
        },
        sequence: about.sequence,
        manage_token: keys.token(Purpose::ManageAppointment.word(), &id.to_bytes(), generation),
    }
}

/// The e-mail of a letter. Its id is derived, so that a second copy is known as one, and tells nobody how many messages
/// there are.
pub(super) fn email(letter: &Letter, words: Words, keys: &KeyRing, from: &str, host: &str) -> Email {
    let hash = keys.keyed_hash("message-id", &letter.id.to_bytes());
    let id = hash[..12]
        .iter()
        .fold(String::with_capacity(24), |text, byte| text + &format!("{byte:02x}"));
    let calendar = |file: CalendarFile| Calendar {
        name: file.name,
        method: file.method,
        text: file.text,
    };
    Email {
        id,
        host: host.to_owned(),
        at: letter.at,
        from: with_name(from, &words.from_name),
        to: letter.to.clone(),
        subject: words.subject,
        text: words.text,
        html: words.html,
        calendars: words.calendars.into_iter().map(calendar).collect(),
    }
}
