//! Holds, and which of them are due. A partial index keeps only live ones in reach.

use super::{id_at, join_ids, split_ids};
use base::id::HoldId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction};
use scheduling::resident::hold::{Hold, HoldStatus};

fn read(row: &Row<'_>) -> Hold {
    Hold {
        id: id_at(row, 0),
        status: HoldStatus::from_code(&row.text(1)).expect("a stored hold has a status of ours"),
        entries: split_ids(&row.blob(2)),
        placed_at: Timestamp::from_micros(row.integer(3)),
        expires_at: Timestamp::from_micros(row.integer(4)),
        extensions_left: row.integer(5) as u32,
    }
}

/// One hold.
pub fn load(tx: &mut Transaction<'_>, id: HoldId) -> Result<Option<Hold>, Broken> {
    tx.query_one(
        "SELECT id, status, entries, placed_at, expires_at, extensions_left FROM hold WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// Adds a hold.
pub fn insert(tx: &mut Transaction<'_>, hold: &Hold) -> Result<(), Broken> {
    let (id, entries) = (hold.id.to_bytes(), join_ids(hold.entries.iter().copied()));
    let values = [
        (&id).into(),
        hold.status.code().into(),
        (&entries).into(),
        hold.placed_at.micros().into(),
        hold.expires_at.micros().into(),
        hold.extensions_left.into(),
    ];
    let sql = "INSERT INTO hold (id, status, entries, placed_at, expires_at, extensions_left) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, &values).map(|_| ())
}

/// Writes what can change of a hold.
pub fn save(tx: &mut Transaction<'_>, hold: &Hold) -> Result<(), Broken> {
    let id = hold.id.to_bytes();
    let values = [
        (&id).into(),
        hold.status.code().into(),
        hold.expires_at.micros().into(),
        hold.extensions_left.into(),
    ];
    tx.execute(
        "UPDATE hold SET status = $2, expires_at = $3, extensions_left = $4 WHERE id = $1",
        &values,
    )
    .map(|_| ())
}

/// Live holds whose time was over before an instant, the oldest first, at most `limit`.
pub fn due(tx: &mut Transaction<'_>, before: Timestamp, limit: u32) -> Result<Vec<HoldId>, Broken> {
    let mut due = Vec::new();
    tx.query(
        "SELECT id FROM hold WHERE status = 'held' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        &[before.micros().into(), limit.into()],
        |row| due.push(id_at(row, 0)),
    )?;
    Ok(due)
}

/// Every hold there is, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Hold)) -> Result<(), Broken> {
    tx.query(
        "SELECT id, status, entries, placed_at, expires_at, extensions_left FROM hold ORDER BY id",
        &[],
        |row| each(read(row)),
    )
}
