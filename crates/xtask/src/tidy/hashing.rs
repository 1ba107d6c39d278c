//! The engine uses no default-hasher maps: their order differs from run to run, and a simulation could not replay it.

use super::{Findings, Tree};

/// The crates that decide and store.
const ENGINE: &[&str] = &["scheduling", "booking", "database", "simulator"];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in tree.sources().filter(|file| ENGINE.contains(&file.krate.as_str())) {
        findings.look();
        for token in &file.tokens {
            if matches!(token.word(), Some("HashMap" | "HashSet" | "RandomState")) {
                findings.add(
                    &file.path,
                    token.line,
                    "a BTreeMap or BTreeSet here: its order is the same in every run",
                );
            }
        }
    }
    findings
}
