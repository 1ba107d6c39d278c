//! Conformance: what the waist promises, on each engine that stands behind it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "a test that cannot go on should stop there"
)]

mod conformance;
mod copy;
mod fault_injection;
mod migration;
mod own_server;
mod postgres;
mod settle;
