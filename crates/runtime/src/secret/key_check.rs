//! Which keys something was sealed with, told without telling the keys: a number and a keyed hash for each. By it a
//! restore knows, before it touches anything, whether the right keys are there; and keys are taken from a file that
//! somebody kept.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key_file::{self, sync_dir, write_new};
use super::{KEY_FILE, KeyError, KeyInfo, KeyRing, Ring};

/// Names one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCheck {
    /// Its number in the key file.
    pub id: u32,
    /// What only this key gives, in hexadecimal.
    pub check: String,
}

/// A key that is wanted is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyMissing {
    /// No key has its number.
    #[error("key {0} is not among them")]
    Absent(u32),
    /// Another installation's key has its number.
    #[error("key {0} is another one than the key {0} that is needed")]
    Another(u32),
}

impl KeyRing {
    /// Names every key of the ring, oldest first.
    pub fn key_checks(&self) -> Vec<KeyCheck> {
        let check = |key: KeyInfo| KeyCheck {
            id: key.id,
            check: hex::encode(key.mark),
        };
        self.keys().into_iter().map(check).collect()
    }

    /// Whether all of these keys are here; the error names the first that is not.
    pub fn has_all(&self, wanted: &[KeyCheck]) -> Result<(), KeyMissing> {
        let keys = self.keys();
        for wanted in wanted {
            let Some(key) = keys.iter().find(|key| key.id == wanted.id) else {
                return Err(KeyMissing::Absent(wanted.id));
            };
            if !bool::from(hex::encode(key.mark).as_bytes().ct_eq(wanted.check.as_bytes())) {
                return Err(KeyMissing::Another(wanted.id));
            }
        }
        Ok(())
    }

    /// Reads keys from a file that was kept somewhere else, whoever may read it there.
    pub fn read_kept(path: &Path) -> Result<Self, KeyError> {
        let text = read(path)?;
        let lines = key_file::parse(&text).map_err(|line| KeyError::Malformed {
            path: path.to_owned(),
            line,
        })?;
        Ok(Self::new(Ring::of(&lines), None, false))
    }

    /// Puts a kept key file into `dir`, where there is none, readable by its owner only and down to the disk.
    pub fn put_back(kept: &Path, dir: &Path) -> Result<(), KeyError> {
        let text = read(kept)?;
        let at = |source| KeyError::Io {
            path: dir.join(KEY_FILE),
            source,
        };
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(error)),
            _ => {}
        }
        let put = || -> io::Result<()> {
            write_new(&dir.join(KEY_FILE), text.as_bytes())?;
            sync_dir(dir)
        };
        put().map_err(at)
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let text = std::fs::read_to_string(path).map_err(|source| KeyError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(Zeroizing::new(text))
}
