//! Every Rust file opens by saying what lives there, what it keeps and what it does not know; and a SQL migration opens
//! with a comment that says which step of expand, migrate, contract it is.

use super::{Findings, Tree};

/// A header shorter than this says nothing (`//! Appointment module.` is 23 characters).
const HEADER_CHARACTERS_MIN: usize = 24;

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in &tree.rust {
        findings.look();
        let first = file.text.lines().next().unwrap_or_default();
        if !first.starts_with("//!") {
            findings.add(&file.path, 1, "opens without `//!`: say what lives here");
        } else if first.chars().count() < HEADER_CHARACTERS_MIN {
            findings.add(&file.path, 1, "its header says next to nothing");
        }
    }
    for (path, text) in tree.texts_ending("sql") {
        if path.contains("/migrations/") {
            findings.look();
            if !text.starts_with("--") {
                findings.add(path, 1, "opens without a comment: say which step this is and why");
            }
        }
    }
    findings
}
