//! The front door: passes what can be served, tells everybody else the truth on a light page. No database, and nothing of
//! appointments: it knows requests. Read `stack.rs` first.

pub mod certificate;
mod entrance;
mod internal;
pub mod layer;
pub mod limit;
pub mod process;
mod stack;
pub mod upstream;
mod visit;
