//! Only command lines (the product's, the developer's tool, the simulator's `main`) know arguments, the environment and errors that nobody branches on:
//! a setting is a `Setting`, an error inside is a refusal, a fault or a bug.

use super::tokens::paths;
use super::{Findings, Tree};

/// Who stands at the edge.
const MAY: &[&str] = &["cli", "xtask"];
/// A developer's command line within a crate that is otherwise none.
const MAIN_MAY: (&str, &str) = ("simulator", "crates/simulator/src/main.rs");
/// What only they name.
const BANNED: &[&[&str]] = &[
    &["clap"],
    &["clap_complete"],
    &["anyhow"],
    &["std", "env"],
    &["env", "var"],
    &["env", "vars"],
    &["env", "args"],
    &["process", "exit"],
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let inside = |path: &str, krate: &str| !MAY.contains(&krate) && path != MAIN_MAY.1;
    for file in tree.sources().filter(|file| inside(&file.path, &file.krate)) {
        findings.look();
        for path in paths(&file.tokens) {
            if BANNED.iter().any(|banned| {
                let only = banned.len() == 1;
                if only {
                    path.segments.len() > 1 && path.segments[0] == banned[0]
                } else {
                    path.contains(banned)
                }
            }) {
                findings.add(
                    &file.path,
                    path.line,
                    format!("`{}` belongs to cli and xtask", path.joined()),
                );
            }
        }
    }
    let may = |name: &str| MAY.contains(&name) || name == MAIN_MAY.0;
    for package in tree.crates().filter(|package| !may(&package.name)) {
        findings.look();
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if ["clap", "clap_complete", "anyhow"].contains(&dependency.name.as_str()) {
                findings.add(
                    &package.name,
                    0,
                    format!("depends on `{}`: only cli and xtask may", dependency.name),
                );
            }
        }
    }
    findings
}
