//! Tests of messaging, against a mail server that misbehaves on a real socket.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop there"
)]

mod email;
mod folder;
mod outlet;
mod retry;
#[path = "../../../xtask/src/sink.rs"]
#[allow(dead_code, reason = "the suite `messages` uses all of it")]
mod sink;
mod smtp;
mod smtp_url;
