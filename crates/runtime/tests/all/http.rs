//! HTTP plumbing.

mod listener;
mod metrics;
mod operator;
mod problem;
mod trace;
