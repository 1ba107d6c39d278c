//! A folder of its own for a test, gone at its end; and scripts in it that stand in for a server.

use std::fs::{OpenOptions, read_to_string};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use runtime::entropy::Entropy;

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
