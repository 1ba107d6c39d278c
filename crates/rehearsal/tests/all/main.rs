//! The tests of this crate, one binary.

mod checker;
mod history;
mod model;
mod story;
