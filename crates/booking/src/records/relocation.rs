//! The row that says that a jurisdiction moves: at most one, in the database that it leaves and in the one it moves to.

use base::time::Timestamp;
use database::{Broken, Transaction};

/// The table, for whoever locks it.
pub const TABLE: &str = "relocation";

/// What a database is in a move. In each of these nobody writes but who moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The new one: not whole.
    Filling,
    /// The new one: whole, and not in force yet.
    Ready,
    /// The old one: in force, and not written to.
    Paused,
    /// The old one: never in force again.
    Left,
}

impl State {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::Ready => "ready",
            Self::Paused => "paused",
            Self::Left => "left",
        }
    }
    fn from_word(word: &str) -> Self {
        let states = [Self::Filling, Self::Ready, Self::Paused, Self::Left];
        let found = states.into_iter().find(|state| state.word() == word);
        // One of a later version: it is not known what may be done, so nothing may.
        found.unwrap_or(Self::Filling)
    }
}

/// The row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// The same at both ends.
    pub id: [u8; 16],
    /// Which end this is, and how far.
    pub state: State,
    /// The other end, for people.
    pub other: String,
    /// When booking was paused; while it is not, when the filling began.
    pub at: Timestamp,
}

/// The row, as a reader sees it.
pub fn load(tx: &mut Transaction<'_>) -> Result<Option<Relocation>, Broken> {
    tx.query_one(
        "SELECT id, state, other, at FROM relocation WHERE one = 1",
        &[],
        |row| Relocation {
            id: row.bytes(0),
            state: State::from_word(&row.text(1)),
            other: row.text(2),
            at: Timestamp::from_micros(row.integer(3)),
        },
    )
}

/// The state, as a writer must see it: until its transaction ends nobody sets another.
pub fn state(tx: &mut Transaction<'_>) -> Result<Option<State>, Broken> {
    let sql = "SELECT state FROM relocation WHERE one = 1 /* for update */";
    tx.query_one(sql, &[], |row| State::from_word(&row.text(0)))
}

/// Waits for every writer that has looked, and keeps others from looking.
pub fn lock(tx: &mut Transaction<'_>) -> Result<(), Broken> {
    tx.lock_table(TABLE)
}

/// Writes the row.
pub fn save(tx: &mut Transaction<'_>, row: &Relocation) -> Result<(), Broken> {
    let values = [
        (&row.id).into(),
        row.state.word().into(),
        (&row.other).into(),
        row.at.micros().into(),
    ];
    let sql = "INSERT INTO relocation (one, id, state, other, at) VALUES (1, $1, $2, $3, $4)
         ON CONFLICT (one) DO UPDATE SET id = excluded.id, state = excluded.state, other = excluded.other, at = excluded.at";
    tx.execute(sql, &values).map(|_| ())
}

/// Removes the row: this is an ordinary database.
pub fn remove(tx: &mut Transaction<'_>) -> Result<(), Broken> {
    tx.execute("DELETE FROM relocation WHERE one = 1", &[]).map(|_| ())
}
