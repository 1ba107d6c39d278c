//! Booking commits on PostgreSQL, with `fsync`: the committer as it ships against the same committer with one command a
//! transaction on a pool of connections, on copies of the same database, in turn.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use base::id::{ClinicId, SlotId};
use base::limit::Settings;
use booking::engine::Start;
use booking::exchange::demo;
use booking::limit;
use booking::records;
use booking::stepwise::Stepwise;
use database::Database;
use hdrhistogram::Histogram;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use scheduling::rules::product::Cvx;
use xtask::bench::{ROUNDS, Round, Row, Target, compare};
use xtask::postgres::Postgres;

use super::Bench;
use super::commits::Where;
use super::dataset::{AHEAD, Dataset, database_of, prepared, runtime, stop, widen};
use super::engine::{Batches, Contact, Held, Running, booking_for, somebody};

/// Clients, each with one command at a time.
const CLIENTS: usize = 64;
/// Bookings in a round: some seconds of each.
const OURS: usize = 12_000;
const ANCHOR: usize = 1_500;
/// One command a transaction did 0.7 k/s in the prototype. Below this the disk was measured and not us.
const FLOOR: f64 = 100.0;
/// Memory and log as a machine of this size would have them.
const SETTINGS: &[&str] = &[
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "max_connections=400",
];

/// A server with prepared databases.
pub struct Bed {
    server: Postgres,
    /// Where the keys are.
    data: PathBuf,
    /// Where to book, and what.
    place: (ClinicId, Cvx),
}

/// One side of a comparison.
#[derive(Clone, Copy)]
enum Side {
    /// The committer as it ships, with so many clients.
    Batches(usize),
    /// Two of them, each with half of the clients.
    TwoServers(usize),
    /// One command a transaction, on so many connections.
    Pool(usize),
}

impl Bed {
    /// Starts a server, and a standby that every commit waits for where that is wanted.
    pub fn start(bench: &Bench, with_standby: bool) -> Result<Self> {
        let like = prepared(bench, 10_000)?;
        let mut tx_of = database_of(&like.data).connect()?;
        let slot = records::slot::load(&mut tx_of.begin_read()?, like.hot[0])?.context("the slot is gone")?;
        let mut server = Postgres::start(&std::env::temp_dir(), SETTINGS)?;
        if with_standby {
            server.add_standby()?;
        }
        Ok(Self {
            server,
            data: like.data,
            place: (slot.clinic, slot.product),
        })
    }

