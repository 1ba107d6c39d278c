//! The gateway in front of servers that misbehave, over real sockets.

mod misbehaving_server;
mod passing;
