//! The command line of the developer's tool: parse, call, end with 0 or 1.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to a terminal"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::{Checkout, bench, group, soak, suite, tidy};

/// What a developer of Evenkeel runs.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The house rules.
    Tidy,
    /// What CI runs: every suite, or those named.
    Test {
        /// fmt, tidy, clippy, unit, simulation, journey, metrics, contract, browser, crash, shared, fsync.
        suites: Vec<String>,
    },
    /// Ratios measured in one run, in a release build.
    Bench {
        /// Rows to measure, by the beginning of their names; all when none is named.
        names: Vec<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Full sizes, hours: what is too long for every change.
    Soak {
        /// Which; all when none is named.
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything passed.
fn run(arguments: Arguments) -> Result<bool> {
    let checkout = Checkout::here();
    group::end_with_us()?;
    match arguments.command {
        Command::Tidy => {
            let (held, broken) = tidy::run(&tidy::Tree::read(&checkout.root)?);
            println!("{held} passed, {broken} failed");
            Ok(broken == 0)
        }
        Command::Test { suites } => suite::run(&checkout, &suites),
        Command::Bench { names, json } => bench::run(&checkout, &names, json),
        Command::Soak { names } => soak::run(&checkout, &names),
    }
}