    /// A database with so many appointments; made once.
    fn filled(&self, rows: usize) -> Result<(String, Dataset)> {
        let name = format!("rows_{rows}");
        let (data, clock) = (self.data.clone(), Clock::real());
        let start_file = self.data.join(format!("postgres-{rows}-{}", self.server.port));
        let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        if self.server.ask("postgres", &there)? == "1" {
            let start = std::fs::read_to_string(&start_file)?.parse()?;
            return Ok((name, Dataset::of(data, base::time::Timestamp::from_micros(start))));
        }
        eprintln!("preparing a PostgreSQL database with {rows} appointments");
        let database = Database::postgres(&self.server.database(&name)?)?;
        let mut connection = database.connect()?;
        database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now())?;
        demo::load(&mut connection, &clock)?;
        let start = clock.now() + AHEAD;
        widen(&mut connection, self.place.0, self.place.1, start)?;
        drop(connection);
        let dataset = Dataset::of(data, start);
        runtime()?.block_on(async {
            let running = self.running(&database, "fill", Batches::AsShipped)?;
            running.fill(&dataset.spread, rows, 512).await?;
            stop(running).await
        })?;
        drop(database);
        let sent = "UPDATE outbox SET state = 'delivered', payload = '', ended_at = made_at";
        self.server.ask(&name, sent)?;
        self.server.ask(&name, "VACUUM ANALYZE")?;
        std::fs::write(&start_file, start.micros().to_string())?;
        Ok((name, dataset))
    }

    fn running(&self, database: &Database, name: &str, batches: Batches) -> Result<Arc<Running>> {
        Ok(Arc::new(Running::start_on(
            database.clone(),
            &self.data,
            name,
            batches,
            &[],
        )?))
    }

    /// One side of a round, on a copy of its own.
    fn round(&self, rows: usize, side: Side, place: Where, number: usize, bookings: usize) -> Result<Round> {
        let (name, dataset) = self.filled(rows)?;
        let copy = "round";
        self.server
            .ask("postgres", &format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)"))?;
        self.server.ask(
            "postgres",
            &format!("CREATE DATABASE {copy} TEMPLATE {name} STRATEGY FILE_COPY"),
        )?;
        self.server.ask("postgres", "CHECKPOINT")?;
        let database = Database::postgres(&self.server.url(copy))?;
        let slots = dataset.slots(place, number);
        match side {
            Side::Batches(clients) => runtime()?.block_on(async {
                let running = self.running(&database, "a", Batches::AsShipped)?;
                let (round, _) = running.measure(&slots, bookings, clients).await?;
                stop(running).await?;
                anyhow::Ok(round)
            }),
            Side::TwoServers(clients) => runtime()?.block_on(async {
                let (one, two) = (
                    self.running(&database, "a", Batches::AsShipped)?,
                    self.running(&database, "b", Batches::AsShipped)?,
                );
                let halves = tokio::try_join!(
                    one.measure(&slots, bookings / 2, clients / 2),
                    two.measure(&slots, bookings / 2, clients / 2)
                )?;
                stop(one).await?;
                stop(two).await?;
                let ((first, _), (second, _)) = halves;
                let slower = first.p99_ms.zip(second.p99_ms).map(|(one, two)| one.max(two));
                anyhow::Ok(Round {
                    figure: first.figure + second.figure,
                    p99_ms: slower,
                })
            }),
            Side::Pool(connections) => self.pooled(&database, &slots, bookings, connections),
        }
    }

    /// One command a transaction: each connection has a committer of its own, which takes one command at a time of those
    /// of its clients, in turn.
    fn pooled(
        &self,
        database: &Database,
        slots: &Arc<Vec<SlotId>>,
        bookings: usize,
        connections: usize,
    ) -> Result<Round> {
        let held = runtime()?.block_on(async {
            let running = self.running(database, "holds", Batches::AsShipped)?;
            let mut held = Vec::with_capacity(bookings);
            for number in 0..bookings {
                let slot = slots[number * 7919 % slots.len()];
                held.push(
                    running
                        .hold(slot)
                        .await
                        .map_err(|refusal| anyhow!("holding: {refusal}"))?,
                );
            }
            stop(running).await?;
            anyhow::Ok(held)
        })?;
        let mut workers = Vec::new();
        for n in 0..connections {
            workers.push(worker(database, &self.data, &format!("pool-{n}"))?);
        }
        let share = |n: usize| held.iter().skip(n).step_by(connections).cloned().collect::<Vec<Held>>();
        let shares: Vec<Vec<Held>> = (0..connections).map(share).collect();
        let began = Instant::now();
        let waits = std::thread::scope(|scope| {
            let threads: Vec<_> = workers
                .iter_mut()
                .zip(&shares)
                .map(|(worker, share)| scope.spawn(|| serve(worker, share, CLIENTS / connections)))
                .collect();
            let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            for thread in threads {
                waits.add(thread.join().map_err(|_| anyhow!("a pool's thread panicked"))??)?;
            }
            anyhow::Ok(waits)
        })?;
        Ok(Round {
            figure: bookings as f64 / began.elapsed().as_secs_f64(),
            p99_ms: Some(waits.value_at_quantile(0.99) as f64 / 1000.0),
        })
    }
}

fn worker(database: &Database, data: &Path, name: &str) -> Result<Stepwise> {
    let entropy = Entropy::real();
    let mut settings = Settings::default();
    settings.set(&limit::BATCH, 1).map_err(|error| anyhow!(error))?;
    Ok(Stepwise::start(&Start {
        database: database.clone(),
        keys: KeyRing::open_or_create(&data.join("keys"), &entropy)?,
        clock: Clock::real(),
        entropy,
        settings,
        name: name.to_owned(),
        owner: Owner::new(Shutdown::new()),
    })?)
}

