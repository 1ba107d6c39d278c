//! The change table: one row a commit, in commit order, with what followers must look at again.

use super::{join_ids, split_ids};
use base::id::{ClinicId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};

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

/// Changes behind a position, in order, and whether none between were forgotten.
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
    let whole = changes.first().is_none_or(|first| first.sequence == sequence + 1);
    Ok((changes, whole))
}

/// Forgets all but the last `keep` rows, at most `limit` at once.
pub fn forget(tx: &mut Transaction<'_>, keep: i64, limit: u32) -> Result<usize, Broken> {
    let until = last(tx)? - keep;
    tx.execute(
        "DELETE FROM change WHERE sequence IN (SELECT sequence FROM change WHERE sequence <= $1 ORDER BY sequence LIMIT $2)",
        &[until.into(), limit.into()],
    )
}
