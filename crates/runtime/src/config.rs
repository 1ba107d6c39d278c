//! An installation's configuration.

pub mod setting;
pub mod text;
