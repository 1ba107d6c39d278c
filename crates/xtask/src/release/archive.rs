//! Files in a tarball that is the same whoever makes it, when and where: sorted, owned by nobody in particular, all of
//! one time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its rights.
    pub mode: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Files by name.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<String, File>);

/// The checksum in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Files {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn add(&mut self, name: &str, mode: u32, bytes: Vec<u8>) {
        self.0.insert(name.to_owned(), File { mode, bytes });
    }

    /// Their checksums, as `sha256sum -c` reads them.
    pub fn sums(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, file)| {
            let _ = writeln!(text, "{}  {name}", sha256(&file.bytes));
            text
        })
    }

    /// All of them below one folder, as of `epoch` (seconds).
    pub fn tarball(&self, folder: &str, epoch: u64) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
        for (name, file) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_size(file.bytes.len() as u64);
            header.set_mode(file.mode);
            header.set_mtime(epoch);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, format!("{folder}/{name}"), file.bytes.as_slice())?;
        }
        let mut packed = archive.into_inner()?;
        packed.flush()?;
        Ok(packed.finish()?)
    }
}

/// The files of a tarball, by name without the folder.
pub fn read(tarball: &[u8]) -> Result<BTreeMap<String, File>> {
    let mut archive = tar::Archive::new(GzDecoder::new(tarball));
    let mut files = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let (_, name) = path
            .split_once('/')
            .with_context(|| format!("{path} lies in no folder"))?;
        let name = name.to_owned();
        let mode = entry.header().mode()?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(name, File { mode, bytes });
    }
    Ok(files)
}

/// The names of files that are not the same in both.
pub fn differing(one: &[u8], other: &[u8]) -> Result<Vec<String>> {
    let (one, other) = (read(one)?, read(other)?);
    let names = one
        .keys()
        .chain(other.keys())
        .collect::<std::collections::BTreeSet<_>>();
    let differs = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    Ok(differs.cloned().collect())
}

/// What a list of checksums says of a file.
pub fn sum_of<'a>(sums: &'a str, name: &str) -> Option<&'a str> {
    sums.lines().find_map(|line| {
        let (sum, of) = line.split_once("  ")?;
        (of == name).then_some(sum)
    })
}
