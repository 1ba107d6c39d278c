//! The key file: made once, read, added to. Whoever reads sees a whole file or the one before; whoever writes is alone.
//! Every change is on disk before it is told. Doesn't know what is derived from a key.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::time::Timestamp;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::entropy::Entropy;

/// The file in the keys' folder.
pub const KEY_FILE: &str = "master.key";
/// Its first line, for whoever opens it.
const HEADER: &str = "# Evenkeel's keys, one a line: number, 32 bytes. Copy this file off this machine: a backup without it \
                      cannot be read.\n";
pub(super) const KEY_BYTES: usize = 32;
/// Adding a key takes milliseconds; whoever waits longer for another who does so is told.
const ALONE_WITHIN: Duration = Duration::from_secs(5);
const ALONE_LOOK: Duration = Duration::from_millis(10);

/// The keys cannot be used. The text names the fix.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Somebody else may read or replace the keys.
    #[error("{path} is open to others (mode {mode:04o}): run `chmod {fix:o} {path}`, then ask whether the keys leaked", path = path.display())]
    OpenToOthers {
        /// Which file or folder.
        path: PathBuf,
        /// Its mode now.
        mode: u32,
        /// The mode it should have.
        fix: u32,
    },
    /// The file is not a key file of ours.
    #[error("{path}, line {line}: expected a key's number and 64 hexadecimal digits; put back the copy you kept", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is none.
    #[error("there is no key file {}: put back the copy you kept", .0.display())]
    Missing(PathBuf),
    /// A key that was there is not there any more, or is another.
    #[error("{path} has lost key {id}: put back the copy you kept", path = path.display())]
    Lost {
        /// Which file.
        path: PathBuf,
        /// Which key.
        id: u32,
    },
    /// Somebody else is at it.
    #[error("{} is being changed by another process: try again", .0.display())]
    Taken(PathBuf),
    /// What should be retired is in use, or does not exist.
    #[error("key {0} cannot be retired: only a key that was followed by a newer one can be")]
    InUse(u32),
}

/// One key as it stands in the file.
pub(super) struct Line {
    pub id: u32,
    pub key: Zeroizing<[u8; KEY_BYTES]>,
    /// When it was made; the first key of an installation of 0.1 does not say.
    pub made_at: Option<Timestamp>,
    /// Links made with it open nothing any more.
    pub retired: bool,
}

/// What tells a changed file from the same one: a replaced file is another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Self, KeyError> {
        let metadata = path.metadata().map_err(at(path))?;
        Ok(Self {
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            bytes: metadata.len(),
        })
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| match source.kind() {
        ErrorKind::NotFound => KeyError::Missing(path.clone()),
        _ => KeyError::Io {
            path: path.clone(),
            source,
        },
    }
}

/// Makes the folder (mode 0700) and the first key (mode 0600, on disk before this returns) where there are none. Two
/// processes that start at once get the same key.
pub(super) fn ensure(dir: &Path, entropy: &Entropy) -> Result<(), KeyError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(dir)(error)),
        _ => {}
    }
    let path = dir.join(KEY_FILE);
    if path.try_exists().map_err(at(&path))? {
        return Ok(());
    }
    let text = Zeroizing::new(format!("{HEADER}{}", line_text(1, entropy).as_str()));
    let beside = beside(dir, entropy);
    write_new(&beside, text.as_bytes()).map_err(at(&path))?;
    link(&beside, &path)
        .and_then(|()| parent_synced(dir))
        .map_err(at(&path))
}

/// Reads the keys, in their order. Refuses what others may read or replace.
pub(super) fn read(dir: &Path) -> Result<Vec<Line>, KeyError> {
    let path = dir.join(KEY_FILE);
    parse(&text(dir)?).map_err(|line| KeyError::Malformed { path, line })
}

fn text(dir: &Path) -> Result<Zeroizing<String>, KeyError> {
    let path = dir.join(KEY_FILE);
    if !path.try_exists().map_err(at(&path))? {
        return Err(KeyError::Missing(path));
    }
    refuse_mode(dir, 0o022, 0o700)?;
    refuse_mode(&path, 0o077, 0o600)?;
    std::fs::read_to_string(&path).map(Zeroizing::new).map_err(at(&path))
}

