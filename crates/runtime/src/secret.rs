//! The installation's keys: one file, and what is derived from it: tokens, keyed hashes, sealed values.
//!
//! Keeps `links_are_personal` as far as it is a matter of secrets: a token is an HMAC over what it opens, never stored,
//! compared in constant time. Doesn't know what the tokens open. Losing the key file loses every sealed value.

pub mod key_check;

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes::cipher::BlockCipherEncrypt;
use aes::{Aes256, Block};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::Entropy;

/// The file in the keys' folder.
pub const KEY_FILE: &str = "master.key";
/// Its first line, for whoever opens it.
const HEADER: &str = "# Evenkeel's keys, one a line: number, 32 bytes. Copy this file off this machine: a backup without it \
                      cannot be read.\n";
const KEY_BYTES: usize = 32;
/// 144 bits: above the 128 that guessing must face (OWASP: at least 64), and 24 characters without padding.
const TOKEN_BYTES: usize = 18;
/// The first byte of a sealed value: how the rest is laid out.
const SEAL_VERSION: u8 = 1;
/// AES-GCM's nonce (NIST SP 800-38D §8.2.2, random: at most 2³² values under one key).
const NONCE_BYTES: usize = 12;
const SEAL_HEAD: usize = 1 + 4 + NONCE_BYTES;

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
}

/// A sealed value cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// Too short, or laid out in a way this version does not know.
    #[error("not a sealed value of a known layout")]
    Unknown,
    /// Sealed with a key that is not in the key file.
    #[error("sealed with key {0}, which is not in the key file")]
    NoKey(u32),
    /// Damaged, or moved from another table, column or row.
    #[error("damaged, or sealed for another place")]
    Wrong,
}

/// The installation's keys, cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    /// By number, growing; the last one is in use for new values.
    keys: Vec<Derived>,
}

/// What is derived from one key, kept ready: keying an HMAC costs as much as the token itself.
struct Derived {
    id: u32,
    tokens: Hmac<Sha256>,
    hashes: Hmac<Sha256>,
    small: Aes256,
    sealing: Aes256Gcm,
}

impl Derived {
    fn new(id: u32, key: &[u8; KEY_BYTES]) -> Self {
        let subkey = |purpose: &str| {
            let mut mac = keyed(key);
            mac.update(b"evenkeel/1/");
            mac.update(purpose.as_bytes());
            Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
        };
        let sealing = Aes256Gcm::new_from_slice(subkey("sealing").as_slice()).expect("32 bytes are a key of AES-256");
        Self {
            id,
            tokens: keyed(&subkey("tokens")),
            hashes: keyed(&subkey("hashes")),
            small: Aes256::new_from_slice(subkey("small").as_slice()).expect("32 bytes are a key of AES-256"),
            sealing,
        }
    }
}

fn keyed(key: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length")
}

/// Each part with its length before it, so that no two lists of parts look the same.
fn feed(mac: &mut Hmac<Sha256>, parts: &[&[u8]]) {
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
}

