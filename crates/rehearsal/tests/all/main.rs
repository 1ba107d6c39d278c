//! The tests of this crate, one binary.

mod checker;
mod history;
mod loadtest;
mod model;
mod story;
