//! `DATA/run/processes.json`: which processes run, and where they answer. Always whole (replaced, never written into)
//! and current; the same object as the ready line of `up --json`, but for the sign-in link. While a server is replaced
//! its lists are empty.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What runs. Keys are always there; what does not exist is null or empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// Always `ready`.
    pub event: String,
    /// Where people find the pages.
    pub public: String,
    /// The watch's own pages.
    pub watch: Option<String>,
    /// The status page.
    pub status: Option<String>,
    /// Internal listeners: loopback, for whoever has the operator's token.
    pub internal: ByRole<String>,
    /// Servers, for whoever passes the gateway by.
    pub servers: Vec<String>,
    /// Process ids.
    pub pids: Pids,
    /// Links to sign in with; never in the file.
    pub sign_in: Option<SignIn>,
    /// The data folder.
    pub data: PathBuf,
}

/// Something of each process of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByRole<T> {
    /// Of servers.
    pub server: Vec<T>,
    /// Of gateways.
    pub gateway: Vec<T>,
    /// Of watches.
    pub watch: Vec<T>,
}

/// Process ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pids {
    /// Of the supervisor.
    pub supervisor: u32,
    /// Of gateways.
    pub gateway: Vec<u32>,
    /// Of servers.
    pub server: Vec<u32>,
    /// Of watches.
    pub watch: Vec<u32>,
}

/// Links that sign somebody in once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The first administrator.
    pub admin: String,
}

fn path(data: &Path) -> PathBuf {
    data.join("run").join("processes.json")
}

impl Processes {
    /// As one line of JSON.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always make JSON")
    }

    /// Replaces the file; a reader sees the old one or the new one.
    pub fn save(&self, data: &Path) -> io::Result<()> {
        let path = path(data);
        let beside = path.with_extension("json.new");
        let kept = Self {
            sign_in: None,
            ..self.clone()
        };
        std::fs::write(&beside, kept.line() + "\n")?;
        std::fs::rename(beside, path)
    }

    /// What the file says; `None` without one. Whether those processes still run is another question: a supervisor
    /// that was killed could not take the file away.
    pub fn load(data: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path(data)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the file away: nothing runs any more.
    pub fn remove(data: &Path) -> io::Result<()> {
        match std::fs::remove_file(path(data)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The arguments of a running process, its name first; empty when it is gone or not ours to see.
pub fn arguments(pid: u32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// The ids of all processes on this machine.
pub fn all() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
