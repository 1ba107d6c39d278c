//! The command line of the developer's tool: parse, call, end with 0 or 1.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to a terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::release::{self, Wanted};
use xtask::{Checkout, bench, group, history, patroni, postgres, soak, suite, tidy};

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
        /// fmt, tidy, clippy, unit, simulation, journey, messages, metrics, contract, browser, crash, shared, disk, failover, fsync, backup, migrate, planted, release.
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
    /// Books at any site over its public API, writes a history, and judges it by every checker.
    History {
        /// The site's public URL (http), such as http://127.0.0.1:8080; or the file of a history, to judge it again.
        site: String,
        /// How long the clients visit.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Clients at once.
        #[arg(long, default_value_t = 32)]
        clients: usize,
        /// Clinics nearest to this ZIP; any, when none is given.
        #[arg(long)]
        near: Option<String>,
        /// At how many clinics.
        #[arg(long, default_value_t = 20)]
        clinics: usize,
        /// Others take places there meanwhile: what depends on being alone is not judged.
        #[arg(long)]
        shared: bool,
        /// By how many milliseconds the site's clock may differ from this machine's.
        #[arg(long, default_value_t = 0)]
        slack_ms: u64,
        /// Where the history is written.
        #[arg(long, default_value = "history.ndjson")]
        output: PathBuf,
    },
    /// A PostgreSQL server to try things with, on a free port, until Ctrl-C. Tests find it by `EVENKEEL_POSTGRES=URL`.
    Postgres,
    /// A PostgreSQL of three nodes under Patroni, until Ctrl-C; prints the URL for `EVENKEEL_DATABASE`.
    Patroni,
    /// The cases of the suite `disk`, in the namespace that it made.
    #[command(hide = true)]
    DiskInside {
        /// Its folder.
        folder: PathBuf,
        /// Without any capability.
        #[arg(long)]
        unprivileged: bool,
    },
    /// Full sizes, hours: what is too long for every change.
    Soak {
        /// Which; all when none is named.
        names: Vec<String>,
    },
    /// The tarball that operators install: built, packed, signed; minutes.
    Release(Release),
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Release {
    /// The key to sign with (PKCS#8, PEM); without one a trial key is made.
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Build a second time in another folder, and compare byte for byte.
    #[arg(long)]
    twice: bool,
    #[command(subcommand)]
    command: Option<ReleaseCommand>,
}

#[derive(Subcommand)]
enum ReleaseCommand {
    /// Check a tarball with the SHA256SUMS and SHA256SUMS.sig beside it.
    Verify {
        /// The tarball.
        tarball: PathBuf,
        /// The public key (PEM) of whoever published it.
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
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
        Command::History {
            site,
            seconds,
            clients,
            near,
            clinics,
            shared,
            slack_ms,
            output,
        } => {
            if !site.starts_with("http://") {
                return history::judge(Path::new(&site));
            }
            history::run(&history::Wanted {
                url: &site,
                lasts: Duration::from_secs(seconds),
                clients,
                near: near.as_deref(),
                clinics,
                shared,
                slack: Duration::from_millis(slack_ms),
                output: &output,
            })
        }
        Command::DiskInside { folder, unprivileged } => suite::disk::run_inside(&folder, unprivileged).map(|()| true),
        Command::Postgres => postgres::serve().map(|()| true),
        Command::Patroni => patroni::serve(&checkout).map(|()| true),
        Command::Soak { names } => soak::run(&checkout, &names),
        Command::Release(Release {
            command: Some(ReleaseCommand::Verify { tarball, public_key }),
            ..
        }) => release::verify(&tarball, &public_key).map(|()| true),
        Command::Release(Release { signing_key, twice, .. }) => release::run(&checkout, &Wanted { signing_key, twice }),
    }
}
