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
use database::{Connection, Database};
use runtime::clock::Clock;
use scheduling::clinic::session::Session;
use scheduling::clinic::slot::{Slot, slot_id};
use scheduling::rules::product::Cvx;
use xtask::site::Start;

use super::Bench;
use super::engine::{Batches, CHAIN, Running};

/// Raised when prepared data of before no longer says the same.
const EDITION: u32 = 2;
/// Prepared data is used for so long: its times must lie in the future.
const FRESH: Duration = Duration::from_hours(96);
/// How far ahead our own slots begin.
pub const AHEAD: Duration = Duration::from_hours(9 * 24);
/// Slots that everybody wants; another one each round, each wide enough for one.
const HOT: usize = 64;
/// Slots over which bookings spread.
const SPREAD: usize = 5_000;
/// Places in each of them.
const PLACES: u32 = 60_000;
/// Commands at once while filling: large batches.
const FILLING: usize = 512;
/// Messages marked as sent in one transaction.
const SENT_AT_ONCE: u32 = 10_000;

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
    /// Of these slots, whose first starts then.
    pub fn of(data: PathBuf, start: Timestamp) -> Self {
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
    widen(&mut database_of(&data).connect()?, clinic, product, start)?;
    let dataset = Dataset::of(data, start);
    runtime()?.block_on(async {
        let running = Arc::new(Running::start(&dataset.data, Batches::AsShipped, &[])?);
        running.fill(&dataset.spread, rows, FILLING).await?;
        stop(running).await
    })?;
    sent(&dataset.data)?;
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
    let running = Running::start(data, Batches::AsShipped, &[])?;
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

/// Marks every message as delivered: a million that wait are no site's normal day, and a server would send them while it
/// is measured.
fn sent(data: &Path) -> Result<()> {
    let mut connection = database_of(data).connect()?;
    let claim = [1; 16];
    loop {
        let mut tx = connection.begin()?;
        let now = Clock::real().now();
        let waiting = records::outbox::of_state(&mut tx, records::outbox::State::Waiting, SENT_AT_ONCE)?;
        for message in &waiting {
            records::outbox::claim(&mut tx, message, &claim, now, now)?;
            records::outbox::delivered(&mut tx, message.id, &claim, now)?;
        }
        tx.commit().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        connection.checkpoint(true)?; // no engine does it meanwhile, and a long log makes the next start slow
        if waiting.is_empty() {
            return Ok(());
        }
    }
}

/// An installation's database.
pub fn database_of(data: &Path) -> Database {
    Database::file(&data.join("evenkeel.sqlite"))
}

/// What bookings have written besides themselves, so far.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Messages, sent or not.
    pub messages: u64,
    /// Events of the bench's own chain.
    pub events: u64,
    /// Events of all chains, as their heads are recorded.
    pub recorded: u64,
}

impl Written {
    /// In this installation.
    pub fn of(data: &Path) -> Result<Self> {
        let mut connection = database_of(data).connect()?;
        let mut tx = connection.begin_read()?;
        let (recorded, _) = booking::heads::read(&data.join("heads"));
        Ok(Self {
            messages: records::outbox::last_number(&mut tx)?,
            events: records::audit::head(&mut tx, CHAIN)?.sequence as u64,
            recorded: recorded.iter().map(|one| one.head.sequence as u64).sum(),
        })
    }
}

fn session(number: u128) -> SessionId {
    Id::from_bits(0x00BE_4C11_0000 | number)
}

/// Adds the wide slots.
pub fn widen(connection: &mut Connection, clinic: ClinicId, product: Cvx, start: Timestamp) -> Result<()> {
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
            records::slot::insert_new(&mut tx, [&slot])?;
        }
    }
    tx.commit().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(())
}
