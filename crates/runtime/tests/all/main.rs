//! The tests of `runtime`, one module per file of `src`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail where it stands"
)]

mod clock;
mod config;
mod destination;
mod entropy;
mod error_kind;
mod folder;
mod hook;
mod http;
mod log_file;
mod log_line;
mod program;
mod redaction;
mod secret;
mod task;
