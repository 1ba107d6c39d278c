//! What concerns a clinic: where it is, when it is open, its sessions, its slots.

pub mod location;
pub mod session;
pub mod session_plan;
pub mod slot;
pub mod split_mix;
