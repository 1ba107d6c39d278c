//! The subcommands, a file each.

pub mod backup;
pub mod completions;
pub mod config;
pub mod export;
pub mod import;
pub mod install;
pub mod keys;
pub mod man;
pub mod messages;
pub mod ps;
pub mod resident;
pub mod restore;
pub mod server;
pub mod stop;
pub mod support_bundle;
pub mod up;
pub mod verify;

use std::path::PathBuf;

use clap::Args;

/// Which installation is meant.
#[derive(Args)]
pub struct Data {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./evenkeel-data")]
    pub data: PathBuf,
}
