//! The outbox: messages that wait to be sent, those given up, and copies that may have reached an address. Written in the
//! transaction of the change that they tell; claimed by compare-and-set, with an end. Payloads come and go sealed.

use super::{id_at, join_ids, split_ids};
use base::id::{AppointmentId, ClinicId, MessageId, SlotId};
use base::time::Timestamp;
use database::{Broken, Row, Transaction, Value};
use scheduling::resident::appointment::Appointment;
use scheduling::resident::message::Occasion;
use serde::{Deserialize, Serialize};

/// Table and column that payloads are sealed for.
pub const SEALED: (&str, &str) = ("outbox", "payload");

/// A keyed hash of an address: what its messages are ordered and counted by.
pub type AddressHash = [u8; 16];
/// Who has claimed a message.
pub type Claim = [u8; 16];

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// To be sent, or being sent.
    Waiting,
    /// Delivered.
    Delivered,
    /// Given up.
    Dead,
}

impl State {
    /// As stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
    fn from_code(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

/// What a message says, as of the change it tells: kept sealed, gone once delivered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The address.
    pub to: String,
    /// Language tag of whoever reads it.
    pub language: Option<String>,
    /// The appointments, in the order of booking.
    pub about: Vec<About>,
}

/// One appointment of a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Which, as bits.
    pub appointment: u128,
    /// Whom it is for.
    pub given_name: String,
    /// Its code's number.
    pub code: i64,
    /// Which version of the appointment this is.
    pub sequence: u32,
    /// The slot, as bits.
    pub slot: u128,
    /// The clinic, as bits.
    pub clinic: u128,
    /// Start, in microseconds.
    pub starts_at: i64,
    /// End, in microseconds.
    pub ends_at: i64,
    /// CVX number.
    pub product: i64,
}

impl About {
    /// Which appointment.
    pub fn appointment(&self) -> AppointmentId {
        AppointmentId::from_bits(self.appointment)
    }
    /// Its slot.
    pub fn slot(&self) -> SlotId {
        SlotId::from_bits(self.slot)
    }
    /// Its clinic.
    pub fn clinic(&self) -> ClinicId {
        ClinicId::from_bits(self.clinic)
    }
}

/// Personal data: nothing of it is printed.
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payload(..)")
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id: greater for a later one.
    pub id: MessageId,
    /// What it tells.
    pub occasion: Occasion,
    /// How it stands.
    pub state: State,
    /// To whom, as a keyed hash.
    pub address: AddressHash,
    /// About which appointments.
    pub appointments: Vec<AppointmentId>,
    /// What it says, sealed.
    pub payload: Vec<u8>,
    /// When the change was committed.
    pub made_at: Timestamp,
    /// When it may be tried; while one tries: when that is over.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub tried_at: Option<Timestamp>,
    /// What became of the last attempt.
    pub last: Option<String>,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}

fn read(row: &Row<'_>) -> Stored {
    let instant = |column: usize| row.optional_integer(column).map(Timestamp::from_micros);
    Stored {
        id: id_at(row, 0),
        occasion: Occasion::from_code(&row.text(1)).expect("a stored message has an occasion of ours"),
        state: State::from_code(&row.text(2)).expect("a stored message has a state of ours"),
        address: row.bytes(3),
        appointments: split_ids(&row.blob(4)),
        payload: row.blob(5),
        made_at: Timestamp::from_micros(row.integer(6)),
        due_at: Timestamp::from_micros(row.integer(7)),
        attempts: row.integer(8) as u32,
        tried_at: instant(9),
        last: row.optional_text(10),
        ended_at: instant(11),
    }
}

/// The id of the message of a number: the number leads, so that ids grow in the order of commits; the rest is chance.
pub fn id_of(number: u64, chance: u64) -> MessageId {
    MessageId::from_bits((u128::from(number) << 64) | u128::from(chance))
}

