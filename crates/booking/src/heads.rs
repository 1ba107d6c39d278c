//! `DATA/heads`: where each audit chain ended when it was last looked at, in small files beside the database, on disk.
//! A database that has less than its heads was cut: its log lost its end, or an older file was put in its place. That is
//! found at start and by `verify`, with the events that are missing. See docs/adr/0005-heads-beside-the-database.md.
//!
//! Knows nothing of what the events say.

use crate::move_pause;
use crate::records::audit::{self, Head, Link};
use crate::records::identity;
use crate::sealing::committed;
use base::time::Timestamp;
use database::{Broken, Connection, Database, Transaction};
use runtime::entropy::Entropy;
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder beside `evenkeel.sqlite`.
const FOLDER: &str = "heads";
/// The database's own name without its ending.
const DATABASE: &str = "evenkeel";

/// The end of a chain, as its file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The chain's name, which is the file's.
    pub chain: String,
    /// Where it ended.
    pub head: Head,
    /// When that was looked at.
    pub at: Timestamp,
}

/// A head's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// The file system said no.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is not of our making.
    #[error("{} is no chain's head: expected a number, 64 hexadecimal digits and an instant", .0.display())]
    Malformed(PathBuf),
}

/// What a chain has lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where it ended once.
    pub recorded: Recorded,
    /// The first event that is missing.
    pub first: i64,
    /// How many are missing; 0 where none is, but the last one is another than it was.
    pub count: u32,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Recorded { chain, head, at } = &self.recorded;
        match self.count {
            0 => write!(
                f,
                "chain {chain}: event {} is not the one that was there at {at}",
                head.sequence
            ),
            1 => write!(
                f,
                "chain {chain}: event {} is missing, which was there at {at}",
                head.sequence
            ),
            _ => write!(
                f,
                "chain {chain}: events {} to {} are missing, which were there at {at}",
                self.first, head.sequence
            ),
        }
    }
}

/// Where the heads of a database lie.
pub fn folder_of(database: &Path) -> PathBuf {
    if database.file_stem().is_some_and(|stem| stem == DATABASE) {
        database.with_file_name(FOLDER)
    } else {
        // Several databases in one folder, as tests have them.
        database.with_extension(FOLDER)
    }
}

