//! Every path that a document names exists: a map that shows a room which is gone is worse than none. Looked at are
//! paths in backticks in the documents at the root, and links in every document.

use super::{Findings, Tree};

/// What lives outside the tree: a user's data, build output, what a package brings.
const ELSEWHERE: &[&str] = &["DATA", "target", "evenkeel-data", ".tools", "api", "v1"];
/// Endings that make a word without `/` the name of a file of ours.
const ENDINGS: &[&str] = &["rs", "ftl", "sql"];
/// The documents whose backticks are read. A changelog tells of what was.
const READ: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/glossary.md",
    "docs/operator.md",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for (path, text) in tree.texts_ending("md") {
        let mut fenced = false;
        for (number, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for target in links(line) {
                findings.look();
                let wanted = resolve(path, target);
                if !tree.paths.contains(&wanted) {
                    findings.add(path, number + 1, format!("links to `{wanted}`, which does not exist"));
                }
            }
            if READ.contains(&path.as_str()) {
                for wanted in backticked(line).iter().flat_map(|word| braces(word)) {
                    check_word(tree, path, number + 1, &wanted, &mut findings);
                }
            }
        }
    }
    for wanted in ["README.md", "ARCHITECTURE.md"] {
        if !tree.texts.contains_key(wanted) {
            findings.add(wanted, 0, "does not exist");
        }
    }
    findings
}

fn check_word(tree: &Tree, path: &str, line: usize, word: &str, findings: &mut Findings) {
    let word = word.trim_end_matches('/').split(':').next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || "._-/*<>".contains(c);
    if word.is_empty() || !word.chars().all(plain) || word.starts_with('/') || word.contains('<') {
        return;
    }
    let first = word.split('/').next().unwrap_or_default();
    let ending = word.rsplit('.').next().unwrap_or_default();
    let ours = tree.paths.contains(first) || tree.paths.contains(&format!("crates/{first}"));
    let meant = if word.contains('/') {
        ours || ENDINGS.contains(&ending)
    } else {
        ENDINGS.contains(&ending)
    };
    if !meant || ELSEWHERE.contains(&first) {
        return;
    }
    findings.look();
    let fixed = word.split('*').next().unwrap_or_default().trim_end_matches('/');
    let (whole, inside) = (format!("crates/{fixed}"), format!("/{fixed}"));
    let there = fixed.is_empty()
        || tree.paths.contains(fixed)
        || tree.paths.contains(&whole)
        || tree.paths.iter().any(|path| path.ends_with(&inside))
        || (word.contains('*')
            && tree
                .paths
                .iter()
                .any(|path| path.starts_with(fixed) || path.starts_with(&whole)));
    if !there {
        findings.add(path, line, format!("names `{word}`, which does not exist"));
    }
}

fn backticked(line: &str) -> Vec<&str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| !word.contains(' '))
        .collect()
}

/// `a/{b,c}.rs` is two paths.
fn braces(word: &str) -> Vec<String> {
    let (Some(open), Some(close)) = (word.find('{'), word.find('}')) else {
        return vec![word.to_owned()];
    };
    if close < open {
        return vec![];
    }
    let (before, after) = (&word[..open], &word[close + 1..]);
    word[open + 1..close]
        .split(',')
        .map(|part| format!("{before}{}{after}", part.trim()))
        .collect()
}

/// Targets of `[…](target)` that point into the tree.
fn links(line: &str) -> Vec<&str> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ', '#']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

fn resolve(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
