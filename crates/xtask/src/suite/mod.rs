//! The suites of `cargo xtask test`: each has a time budget, prints what it spent of it, and fails at one and a half
//! times that. One build profile for all. The outside suites drive the real binary.

pub mod backup;
pub mod browser;
pub mod cargo;
pub mod contract;
pub mod crash;
pub mod disk;
pub mod failover;
pub mod fault_words;
pub mod fsync;
pub mod gateway;
pub mod journey;
pub mod messages;
pub mod metrics;
pub mod migrate;
pub mod planted;
pub mod release;
pub mod shared;
pub mod simulation;
pub mod staleness;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Checkout;

/// How many checks passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Promises kept.
    pub passed: usize,
    /// Promises broken.
    pub failed: usize,
}

impl Tally {
    /// So many passed.
    pub fn passed(passed: usize) -> Self {
        Self { passed, failed: 0 }
    }
    /// With those of another.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// One suite.
pub struct Suite {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it promises, in one line.
    pub says: &'static str,
    /// What it should take on two cores from a cold clone; at 1.5 times this it fails.
    pub budget: Duration,
    /// Whether it needs the product's binary.
    pub outside: bool,
    /// Runs it.
    pub run: fn(&Checkout) -> Result<Tally>,
}

const fn suite(
    name: &'static str,
    says: &'static str,
    budget_s: u64,
    outside: bool,
    run: fn(&Checkout) -> Result<Tally>,
) -> Suite {
    Suite {
        name,
        says,
        budget: Duration::from_secs(budget_s),
        outside,
        run,
    }
}

/// Every suite, cheapest first.
pub const SUITES: &[Suite] = &[
    suite("fmt", "the sources are formatted", 20, false, cargo::fmt),
    suite("tidy", "the house rules hold", 30, false, cargo::tidy),
    suite("clippy", "no lint has anything to say", 160, false, cargo::clippy),
    suite(
        "unit",
        "pure tables, properties, storage, HTTP in memory",
        480,
        false,
        cargo::unit,
    ),
    suite(
        "simulation",
        "simulated worlds full of faults, and planted bugs that are found",
        150,
        false,
        simulation::run,
    ),
    suite(
        "journey",
        "a person's minute with the binary, and a stranger's client",
        30,
        true,
        journey::run,
    ),
    suite(
        "metrics",
        "promtool has nothing to say about /metrics",
        30,
        true,
        metrics::run,
    ),
    suite(
        "messages",
        "mails past a server that misbehaves, read by two calendars",
        50,
        true,
        messages::run,
    ),
    suite(
        "contract",
        "schemathesis: every operation, every check",
        100,
        true,
        contract::run,
    ),
    suite(
        "planted",
        "people and secrets are found nowhere, and would be",
        30,
        true,
        planted::run,
    ),
    suite(
        "browser",
        "a phone without scripts; axe with every rule",
        60,
        true,
        browser::run,
    ),
    suite(
        "gateway",
        "servers and the gateway killed, silent, misbehaving: no request fails, nobody waits for nothing",
        90,
        true,
        gateway::run,
    ),
    suite(
        "crash",
        "killed at any instant, nothing acknowledged is lost",
        90,
        true,
        crash::run,
    ),
    suite(
        "shared",
        "two servers and an import on one data folder, three on one PostgreSQL, all killed",
        80,
        true,
        shared::run,
    ),
    suite(
        "disk",
        "disk full, read-only, locked, failing: true words, and it heals",
        60,
        true,
        disk::run,
    ),
    suite(
        "failover",
        "PostgreSQL's primary killed, paused, switched over: seconds, and no booking",
        150,
        true,
        failover::run,
    ),
    suite("fsync", "on disk before the answer", 40, true, fsync::run),
    suite(
        "backup",
        "a machine burned under load comes back by the document alone",
        60,
        true,
        backup::run,
    ),
    suite(
        "migrate",
        "a jurisdiction moves between engines while people book",
        60,
        true,
        migrate::run,
    ),
    suite(
        "release",
        "the tarball: packed twice the same, signed, and installed from",
        30,
        true,
        release::run,
    ),
];

/// Runs the named suites, or all, and prints the closing line that counts in any language. Whether all passed.
pub fn run(checkout: &Checkout, names: &[String]) -> Result<bool> {
    for name in names {
        if !SUITES.iter().any(|suite| suite.name == *name) {
            let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!("no suite is called `{name}`; there are: {}", known.join(", "));
        }
    }
    let began = Instant::now();
    let mut all = Tally::default();
    let chosen = SUITES
        .iter()
        .filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name));
    let mut built = false;
    let mut lines = Vec::new();
    for suite in chosen {
        if suite.outside && !built {
            built = true;
            all.add(timed(
                "build",
                "the binary that the outside suites drive",
                200,
                checkout,
                cargo::build,
                &mut lines,
            ));
        }
        all.add(timed(
            suite.name,
            suite.says,
            suite.budget.as_secs(),
            checkout,
            suite.run,
            &mut lines,
        ));
    }
    println!("\n{:<10} {:>6} {:>7}", "suite", "spent", "budget");
    for line in lines {
        println!("{line}");
    }
    println!("{:<10} {:>5.0}s", "all", began.elapsed().as_secs_f64());
    println!("\n{} passed, {} failed", all.passed, all.failed);
    Ok(all.failed == 0)
}

fn timed(
    name: &str,
    says: &str,
    budget_s: u64,
    checkout: &Checkout,
    run: fn(&Checkout) -> Result<Tally>,
    lines: &mut Vec<String>,
) -> Tally {
    println!("\n── {name}: {says}");
    let began = Instant::now();
    let mut tally = run(checkout).unwrap_or_else(|error| {
        println!("FAILED {name}: {error:#}");
        Tally { passed: 0, failed: 1 }
    });
    let spent = began.elapsed();
    let over = spent > Duration::from_secs(budget_s) * 3 / 2;
    if over {
        tally.failed += 1;
        println!("FAILED {name}: over its time");
    }
    let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
    let line = format!(
        "{name:<10} {:>5.0}s {budget_s:>6}s  {verdict:<6} {} passed, {} failed",
        spent.as_secs_f64(),
        tally.passed,
        tally.failed
    );
    println!("{line}");
    lines.push(if over {
        line + ", over 1.5 times its budget"
    } else {
        line
    });
    tally
}

/// A runtime for a suite that speaks HTTP.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}
