//! Faults put on purpose between the engine and its database. Only a database that was made by
//! [`Database::in_simulation`](crate::Database::in_simulation) has any; every other asks one `Option` that is none.
//! What is injected is said in the driver's place and in its words, so that whoever is above cannot tell it apart.

use crate::connection::Database;
use crate::fault::{Broken, CommitFailed, OpenError};
use crate::value::{Owned, Value};
use std::fmt;
use std::sync::Arc;

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A connection is opened.
    Connect,
    /// A writing transaction begins.
    Begin,
    /// A reading transaction begins.
    BeginRead,
    /// Rows are asked for.
    Query,
    /// A statement writes.
    Execute,
    /// A commit of our own, where writers share the database: waits for its standby, and for nobody's rows.
    Settle,
}

/// What becomes of a COMMIT.
#[derive(Debug)]
pub enum Fate {
    /// It is done, and said to be.
    Done,
    /// It is refused as a whole.
    NotDone(Broken),
    /// Its answer is lost, and it was never done.
    LostBefore,
    /// Its answer is lost, and it was done.
    LostAfter,
    /// Its answer is lost, and it has not ended: [`Shared::keep`] has what it wrote. Only where there is that.
    Unended,
}

/// Decides what breaks.
pub trait Faults: Send + Sync {
    /// Asked before each step but COMMIT. An error is answered instead of doing it.
    fn before(&self, step: Step) -> Result<(), Broken>;
    /// Asked at each COMMIT.
    fn at_commit(&self) -> Fate;
    /// Where the database behaves as one that several writers share.
    fn shared(&self) -> Option<&dyn Shared> {
        None
    }
}

/// A database in memory as if several writers shared it: what PostgreSQL does beyond what SQLite can.
pub trait Shared {
    /// The number of a transaction that takes one now.
    fn number(&self) -> i64;
    /// The smallest number of a transaction that has not ended, or the next one.
    fn horizon(&self) -> i64;
    /// Takes a transaction whose COMMIT was sent and has not ended. Nobody else may write before it has.
    fn keep(&self, unended: Unended);
}

/// One statement with all its lists of values.
pub(crate) type Written = (String, Vec<Vec<Owned>>);

/// What a transaction wrote that has not ended: none of it is there yet.
#[derive(Debug)]
pub struct Unended {
    pub(crate) database: Database,
    pub(crate) written: Vec<Written>,
    pub(crate) number: Option<i64>,
}

impl Unended {
    /// Its number, when it took one.
    pub fn number(&self) -> Option<i64> {
        self.number
    }
    /// Whether a value of these bytes is among what it wrote.
    pub fn mentions(&self, bytes: &[u8]) -> bool {
        let values = self.written.iter().flat_map(|(_, lists)| lists.iter().flatten());
        values
            .into_iter()
            .any(|value| matches!(value, Owned::Blob(blob) if blob == bytes))
    }
    /// It is done after all, as it would have been then.
    pub fn apply(self) -> Result<(), Broken> {
        let mut connection = self.database.connect().map_err(|error| Broken::Fault {
            fault: error.fault(),
            cause: error.to_string(),
        })?;
        let mut tx = connection.begin()?;
        for (sql, lists) in &self.written {
            let lists: Vec<Vec<Value<'_>>> = lists
                .iter()
                .map(|values| values.iter().map(Owned::as_value).collect())
                .collect();
            tx.execute_each(sql, &lists)?;
        }
        tx.commit().map_err(|failed| match failed {
            CommitFailed::NotDone(broken) => broken,
            CommitFailed::InDoubt(cause) => Broken::Fault {
                fault: base::answer::Fault::Unreachable,
                cause,
            },
        })
    }
}

/// What a database and its connections carry: nothing, but in a simulation.
#[derive(Clone, Default)]
pub(crate) struct Injected(Option<Arc<dyn Faults>>);

impl Injected {
    pub(crate) fn from(faults: Arc<dyn Faults>) -> Self {
        Self(Some(faults))
    }

    #[inline]
    pub(crate) fn before(&self, step: Step) -> Result<(), Broken> {
        self.0.as_ref().map_or(Ok(()), |faults| faults.before(step))
    }

    pub(crate) fn before_connect(&self) -> Result<(), OpenError> {
        self.before(Step::Connect).map_err(|broken| OpenError::Cannot {
            path: "the simulated database".to_owned(),
            cause: broken.to_string(),
        })
    }

    #[inline]
    pub(crate) fn at_commit(&self) -> Fate {
        self.0.as_ref().map_or(Fate::Done, |faults| faults.at_commit())
    }

    #[inline]
    pub(crate) fn shared(&self) -> Option<&dyn Shared> {
        self.0.as_ref().and_then(|faults| faults.shared())
    }
}

pub(crate) fn lost() -> CommitFailed {
    CommitFailed::InDoubt("the answer to COMMIT was lost".to_owned())
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "faults" } else { "no faults" })
    }
}
