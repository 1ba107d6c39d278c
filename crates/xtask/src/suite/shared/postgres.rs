//! One PostgreSQL, three servers: all killed with SIGKILL in turn, and PostgreSQL too, while clients book through every
//! door. The history is clean, every acknowledged booking is there once, and the servers say the same is free.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;

use super::{BACK_WITHIN, RESOLVED_WITHIN, SERVER_AGES, UNKNOWN_MIN, agreed, joined, print};
use crate::client::Client;
use crate::postgres::Postgres;
use crate::site::{Site, Start};
use crate::suite::crash::verify_on;
use crate::suite::{Tally, runtime};
use crate::{Checkout, history, traveller};

/// How long the clients book and everything is killed.
const LASTS: Duration = Duration::from_secs(12);
/// Clients at each server.
const CLIENTS_EACH: usize = 12;
/// When PostgreSQL is killed.
const POSTGRES_AGE: Duration = Duration::from_secs(5);
/// Longest that it may take to recover.
const POSTGRES_BACK_WITHIN: Duration = Duration::from_secs(20);
/// What must have been tried for the test to mean something.
const SERVER_KILLS_MIN: usize = 2;

/// The servers that all write to one database.
struct Trio<'a> {
    checkout: &'a Checkout,
    data: std::path::PathBuf,
    url: String,
    /// Whoever kills or starts something is alone: a server does not start where there is no database.
    turn: Mutex<()>,
}

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("shared-postgres")?;
    let mut postgres = Postgres::start(&std::env::temp_dir(), &[])?;
    let trio = Trio {
        checkout,
        data: scratch.join("data"),
        url: postgres.database("evenkeel")?,
        turn: Mutex::new(()),
    };
    let runtime = runtime()?;
    let binary = checkout.binary();
    let site = Start::new(&binary, &trio.data).arg("--database").arg(&trio.url).up()?;
    println!(
        "  three servers on one PostgreSQL; the first was ready after {:.1} s",
        site.ready_after.as_secs_f64()
    );
    let ports = [crate::port::free()?, crate::port::free()?];
    let mut doors = vec![site.address()];
    doors.extend(ports.map(|port| format!("127.0.0.1:{port}")));
    let times = runtime.block_on(traveller::open_times(&site.client(), "02108", 40))?;
    let clinics = times.iter().map(|time| time.clinic.clone()).collect();
    let ledger = history::ledger(&scratch)?;
    let crowd = |door: &String| {
        let url = format!("http://{door}");
        Crowd::new(&url, times.clone(), Arc::clone(&ledger), Entropy::real())
    };
    let crowds: Vec<Crowd> = doors.iter().map(crowd).collect();
    runtime.block_on(crowds[0].look_at_times());
    let others = [trio.start("b", ports[0])?, trio.start("c", ports[1])?];
    let until = Instant::now() + LASTS;
    let visit = |crowd: &Crowd| runtime.spawn(crowd.clone().visit(CLIENTS_EACH, LASTS));
    let clients: Vec<_> = crowds.iter().map(visit).collect();
    let [b, c] = others;
    let (killed, alive) = std::thread::scope(|scope| {
        let supervised = scope.spawn(|| trio.kill_supervised(&site, &runtime, until, &ledger));
        let b = scope.spawn(|| trio.kill_by_hand("b", b, ports[0], until, &ledger));
        let c = scope.spawn(|| trio.kill_by_hand("c", c, ports[1], until, &ledger));
        let database = scope.spawn(|| trio.kill_postgres(&mut postgres, &ledger));
        let (a, b, c) = (joined(supervised), joined(b), joined(c));
        joined(database)?;
        let ((b, server_b), (c, server_c)) = (b?, c?);
        anyhow::Ok(([a?, b, c], [server_b, server_c]))
    })?;
    for one in clients {
        runtime
            .block_on(async { tokio::time::timeout(RESOLVED_WITHIN, one).await })
            .context("clients still wait")??;
    }
    tried_enough(&killed, &ledger)?;
    let judged = runtime.block_on(history::conclude(&crowds[1], &ledger))?;
    for other in &doors[1..] {
        let both = [&doors[0], other].map(|door| Client::new(&format!("http://{door}")));
        let (seen, after) = runtime.block_on(agreed(&both, &clinics))?;
        println!(
            "  two servers say the same of {} times after {} ms",
            seen.len(),
            after.as_millis()
        );
    }
    verify_on(&binary, &trio.data, Some(&trio.url), &scratch, &ledger)?;
    for server in alive {
        ensure!(server.stop()?.success(), "a server did not stop cleanly");
    }
    ensure!(site.stop()?.success(), "the site did not stop cleanly");
    Ok(Tally::passed(5 + judged))
}

