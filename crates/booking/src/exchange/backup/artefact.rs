//! The file of a backup, byte by byte:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `EVENKEEL` |
//! | 4 | format, big end first; the layout up to the first checksum is the same in every format |
//! | 4 | length of the header |
//! | 8 | length of the whole file |
//! | … | the header, JSON: [`Header`] |
//! | 32 | SHA-256 of everything before |
//! | … | the SQLite file, one zstd frame |
//! | 32 | SHA-256 of everything before |
//!
//! Written and read in pieces: a database is larger than memory. Keeps that nothing is used of a file before all of it
//! was read and found whole, and that what is wrong with one is told by name.

use super::{BackupError, Step, Watch, io};
use crate::records::audit::Head;
use base::time::Timestamp;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::secret::key_check::{KeyCheck, KeyMissing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"EVENKEEL";
/// The format that is written here, and the latest that is read.
pub const FORMAT: u32 = 1;
const FIXED: usize = 8 + 4 + 4 + 8;
const HASH: usize = 32;
/// A header names tables, chains and keys: some kilobytes.
const HEADER_BYTES_MAX: u32 = 4 << 20;
/// Read and written at once.
const PIECE: usize = 256 * 1024;
/// zstd's fastest: what is sealed does not become shorter anyway, and the processor is the bookings'.
const LEVEL: i32 = 1;
/// Where the sample is sealed for, and what it says.
const SAMPLE: (&str, &str, &[u8]) = ("backup", "sample", b"this key opens it");

/// Where a chain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadNote {
    /// Of the last event.
    pub sequence: i64,
    /// Of the last event, in hexadecimal.
    pub hash: String,
    /// When the last event was.
    pub at: String,
}

impl HeadNote {
    pub(in crate::exchange) fn new(head: Head, at: Timestamp) -> Self {
        Self {
            sequence: head.sequence,
            hash: hex(&head.hash),
            at: at.to_string(),
        }
    }
}

/// What a backup says of itself. No personal data, and no key. A later version may say more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that made it.
    pub product: String,
    /// The version of its schema.
    pub schema: i64,
    /// Its moment: everything acknowledged before is in it.
    pub made_at: String,
    /// The same, in microseconds since 1970.
    pub made_at_micros: i64,
    /// Whose it is.
    pub jurisdiction: String,
    /// The keys that it takes to open it, oldest first.
    pub keys: Vec<KeyCheck>,
    /// Something sealed, to try the keys on; in hexadecimal.
    pub sample: String,
    /// Where each audit chain ends.
    pub heads: BTreeMap<String, HeadNote>,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Length of the database once unpacked.
    pub database_bytes: u64,
}

impl Header {
    /// Its moment.
    pub fn made_at(&self) -> Timestamp {
        Timestamp::from_micros(self.made_at_micros)
    }
    /// When the last event in it happened, if any did.
    pub fn last_event_at(&self) -> Option<Timestamp> {
        self.heads.values().filter_map(|head| Timestamp::parse(&head.at)).max()
    }
    /// The numbers of its keys, for a person.
    pub fn key_numbers(&self) -> String {
        let numbers: Vec<String> = self.keys.iter().map(|key| key.id.to_string()).collect();
        numbers.join(", ")
    }
}

/// Length and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its length.
    pub bytes: u64,
    /// The checksum at its end, in hexadecimal.
    pub sha256: String,
}

/// Why a file is not used. Nothing was touched.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Something else.
    #[error("{0} is not a backup of Evenkeel")]
    NotABackup(String),
    /// Its end is missing.
    #[error("{file} is cut off: {there} bytes of {wanted} are there")]
    Cut {
        /// Which.
        file: String,
        /// Bytes there are.
        there: u64,
        /// Bytes there should be.
        wanted: u64,
    },
    /// It has changed since it was written.
    #[error("{file} is damaged: the checksum of {part} does not agree")]
    Damaged {
        /// Which.
        file: String,
        /// Of what.
        part: &'static str,
    },
    /// It was made by a newer program.
    #[error("{file} is of backup format {found}, this program knows formats up to {FORMAT}: use the newer program")]
    NewerFormat {
        /// Which.
        file: String,
        /// Its format.
        found: u32,
    },
    /// Its data is of a newer program.
    #[error("{file} holds data of schema {found}, this program knows schemas up to {known}: use the newer program")]
    NewerSchema {
        /// Which.
        file: String,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It cannot be opened with the keys that are there.
    #[error("the keys do not open {file}, which needs key {needed}: {why}")]
    Keys {
        /// Which.
        file: String,
        /// All that it needs.
        needed: String,
        /// What is wrong with ours.
        why: String,
    },
    /// It cannot be read.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// Which.
        file: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// We were told to stop.
    #[error("stopped")]
    Stopped,
}

