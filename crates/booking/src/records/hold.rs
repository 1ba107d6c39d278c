//! Holds, and which of them are due. A partial index keeps only live ones in reach.

use super::{by_ids, id_at, join_ids, split_ids};
use base::id::HoldId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction, Value};
use scheduling::resident::hold::{Hold, HoldStatus};
use std::time::Duration;

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

/// Holds by id, in this order. Not locked: to know what they are about.
pub fn of<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a HoldId>,
    mut each: impl FnMut(Hold),
) -> Result<(), Broken> {
    let sql =
        "SELECT id, status, entries, placed_at, expires_at, extensions_left FROM hold WHERE id IN ($keys) ORDER BY id";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Holds by id, in this order; locked where others write too.
pub fn lock<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a HoldId>,
    mut each: impl FnMut(Hold),
) -> Result<(), Broken> {
    let sql = "SELECT id, status, entries, placed_at, expires_at, extensions_left FROM hold WHERE id IN ($keys) ORDER BY id /* for update */";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Adds holds.
pub fn insert<'a>(tx: &mut Transaction<'_>, holds: impl IntoIterator<Item = &'a Hold>) -> Result<(), Broken> {
    let owned = |hold: &'a Hold| (hold.id.to_bytes(), join_ids(hold.entries.iter().copied()), hold);
    let holds: Vec<_> = holds.into_iter().map(owned).collect();
    let values: Vec<[Value<'_>; 6]> = holds
        .iter()
        .map(|(id, entries, hold)| {
            [
                id.into(),
                hold.status.code().into(),
                entries.into(),
                hold.placed_at.micros().into(),
                hold.expires_at.micros().into(),
                hold.extensions_left.into(),
            ]
        })
        .collect();
    let sql = "INSERT INTO hold (id, status, entries, placed_at, expires_at, extensions_left) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.insert_each(sql, &values)
}

/// Writes what can change of holds.
pub fn save<'a>(tx: &mut Transaction<'_>, holds: impl IntoIterator<Item = &'a Hold>) -> Result<(), Broken> {
    let holds: Vec<_> = holds.into_iter().map(|hold| (hold.id.to_bytes(), hold)).collect();
    let values: Vec<[Value<'_>; 4]> = holds
        .iter()
        .map(|(id, hold)| {
            [
                id.into(),
                hold.status.code().into(),
                hold.expires_at.micros().into(),
                hold.extensions_left.into(),
            ]
        })
        .collect();
    tx.execute_each(
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

/// Live holds that had time left at an instant get so much more.
pub fn give_time(tx: &mut Transaction<'_>, since: Timestamp, more: Duration) -> Result<usize, Broken> {
    let more = i64::try_from(more.as_micros()).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE hold SET expires_at = expires_at + $2 WHERE status = 'held' AND expires_at > $1",
        &[since.micros().into(), more.into()],
    )
}

/// Every hold there is, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Hold)) -> Result<(), Broken> {
    tx.query(
        "SELECT id, status, entries, placed_at, expires_at, extensions_left FROM hold ORDER BY id",
        &[],
        |row| each(read(row)),
    )
}
