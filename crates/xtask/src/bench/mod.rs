//! `cargo xtask bench`: ratios measured in one run. Builds the product and the bench program for release and runs the
//! latter; here live also the row that it prints and the arithmetic of rounds.

use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{Checkout, program};

/// Rounds of ours and the anchor in turn.
pub const ROUNDS: usize = 5;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Ours: the median of its rounds.
    pub ours: f64,
    /// What it is measured against: the median of its rounds.
    pub anchor: f64,
    /// Of both: per second, ms, MB, s.
    pub unit: String,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// The least and the greatest of the rounds' ratios.
    pub spread: (f64, f64),
    /// Requests or commands at once.
    pub in_flight: usize,
    /// Ours: the 99th percentile of a single one, in ms; the median of its rounds.
    pub p99_ms: Option<f64>,
    /// The anchor's.
    pub anchor_p99_ms: Option<f64>,
    /// What is wanted.
    pub target: String,
    /// Whether it is so.
    pub met: bool,
    /// Why the run says nothing, or what bounds the figure.
    pub note: String,
}

impl Row {
    /// As one line of the table.
    pub fn line(&self) -> String {
        let ms = |p99: Option<f64>| p99.map_or_else(String::new, |p99| format!("{p99:.1}"));
        format!(
            "{:<26} {:>10} {:>10} {:<6} {:>7.2}  {:>6.2}–{:<6.2} {:>5} {:>8} {:>8}  {:<28} {} {}",
            self.name,
            number(self.ours),
            number(self.anchor),
            self.unit,
            self.ratio,
            self.spread.0,
            self.spread.1,
            self.in_flight,
            ms(self.p99_ms),
            ms(self.anchor_p99_ms),
            self.target,
            if self.met { "met" } else { "NOT MET" },
            self.note,
        )
    }

    /// The table's head.
    pub fn head() -> String {
        format!(
            "{:<26} {:>10} {:>10} {:<6} {:>7}  {:^13} {:>5} {:>8} {:>8}  {:<28} met",
            "name", "ours", "anchor", "unit", "ratio", "spread", "flight", "p99 ms", "anchor", "target"
        )
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// What one round saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    /// A rate, or another figure that is compared.
    pub figure: f64,
    /// The 99th percentile of a single one, in ms.
    pub p99_ms: Option<f64>,
}

/// The middle of some numbers; zero of none.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// What a comparison wants.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The least ratio of ours to the anchor.
    pub ratio_min: f64,
    /// The greatest 99th percentile of ours, in ms.
    pub p99_ms_max: Option<f64>,
    /// An anchor below this says nothing about ours: the run is void.
    pub anchor_floor: f64,
}

/// Puts rounds of ours and the anchor, taken in turn, into a row.
pub fn compare(name: &str, unit: &str, in_flight: usize, rounds: &[(Round, Round)], target: Target) -> Row {
    let all = |of: fn(&(Round, Round)) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let ratios = all(|(ours, anchor)| ours.figure / anchor.figure);
    let p99 = |of: fn(&(Round, Round)) -> Option<f64>| {
        let some: Vec<f64> = rounds.iter().filter_map(of).collect();
        (!some.is_empty()).then(|| median(&some))
    };
    let (ours, anchor) = (
        median(&all(|(ours, _)| ours.figure)),
        median(&all(|(_, anchor)| anchor.figure)),
    );
    let (p99_ms, anchor_p99_ms) = (p99(|(ours, _)| ours.p99_ms), p99(|(_, anchor)| anchor.p99_ms));
    let ratio = median(&ratios);
    let quick = target
        .p99_ms_max
        .is_none_or(|most| p99_ms.is_some_and(|p99| p99 <= most));
    let is_void = anchor < target.anchor_floor;
    let wanted = match target.p99_ms_max {
        Some(most) => format!("≥ {}×, p99 ≤ {most} ms", target.ratio_min),
        None => format!("≥ {}×", target.ratio_min),
    };
    let note = if is_void {
        format!("VOID: the anchor is below its floor of {}", target.anchor_floor)
    } else {
        String::new()
    };
    Row {
        name: name.to_owned(),
        ours,
        anchor,
        unit: unit.to_owned(),
        ratio,
        spread: (
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(0.0, f64::max),
        ),
        in_flight,
        p99_ms,
        anchor_p99_ms,
        target: wanted,
        met: ratio >= target.ratio_min && quick && !is_void,
        note,
    }
}

/// What something costs: ours has it, the anchor does without. Nothing is wanted but the figure.
pub fn cost(name: &str, unit: &str, in_flight: usize, rounds: &[(Round, Round)], anchor_floor: f64) -> Row {
    let nothing = Target {
        ratio_min: 0.0,
        p99_ms_max: None,
        anchor_floor,
    };
    let row = compare(name, unit, in_flight, rounds, nothing);
    let change = (row.ratio - 1.0) * 100.0;
    Row {
        target: "printed".to_owned(),
        note: if row.met { format!("{change:+.0} %") } else { row.note },
        ..row
    }
}

/// Builds for release and runs the bench program. Whether every target was met.
pub fn run(checkout: &Checkout, names: &[String], json: bool) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = |arguments: &[&str]| program::run(Command::new(&cargo).current_dir(&checkout.root).args(arguments));
    build(&["build", "--quiet", "--release", "-p", "cli"])?;
    let arguments = [
        "bench",
        "--quiet",
        "-p",
        "xtask",
        "--bench",
        "rows",
        "--features",
        "costs",
        "--no-run",
        "--message-format=json",
    ];
    let said = program::output(Command::new(&cargo).current_dir(&checkout.root).args(arguments))?;
    let rows = said
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "rows")
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .context("cargo built no bench program")?;
    let mut command = Command::new(rows);
    command
        .arg("--evenkeel")
        .arg(checkout.target().join("release/evenkeel"));
    command
        .arg("--folder")
        .arg(checkout.target().join("bench"))
        .args(json.then_some("--json"))
        .args(names);
    Ok(command.status().context("starting the bench program")?.success())
}
