//! A support bundle as such: named texts, what is missing and why, the list that a person reads before it is sent, and
//! the archive. Knows nothing of what the texts are about.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base::time::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use runtime::redaction::Redactor;
use serde_json::Value;

/// Never in a bundle, whatever else is.
const NEVER: [&str; 4] = [
    "the database, its log, backups and exports: they hold people",
    "keys and the operator's token: only the names of their files are listed",
    "texts of the settings file (addresses, passwords): only whether they are given",
    "request paths, queries and bodies: no log of ours has them",
];

/// What was gathered so far.
pub struct Bundle {
    at: Timestamp,
    parts: Vec<Part>,
    missing: Vec<(String, String)>,
    redactor: Redactor,
}

struct Part {
    name: String,
    about: &'static str,
    text: String,
}

impl Bundle {
    /// An empty one, gathered at that time.
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            parts: Vec::new(),
            missing: Vec::new(),
            redactor: Redactor::default(),
        }
    }

    /// Adds facts of our own making.
    pub fn json(&mut self, name: &str, about: &'static str, value: &Value) {
        self.add(name, about, format!("{value:#}\n"));
    }

    /// Adds a text whose quoted parts, or whole lines, could come from outside.
    pub fn redacted(&mut self, name: &str, about: &'static str, text: &str) {
        let mut kept = String::with_capacity(text.len());
        for line in text.lines() {
            kept.push_str(&self.redactor.line(line));
            kept.push('\n');
        }
        self.add(name, about, kept);
    }

    fn add(&mut self, name: &str, about: &'static str, text: String) {
        self.parts.push(Part {
            name: name.to_owned(),
            about,
            text,
        });
    }

    /// Notes what cannot be had, and why.
    pub fn missing(&mut self, name: &str, why: &str) {
        let why = self.redactor.text(why);
        self.missing.push((name.to_owned(), why));
    }

    /// What is in it and what is not, for a person.
    pub fn manifest(&self) -> String {
        let mut out = format!(
            "Support bundle of Evenkeel {}, {}\n\nIn it:\n",
            env!("CARGO_PKG_VERSION"),
            self.at
        );
        for part in &self.parts {
            let _ = writeln!(out, "  {:<24} {:>9} bytes  {}", part.name, part.text.len(), part.about);
        }
        out.push_str("\nNever in it:\n");
        for never in NEVER {
            let _ = writeln!(out, "  - {never}");
        }
        if !self.missing.is_empty() {
            out.push_str("\nNot in it this time:\n");
            for (name, why) in &self.missing {
                let _ = writeln!(out, "  - {name}: {why}");
            }
        }
        let blanked = self.redactor.blanked;
        let _ = writeln!(
            out,
            "\nBlanked because they looked like an address, a number of a person, a code or a token: {blanked} places."
        );
        out
    }
}

/// Writes the archive; only its owner may read it.
pub fn write(bundle: &Bundle, folder: &str, file: &Path) -> anyhow::Result<()> {
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let out = out.with_context(|| format!("{} cannot be made", file.display()))?;
    let mut archive = tar::Builder::new(GzEncoder::new(out, Compression::default()));
    let manifest = bundle.manifest();
    let parts = bundle.parts.iter().map(|part| (part.name.as_str(), &part.text));
    for (name, text) in std::iter::once(("MANIFEST.txt", &manifest)).chain(parts) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(bundle.at.seconds().unsigned_abs());
        archive.append_data(&mut header, format!("{folder}/{name}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}
