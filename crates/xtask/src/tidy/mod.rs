//! The house rules as a test: a rule is a file, and each counts what it looked at, because a rule that sees nothing
//! would pass for ever. Knows the sources and `cargo metadata`; runs nothing of the product.

pub mod build_tools;
pub mod codes;
pub mod dependencies;
pub mod determinism;
pub mod drivers;
pub mod edges;
pub mod fluent;
pub mod glossary;
pub mod hashing;
pub mod headers;
pub mod http;
pub mod licences;
pub mod manifests;
pub mod metrics;
pub mod paths;
pub mod planted_bugs;
pub mod settings;
pub mod sizes;
pub mod sql;
pub mod tokens;
pub mod tree;

use std::fmt;

pub use tree::Tree;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the root of the tree; a package's name where the rule is about packages.
    pub path: String,
    /// From 1; 0 when the finding is about the whole file.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// What a rule saw.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// How many things the rule looked at. Zero is itself a failure.
    pub looked_at: usize,
    /// What it found, in the order of the tree.
    pub found: Vec<Finding>,
}

impl Findings {
    /// Counts one more thing as looked at.
    pub fn look(&mut self) {
        self.looked_at += 1;
    }
    /// Notes one place that breaks the rule.
    pub fn add(&mut self, path: &str, line: usize, what: impl Into<String>) {
        self.found.push(Finding {
            path: path.to_owned(),
            line,
            what: what.into(),
        });
    }
    /// Whether the rule held and had something to hold for.
    pub fn clean(&self) -> bool {
        self.looked_at > 0 && self.found.is_empty()
    }
}

/// A rule of the house.
pub struct Rule {
    /// The rule's file.
    pub name: &'static str,
    /// The rule in one line.
    pub says: &'static str,
    /// Looks at the tree.
    pub check: fn(&Tree) -> Findings,
}

/// Every rule, in the order they are printed.
pub const RULES: &[Rule] = &[
    Rule {
        name: "dependencies",
        says: "a crate depends only on what its line names",
        check: dependencies::check,
    },
    Rule {
        name: "manifests",
        says: "every crate takes the workspace's lints, one test binary",
        check: manifests::check,
    },
    Rule {
        name: "determinism",
        says: "only runtime knows clock, entropy, tasks, threads",
        check: determinism::check,
    },
    Rule {
        name: "edges",
        says: "only cli and xtask name clap, std::env, anyhow",
        check: edges::check,
    },
    Rule {
        name: "sql",
        says: "SQL text only in records, no clock or chance in it",
        check: sql::check,
    },
    Rule {
        name: "drivers",
        says: "database drivers only in database",
        check: drivers::check,
    },
    Rule {
        name: "http",
        says: "hyper and axum only at the doors",
        check: http::check,
    },
    Rule {
        name: "hashing",
        says: "no default-hasher maps in the engine",
        check: hashing::check,
    },
    Rule {
        name: "sizes",
        says: "files and functions short enough to hold in mind",
        check: sizes::check,
    },
    Rule {
        name: "headers",
        says: "every file says what lives there",
        check: headers::check,
    },
    Rule {
        name: "planted_bugs",
        says: "planted bugs are in nobody's build but the simulator's, and nothing is left out but in the bench",
        check: planted_bugs::check,
    },
    Rule {
        name: "paths",
        says: "every path named in a document exists",
        check: paths::check,
    },
    Rule {
        name: "build_tools",
        says: "a Rust toolchain and a C compiler build everything",
        check: build_tools::check,
    },
    Rule {
        name: "licences",
        says: "every package's licence lets us ship",
        check: licences::check,
    },
    Rule {
        name: "settings",
        says: "every setting is documented",
        check: settings::check,
    },
    Rule {
        name: "metrics",
        says: "every metric is documented",
        check: metrics::check,
    },
    Rule {
        name: "codes",
        says: "every refusal and fault code is documented",
        check: codes::check,
    },
    Rule {
        name: "glossary",
        says: "no word that the glossary bans",
        check: glossary::check,
    },
    Rule {
        name: "fluent",
        says: "every text used is defined, every text defined is used",
        check: fluent::check,
    },
];

/// Runs every rule and prints what each saw. Answers how many held and how many did not.
pub fn run(tree: &Tree) -> (usize, usize) {
    let (mut held, mut broken) = (0, 0);
    for rule in RULES {
        let findings = (rule.check)(tree);
        if findings.clean() {
            held += 1;
            println!(
                "  ok    {:<13} {:>5} looked at   {}",
                rule.name, findings.looked_at, rule.says
            );
            continue;
        }
        broken += 1;
        println!(
            "  FAIL  {:<13} {:>5} looked at   {}",
            rule.name, findings.looked_at, rule.says
        );
        if findings.looked_at == 0 {
            println!("        looked at nothing: the rule has lost its object");
        }
        for finding in &findings.found {
            println!("        {finding}");
        }
    }
    (held, broken)
}
