//! A server with a million appointments and a hundred thousand open slots: how soon it is ready, what memory it takes.
//! No anchor: the figure stands against its limit, and the ratio is limit over figure, so that 1 and above is met.

use anyhow::{Context, Result};
use xtask::bench::{ROUNDS, Round, Row, Target, compare};
use xtask::site::Start;

use super::Bench;
use super::dataset::{prepared, runtime};

/// Appointments.
const ROWS: usize = 1_000_000;
/// Ready within, warm.
const READY_S: f64 = 2.0;
/// Resident memory of the server's process.
const MEMORY_MB: f64 = 150.0;

/// From the start of `up` to its ready line, the files in the kernel's cache.
pub fn ready(bench: &Bench) -> Result<Row> {
    let dataset = prepared(bench, ROWS)?;
    let mut seconds = Vec::new();
    for _ in 0..=ROUNDS {
        let site = Start::new(&bench.evenkeel, &dataset.data).up()?;
        seconds.push(site.ready_after.as_secs_f64());
        site.stop()?;
    }
    Ok(against("big_server_ready", "s", READY_S, &seconds[1..])) // the first warms
}

/// Resident memory after it has answered for every clinic.
pub fn memory(bench: &Bench) -> Result<Row> {
    let dataset = prepared(bench, ROWS)?;
    let mut megabytes = Vec::new();
    for _ in 0..ROUNDS {
        let site = Start::new(&bench.evenkeel, &dataset.data).up()?;
        runtime()?.block_on(async {
            let client = site.client();
            let found = client.json("/api/v1/clinics?limit=200").await?;
            for clinic in found["clinics"].as_array().context("a list of clinics")? {
                let id = clinic["id"].as_str().context("a clinic's id")?;
                client.json(&format!("/api/v1/slots?clinic={id}&limit=50")).await?;
            }
            anyhow::Ok(())
        })?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", site.server()?))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("the kernel names no VmRSS")?;
        let kilobytes: f64 = kilobytes.trim().trim_end_matches(" kB").trim().parse()?;
        megabytes.push(kilobytes / 1024.0);
        site.stop()?;
    }
    Ok(against("big_server_memory", "MB", MEMORY_MB, &megabytes))
}

fn against(name: &str, unit: &str, limit: f64, figures: &[f64]) -> Row {
    // `compare` divides ours by the anchor; with the two exchanged, below the limit is a ratio above 1.
    let round = |figure| Round { figure, p99_ms: None };
    let rounds: Vec<_> = figures.iter().map(|figure| (round(limit), round(*figure))).collect();
    let row = compare(
        name,
        unit,
        1,
        &rounds,
        Target {
            ratio_min: 1.0,
            p99_ms_max: None,
            anchor_floor: 0.0,
        },
    );
    Row {
        ours: row.anchor,
        anchor: limit,
        target: format!("≤ {limit} {unit}"),
        ..row
    }
}
