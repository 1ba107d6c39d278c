//! `cargo xtask soak`: what is too long for every change. Its last result, with machine and commit, stands in
//! docs/proof.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::suite::{Tally, crash, failover, shared, simulation, staleness};
use crate::{Checkout, program};

/// One soak.
struct Soak {
    name: &'static str,
    says: &'static str,
    /// What came of it, and a table where there is more to say.
    run: fn(&Checkout) -> Result<(Tally, String)>,
}

/// Ten times what the crash suite takes.
const CRASH_LASTS: Duration = Duration::from_mins(10);

const SOAKS: &[Soak] = &[
    Soak {
        name: "crash",
        says: "ten minutes of kills: nothing acknowledged is lost",
        run: |checkout| Ok((crash::lasting(checkout, CRASH_LASTS)?, String::new())),
    },
    Soak {
        name: "simulation",
        says: "thousands of simulated worlds, and some that last long",
        run: |checkout| Ok((simulation::lasting(checkout)?, String::new())),
    },
    Soak {
        name: "failover",
        says: "a cluster hurt in every way we know while people book",
        run: failover::lasting,
    },
    Soak {
        name: "shared",
        says: "servers that share one database, all killed, again and again",
        run: shared::lasting::run,
    },
    Soak {
        name: "staleness",
        says: "how soon what was booked at one server shows at another, under load",
        run: staleness::run,
    },
];

/// Runs the named soaks, or all. Whether all passed.
pub fn run(checkout: &Checkout, names: &[String]) -> Result<bool> {
    for name in names {
        if !SOAKS.iter().any(|soak| soak.name == *name) {
            let known: Vec<&str> = SOAKS.iter().map(|soak| soak.name).collect();
            bail!("no soak is called `{name}`; there are: {}", known.join(", "));
        }
    }
    crate::suite::cargo::build(checkout)?;
    let mut all = true;
    for soak in SOAKS
        .iter()
        .filter(|soak| names.is_empty() || names.iter().any(|name| name == soak.name))
    {
        println!("── {}: {}", soak.name, soak.says);
        let began = Instant::now();
        // Before it runs: somebody may commit meanwhile.
        let commit = program::output(
            Command::new("git")
                .args(["rev-parse", "HEAD"])
                .current_dir(&checkout.root),
        )?;
        let (verdict, passed, table) = match (soak.run)(checkout) {
            Ok((tally, table)) => (
                format!("{} passed, {} failed", tally.passed, tally.failed),
                tally.failed == 0,
                table,
            ),
            Err(error) => (format!("failed: {error:#}"), false, String::new()),
        };
        all &= passed;
        println!("{verdict}");
        record(
            checkout,
            (soak.name, soak.says),
            commit.trim(),
            (&verdict, &table),
            began.elapsed(),
        )?;
    }
    Ok(all)
}

/// Writes a result down, with the machine and the commit it is of.
pub fn record(
    checkout: &Checkout,
    (name, says): (&str, &str),
    commit: &str,
    (verdict, table): (&str, &str),
    took: Duration,
) -> Result<()> {
    let said = |program: &str, arguments: &[&str]| {
        let output = program::output(Command::new(program).args(arguments).current_dir(&checkout.root));
        output.unwrap_or_default().trim().to_owned()
    };
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let text = format!(
        "# {name}: {says}\n\n- result: {verdict}\n- took: {} s\n- commit: {commit}\n- machine: {} cores, {memory}, {}\n- on: {}\n",
        took.as_secs(),
        std::thread::available_parallelism()?,
        said("uname", &["-srm"]),
        said("date", &["-u", "+%Y-%m-%d"]),
    );
    let text = if table.is_empty() {
        text
    } else {
        format!("{text}\n{table}")
    };
    let folder = checkout.root.join("docs/proof");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{name}.md")), text)?;
    Ok(())
}
