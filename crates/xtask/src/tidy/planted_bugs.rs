//! Planted bugs stay where they are planted: no crate switches the feature on by default or for a dependency, the
//! product does not know it, and every bug on the list is asked for somewhere, under its right name. The same of what the
//! bench leaves out of a commit to see what it costs.

use std::collections::BTreeSet;

use super::tokens::Token;
use super::{Findings, Tree};

/// The feature of planted bugs.
const FEATURE: &str = "planted";
/// Features that no product may have: who may name each, and only among its own features; what it does elsewhere.
const MAY: &[(&str, &[&str], &str)] = &[
    (
        FEATURE,
        &["scheduling", "booking", "simulator"],
        "switches planted bugs on, or could: only the simulator's own feature may",
    ),
    (
        "costs",
        &["booking", "xtask"],
        "leaves parts of a commit out, or could: only the bench program's own feature may",
    ),
];
/// Where the bugs are listed.
const LIST: &str = "crates/scheduling/src/planted.rs";

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for (path, text) in tree
        .texts_ending("toml")
        .filter(|(path, _)| path.ends_with("Cargo.toml"))
    {
        findings.look();
        let krate = path.split('/').nth(1).unwrap_or_default();
        let mut section = "";
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.starts_with('[') {
                section = line;
            }
            for (feature, may, wrong) in MAY {
                let own = may.contains(&krate) && section == "[features]" && line.starts_with(feature);
                if line.contains(feature) && !own {
                    findings.add(path, number + 1, *wrong);
                }
            }
        }
    }
    let listed: BTreeSet<&str> = tree
        .rust
        .iter()
        .filter(|file| file.path == LIST)
        .flat_map(|file| file.tokens.iter().filter_map(Token::text))
        .filter(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .filter(|text| *text != FEATURE)
        .collect();
    let mut asked = BTreeSet::new();
    for file in tree.sources().filter(|file| file.path != LIST) {
        for words in file.tokens.windows(6) {
            let is_asked = words[0].word() == Some(FEATURE) && words[3].word() == Some("is");
            if let Some(bug) = words[5].text().filter(|_| is_asked) {
                findings.look();
                asked.insert(bug.to_owned());
                if !listed.contains(bug) {
                    findings.add(
                        &file.path,
                        words[5].line,
                        format!("`{bug}` is not on the list of planted bugs"),
                    );
                }
            }
        }
    }
    for bug in listed.iter().filter(|bug| !asked.contains(**bug)) {
        findings.add(LIST, 0, format!("`{bug}` is listed and planted nowhere"));
    }
    findings
}