/// Books these holds, as so many clients who each wait for their answer before they ask again.
fn serve(worker: &mut Stepwise, held: &[Held], clients: usize) -> Result<Histogram<u64>> {
    let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    let mut sent: VecDeque<Instant> = std::iter::repeat_n(Instant::now(), clients.max(1)).collect();
    for (hold, token) in held {
        let wanted = worker
            .maker()
            .book(*hold, token, vec![booking_for(somebody(Contact::Email))], true);
        let ticket = worker.send(wanted, super::engine::keyed_ask(&Clock::real(), &Entropy::real()))?;
        let since = sent.pop_front().context("a client")?;
        let answers = worker.turn();
        let answered = answers.into_iter().find(|(of, _)| *of == ticket).context("an answer")?;
        let reply = answered.1?;
        ensure!(reply.status == 201, "booking: {}", String::from_utf8_lossy(&reply.body));
        waits.saturating_record(since.elapsed().as_micros() as u64);
        sent.push_back(Instant::now());
    }
    Ok(waits)
}

/// A row: ours against an anchor.
struct Compared {
    rows: usize,
    ours: Side,
    anchor: Side,
    /// Appointments there are for the anchor; as many as for ours where none.
    anchor_rows: Option<usize>,
    place: Where,
    ratio_min: f64,
}

fn compared(bench: &Bench, name: &str, with_standby: bool, what: &Compared) -> Result<Row> {
    let bed = bench.bed(with_standby)?;
    let many = |side: Side| match side {
        Side::Pool(_) => ANCHOR,
        Side::Batches(_) | Side::TwoServers(_) => OURS,
    };
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let ours = bed.round(what.rows, what.ours, what.place, number * 2, many(what.ours))?;
        let rows = what.anchor_rows.unwrap_or(what.rows);
        let anchor = bed.round(rows, what.anchor, what.place, number * 2 + 1, many(what.anchor))?;
        rounds.push((ours, anchor));
    }
    let target = Target {
        ratio_min: what.ratio_min,
        p99_ms_max: None,
        anchor_floor: FLOOR,
    };
    let in_flight = match what.ours {
        Side::Batches(clients) | Side::TwoServers(clients) => clients,
        Side::Pool(_) => CLIENTS,
    };
    let mut row = compare(name, "/s", in_flight, &rounds, target);
    if let (Some(ours), Some(anchor)) = (row.p99_ms, row.anchor_p99_ms) {
        row.note = format!("{} p99 1/{:.0} of the anchor's", row.note, anchor / ours);
    }
    Ok(row)
}

/// Against a pool as wide as there are clients.
pub fn hot(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::Batches(CLIENTS),
        anchor: Side::Pool(64),
        anchor_rows: None,
        place: Where::Hot,
        ratio_min: 20.0,
    };
    compared(bench, "commits_postgres_hot", false, &what)
}

/// Against a narrow pool.
pub fn hot_pool_8(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::Batches(CLIENTS),
        anchor: Side::Pool(8),
        anchor_rows: None,
        place: Where::Hot,
        ratio_min: 0.0,
    };
    compared(bench, "commits_postgres_hot_8", false, &what)
}

/// With a crowd in flight.
pub fn hot_512(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::Batches(512),
        anchor: Side::Pool(64),
        anchor_rows: None,
        place: Where::Hot,
        ratio_min: 20.0,
    };
    compared(bench, "commits_postgres_hot_512", false, &what)
}

/// Over five thousand slots.
pub fn spread(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::Batches(CLIENTS),
        anchor: Side::Pool(64),
        anchor_rows: None,
        place: Where::Spread,
        ratio_min: 5.0,
    };
    compared(bench, "commits_postgres_spread", false, &what)
}

/// Each commit on two servers before it is answered.
pub fn hot_synchronous(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::Batches(CLIENTS),
        anchor: Side::Pool(64),
        anchor_rows: None,
        place: Where::Hot,
        ratio_min: 10.0,
    };
    compared(bench, "commits_postgres_sync", true, &what)
}

/// Two servers of ours on one database against one.
pub fn two_servers(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 10_000,
        ours: Side::TwoServers(CLIENTS),
        anchor: Side::Batches(CLIENTS),
        anchor_rows: None,
        place: Where::Spread,
        ratio_min: 0.0,
    };
    compared(bench, "postgres_two_servers", false, &what)
}

/// A million appointments against ten thousand.
pub fn rate(bench: &Bench) -> Result<Row> {
    let what = Compared {
        rows: 1_000_000,
        ours: Side::Batches(CLIENTS),
        anchor: Side::Batches(CLIENTS),
        anchor_rows: Some(10_000),
        place: Where::Spread,
        ratio_min: 0.9,
    };
    compared(bench, "postgres_1m_vs_10k", false, &what)
}
