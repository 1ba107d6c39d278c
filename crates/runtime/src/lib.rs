//! What the running process needs from outside: clock, entropy, secrets, tasks, signals, settings, logs, HTTP plumbing.
//!
//! One outside thing per file, and none of our nouns: nothing here knows what an appointment is.

pub mod clock;
pub mod config;
pub mod destination;
pub mod disk_space;
pub mod entropy;
pub mod error_kind;
pub mod hook;
pub mod http;
pub mod log_file;
pub mod log_line;
pub mod program;
pub mod redaction;
pub mod secret;
pub mod shortage;
pub mod shutdown;
pub mod task;
pub mod telemetry;
