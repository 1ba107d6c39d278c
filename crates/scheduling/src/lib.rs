//! What may happen: the booking rules, decided in pure code. Values and `now` in, values out.
//!
//! Knows no storage, no HTTP, no clock and no chance; the same for every engine and for the simulator.

pub mod clinic;
pub mod command;
pub mod decide;
pub mod jurisdiction;
pub mod planted;
pub mod refusal;
pub mod resident;
pub mod rules;
pub mod working_set;
