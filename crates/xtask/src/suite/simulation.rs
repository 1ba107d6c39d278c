//! The simulator as a gate: fixed seeds, in which everything that must happen sometimes does; fresh ones, which leave a
//! failing seed as a file; one seed twice, whose logs must be one; and the planted bugs, each found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Tally;
use crate::{Checkout, program};

/// Seeds of the gate; each has at least [`COMMANDS`] commands.
const SEEDS: u64 = 200;
/// Commands of each run while things fail.
const COMMANDS: u64 = 500;
/// How long fresh seeds are run.
const FRESH: Duration = Duration::from_secs(20);
/// The seed that is run twice.
const TWICE: u64 = 7;
/// Seeds within which each planted bug must be found.
const HUNTED_WITHIN: u64 = 50;
/// Seeds of a soak.
const SOAK_SEEDS: u64 = 5_000;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let folder = checkout.scratch("simulation")?;
    let mut tally = Tally::default();
    let simulator = build(checkout, &folder, false)?;
    let seeds = SEEDS.to_string();
    tally.add(found_nothing(&simulator, &folder, &["--seeds", &seeds, "--complete"])?);
    // Fixed seeds gate; a fresh one that fails is somebody's next work, not the fault of whoever changed something else.
    let fresh = found_nothing(&simulator, &folder, &["--fresh", &FRESH.as_secs().to_string()])?;
    if fresh.failed > 0 {
        println!(
            "  a fresh seed failed: it is left in {}, and does not gate",
            folder.display()
        );
    }
    tally.add(same_seed_same_log(&simulator)?);
    let planted = build(checkout, &folder, true)?;
    let within = HUNTED_WITHIN.to_string();
    tally.add(found_nothing(
        &planted,
        &folder,
        &["--hunt", "all", "--within", &within],
    )?);
    Ok(tally)
}

/// Thousands of seeds, and longer runs.
pub fn lasting(checkout: &Checkout) -> Result<Tally> {
    let folder = checkout.scratch("simulation")?;
    let simulator = build(checkout, &folder, false)?;
    let mut tally = Tally::default();
    let seeds = SOAK_SEEDS.to_string();
    let first = (SEEDS + 1).to_string();
    tally.add(found_nothing(
        &simulator,
        &folder,
        &["--seeds", &seeds, "--first", &first, "--complete"],
    )?);
    tally.add(found_nothing(
        &simulator,
        &folder,
        &["--seeds", "50", "--commands", "5000"],
    )?);
    Ok(tally)
}

/// Builds the simulator, with the planted bugs or without, and keeps it under a name of its own: the next build takes
/// its place. The workspace is named so that what is built with the tests is not built again.
fn build(checkout: &Checkout, folder: &Path, planted: bool) -> Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&checkout.root);
    command.args(["build", "--quiet", "--locked", "--workspace", "--bin", "simulator"]);
    if planted {
        command.args(["--features", "simulator/planted"]);
    }
    program::run(&mut command)?;
    let kept = folder.join(if planted { "simulator-planted" } else { "simulator" });
    std::fs::copy(checkout.target().join("debug/simulator"), &kept).context("keeping the simulator")?;
    Ok(kept)
}

/// Whether a run of the simulator finds nothing; what it says is shown.
fn found_nothing(simulator: &Path, folder: &Path, arguments: &[&str]) -> Result<Tally> {
    let mut command = Command::new(simulator);
    command.args(arguments);
    if !arguments.contains(&"--hunt") {
        command.arg("--failing").arg(folder.join("failing"));
    }
    if !arguments.contains(&"--commands") {
        command.arg("--commands").arg(COMMANDS.to_string());
    }
    let status = command
        .status()
        .with_context(|| format!("starting {}", simulator.display()))?;
    let code = status.code();
    ensure!(matches!(code, Some(0 | 3)), "the simulator ended with {status}");
    Ok(Tally {
        passed: usize::from(code == Some(0)),
        failed: usize::from(code == Some(3)),
    })
}

fn same_seed_same_log(simulator: &Path) -> Result<Tally> {
    let log = || {
        let (seed, commands) = (TWICE.to_string(), COMMANDS.to_string());
        program::output(Command::new(simulator).args(["--seed", &seed, "--commands", &commands]))
    };
    let (first, second) = (log()?, log()?);
    let is_same = first == second && first.lines().count() as u64 > COMMANDS;
    if !is_same {
        println!("FAILED simulation: seed {TWICE} has two logs");
    }
    Ok(Tally {
        passed: usize::from(is_same),
        failed: usize::from(!is_same),
    })
}
