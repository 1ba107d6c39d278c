//! Files below a root, which is `/` but for a trial: made, replaced and removed one by one, or only spoken of.

use std::fmt;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where files go.
pub struct Place {
    /// Stands before every path.
    pub root: PathBuf,
    /// Whether to change nothing and only say what would be done.
    pub dry: bool,
}

/// What was done with a file, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It was not there.
    Made,
    /// It was another one.
    Replaced,
    /// It is as it should be, or not ours to touch.
    Kept,
    /// It is gone.
    Removed,
    /// It was not there to be removed.
    Absent,
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Made => "made",
            Self::Replaced => "replaced",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Absent => "absent",
        })
    }
}

impl Place {
    fn real(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether something is there.
    pub fn has(&self, path: &Path) -> bool {
        self.real(path).symlink_metadata().is_ok()
    }

    /// Makes the file so; a reader, or the kernel that runs it, sees the old one or the new one.
    pub fn write(&self, path: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<Did> {
        let real = self.real(path);
        let did = match std::fs::read(&real) {
            Ok(found) if found == bytes && has_mode(&real, mode) => return Ok(Did::Kept),
            Ok(_) => Did::Replaced,
            Err(error) if error.kind() == ErrorKind::NotFound => Did::Made,
            Err(error) => return Err(error).with_context(|| real.display().to_string()),
        };
        if !self.dry {
            write_whole(&real, mode, bytes).with_context(|| real.display().to_string())?;
        }
        Ok(did)
    }

    /// Makes the file where it is missing.
    pub fn write_once(&self, path: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<Did> {
        if self.has(path) {
            return Ok(Did::Kept);
        }
        self.write(path, mode, bytes)
    }

    /// Makes the folder where it is missing, and those above it.
    pub fn folder(&self, path: &Path, mode: u32) -> anyhow::Result<Did> {
        let real = self.real(path);
        if self.has(path) {
            return Ok(Did::Kept);
        }
        if !self.dry {
            make_above(&real)
                .and_then(|()| DirBuilder::new().mode(mode).create(&real))
                .with_context(|| real.display().to_string())?;
        }
        Ok(Did::Made)
    }

    /// Makes a link where nothing is.
    pub fn link(&self, path: &Path, to: &Path) -> anyhow::Result<Did> {
        if self.has(path) {
            return Ok(Did::Kept);
        }
        let real = self.real(path);
        if !self.dry {
            symlink(to, &real).with_context(|| real.display().to_string())?;
        }
        Ok(Did::Made)
    }

    /// Gives it to a user and a group, where they are known.
    pub fn give(&self, path: &Path, to: Option<(Option<u32>, Option<u32>)>) -> anyhow::Result<()> {
        let real = self.real(path);
        if let (Some((user, group)), false) = (to, self.dry) {
            chown(&real, user, group).with_context(|| real.display().to_string())?;
        }
        Ok(())
    }

    /// Removes the file.
    pub fn remove(&self, path: &Path) -> anyhow::Result<Did> {
        if !self.has(path) {
            return Ok(Did::Absent);
        }
        let real = self.real(path);
        if !self.dry {
            std::fs::remove_file(&real).with_context(|| real.display().to_string())?;
        }
        Ok(Did::Removed)
    }
}

fn has_mode(path: &Path, mode: u32) -> bool {
    path.metadata()
        .is_ok_and(|about| about.permissions().mode() & 0o7777 == mode)
}

/// Folders on the way are everybody's to pass.
fn make_above(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(above) if !above.exists() => {
            make_above(above)?;
            DirBuilder::new().mode(0o755).create(above)
        }
        _ => Ok(()),
    }
}

fn write_whole(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    make_above(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)?;
    file.write_all(bytes)?;
    // Whatever the umask took away.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
