//! Booking commits on SQLite: the committer as it ships against the same committer with one command a transaction, on
//! the same file, in turn. Everything is on: details, answers and messages are sealed with the installation's own keys,
//! events are chained, each booking leaves a confirmation in the outbox. And what each of these costs.

use std::sync::Arc;

use anyhow::{Result, ensure};
use base::id::SlotId;
use xtask::bench::{ROUNDS, Round, Row, Target, compare, cost, median};

use super::Bench;
use super::dataset::{Dataset, Written, copied, runtime, stop};
use super::engine::{Batches, Part, Running};
use super::spent::Spent;

/// Clients, each with one command at a time.
const CLIENTS: usize = 64;
/// Bookings in a round: some two seconds of each.
const OURS: usize = 16_000;
const ANCHOR: usize = 4_000;
/// One command a transaction is bound by the disk's sync: 3.6 k/s where that took a quarter of a millisecond. Below
/// this the disk, or something else that uses it, was measured and not us.
const FLOOR: f64 = 200.0;
/// Appointments there are where costs are measured.
const COSTS_AT: usize = 10_000;

/// Which times are booked.
#[derive(Debug, Clone, Copy)]
pub enum Where {
    /// One, by everybody.
    Hot,
    /// Five thousand.
    Spread,
}

impl Dataset {
    /// The slots of one round.
    pub fn slots(&self, place: Where, round: usize) -> Arc<Vec<SlotId>> {
        match place {
            Where::Hot => Arc::new(vec![self.hot[round % self.hot.len()]]),
            Where::Spread => Arc::clone(&self.spread),
        }
    }
}

/// Whether a round's own rows change the size of the whole.
const LARGE: usize = 1_000_000;

/// One row.
pub fn row(bench: &Bench, name: &str, rows: usize, place: Where) -> Result<Row> {
    let mut copy = copied(bench, rows)?;
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        if number > 0 && rows < LARGE {
            copy = copied(bench, rows)?;
        }
        let ours = rate_of(&copy, Setup::of(Batches::AsShipped), place, number * 2, OURS)?;
        if rows < LARGE {
            copy = copied(bench, rows)?;
        }
        let anchor = rate_of(&copy, Setup::of(Batches::One), place, number * 2 + 1, ANCHOR)?;
        rounds.push((ours, anchor));
    }
    let target = Target {
        ratio_min: 5.0,
        p99_ms_max: Some(10.0),
        anchor_floor: FLOOR,
    };
    Ok(compare(name, "/s", CLIENTS, &rounds, target))
}

/// Booking rate at a million rows against ten thousand, both as shipped.
pub fn rate(bench: &Bench) -> Result<Row> {
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let as_shipped = |rows| {
            let copy = copied(bench, rows)?;
            rate_of(&copy, Setup::of(Batches::AsShipped), Where::Spread, number, OURS)
        };
        let ours = as_shipped(LARGE)?;
        let anchor = as_shipped(10_000)?;
        rounds.push((ours, anchor));
    }
    let target = Target {
        ratio_min: 0.9,
        p99_ms_max: None,
        anchor_floor: FLOOR,
    };
    Ok(compare("rate_1m_vs_10k", "/s", CLIENTS, &rounds, target))
}

/// What these parts cost: bookings with all that ships against bookings without them.
pub fn cost_of(bench: &Bench, name: &str, without: &[Part]) -> Result<Row> {
    let side = |without: &[Part], number| {
        let copy = copied(bench, COSTS_AT)?;
        let setup = Setup {
            batches: Batches::AsShipped,
            without,
        };
        round(&copy, setup, Where::Spread, number, OURS)
    };
    let (mut rounds, mut spent) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        // Whoever goes first may find the disk still busy with what was before.
        let (ours, anchor) = if number % 2 == 0 {
            (side(&[], number)?, side(without, number)?)
        } else {
            let anchor = side(without, number)?;
            (side(&[], number)?, anchor)
        };
        rounds.push((ours.0, anchor.0));
        spent.push((ours.1, anchor.1));
    }
    let mut row = cost(name, "/s", CLIENTS, &rounds, FLOOR);
    let of = |figure: fn(&(Spent, Spent)) -> f64| median(&spent.iter().map(figure).collect::<Vec<_>>()) / OURS as f64;
    let cpu = [
        of(|(ours, _)| ours.cpu.as_secs_f64()),
        of(|(_, anchor)| anchor.cpu.as_secs_f64()),
    ];
    let bytes = [of(|(ours, _)| ours.bytes as f64), of(|(_, anchor)| anchor.bytes as f64)];
    let [cpu, cpu_anchor] = cpu.map(|seconds| seconds * 1e6);
    let [kb, kb_anchor] = bytes.map(|bytes| bytes / 1000.0);
    row.note = format!(
        "{}; each {cpu:.0} µs of CPU against {cpu_anchor:.0}, {kb:.1} KB written against {kb_anchor:.1}",
        row.note
    );
    Ok(row)
}

/// How an engine runs for a round.
#[derive(Clone, Copy)]
struct Setup<'a> {
    batches: Batches,
    without: &'a [Part],
}

impl Setup<'_> {
    /// With all that ships.
    fn of(batches: Batches) -> Self {
        Self { batches, without: &[] }
    }
}

/// A round's rate alone.
fn rate_of(dataset: &Dataset, setup: Setup<'_>, place: Where, number: usize, bookings: usize) -> Result<Round> {
    round(dataset, setup, place, number, bookings).map(|(round, _)| round)
}

fn round(dataset: &Dataset, setup: Setup<'_>, place: Where, number: usize, bookings: usize) -> Result<(Round, Spent)> {
    let slots = dataset.slots(place, number);
    let before = Written::of(&dataset.data)?;
    let round = runtime()?.block_on(async {
        let running = Arc::new(Running::start(&dataset.data, setup.batches, setup.without)?);
        let is_sealing = running.engine.keys().seals();
        ensure!(
            is_sealing != setup.without.contains(&Part::Sealing),
            "sealing is not as asked"
        );
        let round = running.measure(&slots, bookings, CLIENTS).await?;
        stop(running).await?;
        anyhow::Ok(round)
    })?;
    let after = Written::of(&dataset.data)?;
    // Or the figure would be of something else than its name says.
    for (part, written) in [
        (Part::Outbox, after.messages - before.messages),
        (Part::Audit, after.events - before.events),
        (Part::Heads, after.recorded - before.recorded),
    ] {
        let without = setup.without.contains(&part) || (part == Part::Heads && setup.without.contains(&Part::Audit));
        let as_asked = if without {
            written == 0
        } else {
            written >= bookings as u64
        };
        ensure!(
            as_asked,
            "{part:?}: {bookings} bookings without {:?} wrote {written}",
            setup.without
        );
    }
    Ok(round)
}
