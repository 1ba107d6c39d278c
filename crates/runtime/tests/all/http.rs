//! What runtime gives every listener: problems, health, metrics text, traces, limits of connections.

mod edge;
mod listener;
mod metrics;
mod operator;
mod problem;
mod trace;