/// The error is the number of the line that is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, usize> {
    let mut keys: Vec<Line> = Vec::new();
    let (mut made, mut retired) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        if let Some(note) = line.strip_prefix('#') {
            match *note.split_whitespace().collect::<Vec<_>>() {
                [id, "made", at] => made.extend(id.parse::<u32>().ok().zip(Timestamp::parse(at))),
                [id, "retired", _] => retired.extend(id.parse::<u32>()),
                _ => {}
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (id, digits) = line.split_once(' ').ok_or(n + 1)?;
        let id: u32 = id.parse().map_err(|_| n + 1)?;
        let mut key = Zeroizing::new([0u8; KEY_BYTES]);
        hex::decode_to_slice(digits.trim_end(), key.as_mut_slice()).map_err(|_| n + 1)?;
        if keys.last().is_some_and(|last| last.id >= id) {
            return Err(n + 1);
        }
        keys.push(Line {
            id,
            key,
            made_at: None,
            retired: false,
        });
    }
    for key in &mut keys {
        key.made_at = made.iter().find(|(id, _)| *id == key.id).map(|(_, at)| *at);
        key.retired = retired.contains(&key.id);
    }
    if keys.is_empty() {
        Err(text.lines().count().max(1))
    } else {
        Ok(keys)
    }
}

fn line_text(id: u32, entropy: &Entropy) -> Zeroizing<String> {
    let mut key = Zeroizing::new([0u8; KEY_BYTES]);
    entropy.fill(key.as_mut_slice());
    let digits = Zeroizing::new(hex::encode(key.as_slice()));
    Zeroizing::new(format!(
        "# {id} made {}\n{id} {}\n",
        Clock::real().now(),
        digits.as_str()
    ))
}

/// Adds a key, which from now on is the one for new values. Answers its number.
pub fn rotate(dir: &Path, entropy: &Entropy) -> Result<u32, KeyError> {
    let path = dir.join(KEY_FILE);
    let _alone = alone(dir)?;
    let text = text(dir)?;
    let keys = parse(&text).map_err(|line| KeyError::Malformed {
        path: path.clone(),
        line,
    })?;
    let id = keys.last().map_or(1, |last| last.id + 1);
    append(dir, &text, &line_text(id, entropy), entropy)?;
    Ok(id)
}

/// From now on links that were made with this key open nothing. What it sealed still opens. Again has no effect.
pub fn retire(dir: &Path, id: u32, entropy: &Entropy) -> Result<(), KeyError> {
    let path = dir.join(KEY_FILE);
    let _alone = alone(dir)?;
    let text = text(dir)?;
    let keys = parse(&text).map_err(|line| KeyError::Malformed { path, line })?;
    let newest = keys.last().map_or(0, |last| last.id);
    match keys.iter().find(|key| key.id == id) {
        Some(key) if key.retired => Ok(()),
        Some(key) if key.id != newest => append(
            dir,
            &text,
            &format!("# {id} retired {}\n", Clock::real().now()),
            entropy,
        ),
        _ => Err(KeyError::InUse(id)),
    }
}

/// The whole file anew beside its place, then in its place, so that a crash leaves the old one or the new one.
fn append(dir: &Path, text: &str, more: &str, entropy: &Entropy) -> Result<(), KeyError> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let whole = Zeroizing::new(format!("{text}{end}{more}"));
    let (path, beside) = (dir.join(KEY_FILE), beside(dir, entropy));
    let replaced = write_new(&beside, whole.as_bytes())
        .and_then(|()| std::fs::rename(&beside, &path))
        .and_then(|()| sync_dir(dir));
    if replaced.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    replaced.map_err(at(&path))
}

/// Held for as long as what it gives back lives.
fn alone(dir: &Path) -> Result<File, KeyError> {
    let folder = File::open(dir).map_err(at(dir))?;
    let clock = Clock::real();
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) if clock.monotonic() < ALONE_WITHIN => clock.sleep_blocking(ALONE_LOOK),
            Err(TryLockError::WouldBlock) => return Err(KeyError::Taken(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(at(dir)(error)),
        }
    }
}

fn beside(dir: &Path, entropy: &Entropy) -> PathBuf {
    dir.join(format!(".{KEY_FILE}.{:032x}", entropy.bits128()))
}

pub(super) fn refuse_mode(path: &Path, forbidden: u32, fix: u32) -> Result<(), KeyError> {
    let mode = path.metadata().map_err(at(path))?.permissions().mode() & 0o7777;
    if mode & forbidden == 0 {
        Ok(())
    } else {
        Err(KeyError::OpenToOthers {
            path: path.to_owned(),
            mode,
            fix,
        })
    }
}

/// Puts a file that was written beside its place into it, unless there is one: of two makers only one wins.
pub(super) fn link(beside: &Path, path: &Path) -> io::Result<()> {
    let linked = std::fs::hard_link(beside, path);
    std::fs::remove_file(beside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    parent_synced(path)
}

fn parent_synced(path: &Path) -> io::Result<()> {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), sync_dir)
}

/// Writes a new file that only its owner can read, down to the disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The process's umask may have taken bits away, never added: say exactly what is meant.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
