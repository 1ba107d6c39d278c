//! Only the command line and the developer's tool know arguments, the environment and errors that nobody branches on:
//! a setting is a `Setting`, an error inside is a refusal, a fault or a bug.

use super::tokens::paths;
use super::{Findings, Tree};

/// Who stands at the edge.
const MAY: &[&str] = &["cli", "xtask"];
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
    for file in tree.sources().filter(|file| !MAY.contains(&file.krate.as_str())) {
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
    for package in tree.crates().filter(|package| !MAY.contains(&package.name.as_str())) {
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
