//! The installation's keys: one file, and what is derived from it: tokens, keyed hashes, sealed values.
//!
//! Keeps `links_are_personal` as far as it is a matter of secrets: a token is an HMAC over what it opens, never stored,
//! compared in constant time. Doesn't know what the tokens open. Losing the key file loses every sealed value.

pub mod key_check;
mod key_file;

pub use key_file::{KEY_FILE, KeyError, retire, rotate};

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aes::cipher::BlockCipherEncrypt;
use aes::{Aes256, Block};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use arc_swap::ArcSwap;
use base::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use key_file::{KEY_BYTES, Line, Stamp};

/// 144 bits: above the 128 that guessing must face (OWASP: at least 64), and 24 characters without padding.
const TOKEN_BYTES: usize = 18;
/// The first byte of a sealed value: how the rest is laid out.
const SEAL_VERSION: u8 = 1;
/// The first byte of a value that a rehearsal left in clear: see [`KeyRing::unsealed_for_rehearsal`].
const UNSEALED_VERSION: u8 = 0;
/// A key's mark: enough to tell keys apart, far too little to be one.
const MARK_BYTES: usize = 8;
/// AES-GCM's nonce (NIST SP 800-38D §8.2.2, random: at most 2³² values under one key).
const NONCE_BYTES: usize = 12;
const SEAL_HEAD: usize = 1 + 4 + NONCE_BYTES;

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

/// The installation's keys, cheap to clone; clones follow the key file together.
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    ring: ArcSwap<Ring>,
    /// Where they came from; tests have none.
    source: Option<Source>,
    /// Values are left in clear.
    unsealed: bool,
}

struct Source {
    dir: PathBuf,
    /// Of the file as it was when it was read last.
    stamp: Mutex<Option<Stamp>>,
}

struct Ring {
    /// By number, growing; the last one is in use for new values.
    keys: Vec<Derived>,
}

/// What may be told of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its number.
    pub id: u32,
    /// When it was made, where the file says so.
    pub made_at: Option<Timestamp>,
    /// Links made with it open nothing any more.
    pub retired: bool,
    /// A hash of it that tells it from other keys of the same number.
    pub mark: [u8; MARK_BYTES],
}

/// What is derived from one key, kept ready: keying an HMAC costs as much as the token itself.
struct Derived {
    info: KeyInfo,
    tokens: Hmac<Sha256>,
    hashes: Hmac<Sha256>,
    small: Aes256,
    sealing: Aes256Gcm,
}

impl Derived {
    fn new(line: &Line) -> Self {
        let subkey = |purpose: &str| {
            let mut mac = keyed(&line.key);
            mac.update(b"evenkeel/1/");
            mac.update(purpose.as_bytes());
            Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
        };
        let sealing = Aes256Gcm::new_from_slice(subkey("sealing").as_slice()).expect("32 bytes are a key of AES-256");
        let info = KeyInfo {
            id: line.id,
            made_at: line.made_at,
            retired: line.retired,
            mark: *subkey("mark").first_chunk().expect("32 bytes are more than a mark's 8"),
        };
        Self {
            info,
            tokens: keyed(&subkey("tokens")),
            hashes: keyed(&subkey("hashes")),
            small: Aes256::new_from_slice(subkey("small").as_slice()).expect("32 bytes are a key of AES-256"),
            sealing,
        }
    }
}

impl Ring {
    fn of(lines: &[Line]) -> Arc<Self> {
        Arc::new(Self {
            keys: lines.iter().map(Derived::new).collect(),
        })
    }
    /// For new values.
    fn newest(&self) -> &Derived {
        self.keys.last().expect("a key ring has at least one key")
    }
    /// For what must stay the same for ever: search and codes.
    fn oldest(&self) -> &Derived {
        self.keys.first().expect("a key ring has at least one key")
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
        key_file::ensure(dir, entropy)?;
        Self::open_existing(dir)
    }

