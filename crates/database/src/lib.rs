//! The narrow waist between the engine and whatever keeps its rows: begin, query, execute, commit.
//!
//! Keeps: a commit is never reported done unless it is on disk; what broke is told apart from what the rules of the
//! schema refused. Doesn't know any table: SQL lives with its owner, under `records/`.

pub mod connection;
pub mod copy;
pub mod fault;
pub mod fault_injection;
pub mod migration;
pub mod postgres;
mod settle;
pub mod sqlite;
pub mod transaction;
pub mod value;

pub use connection::{Connection, Database};
pub use fault::{Broken, CommitFailed, OpenError};
pub use transaction::Transaction;
pub use value::{Owned, Row, Value};
