//! Schemathesis against the real binary: every operation of the description that it serves, every check, a fixed seed.
//! Which statuses count as an answer stands in its configuration; a hook gives it real times, holds and appointments,
//! and the report must show that every operation also succeeded.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Tally;
use crate::client::Ask;
use crate::site::Start;
use crate::{Checkout, tools};

/// Fixed: the same requests in every run.
const SEED: &str = "20210218";
/// What its own run may take.
const LASTS_MAX: Duration = Duration::from_secs(90);
/// The methods that an operation of a description may have.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let schemathesis = tools::schemathesis(checkout)?;
    let scratch = checkout.scratch("contract")?;
    let site = Start::new(&checkout.binary(), &scratch.join("data")).up()?;
    let client = site.client();
    let description = super::runtime()?
        .block_on(client.ask(&Ask::get("/api/openapi.json"), 200))?
        .json();
    let operations = operations(&description)?;
    let kept = checkout.root.join("docs/openapi.json");
    let reviewed: Value =
        serde_json::from_str(&std::fs::read_to_string(&kept).with_context(|| kept.display().to_string())?)?;
    ensure!(
        reviewed["paths"] == description["paths"],
        "docs/openapi.json is not what the binary serves"
    );

    let began = Instant::now();
    let report = scratch.join("report.ndjson");
    let said = ask(
        &schemathesis,
        checkout,
        &site.public(),
        &report,
        &scratch.join("out.txt"),
    );
    let spent = began.elapsed();
    let succeeded = succeeded(&report)?;
    println!("  {} operations, {:.0} s", operations.len(), spent.as_secs_f64());
    said?;
    let never: Vec<&String> = operations.difference(&succeeded).collect();
    ensure!(
        never.is_empty(),
        "these operations never succeeded, so they were not tried: {never:?}"
    );
    ensure!(spent <= LASTS_MAX, "schemathesis took {spent:?}");
    site.stop()?;
    Ok(Tally::passed(operations.len()))
}

fn ask(schemathesis: &Path, checkout: &Checkout, url: &str, report: &Path, out: &Path) -> Result<()> {
    let folder = checkout.root.join("crates/xtask/schemathesis");
    let mut command = Command::new(schemathesis);
    command
        .current_dir(&folder)
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"));
    command.args([
        "run",
        &format!("{url}/api/openapi.json"),
        "--url",
        url,
        "--seed",
        SEED,
        "--no-color",
    ]);
    command.arg("--report-ndjson-path").arg(report);
    command
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command
        .env("EVENKEEL_URL", url)
        .output()
        .context("starting schemathesis")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::write(out, &said)?;
    ensure!(
        output.status.success(),
        "schemathesis ended with {}:\n{}",
        output.status,
        tail(&said)
    );
    Ok(())
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(120)..].join("\n")
}

/// `METHOD /path` of every operation.
fn operations(description: &Value) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for (path, item) in description["paths"]
        .as_object()
        .context("a description without paths")?
    {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            found.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    ensure!(!found.is_empty(), "the description has no operation");
    Ok(found)
}

/// The operations that answered 2xx at least once, by the report: one event a line, those of finished scenarios with
/// their cases and what came back.
fn succeeded(report: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(report).with_context(|| format!("reading {}", report.display()))?;
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("{\"ScenarioFinished\"")) {
        let event: Value = serde_json::from_str(line).context("a line of the report")?;
        let recorder = &event["ScenarioFinished"]["recorder"];
        for (id, case) in recorder["cases"].as_object().into_iter().flatten() {
            let status = recorder["interactions"][id]["response"]["status_code"]
                .as_u64()
                .unwrap_or_default();
            let (method, path) = (&case["value"]["method"], &case["value"]["path"]);
            if let (Some(method), Some(path), 200..300) = (method.as_str(), path.as_str(), status) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    Ok(found)
}
