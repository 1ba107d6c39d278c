//! Every package's licence lets us ship under MIT or Apache-2.0: an SPDX expression is read with its `OR`, `AND` and
//! brackets, and must be satisfiable with licences from a list that gives each its reason.

use super::{Findings, Tree};

/// Licences we can live with, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    ("MIT", "ours; attribution only"),
    ("MIT-0", "MIT without the attribution"),
    ("Apache-2.0", "ours; attribution, patent grant"),
    (
        "Apache-2.0 WITH LLVM-exception",
        "Apache-2.0 with less asked of binaries",
    ),
    ("BSD-2-Clause", "attribution only"),
    ("BSD-3-Clause", "attribution, no endorsement"),
    ("0BSD", "asks nothing"),
    ("ISC", "attribution only"),
    ("Zlib", "attribution in sources only (foldhash, zlib-rs)"),
    ("Unicode-3.0", "attribution; the tables of Unicode (unicode-ident, icu)"),
    (
        "MPL-2.0",
        "copyleft by file: we ship such files unchanged, and their source is public",
    ),
    ("CC0-1.0", "public domain"),
    ("Unlicense", "public domain"),
    ("BSL-1.0", "Boost: asks nothing of binaries"),
    ("CDLA-Permissive-2.0", "data (root certificates): attribution only"),
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for package in &tree.packages {
        findings.look();
        let name = format!("{} {}", package.name, package.version);
        match package.license.as_deref() {
            None => findings.add(&name, 0, "says no licence"),
            Some(expression) => match satisfied(expression) {
                Ok(true) => {}
                Ok(false) => findings.add(&name, 0, format!("`{expression}` is not on the list of licences")),
                Err(why) => findings.add(&name, 0, format!("`{expression}` cannot be read: {why}")),
            },
        }
    }
    findings
}

/// Whether the licences on the list satisfy an SPDX expression. The old form `MIT/Apache-2.0` means `OR`.
pub fn satisfied(expression: &str) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let value = either(&words, &mut at)?;
    if at == words.len() {
        Ok(value)
    } else {
        Err(format!("`{}` was not expected", words[at]))
    }
}

fn either(words: &[&str], at: &mut usize) -> Result<bool, String> {
    let mut value = both(words, at)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        value |= both(words, at)?;
    }
    Ok(value)
}

fn both(words: &[&str], at: &mut usize) -> Result<bool, String> {
    let mut value = one(words, at)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        value &= one(words, at)?;
    }
    Ok(value)
}

fn one(words: &[&str], at: &mut usize) -> Result<bool, String> {
    let word = *words.get(*at).ok_or("it ends too soon")?;
    *at += 1;
    if word == "(" {
        let value = either(words, at)?;
        if words.get(*at) != Some(&")") {
            return Err("a bracket stays open".to_owned());
        }
        *at += 1;
        return Ok(value);
    }
    if [")", "OR", "AND", "WITH"].contains(&word) {
        return Err(format!("`{word}` was not expected"));
    }
    let mut licence = word.to_owned();
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).ok_or("it ends too soon")?;
        licence = format!("{word} WITH {exception}");
        *at += 2;
    }
    Ok(ALLOWED.iter().any(|(allowed, _)| *allowed == licence))
}
