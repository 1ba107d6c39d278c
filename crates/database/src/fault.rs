//! What can break at the database, in our words: a violated constraint, a fault, a commit in doubt, a refused opening.

use base::answer::Fault;

/// A statement did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A unique index or a check said no. Absence is guarded by indexes, so this is how two writers meet.
    #[error("a constraint refused the row: {0}")]
    Violation(String),
    /// Another writer was in the way (a deadlock, a serialisation failure): nothing of the transaction was applied, and
    /// it may be tried again as a whole.
    #[error("another writer was in the way: {0}")]
    Conflict(String),
    /// The database failed; the text is for the log, never for the public.
    #[error("{fault}: {cause}")]
    Fault {
        /// What to answer.
        fault: Fault,
        /// The driver's own words.
        cause: String,
    },
}

impl Broken {
    /// The fault to answer when nothing else explains it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Violation(_) | Self::Conflict(_) => Fault::Busy,
            Self::Fault { fault, .. } => *fault,
        }
    }
}

/// A commit was asked for and not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailed {
    /// It certainly did not happen.
    #[error("not committed: {0}")]
    NotDone(Broken),
    /// It may have happened: drop the connection and look the outcome up by its key.
    #[error("commit in doubt: {0}")]
    InDoubt(String),
}

impl CommitFailed {
    /// For whoever tries again later and finds done what was done: a doubt is a fault like others.
    pub fn of_a_try(self) -> Broken {
        match self {
            Self::NotDone(broken) => broken,
            Self::InDoubt(cause) => Broken::Fault {
                fault: Fault::OutcomeUnknown,
                cause,
            },
        }
    }
}

impl OpenError {
    /// The fault to answer while it cannot be opened.
    pub fn fault(&self) -> Fault {
        match self {
            Self::ReadOnly { .. } => Fault::ReadOnly,
            _ => Fault::Unreachable,
        }
    }
}

/// The database could not be opened for use.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or is no database.
    #[error("the database {path} cannot be opened: {cause}")]
    Cannot {
        /// Which file.
        path: String,
        /// The driver's own words.
        cause: String,
    },
    /// The file can be read but not written.
    #[error("the database {path} cannot be written: its disk is mounted read-only, or its rights forbid it")]
    ReadOnly {
        /// Which file.
        path: String,
    },
    /// A setting that durability rests on was not taken.
    #[error(
        "the database {path} runs with {pragma} = {found}, but {expected} is required: acknowledged bookings could be lost"
    )]
    NotDurable {
        /// Which file.
        path: String,
        /// Which setting.
        pragma: &'static str,
        /// What was read back.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The URL of a database says something that cannot be.
    #[error(
        "the database's URL: {cause}; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with several HOST:PORT divided by commas"
    )]
    Url {
        /// What is wrong.
        cause: String,
    },
    /// The server can be reached but is not one that this program can use.
    #[error("the database {path} cannot be used: {cause}")]
    Unfit {
        /// Which one.
        path: String,
        /// What it is, and what it must be.
        cause: String,
    },
    /// The schema comes from a newer version of this program.
    #[error(
        "the database's schema is version {found}, this program knows versions up to {known}: use the newer program (never downgrade over a newer schema)"
    )]
    NewerSchema {
        /// In the database.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// A migration failed; nothing of it remains.
    #[error("migration {version} ({name}) failed and was undone: {cause}")]
    Migration {
        /// Its number.
        version: i64,
        /// Its name.
        name: &'static str,
        /// The driver's own words.
        cause: String,
    },
}
