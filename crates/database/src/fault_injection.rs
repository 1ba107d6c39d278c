//! Faults put on purpose between the engine and its database. Only a database that was made by
//! [`Database::in_simulation`](crate::Database::in_simulation) has any; every other asks one `Option` that is none.
//! What is injected is said in the driver's place and in its words, so that whoever is above cannot tell it apart.

use crate::fault::{Broken, CommitFailed, OpenError};
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
}

/// Decides what breaks.
pub trait Faults: Send + Sync {
    /// Asked before each step but COMMIT. An error is answered instead of doing it.
    fn before(&self, step: Step) -> Result<(), Broken>;
    /// Asked at each COMMIT.
    fn at_commit(&self) -> Fate;
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

    /// Whether the answer of a COMMIT that is about to be done gets lost; an error when it is not to be done.
    #[inline]
    pub(crate) fn at_commit(&self) -> Result<bool, CommitFailed> {
        match self.0.as_ref().map_or(Fate::Done, |faults| faults.at_commit()) {
            Fate::Done => Ok(false),
            Fate::LostAfter => Ok(true),
            Fate::NotDone(broken) => Err(CommitFailed::NotDone(broken)),
            Fate::LostBefore => Err(lost()),
        }
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