/// Seals something small, for whoever has to try keys.
pub(super) fn seal_sample(keys: &KeyRing, entropy: &Entropy, made_at: Timestamp) -> String {
    hex(&keys.seal(entropy, SAMPLE.0, SAMPLE.1, &made_at.micros().to_be_bytes(), SAMPLE.2))
}

/// Packs a database into a new file, down to the disk; readable by its owner only.
pub(super) fn write(header: &Header, database: &Path, to: &Path, watch: Watch<'_>) -> Result<Written, BackupError> {
    let json = serde_json::to_vec(header).expect("a header is plain values");
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    let mut file = options.map_err(io(to))?;
    // Its length is known at the end only; the beginning is written once more then.
    file.write_all(&beginning(&json, 0)).map_err(io(to))?;
    pack(database, &mut file, to, header.database_bytes, watch)?;
    let mut finish = || -> std::io::Result<u64> {
        let bytes = file.stream_position()? + HASH as u64;
        file.rewind()?;
        file.write_all(&beginning(&json, bytes))?;
        file.rewind()?;
        Ok(bytes)
    };
    let bytes = finish().map_err(io(to))?;
    // Read once more, so that the checksum is of what was written and not of what should have been.
    let hash = hash(&mut file, bytes - HASH as u64, watch).map_err(|error| match error {
        Some(error) => io(to)(error),
        None => BackupError::Stopped,
    })?;
    let mut seal = || -> std::io::Result<()> {
        file.seek(SeekFrom::End(0))?;
        file.write_all(&hash)?;
        file.sync_all()
    };
    seal().map_err(io(to))?;
    Ok(Written {
        bytes,
        sha256: hex(&hash),
    })
}

fn beginning(json: &[u8], bytes: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIXED + json.len() + HASH);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_be_bytes());
    out.extend_from_slice(&(json.len() as u32).to_be_bytes());
    out.extend_from_slice(&bytes.to_be_bytes());
    out.extend_from_slice(json);
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out
}

