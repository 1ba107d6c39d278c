//! Which packages are in the program: those that the command line reaches outside of tests and build scripts, for one
//! target, as cargo itself resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, PackageId};

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SPDX expression.
    pub licence: Option<String>,
    /// Where its sources are kept.
    pub repository: Option<String>,
    /// Its folder on this machine.
    pub folder: PathBuf,
    /// SHA-256 of its archive in the registry; ours have none.
    pub checksum: Option<String>,
    /// The packages it needs, by [`Shipped::url`].
    pub needs: BTreeSet<String>,
}

impl Shipped {
    /// The package URL (purl), which names it everywhere.
    pub fn url(&self) -> String {
        url(&self.name, &self.version)
    }
    /// Whether it is one of our own crates.
    pub fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

fn url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// The packages of the program, by name and version; the program's own crate, `cli`, among them.
pub fn shipped(root: &Path, triple: &str) -> Result<Vec<Shipped>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", triple].map(str::to_owned))
        .exec()?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    let checksums = checksums(&lock);
    let resolve = metadata.resolve.as_ref().context("cargo metadata resolves nothing")?;
    let needs: BTreeMap<&PackageId, Vec<&PackageId>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let normal = node.deps.iter().filter(|dependency| {
                let mut kinds = dependency.dep_kinds.iter();
                kinds.any(|kind| kind.kind == DependencyKind::Normal)
            });
            (&node.id, normal.map(|dependency| &dependency.pkg).collect())
        })
        .collect();
    let program = metadata.packages.iter().find(|package| package.name.as_str() == "cli");
    let mut waiting = vec![&program.context("there is no crate cli")?.id];
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(needs.get(id).into_iter().flatten());
        }
    }
    let packages: BTreeMap<&PackageId, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let url_of = |id: &&PackageId| {
        let package = packages.get(*id)?;
        Some(url(package.name.as_str(), &package.version.to_string()))
    };
    let mut shipped: Vec<Shipped> = reached
        .iter()
        .filter_map(|id| packages.get(*id))
        .map(|package| {
            let (name, version) = (package.name.to_string(), package.version.to_string());
            Shipped {
                checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
                licence: package.license.clone(),
                repository: package.repository.clone(),
                folder: package.manifest_path.parent().map_or_else(PathBuf::new, Into::into),
                needs: needs
                    .get(&package.id)
                    .into_iter()
                    .flatten()
                    .filter_map(url_of)
                    .collect(),
                name,
                version,
            }
        })
        .collect();
    shipped.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(shipped)
}

/// The checksums in a lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let mut lines = package.lines();
            let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'));
            line.map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) = (field("name"), field("version"), field("checksum")) {
            found.insert((name, version), checksum);
        }
    }
    found
}
