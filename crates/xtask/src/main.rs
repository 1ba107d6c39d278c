//! The command line of the developer's tool: parse, call, end with 0 or 1.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to a terminal")]
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::tidy;

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("xtask lives in crates/xtask")?;
    match arguments.command {
        Command::Tidy => {
            let (held, broken) = tidy::run(&tidy::Tree::read(root)?);
            println!("{held} passed, {broken} failed");
            Ok(broken == 0)
        }
    }
}
