//! Files kept in a folder. A file comes to its name by renaming, after it is on disk; the folder itself is never made
//! here, because a folder that is missing is most often a disk that is not mounted.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DestinationError, Kept};

/// What a file is called until it is whole: hidden, and not what anybody looks for.
const UNFINISHED: &str = ".unfinished";
/// An unfinished file that nobody has written to for so long will not be finished.
const ABANDONED: Duration = Duration::from_hours(24);

/// A folder that keeps files.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn error(&self, name: &str, error: &io::Error) -> DestinationError {
        let missing = error.kind() == ErrorKind::NotFound && !self.0.is_dir();
        let cause = if missing {
            "this folder is not there (is its disk mounted?)".to_owned()
        } else {
            error.to_string()
        };
        let place = if missing { self.0.clone() } else { self.0.join(name) };
        DestinationError {
            place: place.display().to_string(),
            cause,
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Kept>, DestinationError> {
        let read = || -> io::Result<Vec<Kept>> {
            let mut kept = Vec::new();
            for entry in std::fs::read_dir(&self.0)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let data = entry.metadata()?;
                if data.is_file() && !name.starts_with('.') {
                    kept.push(Kept {
                        name,
                        bytes: data.len(),
                    });
                }
            }
            Ok(kept)
        };
        read().map_err(|error| self.error("", &error))
    }

    pub(super) fn put(&self, file: &Path, name: &str) -> Result<(), DestinationError> {
        self.keep(file, name).map_err(|error| self.error(name, &error))
    }

    fn keep(&self, file: &Path, name: &str) -> io::Result<()> {
        self.clear(file)?;
        let place = self.0.join(name);
        File::open(file)?.sync_all()?;
        match std::fs::rename(file, &place) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let beside = self.0.join(format!(".{name}{UNFINISHED}"));
                let copied = copy_synced(file, &beside).and_then(|()| std::fs::rename(&beside, &place));
                if copied.is_err() {
                    let _ = std::fs::remove_file(&beside);
                }
                copied?;
            }
            done => done?,
        }
        File::open(&self.0)?.sync_all()
    }

    /// Removes what was never finished. Now is when `file` was written, a moment ago.
    fn clear(&self, file: &Path) -> io::Result<()> {
        let now = file.metadata()?.modified()?;
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let abandoned = || -> io::Result<bool> {
                let written = entry.metadata()?.modified()?;
                Ok(now.duration_since(written).is_ok_and(|age| age > ABANDONED))
            };
            if name.starts_with('.') && name.ends_with(UNFINISHED) && abandoned().unwrap_or(false) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn fetch(&self, name: &str, to: &Path) -> Result<(), DestinationError> {
        copy_synced(&self.0.join(name), to).map_err(|error| self.error(name, &error))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DestinationError> {
        match std::fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.error(name, &error)),
            _ => Ok(()),
        }
    }

    pub(super) fn is_on_disk_of(&self, path: &Path) -> bool {
        let disk = |path: &Path| path.metadata().map(|data| data.dev()).ok();
        disk(&self.0).is_none_or(|own| Some(own) == disk(path))
    }
}

/// Copies a file down to the disk; readable by its owner only.
fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)?;
    // A file system that knows no modes (a memory stick) keeps what it keeps.
    let _ = target.set_permissions(Permissions::from_mode(0o600));
    io::copy(&mut from, &mut target)?;
    target.sync_all()
}