    /// Opens the keys in `dir`; makes none.
    pub fn open_existing(dir: &Path) -> Result<Self, KeyError> {
        // Before the file is read: one that is replaced in between is read again.
        let stamp = Stamp::of(&dir.join(KEY_FILE))?;
        let ring = Ring::of(&key_file::read(dir)?);
        let source = Source {
            dir: dir.to_owned(),
            stamp: Mutex::new(Some(stamp)),
        };
        Ok(Self::new(ring, Some(source), false))
    }

    /// Keys that everybody knows: for tests only.
    pub fn for_tests() -> Self {
        let line = Line {
            id: 1,
            key: Zeroizing::new([7; KEY_BYTES]),
            made_at: None,
            retired: false,
        };
        Self::new(Ring::of(&[line]), None, false)
    }

    /// The same keys, but what should be sealed is left in clear, and only such a ring opens it again: so that a
    /// rehearsal can prove that it would find what lies open. Never on an installation that people use.
    #[must_use]
    pub fn unsealed_for_rehearsal(&self) -> Self {
        let source = self.0.source.as_ref().map(|source| Source {
            dir: source.dir.clone(),
            stamp: Mutex::new(None),
        });
        Self::new(self.0.ring.load_full(), source, true)
    }

    fn new(ring: Arc<Ring>, source: Option<Source>, unsealed: bool) -> Self {
        Self(Arc::new(Shared {
            ring: ArcSwap::new(ring),
            source,
            unsealed,
        }))
    }

    /// Whether values are sealed: always, but in a rehearsal that shows what would lie open.
    pub fn seals(&self) -> bool {
        !self.0.unsealed
    }

