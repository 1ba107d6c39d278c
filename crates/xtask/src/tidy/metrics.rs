//! Every metric stands in docs/metrics.md by the name that a scrape shows. Names are found where they are registered
//! with their help, `register("name", "Help", …)` (under `evenkeel_`), and where they are written in full.

use super::tokens::Token;
use super::{Findings, Tree};

/// Where metrics are documented.
const DOCUMENT: &str = "docs/metrics.md";
/// How a name written in full begins.
const PREFIXES: &[&str] = &["evenkeel_", "process_"];
/// Methods and closures that take a name and its help first.
const REGISTER: &[&str] = &[
    "register",
    "register_with_unit",
    "count",
    "counter",
    "gauge",
    "histogram",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let document = tree.texts.get(DOCUMENT).map(String::as_str).unwrap_or_default();
    for file in tree.sources().filter(|file| file.krate != "xtask") {
        for (at, token) in file.tokens.iter().enumerate() {
            let Some(name) = metric(&file.tokens, at) else { continue };
            findings.look();
            if !documented(document, &name) {
                findings.add(
                    &file.path,
                    token.line,
                    format!("the metric `{name}` is not in {DOCUMENT}"),
                );
            }
        }
    }
    findings
}

fn metric(tokens: &[Token], at: usize) -> Option<String> {
    let text = tokens[at].text()?;
    if text.is_empty()
        || !text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    {
        return None;
    }
    if PREFIXES
        .iter()
        .any(|prefix| text.starts_with(prefix) && text.len() > prefix.len())
    {
        return Some(text.to_owned());
    }
    let before = at.checked_sub(2)?;
    let called = tokens[before].word().is_some_and(|word| REGISTER.contains(&word)) && tokens[before + 1].is('(');
    let helped = tokens.get(at + 1)?.is(',') && tokens.get(at + 2)?.text().is_some();
    (called && helped).then(|| format!("evenkeel_{text}"))
}

/// A counter is documented as it is scraped, with `_total`.
fn documented(document: &str, name: &str) -> bool {
    [
        format!("`{name}`"),
        format!("`{name}_total`"),
        format!("`{name}{{"),
        format!("`{name}_total{{"),
    ]
    .iter()
    .any(|form| document.contains(form.as_str()))
}
