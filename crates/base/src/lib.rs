//! What every other crate may use: ids, time, limits and the three exits. A closed list of four files.
//!
//! Pure: no IO, no clock, no randomness. Whoever needs the present instant is handed `now`.

pub mod answer;
pub mod id;
pub mod limit;
pub mod time;