/// Where the heads of this database lie: beside its file; of one on other machines in the installation's own folder,
/// under the jurisdiction's name.
pub fn folder(database: &Database, connection: &mut Connection) -> Result<Option<PathBuf>, Broken> {
    if let Some(file) = database.path() {
        return Ok(Some(folder_of(file)));
    }
    let Some(folder) = database.folder() else {
        return Ok(None);
    };
    let id = identity::load(&mut connection.begin_read()?)?;
    let digits = |id: [u8; 16]| {
        id[..4]
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    Ok(id.map(|id| folder.join(format!("{FOLDER}-{}", digits(id)))))
}

/// Gives the jurisdiction's rows a name, where they need one and have none.
pub(crate) fn name(database: &Database, connection: &mut Connection, entropy: &Entropy) -> Result<(), Broken> {
    // A file has one for the day on which it moves to where it is needed.
    let is_kept = database.path().is_some() || database.folder().is_some();
    if !is_kept || identity::load(&mut connection.begin_read()?)?.is_some() {
        return Ok(());
    }
    let mut id = [0; 16];
    entropy.fill(&mut id);
    // While the jurisdiction moves nobody writes; the next start will.
    let Ok(mut tx) = move_pause::begin_or_say(connection)? else {
        return Ok(());
    };
    identity::give(&mut tx, &id)?;
    committed(tx)
}

fn at(path: &Path) -> impl Fn(io::Error) -> HeadsError {
    let path = path.to_owned();
    move |source| HeadsError::Io {
        path: path.clone(),
        source,
    }
}

/// A file's name must be a chain's name and nothing else.
fn is_plain(chain: &str) -> bool {
    !chain.is_empty()
        && chain
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What is recorded: every head by chain, and what cannot be read. Nothing where there is no folder yet.
pub fn read(folder: &Path) -> (Vec<Recorded>, Vec<HeadsError>) {
    let (mut recorded, mut unreadable) = (Vec::new(), Vec::new());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return (recorded, unreadable),
        Err(error) => return (recorded, vec![at(folder)(error)]),
    };
    for entry in entries {
        let one = entry.map_err(at(folder)).map(|entry| {
            // Files half written begin with a dot.
            let name = entry.file_name();
            let chain = name.to_str().filter(|name| is_plain(name))?;
            Some(read_one(&entry.path(), chain))
        });
        match one {
            Ok(None) => {}
            Ok(Some(Ok(one))) => recorded.push(one),
            Ok(Some(Err(cause))) | Err(cause) => unreadable.push(cause),
        }
    }
    recorded.sort_by(|a, b| a.chain.cmp(&b.chain));
    (recorded, unreadable)
}

fn read_one(path: &Path, chain: &str) -> Result<Recorded, HeadsError> {
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    let read = || {
        let [sequence, hash, at] = *text.split_whitespace().collect::<Vec<_>>() else {
            return None;
        };
        let head = Head {
            sequence: sequence.parse().ok()?,
            hash: hash_of(hash)?,
        };
        Some(Recorded {
            chain: chain.to_owned(),
            head,
            at: Timestamp::parse(at)?,
        })
    };
    read().ok_or_else(|| HeadsError::Malformed(path.to_owned()))
}

fn hash_of(digits: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (n, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(hash)
}

/// Records where the chains end, on disk before it returns, and never less than is recorded. Answers how many files it
/// wrote, or nothing when another process is at it. Only what is committed may be recorded.
pub fn record(folder: &Path, heads: &[(String, Head)], now: Timestamp) -> Result<Option<usize>, HeadsError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(folder)(error)),
        _ => {}
    }
    let alone = File::open(folder).map_err(at(folder))?;
    match alone.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(at(folder)(error)),
    }
    let (recorded, _) = read(folder);
    let mut written = 0;
    for (chain, head) in heads.iter().filter(|(chain, _)| is_plain(chain)) {
        if recorded
            .iter()
            .any(|one| one.chain == *chain && one.head.sequence >= head.sequence)
        {
            continue;
        }
        write(folder, chain, head, now)?;
        written += 1;
    }
    if written > 0 {
        alone.sync_all().map_err(at(folder))?;
    }
    Ok(Some(written))
}

fn write(folder: &Path, chain: &str, head: &Head, now: Timestamp) -> Result<(), HeadsError> {
    let hash = head
        .hash
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let (path, beside) = (folder.join(chain), folder.join(format!(".{chain}")));
    let done = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(format!("{} {hash} {now}\n", head.sequence).as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, &path));
    done.map_err(at(&path))
}

/// What the database has lost of what is recorded.
pub fn gaps(tx: &mut Transaction<'_>, recorded: &[Recorded]) -> Result<Vec<Gap>, Broken> {
    let mut gaps = Vec::new();
    for one in recorded {
        let stored = audit::head(tx, &one.chain)?;
        let missing = one.head.sequence - stored.sequence;
        let is_there = audit::hash_of(tx, &one.chain, one.head.sequence)? == Some(one.head.hash);
        if missing > 0 || !is_there {
            gaps.push(Gap {
                recorded: one.clone(),
                first: stored.sequence + 1,
                count: u32::try_from(missing.max(0)).unwrap_or(u32::MAX),
            });
        }
    }
    Ok(gaps)
}

/// Looks for gaps at start. Each becomes an event of its chain, behind the events that are missing and hashing the last
/// of them, so that their numbers are never used again and the loss stays to be seen. Again finds nothing new.
pub(crate) fn check(connection: &mut Connection, recorded: &[Recorded], now: Timestamp) -> Result<Vec<Gap>, Broken> {
    if gaps(&mut connection.begin_read()?, recorded)?.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = move_pause::begin(connection)?;
    // Another server may have found it first.
    let gaps = gaps(&mut tx, recorded)?;
    for gap in &gaps {
        let chain = &gap.recorded.chain;
        let mut head = if gap.count == 0 {
            audit::head(&mut tx, chain)?
        } else {
            gap.recorded.head
        };
        let event = AuditEvent {
            kind: AuditKind::GapFound,
            subject: Subject::Jurisdiction,
            slot: None,
            at: now,
            count: gap.count,
        };
        audit::insert(&mut tx, [&Link::forge(chain, &mut head, &event, None, 0, None)])?;
    }
    committed(tx)?;
    Ok(gaps)
}
