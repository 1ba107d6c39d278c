//! Tests of the engine on real SQLite; in `shared`, and where `EVENKEEL_ENGINE` says so, on real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "a test that cannot go on should stop there"
)]

mod engine;
mod erasure;
mod exchange;
mod folder;
mod heads;
mod link;
mod reconciler;
mod sealing;
mod shared;
#[path = "../../../xtask/src/sink.rs"]
#[allow(dead_code, reason = "the suite `messages` uses all of it")]
mod sink;
mod site;
mod stepwise;
mod verify;
