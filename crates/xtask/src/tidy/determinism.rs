//! Only `runtime` reads the clock and the machine's entropy, spawns tasks and starts threads: everything else takes
//! `now` and is handed what it needs, so that a simulation can replay it. A single file elsewhere that opens with
//! `//! Pure.` is held to the same and more: no `async` and no `await`.

use super::tokens::{NamedPath, paths};
use super::{Findings, Tree};

/// Crates that may: the one whose job it is, and a developer's tool.
const MAY: &[&str] = &["runtime", "xtask"];
/// The command line starts the runtime and waits for signals; the clock it takes from `runtime` like everyone else.
const COMMAND_LINE: &str = "cli";

/// Segments that must not follow one another, and whose room the deed is.
const BANNED: &[(&[&str], &str)] = &[
    (&["SystemTime", "now"], "runtime::clock"),
    (&["Instant", "now"], "runtime::clock"),
    (&["Timestamp", "now"], "runtime::clock"),
    (&["Zoned", "now"], "runtime::clock"),
    (&["Uuid", "now_v7"], "runtime::entropy"),
    (&["Uuid", "new_v4"], "runtime::entropy"),
    (&["rand", "rng"], "runtime::entropy"),
    (&["rand", "random"], "runtime::entropy"),
    (&["getrandom"], "runtime::entropy"),
    (&["OsRng"], "runtime::entropy"),
    (&["thread_rng"], "runtime::entropy"),
    (&["tokio", "spawn"], "runtime::task"),
    (&["task", "spawn"], "runtime::task"),
    (&["task", "spawn_blocking"], "runtime::task"),
    (&["JoinSet"], "runtime::task"),
    (&["thread", "spawn"], "runtime::task"),
    (&["thread", "Builder"], "runtime::task"),
    (&["thread", "sleep"], "runtime::clock"),
    (&["time", "sleep"], "runtime::clock"),
    (&["time", "interval"], "runtime::clock"),
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in tree.sources() {
        findings.look();
        let named = paths(&file.tokens);
        if !MAY.contains(&file.krate.as_str()) {
            for path in &named {
                if let Some(whose) = banned(path, &file.krate) {
                    findings.add(&file.path, path.line, format!("`{}` belongs to {whose}", path.joined()));
                }
            }
        }
        if file.text.starts_with("//! Pure.") {
            for token in file
                .tokens
                .iter()
                .filter(|token| matches!(token.word(), Some("async" | "await")))
            {
                findings.add(&file.path, token.line, "says it is pure: no async and no await here");
            }
        }
    }
    findings
}

fn banned(path: &NamedPath, krate: &str) -> Option<&'static str> {
    if path
        .segments
        .first()
        .is_some_and(|first| first == "rand" || first == "rand_chacha")
        && path.segments.len() > 1
    {
        return Some("runtime::entropy");
    }
    let (_, whose) = BANNED.iter().find(|(segments, _)| path.contains(segments))?;
    (krate != COMMAND_LINE || *whose == "runtime::clock" || *whose == "runtime::entropy").then_some(*whose)
}
