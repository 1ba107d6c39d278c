//! Tests of `base`, one module per file of `src`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "a test that cannot go on should stop there"
)]

mod answer;
mod id;
mod limit;
mod time;
