//! Mail as files, for a demonstration: each message as an `.eml` that any mail program opens, and beside it what a page
//! shows of it. The folder is its owner's alone (0700), and holds the last messages only.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use base::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::receipt::{Class, Receipt};

/// Messages kept: more than anybody looks at in a demonstration, about 10 MB.
const KEPT: usize = 500;

/// How many are written between two looks at what may go.
const PRUNED_EVERY: usize = 50;

/// A folder that mail is written to.
pub struct Folder {
    path: PathBuf,
    written: AtomicUsize,
}

/// A message in the folder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Names its files.
    pub name: String,
    /// When it was written, RFC 3339.
    pub at: String,
    /// Whom it is for.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Folder {
    /// Opens the folder, or makes it.
    pub fn open(path: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => std::fs::set_permissions(path, Permissions::from_mode(0o700))?,
        }
        Ok(Self {
            path: path.to_owned(),
            written: AtomicUsize::new(0),
        })
    }

    /// Writes one message. A second copy replaces the first: its name comes from its id.
    pub fn write(&self, email: &Email, bytes: &[u8]) -> Receipt {
        let written = self.try_write(email, bytes);
        if let Err(error) = &written {
            tracing::warn!(%error, "a demonstration's mail could not be written");
            return Receipt::again(Class::Disk, None);
        }
        Receipt::Delivered
    }

    fn try_write(&self, email: &Email, bytes: &[u8]) -> io::Result<()> {
        // By time first, so that names sort as the messages were written.
        let name = format!("{:016}-{}", email.at.micros().max(0), email.id);
        let kept = Kept {
            name: name.clone(),
            at: email.at.to_string(),
            to: email.to.clone(),
            subject: email.subject.clone(),
            text: email.text.clone(),
            html: email.html.clone(),
        };
        let shown = serde_json::to_vec(&kept).map_err(io::Error::other)?;
        self.replace(&format!("{name}.eml"), bytes)?;
        self.replace(&format!("{name}.json"), &shown)?;
        // Looking through the folder costs more than writing a mail.
        if self
            .written
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(PRUNED_EVERY)
        {
            self.prune()?;
        }
        Ok(())
    }

    /// Whole or not at all, however many look meanwhile.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(bytes)?;
        std::fs::rename(&beside, self.path.join(name))
    }

    fn prune(&self) -> io::Result<()> {
        let names = names(&self.path)?;
        for name in names.iter().take(names.len().saturating_sub(KEPT)) {
            for ending in ["eml", "json"] {
                match std::fs::remove_file(self.path.join(format!("{name}.{ending}"))) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Names of the messages in a folder, the oldest first; none where there is no folder.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(
            name.strip_suffix(".json")
                .filter(|name| is_name(name))
                .map(str::to_owned),
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// A name of ours: no other file is ever opened.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The last messages of a folder, the newest first.
pub fn list(folder: &Path, most: usize) -> io::Result<Vec<Kept>> {
    let names = names(folder)?;
    Ok(names
        .iter()
        .rev()
        .take(most)
        .filter_map(|name| one(folder, name))
        .collect())
}

/// One message of a folder.
pub fn one(folder: &Path, name: &str) -> Option<Kept> {
    if !is_name(name) {
        return None;
    }
    let bytes = std::fs::read(folder.join(format!("{name}.json"))).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The bytes of one message.
pub fn eml(folder: &Path, name: &str) -> Option<Vec<u8>> {
    if !is_name(name) {
        return None;
    }
    std::fs::read(folder.join(format!("{name}.eml"))).ok()
}

/// When a message was written.
pub fn written_at(kept: &Kept) -> Option<Timestamp> {
    Timestamp::parse(&kept.at)
}
