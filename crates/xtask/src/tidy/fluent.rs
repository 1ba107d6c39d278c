//! Every text that a page asks for is defined in every language that has the file where others define it (the minimal site is in
//! more languages than the rest), and every text that is defined is asked for. A key put
//! together at run time is written with its beginning, `"month-{n}"` or `"month-"`, and counts for all that begin so; or
//! with its ending, `"{why}-title"`, and counts for those whose stem is written somewhere, `"time-gone"`.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::Token;
use super::{Findings, Tree};

/// The methods of `html::locale::Locale` that take a key first.
const ASKS: &[&str] = &["text", "tell", "rich"];
/// Crates that speak to people.
const SPEAKERS: &[&str] = &["html", "server", "gateway", "watch"];
/// Beginnings of keys shorter than this would cover too much.
const BEGINNING_CHARACTERS_MIN: usize = 4;

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let mut languages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut defined: Vec<(String, usize, String)> = Vec::new();
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut homes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut referred = BTreeSet::new();
    for (path, text) in tree.texts_ending("ftl") {
        let language = path.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let file = path.rsplit('/').next().unwrap_or_default().to_owned();
        files.entry(language.clone()).or_default().insert(file.clone());
        for (number, line) in text.lines().enumerate() {
            referred.extend(references(line));
            let Some(key) = definition(line) else { continue };
            findings.look();
            if !languages.entry(language.clone()).or_default().insert(key.to_owned()) {
                findings.add(path, number + 1, format!("`{key}` is defined twice in this language"));
            }
            homes.entry(key.to_owned()).or_default().insert(file.clone());
            defined.push((path.clone(), number + 1, key.to_owned()));
        }
    }
    let mut literals = BTreeSet::new();
    for file in tree.sources().filter(|file| SPEAKERS.contains(&file.krate.as_str())) {
        for (at, token) in file.tokens.iter().enumerate() {
            let Some(text) = token.text() else { continue };
            literals.insert(text.to_owned());
            if asked(&file.tokens, at) {
                findings.look();
                let home = homes.get(text);
                let should_have = |language: &str| {
                    let theirs = files.get(language);
                    home.is_none_or(|home| theirs.is_some_and(|theirs| !theirs.is_disjoint(home)))
                };
                let without = languages
                    .iter()
                    .filter(|(language, keys)| !keys.contains(text) && should_have(language));
                for (language, keys) in without {
                    findings.add(
                        &file.path,
                        token.line,
                        format!("`{text}` is not among the {} texts of {language}", keys.len()),
                    );
                }
            }
        }
    }
    for (path, line, key) in defined {
        if !referred.contains(&key) && !asked_for(&key, &literals) {
            findings.add(&path, line, format!("nobody asks for `{key}`"));
        }
    }
    findings
}

/// Whether the literal here is the first argument of `.text(…)` and its like.
fn asked(tokens: &[Token], at: usize) -> bool {
    at >= 3
        && tokens[at - 1].is('(')
        && tokens[at - 2].word().is_some_and(|word| ASKS.contains(&word))
        && tokens[at - 3].is('.')
}

/// Whether some literal is this key, or one or two put together are.
fn asked_for(key: &str, literals: &BTreeSet<String>) -> bool {
    let begun = literals
        .iter()
        .filter_map(|literal| beginning(literal))
        .any(|before| key.starts_with(before));
    let ended = literals
        .iter()
        .filter_map(|literal| ending(literal))
        .any(|after| key.strip_suffix(after).is_some_and(|before| literals.contains(before)));
    literals.contains(key) || begun || ended
}

/// The beginning that a literal stands for, if it is one.
fn beginning(literal: &str) -> Option<&str> {
    let before = literal.split('{').next().filter(|before| before.ends_with('-'))?;
    (before.len() >= BEGINNING_CHARACTERS_MIN).then_some(before)
}

/// The ending that a literal stands for, if it is one.
fn ending(literal: &str) -> Option<&str> {
    let (name, after) = literal.strip_prefix('{')?.split_once('}')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (name.chars().all(plain) && after.starts_with('-') && after.chars().all(plain)).then_some(after)
}

/// The key that a line of a `.ftl` file defines: `home-title = …` or the term `-jurisdiction = …`.
fn definition(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim_end();
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (plain && !key.is_empty() && !line.starts_with(' ')).then_some(key)
}

/// Keys and terms that a line refers to: `{ other-key }`, `{ -term }`.
fn references(line: &str) -> Vec<String> {
    let inside = line
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split(['}', '.', '(']).next());
    inside
        .map(str::trim)
        .filter(|word| !word.starts_with(['$', '"']))
        .map(str::to_owned)
        .collect()
}
