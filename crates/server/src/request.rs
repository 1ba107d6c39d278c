//! How a request is read: strictly, once, and with an answer that names what is wrong. Nothing here knows what the
//! request is about.

pub mod arrival;
pub mod body;
pub mod client_network;
pub mod credential;
pub mod cursor;
pub mod edge;
pub mod fields;
pub mod idempotency_key;
pub mod path;
pub mod query;
