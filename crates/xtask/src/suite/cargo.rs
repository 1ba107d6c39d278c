//! The suites that cargo runs: formatting, lints, tests inside the workspace, and the binary for the suites outside.

use std::process::Command;

use anyhow::{Context, Result};

use super::Tally;
use crate::postgres::Postgres;
use crate::{Checkout, program, tidy as house};

/// The whole workspace is formatted as rustfmt.toml says.
pub fn fmt(checkout: &Checkout) -> Result<Tally> {
    program::run(cargo(checkout).args(["fmt", "--all", "--check"]))?;
    Ok(Tally::passed(1))
}

/// No lint has anything to say about anything.
pub fn clippy(checkout: &Checkout) -> Result<Tally> {
    let arguments = [
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    program::run(cargo(checkout).args(arguments))?;
    Ok(Tally::passed(1))
}

/// The house rules.
pub fn tidy(checkout: &Checkout) -> Result<Tally> {
    let (passed, failed) = house::run(&house::Tree::read(&checkout.root)?);
    Ok(Tally { passed, failed })
}

/// Every crate's tests; and those of engine and door, which are on SQLite in memory then, once more on PostgreSQL.
pub fn unit(checkout: &Checkout) -> Result<Tally> {
    // Without `fsync`: hundreds of databases are made on it, and what is durable is another suite's question.
    let postgres = Postgres::start(&std::env::temp_dir(), &["fsync=off", "full_page_writes=off"])?;
    let url = postgres.url("postgres");
    let mut tally = tests(checkout, &url, &[])?;
    let on_postgres = tests(checkout, &url, &ON_POSTGRES)?;
    println!("  on PostgreSQL: {} passed", on_postgres.passed);
    tally.add(on_postgres);
    Ok(tally)
}

/// Packages whose tests ask `EVENKEEL_ENGINE` which engine is meant.
const ON_POSTGRES: [&str; 2] = ["booking", "server"];

/// Tests of these packages on PostgreSQL, or of all as they are: by nextest where it is installed, else by cargo itself.
fn tests(checkout: &Checkout, url: &str, on_postgres: &[&str]) -> Result<Tally> {
    let mut command = cargo(checkout);
    command.env("EVENKEEL_POSTGRES", url);
    let nextest = program::find("cargo-nextest").is_some();
    if nextest {
        command.args([
            "nextest",
            "run",
            "--status-level",
            "fail",
            "--final-status-level",
            "fail",
        ]);
        command.env("NO_COLOR", "1");
    } else {
        command.arg("test");
    }
    command.args(["--locked", "--no-fail-fast"]);
    if on_postgres.is_empty() || nextest {
        command.arg("--workspace");
    } else {
        command.args(on_postgres.iter().flat_map(|package| ["--package", package]));
    }
    if !on_postgres.is_empty() {
        command.env("EVENKEEL_ENGINE", "postgres");
        // Of the whole workspace as it is built: some packages alone would be built anew, with other features.
        let only = on_postgres.iter().map(|package| format!("package({package})"));
        let only = only.collect::<Vec<_>>().join(" or ");
        command.args(nextest.then_some(["-E", &only]).into_iter().flatten());
    }
    let output = command.output().context("starting cargo")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let mut tally = count(&said);
    if !output.status.success() || tally.failed > 0 {
        println!("{said}");
        tally.failed = tally.failed.max(1);
    }
    anyhow::ensure!(tally.passed + tally.failed > 0, "no test was run:\n{said}");
    Ok(tally)
}

/// The product, built as the tests are: asked for alone it would have other features of its dependencies, and all of
/// them would be built twice.
pub fn build(checkout: &Checkout) -> Result<Tally> {
    let arguments = ["build", "--quiet", "--locked", "--workspace", "--bins", "--tests"];
    program::run(cargo(checkout).args(arguments))?;
    Ok(Tally::passed(1))
}

fn cargo(checkout: &Checkout) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&checkout.root);
    command
}

/// Adds up what nextest (`Summary … 30 tests run: 29 passed, 1 failed`) or cargo (`test result: … 12 passed; 0 failed`)
/// say at the end.
pub fn count(said: &str) -> Tally {
    let mut tally = Tally::default();
    for line in said
        .lines()
        .filter(|line| line.contains("Summary [") || line.starts_with("test result:"))
    {
        let words: Vec<&str> = line
            .split([' ', ',', ';', '(', ')'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<usize>() else { continue };
            match pair[1] {
                "passed" => tally.passed += number,
                "failed" | "timed" => tally.failed += number,
                _ => {}
            }
        }
    }
    tally
}