/// Says what was killed, and whether that means something.
fn tried_enough(killed: &[usize; 3], ledger: &Ledger) -> Result<()> {
    println!(
        "  servers killed: a {}, b {}, c {} times; PostgreSQL once",
        killed[0], killed[1], killed[2]
    );
    print(ledger);
    let least = killed.iter().min().copied().unwrap_or_default();
    ensure!(
        least >= SERVER_KILLS_MIN,
        "a server was killed only {least} times, {SERVER_KILLS_MIN} are wanted"
    );
    let unknown = ledger.unknown.load(std::sync::atomic::Ordering::Relaxed);
    ensure!(
        unknown >= UNKNOWN_MIN,
        "only {unknown} outcomes were unknown, {UNKNOWN_MIN} are wanted"
    );
    Ok(())
}

impl Trio<'_> {
    fn start(&self, name: &str, port: u16) -> Result<Site> {
        Start::new(&self.checkout.binary(), &self.data)
            .server(port)
            .arg("--name")
            .arg(name)
            .arg("--database")
            .arg(&self.url)
            .up()
    }

    fn alone<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        act()
    }

    fn kill_supervised(
        &self,
        site: &Site,
        runtime: &tokio::runtime::Runtime,
        until: Instant,
        ledger: &Ledger,
    ) -> Result<usize> {
        let mut kills = 0;
        while Instant::now() < until {
            std::thread::sleep(SERVER_AGES[kills % SERVER_AGES.len()]);
            self.alone(|| {
                ledger.note_kill();
                let gone = site.signal_server(Signal::SIGKILL)?;
                let deadline = Instant::now() + BACK_WITHIN;
                while site.server().ok().is_none_or(|now| now == gone) {
                    ensure!(Instant::now() < deadline, "server a was not restarted");
                    std::thread::sleep(Duration::from_millis(10));
                }
                runtime.block_on(site.until_ready(BACK_WITHIN))
            })?;
            kills += 1;
        }
        Ok(kills)
    }

    fn kill_by_hand(
        &self,
        name: &str,
        first: Site,
        port: u16,
        until: Instant,
        ledger: &Ledger,
    ) -> Result<(usize, Site)> {
        let (mut kills, mut server) = (0, first);
        while Instant::now() < until {
            std::thread::sleep(SERVER_AGES[(kills + 1) % SERVER_AGES.len()]);
            server = self.alone(|| {
                ledger.note_kill();
                drop(server); // SIGKILL
                self.start(name, port)
            })?;
            kills += 1;
        }
        Ok((kills, server))
    }

    fn kill_postgres(&self, postgres: &mut Postgres, ledger: &Ledger) -> Result<()> {
        std::thread::sleep(POSTGRES_AGE);
        self.alone(|| {
            ledger.note_kill();
            postgres.kill()?;
            let began = Instant::now();
            // Its other processes must be gone before it starts again.
            while let Err(error) = postgres.run() {
                ensure!(
                    began.elapsed() < POSTGRES_BACK_WITHIN,
                    "it does not start again: {error:#}"
                );
                std::thread::sleep(Duration::from_millis(100));
            }
            println!(
                "  PostgreSQL was back {:.1} s after it was killed",
                began.elapsed().as_secs_f64()
            );
            Ok(())
        })
    }
}
