//! Tests of the engine on real SQLite.

mod engine;
mod site;
mod verify;
