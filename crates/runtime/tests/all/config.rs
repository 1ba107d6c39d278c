//! An installation's configuration.

mod setting;
mod text;
