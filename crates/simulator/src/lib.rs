//! The simulator: the real engine on real SQLite in memory, with virtual time, seeded actors and injected faults, held
//! against a model after every step. In every other seed that SQLite behaves as PostgreSQL does for servers that share
//! it. The same seed, the same log. Ships to nobody.

pub mod actor;
pub mod chance;
pub mod checker;
pub mod fault;
pub mod gate;
pub mod log;
pub mod model;
pub mod people;
pub mod primary;
pub mod seed;
pub mod server;
pub mod simulation;
pub mod wish;
pub mod world;
