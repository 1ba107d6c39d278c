//! Every public code, of a refusal, a fault, a plain HTTP error, stands in docs/api.md. Codes are found where they are
//! said: in functions called `code` and in constants and fields of that name.

use super::tokens::Token;
use super::{Findings, Tree};

/// Where codes are documented.
const DOCUMENT: &str = "docs/api.md";
/// Crates that may say a public code.
const SPEAKERS: &[&str] = &["base", "scheduling", "booking", "runtime", "server", "gateway"];
/// The file whose functions named `code` speak of other things (statuses, kinds) is told by its type's name.
const OTHER_CODES: &[&str] = &[
    "Status",
    "HoldStatus",
    "Occasion",
    "State",
    "Kind",
    "Unit",
    "Language",
    "Zone",
    "Product",
    "Group",
    "Event",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let document = tree.texts.get(DOCUMENT).map(String::as_str).unwrap_or_default();
    for file in tree.sources().filter(|file| SPEAKERS.contains(&file.krate.as_str())) {
        for (line, code) in said(&file.tokens) {
            findings.look();
            if !document.contains(&format!("`{code}`")) {
                findings.add(&file.path, line, format!("the code `{code}` is not in {DOCUMENT}"));
            }
        }
    }
    findings
}

fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The string literals in the bodies of `fn code` of refusals, faults and problems.
fn said(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut of = String::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].word() == Some("impl") {
            let words = tokens[at + 1..]
                .iter()
                .take_while(|token| !token.is('{'))
                .filter_map(Token::word);
            words.last().unwrap_or_default().clone_into(&mut of);
        }
        let named = tokens[at].word() == Some("fn") && tokens.get(at + 1).and_then(Token::word) == Some("code");
        let method = tokens[at..]
            .iter()
            .take_while(|token| !token.is(')'))
            .any(|token| token.word() == Some("self"));
        let begins = named && method;
        if begins && !OTHER_CODES.iter().any(|other| of.ends_with(other)) {
            let mut depth = 0;
            while at < tokens.len() {
                depth += i32::from(tokens[at].is('{')) - i32::from(tokens[at].is('}'));
                if let Some(code) = tokens[at].text().filter(|text| is_kebab(text)) {
                    found.push((tokens[at].line, code.to_owned()));
                }
                if depth == 0 && tokens[at].is('}') {
                    break;
                }
                at += 1;
            }
        }
        at += 1;
    }
    found
}