impl KeyRing {
    /// Opens the keys in `dir` (mode 0700), or makes the first one (mode 0600, on disk before this returns).
    /// Two processes that start at once get the same key.
    pub fn open_or_create(dir: &Path, entropy: &Entropy) -> Result<Self, KeyError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::Io { path, source }
        };
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(dir)(error)),
            _ => {}
        }
        refuse_mode(dir, 0o022, 0o700)?;
        let path = dir.join(KEY_FILE);
        if !path.try_exists().map_err(at(&path))? {
            create(dir, &path, entropy).map_err(at(&path))?;
        }
        refuse_mode(&path, 0o077, 0o600)?;
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(at(&path))?);
        Self::parse(&text).map_err(|line| KeyError::Malformed { path, line })
    }

    /// Keys that everybody knows: for tests only.
    pub fn for_tests() -> Self {
        Self(Arc::new(Ring {
            keys: vec![Derived::new(1, &[7; KEY_BYTES])],
        }))
    }

    /// The error is the number of the line that is wrong.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut keys: Vec<Derived> = Vec::new();
        for (n, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, digits) = line.split_once(' ').ok_or(n + 1)?;
            let id: u32 = id.parse().map_err(|_| n + 1)?;
            let mut key = Zeroizing::new([0u8; KEY_BYTES]);
            hex::decode_to_slice(digits.trim_end(), key.as_mut_slice()).map_err(|_| n + 1)?;
            if keys.last().is_some_and(|last| last.id >= id) {
                return Err(n + 1);
            }
            keys.push(Derived::new(id, &key));
        }
        if keys.is_empty() {
            Err(text.lines().count().max(1))
        } else {
            Ok(Self(Arc::new(Ring { keys })))
        }
    }

    fn current(&self) -> &Derived {
        self.0.keys.last().expect("a key ring has at least one key")
    }

    /// The number of the key that new values are made with.
    pub fn key_id(&self) -> u32 {
        self.current().id
    }

    /// The token that opens one thing: 24 characters of base64url. A raised generation makes all earlier ones void.
    pub fn token(&self, kind: &str, id: &[u8], generation: u32) -> String {
        URL_SAFE_NO_PAD.encode(token_bytes(self.current(), kind, id, generation))
    }

    /// Whether a presented token opens this thing, under any of our keys; takes as long for a wrong one as for a right.
    pub fn token_matches(&self, presented: &str, kind: &str, id: &[u8], generation: u32) -> bool {
        let mut given = [0u8; TOKEN_BYTES];
        if URL_SAFE_NO_PAD.decode_slice(presented.as_bytes(), &mut given) != Ok(TOKEN_BYTES) {
            return false;
        }
        let mut matches = Choice::from(0);
        for key in &self.0.keys {
            matches |= token_bytes(key, kind, id, generation).ct_eq(&given);
        }
        matches.into()
    }

    /// A hash that only this installation can compute: for finding sealed values again.
    pub fn keyed_hash(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.current().hashes.clone();
        feed(&mut mac, &[purpose.as_bytes(), bytes]);
        mac.finalize().into_bytes().into()
    }

    /// A function of small numbers that only this installation can compute, some nanoseconds each: for permuting what
    /// is said aloud. By the oldest key, so that what was said stays true after a rotation.
    pub fn keyed_small(&self, round: u8, number: u32) -> u32 {
        let mut block = Block::default();
        block[0] = round;
        block[1..5].copy_from_slice(&number.to_be_bytes());
        let oldest = self.0.keys.first().expect("a key ring has at least one key");
        oldest.small.encrypt_block(&mut block);
        u32::from_be_bytes([block[0], block[1], block[2], block[3]])
    }

    /// Seals a value for one column of one row: layout version, key number, nonce, then ciphertext with its tag.
    /// Moved elsewhere it does not open.
    pub fn seal(&self, entropy: &Entropy, table: &str, column: &str, row: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = self.current();
        let mut nonce = [0u8; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let place = place(table, column, row);
        let sealed = key
            .sealing
            .encrypt(
                (&nonce).into(),
                Payload {
                    msg: plain,
                    aad: &place,
                },
            )
            .expect("a value is shorter than the 64 GiB that AES-GCM takes");
        let mut out = Vec::with_capacity(SEAL_HEAD + sealed.len());
        out.push(SEAL_VERSION);
        out.extend_from_slice(&key.id.to_be_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`KeyRing::seal`] sealed for the same place.
    pub fn open(&self, table: &str, column: &str, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (head, body) = sealed.split_at_checked(SEAL_HEAD).ok_or(Unsealable::Unknown)?;
        let (&version, head) = head.split_first().ok_or(Unsealable::Unknown)?;
        let (id, nonce) = head.split_first_chunk::<4>().ok_or(Unsealable::Unknown)?;
        let nonce: &[u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Unsealable::Unknown)?;
        if version != SEAL_VERSION {
            return Err(Unsealable::Unknown);
        }
        let id = u32::from_be_bytes(*id);
        let key = self
            .0
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or(Unsealable::NoKey(id))?;
        let place = place(table, column, row);
        key.sealing
            .decrypt(nonce.into(), Payload { msg: body, aad: &place })
            .map_err(|_| Unsealable::Wrong)
    }
}

fn token_bytes(key: &Derived, kind: &str, id: &[u8], generation: u32) -> [u8; TOKEN_BYTES] {
    let mut mac = key.tokens.clone();
    feed(&mut mac, &[kind.as_bytes(), id, &generation.to_be_bytes()]);
    *mac.finalize()
        .into_bytes()
        .first_chunk()
        .expect("SHA-256 gives 32 bytes, more than a token's 18")
}

/// The associated data: which table, column and row a value belongs to.
fn place(table: &str, column: &str, row: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(24 + table.len() + column.len() + row.len());
    for part in [table.as_bytes(), column.as_bytes(), row] {
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part);
    }
    place
}

fn refuse_mode(path: &Path, forbidden: u32, fix: u32) -> Result<(), KeyError> {
    let metadata = path.metadata().map_err(|source| KeyError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o7777;
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

/// Writes the first key beside its place and links it there, so that a reader sees a whole file or none, and of two
/// makers only one wins.
fn create(dir: &Path, path: &Path, entropy: &Entropy) -> io::Result<()> {
    let mut key = Zeroizing::new([0u8; KEY_BYTES]);
    entropy.fill(key.as_mut_slice());
    let mut line = Zeroizing::new(format!("{HEADER}1 {}\n", hex::encode(key.as_slice())));
    let beside = dir.join(format!(".{KEY_FILE}.{:032x}", entropy.bits128()));
    let written = write_new(&beside, line.as_bytes());
    line.zeroize();
    written?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_dir(dir)?;
    dir.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), sync_dir)
}

/// Writes a new file that only its owner can read, down to the disk.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The process's umask may have taken bits away, never added: say exactly what is meant.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The token that operators present to internal listeners, from `path` (mode 0600), made on first use: 43 characters
/// of base64url. Two processes that start at once get the same one.
pub fn operator_token(path: &Path, entropy: &Entropy) -> Result<Zeroizing<String>, KeyError> {
    let at = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    if !path.try_exists().map_err(at)? {
        let mut bytes = Zeroizing::new([0u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()) + "\n");
        let beside = path.with_extension(format!("{:032x}", entropy.bits128()));
        write_new(&beside, text.as_bytes()).map_err(at)?;
        let linked = std::fs::hard_link(&beside, path);
        std::fs::remove_file(&beside).map_err(at)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(error)),
            _ => {}
        }
        path.parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or(Ok(()), sync_dir)
            .map_err(at)?;
    }
    refuse_mode(path, 0o077, 0o600)?;
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(at)?);
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same_secret(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing(key {})", self.key_id())
    }
}
