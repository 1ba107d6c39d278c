//! An installation's configuration.

pub mod setting;