/// The number of the last message; 0 before the first.
pub fn last_number(tx: &mut Transaction<'_>) -> Result<u64, Broken> {
    let last = tx.query_one("SELECT id FROM outbox ORDER BY id DESC LIMIT 1", &[], |row| {
        id_at::<base::id::kind::Message>(row, 0)
    })?;
    Ok(last.map_or(0, |id| (id.bits() >> 64) as u64))
}

/// Adds messages.
pub fn insert<'a>(tx: &mut Transaction<'_>, messages: impl IntoIterator<Item = &'a Stored>) -> Result<(), Broken> {
    let owned = |message: &'a Stored| {
        (
            message.id.to_bytes(),
            join_ids(message.appointments.iter().copied()),
            message,
        )
    };
    let messages: Vec<_> = messages.into_iter().map(owned).collect();
    let values: Vec<[Value<'_>; 9]> = messages
        .iter()
        .map(|(id, appointments, message)| {
            [
                id.into(),
                message.occasion.code().into(),
                message.state.code().into(),
                (&message.address).into(),
                appointments.into(),
                (&message.payload).into(),
                message.made_at.micros().into(),
                message.due_at.micros().into(),
                message.attempts.into(),
            ]
        })
        .collect();
    let sql = "INSERT INTO outbox (id, occasion, state, address, appointments, payload, made_at, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.insert_each(sql, &values)
}

/// Messages that may be tried now, at most `limit`: the first of each address only, so that none overtakes another.
pub fn due(tx: &mut Transaction<'_>, now: Timestamp, limit: u32) -> Result<Vec<Stored>, Broken> {
    let mut due = Vec::new();
    tx.query(
        "SELECT id, occasion, state, address, appointments, payload, made_at, due_at, attempts, tried_at, last, ended_at
         FROM outbox AS head WHERE state = 'waiting' AND due_at <= $1 AND NOT EXISTS (
           SELECT 1 FROM outbox AS earlier WHERE earlier.state = 'waiting' AND earlier.address = head.address AND earlier.id < head.id)
         ORDER BY due_at, id LIMIT $2",
        &[now.micros().into(), limit.into()],
        |row| due.push(read(row)),
    )?;
    Ok(due)
}

