//! Tests of the booking rules, without a database.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "a test that cannot go on should stop there"
)]

mod clinic;
mod decide;
mod demo;
mod link;
mod message;
mod resident;
mod rules;
mod world;
