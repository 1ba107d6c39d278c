//! How requests are read.

mod client_network;
mod cursor;
mod fields;
mod query;
