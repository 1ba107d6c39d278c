//! Every crate takes the workspace's lints (so that `unsafe_code = forbid` holds everywhere), has one test binary
//! (linking costs more than running), and nothing switches the ban on unsafe code off.

use super::{Findings, Tree};

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for (path, text) in &tree.texts {
        let parts: Vec<&str> = path.split('/').collect();
        let ["crates", krate, "Cargo.toml"] = parts.as_slice() else {
            continue;
        };
        findings.look();
        let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[lints]");
        if lines
            .nth(1)
            .is_none_or(|line| line.replace(' ', "") != "workspace=true")
        {
            findings.add(
                path,
                0,
                "does not take the workspace's lints: `[lints]` then `workspace = true`",
            );
        }
        let folder = format!("crates/{krate}/tests/");
        for test in tree.paths.iter().filter_map(|path| path.strip_prefix(&folder)) {
            let binary = !test.contains('/') && test.contains(".rs");
            let folder_of_one = test
                .strip_suffix("/main.rs")
                .is_some_and(|of| of != "all" && !of.contains('/'));
            if binary || folder_of_one {
                findings.add(
                    &format!("{folder}{test}"),
                    0,
                    "one test binary a crate: a module of tests/all/main.rs",
                );
            }
        }
    }
    if let Some(root) = tree.texts.get("Cargo.toml") {
        findings.look();
        if !root
            .lines()
            .any(|line| line.replace(' ', "") == "unsafe_code=\"forbid\"")
        {
            findings.add("Cargo.toml", 0, "the workspace's lints no longer forbid unsafe code");
        }
    }
    findings
}
