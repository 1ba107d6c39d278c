//! hyper and axum stand at the doors only: `runtime::http`, `server`, `gateway`, `watch::web`, and with `rehearsal`, who
//! stands before them. The engine does not know that it is asked over HTTP.

use super::tokens::paths;
use super::{Findings, Tree};

/// Where they may be named.
const DOORS: &[&str] = &[
    "crates/runtime/src/http/",
    "crates/server/src/",
    "crates/gateway/src/",
    "crates/watch/src/web/",
    "crates/rehearsal/src/",
    "crates/xtask/",
];
/// What is meant.
const NAMES: &[&str] = &["hyper", "hyper_util", "axum", "tower_http", "utoipa_axum"];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in tree.sources() {
        findings.look();
        if DOORS.iter().any(|door| file.path.starts_with(door)) {
            continue;
        }
        for path in paths(&file.tokens).iter().filter(|path| path.segments.len() > 1) {
            if NAMES.contains(&path.segments[0].as_str()) {
                findings.add(
                    &file.path,
                    path.line,
                    format!("`{}` stands at the doors only", path.joined()),
                );
            }
        }
    }
    findings
}
