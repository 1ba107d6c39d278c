//! The booking engine: commands in, answers out, everything acknowledged on disk.
//!
//! Keeps the eight invariants (see [`verify`]). Knows no HTTP and nothing of reliability; what may happen is decided in
//! `scheduling`, what is so is read and written in [`records`].

pub mod availability;
pub mod committer;
mod conflict;
pub mod cost;
pub mod engine;
pub mod erasure;
pub mod exchange;
pub mod heads;
pub mod limit;
pub mod move_pause;
pub mod outbox;
pub mod pause;
mod reader;
pub mod reconciler;
pub mod records;
pub mod role;
pub mod sealing;
pub mod stepwise;
pub mod verify;

/// A demonstration's mail, as a page shows it.
pub use messaging::folder as demo_mail;
