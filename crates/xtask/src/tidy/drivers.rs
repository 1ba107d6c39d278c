//! Database drivers are named in `database` alone: everyone else speaks through its narrow waist.

use super::tokens::paths;
use super::{Findings, Tree};

/// The drivers, as crates and as packages.
const DRIVERS: &[&str] = &["rusqlite", "libsqlite3_sys", "tokio_postgres", "deadpool_postgres"];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in tree
        .rust
        .iter()
        .filter(|file| file.krate != "database" && !file.krate.is_empty())
    {
        findings.look();
        for path in paths(&file.tokens).iter().filter(|path| path.segments.len() > 1) {
            if DRIVERS.contains(&path.segments[0].as_str()) {
                findings.add(
                    &file.path,
                    path.line,
                    format!("`{}`: drivers belong to `database`", path.joined()),
                );
            }
        }
    }
    for package in tree.crates().filter(|package| package.name != "database") {
        findings.look();
        for dependency in &package.dependencies {
            if DRIVERS.contains(&dependency.name.replace('-', "_").as_str()) {
                findings.add(
                    &package.name,
                    0,
                    format!("depends on `{}`: only database may", dependency.name),
                );
            }
        }
    }
    findings
}
