//! How requests are read.

mod cursor;
mod fields;
mod query;
