//! HTTP plumbing that every process of ours shares: accepting, refusing, tracing, counting, and saying how it is.

pub mod door;
pub mod edge;
pub mod health;
pub mod listener;
pub mod metrics;
pub mod operator;
pub mod problem;
pub mod trace;
