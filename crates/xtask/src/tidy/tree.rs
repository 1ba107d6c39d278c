//! The sources as the rules see them: every text file with its room, every Rust file parsed, and the packages that
//! `cargo metadata` names. Can be made from memory, so that each rule's test plants a violation without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use super::tokens::{Token, flatten};

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &["target", ".git", ".tools", "evenkeel-data", "node_modules"];
/// Names of the text files that rules read.
const TEXTS: &[&str] = &[
    "rs", "toml", "md", "sql", "ftl", "lock", "py", "json", "yaml", "csv", "txt",
];

/// Which part of a crate a Rust file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Shipped: `crates/X/src`.
    Source,
    /// `crates/X/tests` and `crates/X/benches`.
    Test,
    /// Anything outside a crate.
    Outside,
}

/// One Rust file.
pub struct RustFile {
    /// Relative to the root, with `/`.
    pub path: String,
    /// The crate's folder name; empty outside `crates`.
    pub krate: String,
    /// Its part of the crate.
    pub room: Room,
    /// The text.
    pub text: String,
    /// Parsed; `None` when it does not parse (the compiler says so better than we could).
    pub syntax: Option<syn::File>,
    /// The tokens in order, without doc comments and without what `#[cfg(test)]` guards.
    pub tokens: Vec<Token>,
}

/// How one package needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// Only for tests and benches.
    pub dev: bool,
}

/// One package of the dependency graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression, if it says one.
    pub license: Option<String>,
    /// Whether it is one of our crates.
    pub ours: bool,
    /// What it depends on, as resolved for this workspace.
    pub dependencies: Vec<Dependency>,
}

/// Everything the rules look at.
pub struct Tree {
    /// Text files that are not Rust, by path.
    pub texts: BTreeMap<String, String>,
    /// Rust files, by path.
    pub rust: Vec<RustFile>,
    /// Every path in the tree, folders too (without a closing `/`).
    pub paths: BTreeSet<String>,
    /// The packages of `cargo metadata`.
    pub packages: Vec<Package>,
}

impl Tree {
    /// Reads the checkout at `root` and asks cargo for its packages.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut others = Vec::new();
        walk(root, "", &mut files, &mut others)?;
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .exec()
            .context("asking cargo metadata for the packages")?;
        let mut tree = Self::of(&files, packages(&metadata));
        for path in others {
            tree.note_path(&path);
        }
        Ok(tree)
    }

    /// Makes a tree from memory: `(path, text)` pairs and packages.
    pub fn of<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)], packages: Vec<Package>) -> Self {
        let mut tree = Self {
            texts: BTreeMap::new(),
            rust: Vec::new(),
            paths: BTreeSet::new(),
            packages,
        };
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref());
            tree.note_path(path);
            if Path::new(path).extension().is_some_and(|e| e == "rs") {
                tree.rust.push(rust_file(path, text));
            } else {
                tree.texts.insert(path.to_owned(), text.to_owned());
            }
        }
        tree.rust.sort_by(|a, b| a.path.cmp(&b.path));
        tree
    }

    /// The Rust files that ship, of every crate.
    pub fn sources(&self) -> impl Iterator<Item = &RustFile> {
        self.rust.iter().filter(|file| file.room == Room::Source)
    }

    /// The text files with this ending.
    pub fn texts_ending(&self, ending: &str) -> impl Iterator<Item = (&String, &String)> {
        self.texts
            .iter()
            .filter(move |(path, _)| Path::new(path).extension().is_some_and(|found| found == ending))
    }

    /// Our own packages.
    pub fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.ours)
    }

    fn note_path(&mut self, path: &str) {
        let mut end = path.len();
        loop {
            self.paths.insert(path[..end].to_owned());
            match path[..end].rfind('/') {
                Some(slash) => end = slash,
                None => break,
            }
        }
    }
}

fn rust_file(path: &str, text: &str) -> RustFile {
    let mut parts = path.split('/');
    let (krate, room) = match (parts.next(), parts.next(), parts.next()) {
        (Some("crates"), Some(krate), Some("src" | "build.rs")) => (krate, Room::Source),
        (Some("crates"), Some(krate), Some(_)) => (krate, Room::Test),
        _ => ("", Room::Outside),
    };
    let syntax = syn::parse_file(text).ok();
    let tokens = text.parse().map(flatten).unwrap_or_default();
    RustFile {
        path: path.to_owned(),
        krate: krate.to_owned(),
        room,
        text: text.to_owned(),
        syntax,
        tokens,
    }
}

fn walk(root: &Path, under: &str, files: &mut Vec<(String, String)>, others: &mut Vec<String>) -> Result<()> {
    let folder = root.join(under);
    let mut entries: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = if under.is_empty() {
            name.clone()
        } else {
            format!("{under}/{name}")
        };
        if entry.file_type()?.is_dir() {
            walk(root, &path, files, others)?;
            continue;
        }
        let extension = name.rsplit('.').next().unwrap_or_default();
        match std::fs::read_to_string(root.join(&path)) {
            Ok(text) if TEXTS.contains(&extension) => files.push((path, text)),
            _ => others.push(path), // pictures, scripts, and what another process removed meanwhile
        }
    }
    Ok(())
}

fn packages(metadata: &Metadata) -> Vec<Package> {
    let ours = &metadata.workspace_members;
    let named = |id| {
        metadata
            .packages
            .iter()
            .find(|p| &p.id == id)
            .map(|p| p.name.to_string())
    };
    let nodes = metadata
        .resolve
        .as_ref()
        .map(|resolve| resolve.nodes.as_slice())
        .unwrap_or_default();
    let mut packages: Vec<Package> = metadata
        .packages
        .iter()
        .map(|package| {
            let node = nodes.iter().find(|node| node.id == package.id);
            let dependencies = node
                .map(|node| node.deps.as_slice())
                .unwrap_or_default()
                .iter()
                .filter_map(|dep| {
                    let dev = dep
                        .dep_kinds
                        .iter()
                        .all(|kind| kind.kind == DependencyKind::Development);
                    Some(Dependency {
                        name: named(&dep.pkg)?,
                        dev,
                    })
                });
            Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                license: package.license.clone(),
                ours: ours.contains(&package.id),
                dependencies: dependencies.collect(),
            }
        })
        .collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}
