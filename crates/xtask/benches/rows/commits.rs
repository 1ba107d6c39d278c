//! Booking commits on SQLite: the committer as it ships against the same committer with one command a transaction, on
//! the same file, in turn.

use std::sync::Arc;

use anyhow::Result;
use base::id::SlotId;
use xtask::bench::{ROUNDS, Round, Row, Target, compare};

use super::Bench;
use super::dataset::{Dataset, copied, runtime, stop};
use super::engine::{Batches, Running};

/// Clients, each with one command at a time.
const CLIENTS: usize = 64;
/// Bookings in a round: some two seconds of each.
const OURS: usize = 16_000;
const ANCHOR: usize = 4_000;
/// One command a transaction is bound by the disk's sync: 3.6 k/s where that took a quarter of a millisecond. Below
/// this the disk, or something else that uses it, was measured and not us.
const FLOOR: f64 = 200.0;

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
        let ours = round(&copy, Batches::AsShipped, place, number * 2, OURS)?;
        if rows < LARGE {
            copy = copied(bench, rows)?;
        }
        let anchor = round(&copy, Batches::One, place, number * 2 + 1, ANCHOR)?;
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
        let ours = round(&copied(bench, LARGE)?, Batches::AsShipped, Where::Spread, number, OURS)?;
        let anchor = round(&copied(bench, 10_000)?, Batches::AsShipped, Where::Spread, number, OURS)?;
        rounds.push((ours, anchor));
    }
    let target = Target {
        ratio_min: 0.9,
        p99_ms_max: None,
        anchor_floor: FLOOR,
    };
    Ok(compare("rate_1m_vs_10k", "/s", CLIENTS, &rounds, target))
}

fn round(dataset: &Dataset, batches: Batches, place: Where, number: usize, bookings: usize) -> Result<Round> {
    let slots = dataset.slots(place, number);
    runtime()?.block_on(async {
        let running = Arc::new(Running::start(&dataset.data, batches)?);
        let round = running.measure(&slots, bookings, CLIENTS).await?;
        stop(running).await?;
        Ok(round)
    })
}
