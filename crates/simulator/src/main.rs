//! The simulator's command line: replays one seed, runs many, or hunts planted bugs. Parse, call, print.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to a terminal"
)]

use clap::{ArgGroup, Parser};
use scheduling::planted::BUGS;
use simulator::checker::sometimes::Sometimes;
use simulator::gate::{self, Seeds, Tally};
use simulator::seed;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Passed.
const PASSED: u8 = 0;
/// Could not run.
const FAILED: u8 = 1;
/// Something was found that must not be.
const FOUND: u8 = 3;
/// Commands of a run where nobody says otherwise.
const COMMANDS: u64 = 500;
/// What must find the bug that is none of ours: that which looks right behind a fail-over.
const LOSES: (&str, &str) = ("standby_asynchronous", "always_acknowledged_is_stored");
/// Failing seeds shown with their command.
const SHOWN: usize = 5;

/// Runs the real booking engine in simulated worlds and holds it against the rules.
#[derive(Parser)]
#[command(
    name = "simulator",
    version,
    after_help = "Exit codes: 0 nothing was found, 3 something was, 1 it could not run.\n\n\
        Examples:\n  \
        cargo run -p simulator -- --seed 7                       replay one seed; its log on stdout, one line a command\n  \
        cargo run -p simulator -- --seed 7 --commands 200        the same, shorter\n  \
        cargo run -p simulator -- --seeds 200                    seeds 1 to 200, as in `cargo xtask test simulation`\n  \
        cargo run -p simulator -- --fresh 20 --failing DIR       new seeds for 20 s; failing ones are kept as files\n  \
        cargo run -p simulator --features planted -- --hunt all  is each planted bug found?"
)]
#[command(group(ArgGroup::new("what").required(true).args(["seed", "seeds", "fresh", "hunt"])))]
struct Arguments {
    /// Replay this seed and print its log.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run so many seeds, from `--first` on, and print what happened in them.
    #[arg(long, value_name = "COUNT")]
    seeds: Option<u64>,
    /// Run new seeds for so many seconds.
    #[arg(long, value_name = "SECONDS")]
    fresh: Option<u64>,
    /// Look for a planted bug, or for all, within `--within` seeds (needs the feature `planted`).
    #[arg(long, value_name = "BUG")]
    hunt: Option<String>,
    /// Commands of each run while things fail; more follow once nothing does.
    #[arg(long, value_name = "K", default_value_t = COMMANDS, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    commands: u64,
    /// The first of `--seeds`.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: u64,
    /// With `--seed`: with this bug (needs the feature `planted`).
    #[arg(long, value_name = "BUG", requires = "seed")]
    planted: Option<String>,
    /// Seeds within which a planted bug must be found.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    within: u64,
    /// With `--seeds`: fail when something that must happen sometimes never did.
    #[arg(long)]
    complete: bool,
    /// Where logs of failing seeds are written.
    #[arg(long, value_name = "DIR")]
    failing: Option<PathBuf>,
    /// Threads; each runs a seed at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=256))]
    threads: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::from(PASSED),
        Ok(false) => ExitCode::from(FOUND),
        Err(cause) => {
            eprintln!("simulator: {cause}");
            ExitCode::from(FAILED)
        }
    }
}

/// Whether nothing was found.
fn run(arguments: &Arguments) -> Result<bool, String> {
    if let Some(seed) = arguments.seed {
        let bug = arguments.planted.as_deref().map(known).transpose()?;
        return replay(seed, arguments.commands, bug);
    }
    if let Some(hunted) = &arguments.hunt {
        return hunt(hunted, arguments);
    }
    let seeds = match (arguments.seeds, arguments.fresh) {
        (Some(count), _) => Seeds::Fixed {
            first: arguments.first,
            count,
        },
        (None, seconds) => Seeds::Fresh(Duration::from_secs(seconds.unwrap_or_default())),
    };
    let tally = many(seeds, arguments, None)?;
    println!(
        "{} seeds, {} commands, {} failed",
        tally.seeds,
        tally.commands,
        tally.failed.len()
    );
    let missing = if arguments.complete {
        tally.sometimes.missing()
    } else {
        Vec::new()
    };
    if arguments.complete {
        let (expected, least) = (Sometimes::expected(), rarest(&tally.sometimes));
        println!(
            "{} of {} states reached; rarest: {least}",
            expected.len() - missing.len(),
            expected.len()
        );
    }
    for what in &missing {
        println!("never reached: {what}");
    }
    show(&tally, arguments)?;
    Ok(tally.failed.is_empty() && missing.is_empty())
}

fn known(bug: &str) -> Result<&'static str, String> {
    let names = || BUGS.map(|(name, _)| name).join(", ");
    let found = BUGS.iter().find(|(name, _)| *name == bug).map(|(name, _)| *name);
    found.ok_or_else(|| format!("no bug is called `{bug}`; there are: {}", names()))
}

fn many(seeds: Seeds, arguments: &Arguments, bug: Option<&'static str>) -> Result<Tally, String> {
    gate::run(seeds, arguments.commands, arguments.threads, bug).map_err(|cause| cause.to_string())
}

/// Whole logs may be read by a program that stops early: a closed pipe is no failure of the run.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn replay(seed: u64, commands: u64, bug: Option<&'static str>) -> Result<bool, String> {
    let run = seed::run(seed, commands, bug)?;
    let mut text = String::new();
    for line in run.log.lines() {
        text += line;
        text.push('\n');
    }
    print(&text);
    Ok(run.found.is_none())
}

fn hunt(hunted: &str, arguments: &Arguments) -> Result<bool, String> {
    let bugs = if hunted == "all" {
        BUGS.map(|(name, _)| name).to_vec()
    } else {
        vec![known(hunted)?]
    };
    let mut all = true;
    for bug in bugs {
        let seeds = Seeds::Fixed {
            first: arguments.first,
            count: arguments.within,
        };
        let tally = many(seeds, arguments, Some(bug))?;
        if let Some((seed, found, _)) = tally.failed.first() {
            println!("{bug} → found at seed {seed} by {}", found.checker);
            all &= bug != LOSES.0 || found.checker == LOSES.1;
        } else {
            all = false;
            println!("{bug} → NOT FOUND within {} seeds", arguments.within);
        }
    }
    Ok(all)
}

fn rarest(sometimes: &Sometimes) -> String {
    let mut counts: Vec<_> = sometimes.all().collect();
    counts.sort_by_key(|(what, times)| (*times, *what));
    let mut text = String::new();
    for (what, times) in counts.iter().take(6) {
        let _ = write!(text, "{}{what} ×{times}", if text.is_empty() { "" } else { ", " });
    }
    text
}

fn show(tally: &Tally, arguments: &Arguments) -> Result<(), String> {
    for (n, (seed, found, log)) in tally.failed.iter().enumerate() {
        if let Some(folder) = &arguments.failing {
            let file = folder.join(format!("seed-{seed}.log"));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&file, log.join("\n") + "\n"))
                .map_err(|cause| format!("{}: {cause}", file.display()))?;
        }
        if n < SHOWN {
            println!("seed {seed}: {found}");
            println!(
                "  cargo run -p simulator -- --seed {seed} --commands {}",
                arguments.commands
            );
        }
    }
    Ok(())
}
