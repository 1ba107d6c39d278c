//! An installation's configuration.

mod setting;
