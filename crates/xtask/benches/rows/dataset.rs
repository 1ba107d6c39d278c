//! Installations of a known size, prepared once and kept: the demonstration (100,000 open slots), wide slots of our own
//! that never fill, and so many appointments made by the engine itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base::id::{ClinicId, Id, SessionId, SlotId};
use booking::records;
use database::Database;
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
/// Slots that everybody wants; a new one each round, each wide enough for one.
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
    /// The clinic of all of them.
    pub clinic: ClinicId,
}

/// The installation with so many appointments; made when there is none, or when it is stale.
pub fn prepared(bench: &Bench, rows: usize) -> Result<Dataset> {
    let data = bench.folder.join(format!("{rows}-appointments-{EDITION}"));
    let marker = data.join("prepared");
    let age = marker.metadata().and_then(|file| file.modified()).ok().and_then(|made| made.elapsed().ok());
    if age.is_none_or(|age| age > FRESH) {
        eprintln!("preparing an installation with {rows} appointments");
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        Start::new(&bench.evenkeel, &data).up()?.stop()?;
        let (clinic, product) = runtime()?.block_on(for_adults(&data))?;
        widen(&data, clinic, product)?;
        std::fs::write(&marker, format!("{} {}", clinic.bits(), product.number()))?;
        let dataset = read(data)?;
        runtime()?.block_on(async {
            let running = Arc::new(Running::start(&dataset.data, Batches::AsShipped)?);
            running.fill(&dataset.spread, rows, FILLING).await?;
            stop(running).await
        })?;
        // The mark is renewed only now: a run that was cut short prepares anew.
        return Ok(dataset);
    }
    read(data)
}

fn read(data: PathBuf) -> Result<Dataset> {
    let text = std::fs::read_to_string(data.join("prepared"))?;
    let mut words = text.split(' ');
    let clinic = words.next().and_then(|word| word.parse().ok()).context("the mark of a prepared installation")?;
    let slots = |session: SessionId, count: usize| {
        let start = start_of(&data);
        start.map(|start| (0..count).map(|n| slot_id(session, start + Duration::from_secs(n as u64))).collect::<Vec<_>>())
    };
    Ok(Dataset { hot: slots(session(0), HOT)?, spread: Arc::new(slots(session(1), SPREAD)?), clinic: Id::from_bits(clinic), data })
}

/// A runtime with as many workers as cores.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Stops an engine that nobody else holds.
pub async fn stop(running: Arc<Running>) -> Result<()> {
    Arc::into_inner(running).context("somebody still uses the engine")?.stop().await;
    Ok(())
}

fn session(number: u128) -> SessionId {
    Id::from_bits(0x00BE_4C11 << 8 | number)
}
