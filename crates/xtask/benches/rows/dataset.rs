//! Installations of a known size, prepared once and kept: the demonstration (100,000 open slots), wide slots of our own
//! that never fill, and so many appointments made by the engine itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base::id::{ClinicId, Id, SessionId, SlotId};
use base::time::Timestamp;
use booking::records;
use database::Database;
use runtime::clock::Clock;
use scheduling::clinic::session::Session;
use scheduling::clinic::slot::{Slot, slot_id};
use scheduling::rules::product::Cvx;
use xtask::site::Start;

use super::Bench;
use super::engine::{Batches, Running};

/// Raised when prepared data of before no longer says the same.
const EDITION: u32 = 1;
/// Prepared data is used for so long: its times must lie in the future.
const FRESH: Duration = Duration::from_hours(96);
/// How far ahead our own slots begin.
const AHEAD: Duration = Duration::from_hours(9 * 24);
/// Slots that everybody wants; another one each round, each wide enough for one.
const HOT: usize = 64;
/// Slots over which bookings spread.
const SPREAD: usize = 5_000;
/// Places in each of them.
const PLACES: u32 = 60_000;
/// Commands at once while filling: large batches.
const FILLING: usize = 512;

/// A prepared installation.
pub struct Dataset {
    /// Its data folder.
    pub data: PathBuf,
    /// Slots that everybody wants.
    pub hot: Vec<SlotId>,
    /// Slots over which bookings spread.
    pub spread: Arc<Vec<SlotId>>,
}

impl Dataset {
    fn of(data: PathBuf, start: Timestamp) -> Self {
        let slots = |number, count: usize| {
            (0..count)
                .map(|n| slot_id(session(number), start + Duration::from_secs(n as u64)))
                .collect()
        };
        Self {
            data,
            hot: slots(0, HOT),
            spread: Arc::new(slots(1, SPREAD)),
        }
    }
}

/// A fresh copy of the installation with so many appointments, to be booked on: what is measured leaves rows behind.
pub fn copied(bench: &Bench, rows: usize) -> Result<Dataset> {
    let original = prepared(bench, rows)?;
    let copy = bench.folder.join("copy");
    if copy.exists() {
        std::fs::remove_dir_all(&copy)?;
    }
    xtask::program::run(Command::new("cp").arg("-a").arg(&original.data).arg(&copy))?;
    xtask::program::run(&mut Command::new("sync"))?; // or the first commits would write the copy to the disk
    Ok(Dataset { data: copy, ..original })
}

/// The installation with so many appointments; made when there is none, or when it is stale.
pub fn prepared(bench: &Bench, rows: usize) -> Result<Dataset> {
    let data = bench.folder.join(format!("{rows}-appointments-{EDITION}"));
    let mark = data.join("prepared");
    let age = mark
        .metadata()
        .and_then(|file| file.modified())
        .ok()
        .and_then(|made| made.elapsed().ok());
    if age.is_some_and(|age| age < FRESH) {
        let start = std::fs::read_to_string(&mark)?.parse()?;
        return Ok(Dataset::of(data, Timestamp::from_micros(start)));
    }
    eprintln!("preparing an installation with {rows} appointments");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    Start::new(&bench.evenkeel, &data).up()?.stop()?;
    let start = Clock::real().now() + AHEAD;
    let (clinic, product) = runtime()?.block_on(for_adults(&data))?;
    widen(&data, clinic, product, start)?;
    let dataset = Dataset::of(data, start);
    runtime()?.block_on(async {
        let running = Arc::new(Running::start(&dataset.data, Batches::AsShipped)?);
        running.fill(&dataset.spread, rows, FILLING).await?;
        stop(running).await
    })?;
    std::fs::write(&mark, start.micros().to_string())?;
    Ok(dataset)
}

/// A runtime with as many workers as cores.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Stops an engine that nobody else holds.
pub async fn stop(running: Arc<Running>) -> Result<()> {
    Arc::into_inner(running)
        .context("somebody still uses the engine")?
        .stop()
        .await;
    Ok(())
}

/// A clinic and a product of the demonstration that any adult may book: found by booking one of each.
async fn for_adults(data: &Path) -> Result<(ClinicId, Cvx)> {
    let running = Running::start(data, Batches::AsShipped)?;
    let mut found = None;
    let mut tried = BTreeSet::new();
    let snapshot = running.engine.snapshot();
    'all: for availability in snapshot.clinics() {
        for slot in availability.slots.iter().filter(|slot| slot.free > 0) {
            if !tried.insert(slot.vaccine.number()) {
                continue;
            }
            let Ok(held) = running.hold(slot.id).await else {
                continue;
            };
            if running.book(&held).await.is_ok() {
                found = Some((availability.clinic.id, slot.vaccine));
                break 'all;
            }
        }
    }
    running.stop().await;
    found.context("nothing in the demonstration can be booked by an adult")
}

fn session(number: u128) -> SessionId {
    Id::from_bits(0x00BE_4C11_0000 | number)
}

/// Adds the wide slots.
fn widen(data: &Path, clinic: ClinicId, product: Cvx, start: Timestamp) -> Result<()> {
    let mut connection = Database::file(&data.join("evenkeel.sqlite")).connect()?;
    let now = Clock::real().now();
    let mut tx = connection.begin()?;
    let zone = records::clinic::load(&mut tx, clinic)?
        .context("the clinic is gone")?
        .zone;
    for (number, count) in [(0, HOT), (1, SPREAD)] {
        let row = Session {
            id: session(number),
            clinic,
            date: start.date_in(&zone),
            product,
        };
        records::session::insert_new(&mut tx, &row, now)?;
        for n in 0..count {
            let starts_at = start + Duration::from_secs(n as u64);
            let slot = Slot {
                id: slot_id(row.id, starts_at),
                clinic,
                session: row.id,
                product,
                date: starts_at.date_in(&zone),
                starts_at,
                ends_at: starts_at + Duration::from_mins(15),
                capacity: PLACES,
                held: 0,
                booked: 0,
            };
            records::slot::insert_new(&mut tx, &slot)?;
        }
    }
    tx.commit().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(())
}