    /// Reads the key file again if it has changed; says whether there are other keys than before. One that has lost a
    /// key is refused, and those that are known stay in use.
    pub fn refresh(&self) -> Result<bool, KeyError> {
        let Some(source) = &self.0.source else {
            return Ok(false);
        };
        let path = source.dir.join(KEY_FILE);
        let mut seen = source.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&path)?;
        if *seen == Some(stamp) {
            return Ok(false);
        }
        let (before, now) = (self.0.ring.load_full(), Ring::of(&key_file::read(&source.dir)?));
        let has = |key: &Derived| now.keys.iter().any(|other| other.info.mark == key.info.mark);
        if let Some(lost) = before.keys.iter().find(|key| !has(key)) {
            return Err(KeyError::Lost { path, id: lost.info.id });
        }
        *seen = Some(stamp);
        let infos = |ring: &Ring| ring.keys.iter().map(|key| key.info).collect::<Vec<_>>();
        let other = infos(&before) != infos(&now);
        self.0.ring.store(now);
        Ok(other)
    }

    /// Every key, the one for new values last.
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.0.ring.load().keys.iter().map(|key| key.info).collect()
    }

    /// The number of the key that new values are made with.
    pub fn key_id(&self) -> u32 {
        self.0.ring.load().newest().info.id
    }

    /// The token that opens one thing: 24 characters of base64url. A raised generation makes all earlier ones void.
    pub fn token(&self, kind: &str, id: &[u8], generation: u32) -> String {
        URL_SAFE_NO_PAD.encode(token_bytes(self.0.ring.load().newest(), kind, id, generation))
    }

    /// Whether a presented token opens this thing, under any of our keys that are not retired; takes as long for a
    /// wrong one as for a right. Another process may have made it with a key that this one has not read yet.
    pub fn token_matches(&self, presented: &str, kind: &str, id: &[u8], generation: u32) -> bool {
        let mut given = [0u8; TOKEN_BYTES];
        if URL_SAFE_NO_PAD.decode_slice(presented.as_bytes(), &mut given) != Ok(TOKEN_BYTES) {
            return false;
        }
        let matches = || {
            let mut matches = Choice::from(0);
            for key in self.0.ring.load().keys.iter().filter(|key| !key.info.retired) {
                matches |= token_bytes(key, kind, id, generation).ct_eq(&given);
            }
            bool::from(matches)
        };
        matches() || (self.refresh().unwrap_or(false) && matches())
    }

    /// A hash that only this installation can compute: for finding sealed values again. By the oldest key, so that
    /// what was stored before a rotation is found after it.
    pub fn keyed_hash(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.0.ring.load().oldest().hashes.clone();
        feed(&mut mac, &[purpose.as_bytes(), bytes]);
        mac.finalize().into_bytes().into()
    }

    /// A function of small numbers that only this installation can compute, some nanoseconds each: for permuting what
    /// is said aloud. By the oldest key, so that what was said stays true after a rotation.
    pub fn keyed_small(&self, round: u8, number: u32) -> u32 {
        let mut block = Block::default();
        block[0] = round;
        block[1..5].copy_from_slice(&number.to_be_bytes());
        self.0.ring.load().oldest().small.encrypt_block(&mut block);
        u32::from_be_bytes([block[0], block[1], block[2], block[3]])
    }

    /// Seals a value for one column of one row: layout version, key number, nonce, then ciphertext with its tag.
    /// Moved elsewhere it does not open.
    pub fn seal(&self, entropy: &Entropy, table: &str, column: &str, row: &[u8], plain: &[u8]) -> Vec<u8> {
        if self.0.unsealed {
            return [&[UNSEALED_VERSION], plain].concat();
        }
        let ring = self.0.ring.load();
        let key = ring.newest();
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
        out.extend_from_slice(&key.info.id.to_be_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`KeyRing::seal`] sealed for the same place. A key that this process has not read yet is looked for
    /// in the key file first.
    pub fn open(&self, table: &str, column: &str, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let open = || open(&self.0.ring.load(), &place(table, column, row), sealed);
        match sealed.split_first() {
            Some((&UNSEALED_VERSION, plain)) if self.0.unsealed => Ok(plain.to_vec()),
            _ => match open() {
                Err(Unsealable::NoKey(_)) if self.refresh().unwrap_or(false) => open(),
                opened => opened,
            },
        }
    }

    /// The number of the key that a value is sealed with; `None` for what is not sealed in a way we know. The first
    /// five bytes are enough.
    pub fn sealed_with(sealed: &[u8]) -> Option<u32> {
        let (&version, rest) = sealed.split_first()?;
        let id = rest.first_chunk::<4>()?;
        (version == SEAL_VERSION).then(|| u32::from_be_bytes(*id))
    }
}

fn open(ring: &Ring, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
    let (head, body) = sealed.split_at_checked(SEAL_HEAD).ok_or(Unsealable::Unknown)?;
    let id = KeyRing::sealed_with(head).ok_or(Unsealable::Unknown)?;
    let nonce: &[u8; NONCE_BYTES] = head.last_chunk().ok_or(Unsealable::Unknown)?;
    let key = ring
        .keys
        .iter()
        .find(|key| key.info.id == id)
        .ok_or(Unsealable::NoKey(id))?;
    key.sealing
        .decrypt(nonce.into(), Payload { msg: body, aad: place })
        .map_err(|_| Unsealable::Wrong)
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

/// The token that operators present to internal listeners, from `path` (mode 0600), made on first use: 43 characters
/// of base64url. Two processes that start at once get the same one.
pub fn operator_token(path: &Path, entropy: &Entropy) -> Result<Zeroizing<String>, KeyError> {
    let at = |source: io::Error| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    if !path.try_exists().map_err(at)? {
        let mut bytes = Zeroizing::new([0u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()) + "\n");
        let beside = path.with_extension(format!("{:032x}", entropy.bits128()));
        key_file::write_new(&beside, text.as_bytes()).map_err(at)?;
        key_file::link(&beside, path).map_err(at)?;
    }
    key_file::refuse_mode(path, 0o077, 0o600)?;
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