/// Claims a message until an instant; false when somebody else was first.
pub fn claim(
    tx: &mut Transaction<'_>,
    message: &Stored,
    claim: &Claim,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, Broken> {
    let id = message.id.to_bytes();
    let values = [
        (&id).into(),
        message.due_at.micros().into(),
        claim.into(),
        until.micros().into(),
        now.micros().into(),
    ];
    let sql = "UPDATE outbox SET claim = $3, due_at = $4, attempts = attempts + 1, tried_at = coalesce(tried_at, $5)
         WHERE id = $1 AND state = 'waiting' AND due_at = $2";
    Ok(tx.execute(sql, &values)? == 1)
}

/// A claimed message is delivered: what it said is forgotten.
pub fn delivered(tx: &mut Transaction<'_>, id: MessageId, claim: &Claim, now: Timestamp) -> Result<bool, Broken> {
    let id = id.to_bytes();
    let sql = "UPDATE outbox SET state = 'delivered', payload = $4, claim = NULL, last = 'delivered', ended_at = $3
         WHERE id = $1 AND claim = $2";
    let values = [(&id).into(), claim.into(), now.micros().into(), (&[0u8; 0]).into()];
    Ok(tx.execute(sql, &values)? == 1)
}

/// A claimed message is given up: kept with all it says.
pub fn give_up(
    tx: &mut Transaction<'_>,
    id: MessageId,
    claim: &Claim,
    now: Timestamp,
    last: &str,
) -> Result<bool, Broken> {
    let id = id.to_bytes();
    let sql = "UPDATE outbox SET state = 'dead', claim = NULL, last = $4, ended_at = $3 WHERE id = $1 AND claim = $2";
    let values = [(&id).into(), claim.into(), now.micros().into(), last.into()];
    Ok(tx.execute(sql, &values)? == 1)
}

/// A claimed message waits for another attempt. With `uncounted` the last one was none: nobody was there.
pub fn try_again(
    tx: &mut Transaction<'_>,
    id: MessageId,
    claim: &Claim,
    due_at: Timestamp,
    last: Option<&str>,
    uncounted: bool,
) -> Result<bool, Broken> {
    let id = id.to_bytes();
    let sql = "UPDATE outbox SET claim = NULL, due_at = $3, last = coalesce($4, last), attempts = attempts - $5 WHERE id = $1 AND claim = $2";
    let values = [
        (&id).into(),
        claim.into(),
        due_at.micros().into(),
        last.into(),
        i64::from(uncounted).into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Nothing of an address is tried before an instant: it waits in order, and costs no look until then.
pub fn defer_address(
    tx: &mut Transaction<'_>,
    address: &AddressHash,
    until: Timestamp,
    last: Option<&str>,
) -> Result<usize, Broken> {
    let sql = "UPDATE outbox SET due_at = $2, last = coalesce($3, last) WHERE state = 'waiting' AND address = $1 AND due_at < $2";
    tx.execute(sql, &[address.into(), until.micros().into(), last.into()])
}

/// Notes a copy that may reach an address.
pub fn note_copy(tx: &mut Transaction<'_>, address: &AddressHash, at: Timestamp, id: MessageId) -> Result<(), Broken> {
    let id = id.to_bytes();
    let sql = "INSERT INTO outbox_copy (address, at, message) VALUES ($1, $2, $3) ON CONFLICT (address, at, message) DO NOTHING";
    tx.execute(sql, &[address.into(), at.micros().into(), (&id).into()])
        .map(|_| ())
}

/// Takes a copy back that certainly reached nobody.
pub fn unnote_copy(
    tx: &mut Transaction<'_>,
    address: &AddressHash,
    at: Timestamp,
    id: MessageId,
) -> Result<(), Broken> {
    let id = id.to_bytes();
    let sql = "DELETE FROM outbox_copy WHERE address = $1 AND at = $2 AND message = $3";
    tx.execute(sql, &[address.into(), at.micros().into(), (&id).into()])
        .map(|_| ())
}

/// When copies went to an address since an instant, the oldest first.
pub fn copies_since(
    tx: &mut Transaction<'_>,
    address: &AddressHash,
    since: Timestamp,
) -> Result<Vec<Timestamp>, Broken> {
    let mut copies = Vec::new();
    tx.query(
        "SELECT at FROM outbox_copy WHERE address = $1 AND at > $2 ORDER BY at",
        &[address.into(), since.micros().into()],
        |row| copies.push(Timestamp::from_micros(row.integer(0))),
    )?;
    Ok(copies)
}

/// How many wait and since when the oldest does, and how many were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be sent.
    pub waiting: u64,
    /// When the oldest of them was made.
    pub oldest: Option<Timestamp>,
    /// Given up.
    pub dead: u64,
}

/// See [`Counts`].
pub fn counts(tx: &mut Transaction<'_>) -> Result<Counts, Broken> {
    let waiting = tx.query_one(
        "SELECT count(*), min(made_at) FROM outbox WHERE state = 'waiting'",
        &[],
        |row| {
            (
                row.integer(0) as u64,
                row.optional_integer(1).map(Timestamp::from_micros),
            )
        },
    )?;
    let dead = tx.query_one("SELECT count(*) FROM outbox WHERE state = 'dead'", &[], |row| {
        row.integer(0) as u64
    })?;
    let (waiting, oldest) = waiting.unwrap_or_default();
    Ok(Counts {
        waiting,
        oldest,
        dead: dead.unwrap_or(0),
    })
}

/// All messages of a state, the oldest first, at most `limit`.
pub fn of_state(tx: &mut Transaction<'_>, state: State, limit: u32) -> Result<Vec<Stored>, Broken> {
    let mut rows = Vec::new();
    tx.query(
        "SELECT id, occasion, state, address, appointments, payload, made_at, due_at, attempts, tried_at, last, ended_at
         FROM outbox WHERE state = $1 ORDER BY id LIMIT $2",
        &[state.code().into(), limit.into()],
        |row| rows.push(read(row)),
    )?;
    Ok(rows)
}

/// One message.
pub fn load(tx: &mut Transaction<'_>, id: MessageId) -> Result<Option<Stored>, Broken> {
    tx.query_one(
        "SELECT id, occasion, state, address, appointments, payload, made_at, due_at, attempts, tried_at, last, ended_at
         FROM outbox WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// Messages to an address behind one of them, of any state.
pub fn later_to(tx: &mut Transaction<'_>, address: &AddressHash, id: MessageId) -> Result<Vec<Stored>, Broken> {
    let mut rows = Vec::new();
    tx.query(
        "SELECT id, occasion, state, address, appointments, payload, made_at, due_at, attempts, tried_at, last, ended_at
         FROM outbox WHERE id > $1 AND address = $2 ORDER BY id",
        &[(&id.to_bytes()).into(), address.into()],
        |row| rows.push(read(row)),
    )?;
    Ok(rows)
}

/// A message that was given up waits again, as if it had never been tried.
pub fn revive(tx: &mut Transaction<'_>, id: MessageId, now: Timestamp) -> Result<bool, Broken> {
    let id = id.to_bytes();
    let sql = "UPDATE outbox SET state = 'waiting', due_at = $2, attempts = 0, tried_at = NULL, ended_at = NULL
         WHERE id = $1 AND state = 'dead'";
    Ok(tx.execute(sql, &[(&id).into(), now.micros().into()])? == 1)
}

/// How many mails with a new link of an appointment have not been delivered yet, those that were given up too.
pub fn links_on_their_way(tx: &mut Transaction<'_>, appointment: &Appointment) -> Result<u32, Broken> {
    if appointment.link_sent_at.is_none() {
        return Ok(0);
    }
    let (id, occasion) = (appointment.id.to_bytes(), Occasion::LinkSentAnew.code());
    let sql = "SELECT (SELECT count(*) FROM outbox WHERE state = 'waiting' AND occasion = $1 AND appointments = $2)
         + (SELECT count(*) FROM outbox WHERE state = 'dead' AND occasion = $1 AND appointments = $2)";
    let count = tx.query_one(sql, &[occasion.into(), (&id).into()], |row| row.integer(0) as u32)?;
    Ok(count.unwrap_or_default())
}

/// Forgets messages that ended before an instant, at most `limit` of each kind; answers how many.
pub fn forget_before(tx: &mut Transaction<'_>, instant: Timestamp, limit: u32) -> Result<usize, Broken> {
    let values = [instant.micros().into(), limit.into()];
    let delivered = tx.execute(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'delivered' AND ended_at < $1 ORDER BY ended_at LIMIT $2)",
        &values,
    )?;
    let dead = tx.execute(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'dead' AND ended_at < $1 ORDER BY id LIMIT $2)",
        &values,
    )?;
    Ok(delivered + dead)
}

/// Forgets copies that were made before an instant, at most `limit`; answers how many.
pub fn forget_copies(tx: &mut Transaction<'_>, instant: Timestamp, limit: u32) -> Result<usize, Broken> {
    tx.execute(
        "DELETE FROM outbox_copy WHERE (address, at, message) IN (SELECT address, at, message FROM outbox_copy WHERE at < $1 ORDER BY at LIMIT $2)",
        &[instant.micros().into(), limit.into()],
    )
}

/// Forgets what messages say about an appointment: whoever is erased is written to no more. Answers how many.
pub fn erase_about(tx: &mut Transaction<'_>, appointment: AppointmentId) -> Result<usize, Broken> {
    let mut about = Vec::new();
    for state in [State::Waiting, State::Dead] {
        tx.query(
            "SELECT id, appointments FROM outbox WHERE state = $1 ORDER BY id",
            &[state.code().into()],
            |row| {
                if split_ids(&row.blob(1)).contains(&appointment) {
                    about.push(row.bytes::<16>(0));
                }
            },
        )?;
    }
    for id in &about {
        tx.execute("DELETE FROM outbox WHERE id = $1", &[id.into()])?;
    }
    Ok(about.len())
}