fn pack(database: &Path, to: &mut File, path: &Path, total: u64, watch: Watch<'_>) -> Result<(), BackupError> {
    let mut from = File::open(database).map_err(io(database))?;
    let mut packer = zstd::stream::write::Encoder::new(to, LEVEL).map_err(io(path))?;
    let (mut piece, mut done) = (vec![0; PIECE], 0);
    loop {
        let n = from.read(&mut piece).map_err(io(database))?;
        if n == 0 {
            break;
        }
        packer.write_all(&piece[..n]).map_err(io(path))?;
        done += n as u64;
        if watch(Step::Packing, done, total).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    packer.finish().map(|_| ()).map_err(io(path))
}

/// SHA-256 of the next `bytes`. The error is none when the watcher said stop.
fn hash(file: &mut File, bytes: u64, watch: Watch<'_>) -> Result<[u8; 32], Option<std::io::Error>> {
    let (mut hash, mut piece, mut done) = (Sha256::new(), vec![0; PIECE], 0);
    while done < bytes {
        let most = PIECE.min((bytes - done) as usize);
        file.read_exact(&mut piece[..most]).map_err(Some)?;
        hash.update(&piece[..most]);
        done += most as u64;
        if watch(Step::Checking, done, bytes).is_break() {
            return Err(None);
        }
    }
    Ok(hash.finalize().into())
}

/// A file that is a whole backup.
#[derive(Debug)]
pub struct Artefact {
    /// What it says of itself.
    pub header: Header,
    /// Its length and checksum.
    pub written: Written,
    path: PathBuf,
    /// What it is called in messages.
    file: String,
    body_at: u64,
}

impl Artefact {
    /// Reads a file to its end and looks whether it is a whole backup. `file` is what messages call it.
    pub fn open(path: &Path, file: &str, watch: Watch<'_>) -> Result<Self, Unusable> {
        let unread = |source| Unusable::Io {
            file: file.to_owned(),
            source,
        };
        let mut open = File::open(path).map_err(unread)?;
        let there = open.metadata().map_err(unread)?.len();
        let beginning = Beginning::read(&mut open, there, file)?;
        if there < beginning.bytes {
            return Err(Unusable::Cut {
                file: file.to_owned(),
                there,
                wanted: beginning.bytes,
            });
        }
        let damaged = || Unusable::Damaged {
            file: file.to_owned(),
            part: "the whole file",
        };
        if there > beginning.bytes || beginning.bytes < beginning.body_at + HASH as u64 {
            return Err(damaged());
        }
        open.rewind().map_err(unread)?;
        let found =
            hash(&mut open, there - HASH as u64, watch).map_err(|error| error.map_or(Unusable::Stopped, unread))?;
        let mut wanted = [0; HASH];
        open.read_exact(&mut wanted).map_err(unread)?;
        if found != wanted {
            return Err(damaged());
        }
        Ok(Self {
            header: beginning.header,
            written: Written {
                bytes: there,
                sha256: hex(&found),
            },
            path: path.to_owned(),
            file: file.to_owned(),
            body_at: beginning.body_at,
        })
    }

    /// Whether this program and these keys can use it. `keys_at` is where the keys were looked for.
    pub fn usable(&self, keys: &KeyRing, keys_at: &str) -> Result<(), Unusable> {
        let known = crate::records::MIGRATIONS
            .last()
            .map_or(0, |migration| migration.version);
        if self.header.schema > known {
            return Err(Unusable::NewerSchema {
                file: self.file.clone(),
                found: self.header.schema,
                known,
            });
        }
        let refused = |why: String| Unusable::Keys {
            file: self.file.clone(),
            needed: self.header.key_numbers(),
            why: format!("in {keys_at}, {why}"),
        };
        keys.has_all(&self.header.keys)
            .map_err(|missing: KeyMissing| refused(missing.to_string()))?;
        let sealed = unhex(&self.header.sample).unwrap_or_default();
        let place = self.header.made_at_micros.to_be_bytes();
        match keys.open(SAMPLE.0, SAMPLE.1, &place, &sealed) {
            Ok(opened) if opened == SAMPLE.2 => Ok(()),
            Ok(_) => Err(refused("they open something else".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Unpacks the database into a new file, readable by its owner only.
    pub fn unpack(&self, to: &Path, watch: Watch<'_>) -> Result<(), BackupError> {
        let mut file = File::open(&self.path).map_err(io(&self.path))?;
        file.seek(SeekFrom::Start(self.body_at)).map_err(io(&self.path))?;
        let body = BufReader::new(file.take(self.written.bytes - HASH as u64 - self.body_at));
        let mut unpacked = zstd::stream::read::Decoder::with_buffer(body)
            .map_err(io(&self.path))?
            .single_frame();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        let mut target = made.map_err(io(to))?;
        let (mut piece, mut done) = (vec![0; PIECE], 0);
        loop {
            let n = unpacked.read(&mut piece).map_err(io(&self.path))?;
            if n == 0 {
                break;
            }
            target.write_all(&piece[..n]).map_err(io(to))?;
            done += n as u64;
            if watch(Step::Unpacking, done, self.header.database_bytes).is_break() {
                return Err(BackupError::Stopped);
            }
        }
        target.sync_all().map_err(io(to))
    }
}

struct Beginning {
    header: Header,
    bytes: u64,
    body_at: u64,
}

impl Beginning {
    fn read(open: &mut File, there: u64, file: &str) -> Result<Self, Unusable> {
        let unread = |source| Unusable::Io {
            file: file.to_owned(),
            source,
        };
        let damaged = || Unusable::Damaged {
            file: file.to_owned(),
            part: "its header",
        };
        let cut = |wanted| Unusable::Cut {
            file: file.to_owned(),
            there,
            wanted,
        };
        let mut fixed = [0; FIXED];
        let first = there.min(FIXED as u64) as usize;
        open.read_exact(&mut fixed[..first]).map_err(unread)?;
        let magic = first.min(MAGIC.len());
        if magic == 0 || fixed[..magic] != MAGIC[..magic] {
            return Err(Unusable::NotABackup(file.to_owned()));
        }
        if first < FIXED {
            return Err(cut(FIXED as u64));
        }
        let number = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let (format, length) = (number(8), number(12));
        let bytes = (u64::from(number(16)) << 32) | u64::from(number(20));
        if length > HEADER_BYTES_MAX {
            return Err(damaged());
        }
        let body_at = (FIXED + HASH) as u64 + u64::from(length);
        if there < body_at {
            return Err(if there < bytes { cut(bytes) } else { damaged() });
        }
        let (mut json, mut wanted) = (vec![0; length as usize], [0; HASH]);
        open.read_exact(&mut json).map_err(unread)?;
        open.read_exact(&mut wanted).map_err(unread)?;
        let found: [u8; HASH] = Sha256::new().chain_update(fixed).chain_update(&json).finalize().into();
        if found != wanted {
            return Err(damaged());
        }
        if format > FORMAT {
            return Err(Unusable::NewerFormat {
                file: file.to_owned(),
                found: format,
            });
        }
        let header = serde_json::from_slice(&json).map_err(|_| damaged())?;
        Ok(Self { header, bytes, body_at })
    }
}

/// Whether a file begins as a backup does: such a file may be replaced by another backup.
pub fn begins_like_one(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *MAGIC
}

pub(in crate::exchange) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() {
        pairs.iter().map(byte).collect()
    } else {
        None
    }
}
