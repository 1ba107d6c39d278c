//! A folder of its own for a test, gone at its end.

use std::path::{Path, PathBuf};

use runtime::entropy::Entropy;

pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-test-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
