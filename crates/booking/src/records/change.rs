//! The change table: one row a commit, in commit order, with what followers must look at again.

use super::{join_ids, split_ids};
use base::id::{ClinicId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use scheduling::planted;

/// What a commit changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Position in commit order.
    pub sequence: i64,
    /// Slots whose counters changed.
    pub slots: Vec<SlotId>,
    /// Clinics that are new, changed, or have new slots.
    pub clinics: Vec<ClinicId>,
}

/// The last position; 0 before the first.
pub fn last(tx: &mut Transaction<'_>) -> Result<i64, Broken> {
    let last = tx.query_one(
        "SELECT sequence FROM change ORDER BY sequence DESC LIMIT 1",
        &[],
        |row| row.integer(0),
    )?;
    Ok(last.unwrap_or(0))
}

/// The position of this commit. Where writers are alone: behind the last. Where not: the transaction's own number, which
/// tells nothing of when it ends.
pub fn position(tx: &mut Transaction<'_>) -> Result<i64, Broken> {
    match tx.horizon(true)? {
        Some(own) => Ok(own),
        None => Ok(last(tx)? + 1),
    }
}

/// Behind which position a look that has this view must begin the next time: every commit at or before it is seen. Never
/// behind the last one that is seen: numbers of transactions that came to nothing may be given anew after a fail-over.
pub fn seen_until(tx: &mut Transaction<'_>) -> Result<i64, Broken> {
    let last = last(tx)?;
    match tx
        .horizon(false)?
        .filter(|_| !planted::is("feed_trusts_sequence_order"))
    {
        Some(running) => Ok(last.min(running - 1)),
        None => Ok(last),
    }
}

/// Adds the row of this commit.
pub fn insert(tx: &mut Transaction<'_>, change: &Change, now: Timestamp) -> Result<(), Broken> {
    let (slots, clinics) = (
        join_ids(change.slots.iter().copied()),
        join_ids(change.clinics.iter().copied()),
    );
    let values = [
        change.sequence.into(),
        now.micros().into(),
        (&slots).into(),
        (&clinics).into(),
    ];
    tx.execute(
        "INSERT INTO change (sequence, at, slots, clinics) VALUES ($1, $2, $3, $4)",
        &values,
    )
    .map(|_| ())
}

/// Changes behind a position, in order, and whether none of them was forgotten: the oldest go first, so that as long as
/// one at or before the position is kept, all behind it are.
pub fn after(tx: &mut Transaction<'_>, sequence: i64) -> Result<(Vec<Change>, bool), Broken> {
    let mut changes = Vec::new();
    tx.query(
        "SELECT sequence, slots, clinics FROM change WHERE sequence > $1 ORDER BY sequence",
        &[sequence.into()],
        |row| {
            let (slots, clinics) = (split_ids(&row.blob(1)), split_ids(&row.blob(2)));
            changes.push(Change {
                sequence: row.integer(0),
                slots,
                clinics,
            });
        },
    )?;
    let oldest = tx.query_one("SELECT sequence FROM change ORDER BY sequence LIMIT 1", &[], |row| {
        row.integer(0)
    })?;
    // Numbers of transactions have gaps, so that the next one says nothing of those between.
    let next = |first: &Change| !tx.is_shared() && first.sequence == sequence + 1;
    let whole = changes.first().is_none_or(next) || oldest.is_some_and(|oldest| oldest <= sequence);
    Ok((changes, whole))
}

/// Forgets all but the last `keep` rows, at most `limit` at once. Where others write at the same time: none from which on
/// a follower may still have to look, so that whoever looks often never finds a gap.
pub fn forget(tx: &mut Transaction<'_>, keep: i64, limit: u32) -> Result<usize, Broken> {
    let sql = "SELECT sequence FROM change ORDER BY sequence DESC LIMIT 1 OFFSET $1";
    let Some(mut until) = tx.query_one(sql, &[keep.into()], |row| row.integer(0))? else {
        return Ok(0);
    };
    if let Some(running) = tx.horizon(false)? {
        let sql = "SELECT sequence FROM change WHERE sequence < $1 ORDER BY sequence DESC LIMIT 1";
        let seen = tx.query_one(sql, &[running.into()], |row| row.integer(0))?;
        until = until.min(seen.unwrap_or(0) - 1);
    }
    tx.execute(
        "DELETE FROM change WHERE sequence IN (SELECT sequence FROM change WHERE sequence <= $1 ORDER BY sequence LIMIT $2)",
        &[until.into(), limit.into()],
    )
}
