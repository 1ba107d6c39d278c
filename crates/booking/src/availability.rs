//! What is free, from memory: an immutable snapshot, and the feed that keeps it current.

pub mod beat;
pub mod change_feed;
pub mod replica;
pub mod snapshot;
