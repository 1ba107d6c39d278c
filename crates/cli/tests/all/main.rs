//! The tests of the command line, with the real program: one module per subject.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail where it stands"
)]

mod backup;
mod configuration;
mod hung;
mod import;
mod install;
mod installed;
mod keys;
mod loadtest;
mod processes;
mod resident;
mod support_bundle;
mod words;
