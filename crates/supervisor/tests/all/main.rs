//! The tests of `supervisor`, one module per file of `src`. The children here are small shell scripts; the real server
//! is restarted and killed in the command line's tests.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail where it stands"
)]

mod child;
mod door;
mod folder;
mod handover;
mod installation;
mod instance;
mod look;
mod port_holder;
mod probe;
mod processes;
mod pulse;
mod restart;
