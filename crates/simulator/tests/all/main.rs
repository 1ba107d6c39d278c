//! The simulator's own tests: runs can be repeated, and nothing is found where nothing is wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod gate;
mod seed;
