//! What an operator sees of messages and may do: look at those that wait or were given up, and have one sent again. Works
//! beside any server on the same database.

use crate::move_pause;
use crate::records;
use crate::records::outbox::{Payload, SEALED, State, Stored};
use base::id::MessageId;
use base::time::Timestamp;
use database::{Broken, CommitFailed, Connection};
use runtime::secret::KeyRing;
use scheduling::resident::message::{Occasion, masked};

/// A message as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub id: MessageId,
    /// What it tells.
    pub occasion: Occasion,
    /// How it stands.
    pub state: State,
    /// To whom, masked; none where the keys do not open it.
    pub to: Option<String>,
    /// How many appointments it is about.
    pub appointments: usize,
    /// When the change was made.
    pub made_at: Timestamp,
    /// When it may be tried next.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What became of the last attempt.
    pub last: Option<String>,
}

/// What became of a wish to send a message again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revived {
    /// It waits again.
    Waits,
    /// There is none of that id, or it was not given up.
    NotDead,
    /// A later message about the same appointment has gone out: this one would say what is no longer true.
    Overtaken,
}

/// Messages of a state, the oldest first, at most `limit`.
pub fn list(connection: &mut Connection, keys: &KeyRing, state: State, limit: u32) -> Result<Vec<Seen>, Broken> {
    let rows = records::outbox::of_state(&mut connection.begin_read()?, state, limit)?;
    Ok(rows.iter().map(|row| seen(row, keys)).collect())
}

fn seen(row: &Stored, keys: &KeyRing) -> Seen {
    let (table, column) = SEALED;
    let plain = keys.open(table, column, &row.id.to_bytes(), &row.payload).ok();
    let payload = plain.and_then(|plain| serde_json::from_slice::<Payload>(&plain).ok());
    Seen {
        id: row.id,
        occasion: row.occasion,
        state: row.state,
        to: payload.map(|payload| masked(&payload.to)),
        appointments: row.appointments.len(),
        made_at: row.made_at,
        due_at: row.due_at,
        attempts: row.attempts,
        last: row.last.clone(),
    }
}

/// Has a message that was given up sent again.
pub fn retry(connection: &mut Connection, id: MessageId, now: Timestamp) -> Result<Revived, Broken> {
    let mut tx = move_pause::begin(connection)?;
    let Some(row) = records::outbox::load(&mut tx, id)?.filter(|row| row.state == State::Dead) else {
        return Ok(Revived::NotDead);
    };
    let overtakes = |later: &Stored| {
        later.state == State::Delivered && later.appointments.iter().any(|id| row.appointments.contains(id))
    };
    if records::outbox::later_to(&mut tx, &row.address, id)?
        .iter()
        .any(overtakes)
    {
        return Ok(Revived::Overtaken);
    }
    records::outbox::revive(&mut tx, id, now)?;
    tx.commit().map_err(CommitFailed::of_a_try)?;
    Ok(Revived::Waits)
}
