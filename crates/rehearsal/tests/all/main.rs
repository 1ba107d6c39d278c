//! The tests of this crate, one binary.

mod checker;
mod crowd_at_the_door;
mod history;
mod loadtest;
mod model;
mod story;
