//! A crate depends only on what its line names (DESIGN's map of crates, repeated in ARCHITECTURE.md), and a pure crate
//! reaches no clock, chance, network or storage, however far down the graph.

use std::collections::BTreeSet;

use super::{Findings, Tree};

/// The map of crates: who may depend on whom, tests aside. `base` may be used by all.
pub const MAP: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("scheduling", &["base"]),
    ("reliability", &["base"]),
    ("html", &["base"]),
    ("runtime", &["base"]),
    ("database", &["base", "runtime"]),
    ("messaging", &["base", "runtime"]),
    ("identity", &["base", "runtime"]),
    ("booking", &["base", "scheduling", "database", "messaging", "runtime"]),
    (
        "server",
        &[
            "base",
            "booking",
            "scheduling",
            "reliability",
            "html",
            "identity",
            "runtime",
        ],
    ),
    ("gateway", &["base", "reliability", "html", "runtime"]),
    (
        "watch",
        &[
            "base",
            "reliability",
            "database",
            "messaging",
            "html",
            "identity",
            "runtime",
        ],
    ),
    ("supervisor", &["base", "reliability", "runtime"]),
    ("rehearsal", &["base", "reliability", "runtime"]),
    (
        "simulator",
        &["base", "booking", "scheduling", "reliability", "database", "runtime"],
    ),
];

/// These may use every crate of ours: one wires the product, the other looks after the house.
const ALL: &[&str] = &["cli", "xtask"];
/// Values and `now` in, values out.
const PURE: &[&str] = &["base", "scheduling", "reliability", "html"];
/// What a pure crate must not reach: each is a door to clock, chance, network or storage.
const IMPURE: &[&str] = &[
    "tokio",
    "rand",
    "getrandom",
    "rusqlite",
    "tokio-postgres",
    "hyper",
    "axum",
    "reqwest",
    "nix",
    "socket2",
    "mio",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let ours: BTreeSet<&str> = tree.crates().map(|package| package.name.as_str()).collect();
    for package in tree.crates() {
        findings.look();
        let name = package.name.as_str();
        let line = MAP
            .iter()
            .find(|(crate_name, _)| *crate_name == name)
            .map(|(_, may)| *may);
        if line.is_none() && !ALL.contains(&name) {
            findings.add(
                name,
                0,
                "is not on the map of crates: give it a line there, or make it a module",
            );
        }
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            let on = dependency.name.as_str();
            if ours.contains(on) && line.is_some_and(|may| !may.contains(&on)) {
                findings.add(
                    name,
                    0,
                    format!("depends on `{on}`, which its line on the map does not name"),
                );
            }
        }
        if PURE.contains(&name) {
            for reached in reachable(tree, name) {
                if IMPURE.contains(&reached.as_str()) {
                    findings.add(name, 0, format!("is pure and must not reach `{reached}`"));
                }
            }
        }
    }
    findings
}

/// All packages that `name` needs outside of its tests.
fn reachable(tree: &Tree, name: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(next) = waiting.pop() {
        for package in tree.packages.iter().filter(|package| package.name == next) {
            for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
                if seen.insert(dependency.name.clone()) {
                    waiting.push(dependency.name.clone());
                }
            }
        }
    }
    seen
}
