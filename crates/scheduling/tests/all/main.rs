//! Tests of the booking rules, without a database.

mod decide;
mod resident;
mod rules;
mod world;
