//! Which key seals: agreed on through the database, so that all processes on one file use the same one, and so that no
//! process with other keys ever writes to it. A key is *declared* in a transaction; whoever writes after that commit
//! seals with it, or reads the key file again until it has it.

use crate::move_pause;
use crate::records::resident::is_clear;
use crate::records::sealing::{self, COLUMNS, DeclaredKey, Progress};
use base::answer::Fault;
use base::time::Timestamp;
use database::{Broken, CommitFailed, Connection, Transaction};
use runtime::secret::{KeyInfo, KeyRing};
use std::collections::BTreeMap;

/// These keys are not the ones that this database's values are sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data is sealed with key {id}, {}: put back the copy of DATA/keys/master.key that you kept",
    if *.other { "and the key file has another key of that number" } else { "which is not in the key file" }
)]
pub struct WrongKeys {
    /// The key that is missed.
    pub id: u32,
    /// There is one of that number, but it is not that key.
    pub other: bool,
}

/// Whether these keys are the database's.
pub fn check(tx: &mut Transaction<'_>, keys: &KeyRing) -> Result<Result<(), WrongKeys>, Broken> {
    let ours = keys.keys();
    for declared in sealing::keys(tx)? {
        let found = ours.iter().find(|key| key.id == declared.id);
        if found.is_none_or(|key| key.mark != declared.mark) {
            return Ok(Err(WrongKeys {
                id: declared.id,
                other: found.is_some(),
            }));
        }
    }
    Ok(Ok(()))
}

/// The key that values of this database are sealed with, once there is one: then a missing key file must not be made
/// anew.
pub fn in_force(connection: &mut Connection) -> Result<Option<u32>, Broken> {
    sealing::in_force(&mut connection.begin_read()?)
}

/// Declares every key that the database does not know yet. From the commit on all processes seal with the newest.
pub fn declare(connection: &mut Connection, keys: &KeyRing, now: Timestamp) -> Result<(), Broken> {
    let known: Vec<u32> = sealing::keys(&mut connection.begin_read()?)?
        .iter()
        .map(|key| key.id)
        .collect();
    let new: Vec<KeyInfo> = keys.keys().into_iter().filter(|key| !known.contains(&key.id)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut tx = move_pause::begin(connection)?;
    for key in new {
        let declared = DeclaredKey {
            id: key.id,
            mark: key.mark,
        };
        sealing::declare(&mut tx, &declared, now)?;
    }
    committed(tx)
}

/// Inside a writing transaction: makes sure that what it seals is sealed with the key in force.
pub(crate) fn agree(tx: &mut Transaction<'_>, keys: &KeyRing) -> Result<(), Broken> {
    let Some(in_force) = sealing::in_force(tx)?.filter(|id| *id > keys.key_id()) else {
        return Ok(());
    };
    let read = keys.refresh();
    if in_force <= keys.key_id() {
        return Ok(());
    }
    let cause = match read {
        Ok(_) => format!("values are sealed with key {in_force}, which is not in the key file"),
        Err(cause) => format!("values are sealed with key {in_force}, which cannot be read: {cause}"),
    };
    Err(Broken::Fault {
        fault: Fault::Unreachable,
        cause,
    })
}

/// Commits what may safely be tried again.
pub(crate) fn committed(tx: Transaction<'_>) -> Result<(), Broken> {
    tx.commit().map_err(CommitFailed::of_a_try)
}

/// What the keys seal, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Values by the key they are sealed with.
    pub sealed: BTreeMap<u32, u64>,
    /// Values in clear, as 0.1 left them.
    pub clear: u64,
    /// Values of a layout that this version does not know.
    pub unknown: u64,
    /// How far each column has come with the key in force.
    pub progress: Vec<Progress>,
}

/// Looks at every sealed value: a few seconds for a million.
pub fn status(connection: &mut Connection) -> Result<Status, Broken> {
    let mut status = Status::default();
    let mut tx = connection.begin_read()?;
    for column in COLUMNS {
        column.heads(&mut tx, |head| match KeyRing::sealed_with(head) {
            Some(id) => *status.sealed.entry(id).or_default() += 1,
            None if head.is_empty() => {}
            None if is_clear(head) => status.clear += 1,
            None => status.unknown += 1,
        })?;
        status.progress.extend(sealing::progress(&mut tx, &column.place())?);
    }
    Ok(status)
}
