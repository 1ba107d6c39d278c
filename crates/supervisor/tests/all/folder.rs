//! A folder of its own for a test, gone at its end; scripts in it that stand in for a server; waiting for something.

use std::fs::{OpenOptions, read_to_string};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runtime::entropy::Entropy;

pub const SOON: Duration = Duration::from_secs(20);

/// Polls a condition, for [`SOON`] at most.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let poll = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, poll)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-test-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir_all(path.join("run")).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// An executable script.
    pub fn script(&self, body: &str) -> PathBuf {
        let path = self.0.join("server.sh");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&path)
            .unwrap();
        file.write_all(format!("#!/bin/sh\n{body}\n").as_bytes()).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Option<String> {
        read_to_string(self.0.join(name)).ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
