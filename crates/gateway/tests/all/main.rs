//! The gateway in front of servers that misbehave, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cache;
mod entrance;
mod framing;
mod gate;
mod limits;
mod misbehaving_server;
mod passing;
mod tls;
