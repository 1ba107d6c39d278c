//! Tests of the engine on real SQLite.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "a test that cannot go on should stop there"
)]

mod engine;
mod exchange;
mod reconciler;
mod site;
mod stepwise;
mod verify;
