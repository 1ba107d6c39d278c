//! The subcommands, a file each.

pub mod backup;
pub mod completions;
pub mod config;
pub mod export;
pub mod gateway;
pub mod import;
pub mod install;
pub mod keys;
pub mod loadtest;
pub mod man;
pub mod messages;
pub mod migrate;
pub mod ps;
pub mod resident;
pub mod restore;
pub mod server;
pub mod stop;
pub mod support_bundle;
pub mod up;
pub mod verify;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use database::Database;

use crate::configuration;
use crate::exit::CouldNotLook;

/// Where a server looks for what is free.
#[derive(Args)]
pub struct ReadReplica {
    /// Servers that follow the PostgreSQL of --database: what is free is read there, with its age, and nothing is decided
    /// there; better in `EVENKEEL_READ_REPLICA` or `database.read-replica`
    #[arg(long, value_name = "URL")]
    pub read_replica: Option<String>,
}

impl ReadReplica {
    /// What a server is told, since arguments can be read by everybody on the machine.
    pub fn environment(&self) -> Option<(OsString, OsString)> {
        let url = self.read_replica.as_ref()?;
        Some((configuration::REPLICA.into(), url.into()))
    }
}

/// Which installation is meant.
#[derive(Args)]
pub struct Data {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./evenkeel-data")]
    pub data: PathBuf,
    /// PostgreSQL instead of a file in the data folder: postgres://USER:PASSWORD@HOST:PORT/DATABASE; better in
    /// `EVENKEEL_DATABASE` or `database.url`, where others on this machine cannot read it
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

impl Data {
    /// Where its rows are.
    pub fn database(&self) -> anyhow::Result<Database> {
        configuration::database(&self.data, self.database.as_deref())
    }

    /// The same, with its read replica.
    pub fn database_with(&self, replica: &ReadReplica) -> anyhow::Result<Database> {
        configuration::with_replica(self.database()?, &self.data, replica.read_replica.as_deref())
    }

    /// What a process that works on the same rows is told, since arguments can be read by everybody on the machine.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let given = self
            .database
            .as_ref()
            .map(|url| (configuration::DATABASE.into(), url.into()));
        given.into_iter().collect()
    }

    /// The same, where there are any.
    pub fn existing(&self) -> anyhow::Result<Database> {
        let database = self.database()?;
        if database.path().is_some_and(|file| !file.is_file()) {
            return Err(CouldNotLook(format!("there is no database in {}", self.data.display())).into());
        }
        Ok(database)
    }
}
