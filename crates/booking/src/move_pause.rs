//! While a jurisdiction moves to another database nobody writes to either: every writing transaction of the engine
//! begins here, and is refused where the row of [`relocation`] stands. It is read inside the transaction, so that
//! nothing is committed after a pause that was committed before. Booking is paused then, finding goes on, and holds do
//! not expire.

use crate::records::relocation::{self, State};
use base::answer::Fault;
use database::{Broken, Connection, Transaction};

/// Begins a transaction that writes, unless nothing may be written.
pub(crate) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Broken> {
    begin_or_say(connection)?.map_err(|state| Broken::Fault {
        fault: Fault::ReadOnly,
        cause: format!(
            "booking is paused: the jurisdiction moves to another database ({})",
            state.word()
        ),
    })
}

/// As [`begin`], for whoever must know a pause from a database that takes nothing: in a pause nothing is wrong with it.
pub(crate) fn begin_or_say(connection: &mut Connection) -> Result<Result<Transaction<'_>, State>, Broken> {
    let mut tx = connection.begin()?;
    Ok(match relocation::state(&mut tx)? {
        None => Ok(tx),
        Some(state) => Err(state),
    })
}

/// Whether nothing may be written.
pub(crate) fn is_paused(connection: &mut Connection) -> Result<bool, Broken> {
    Ok(relocation::load(&mut connection.begin_read()?)?.is_some())
}

/// Nobody may be served from this database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// It is not whole.
    #[error(
        "this database is being filled from {0} and is not whole: let `evenkeel migrate` or `evenkeel restore` end, or use another one"
    )]
    Filling(String),
    /// It is not in force any more.
    #[error("this jurisdiction has moved to {0}: start its servers there")]
    Left(String),
}

/// Whether people may be served from this database, if only to read.
pub(crate) fn is_served(tx: &mut Transaction<'_>) -> Result<Result<(), NotServed>, Broken> {
    Ok(match relocation::load(tx)? {
        Some(row) if row.state == State::Filling => Err(NotServed::Filling(row.other)),
        Some(row) if row.state == State::Left => Err(NotServed::Left(row.other)),
        _ => Ok(()),
    })
}
