//! One data folder, many processes: two servers and an import, all killed with SIGKILL while clients book through both
//! doors. At the end nobody is overbooked, every acknowledged booking is there once, what was imported is there exactly
//! once, and both servers say the same is free. Server `a` lives under its supervisor; `b` is started here by hand. Then three servers on PostgreSQL.

pub mod lasting;
mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;
use serde_json::Value;

use super::Tally;
use super::crash::verify;
use crate::client::{Ask, Client};
use crate::site::{Site, Start};
use crate::traveller::{self, fresh_key, fresh_resident};
use crate::{Checkout, history};

/// How long the clients book and the servers are killed.
const LASTS: Duration = Duration::from_secs(18);
/// Clients at each server.
const CLIENTS_EACH: usize = 16;
/// How old a server becomes, once it answers, before it is killed; in turn.
const SERVER_AGES: [Duration; 3] = [
    Duration::from_millis(400),
    Duration::from_millis(1300),
    Duration::from_millis(2200),
];
/// What must have been tried for the test to mean something.
const SERVER_KILLS_MIN: usize = 4;
const IMPORT_KILLS_MIN: usize = 4;
const UNKNOWN_MIN: usize = 5;
/// Imports of one file that are cut off on purpose, then one may end.
const IMPORT_KILLS_MAX: usize = 16;
/// By how much an import grows older before it is killed, when the one before had written nothing yet.
const IMPORT_AGE_STEP: Duration = Duration::from_millis(20);
/// Longest that one import may take on a laden machine.
const IMPORT_WITHIN: Duration = Duration::from_secs(30);
/// Longest wait for a killed server to answer again.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long the clients may take, once nobody is killed any more, to learn every outcome.
const RESOLVED_WITHIN: Duration = Duration::from_secs(20);
/// One server shows what another one did within this time (promised to people as "within two seconds").
const AGREE_WITHIN: Duration = Duration::from_secs(2);

/// The imported clinics: several transactions of them.
const CLINICS: usize = 3_000;
/// The first of them have sessions, each on so many days: four dozen transactions.
const CLINICS_OPEN: usize = 60;
const DAYS: usize = 80;
/// 9:00 to 17:00 in steps of 40 minutes.
const SLOTS_A_SESSION: usize = 12;
const CAPACITY: u64 = 2;
/// What their names begin with.
const NAMED: &str = "Shared Mill ";

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let mut tally = one_folder(checkout)?;
    tally.add(postgres::run(checkout)?);
    Ok(tally)
}

fn one_folder(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("shared")?;
    let folder = Folder {
        binary: checkout.binary(),
        data: scratch.join("data"),
    };
    let files = Files::write(&scratch)?;
    let port = crate::port::free()?;
    let runtime = super::runtime()?;
    let site = Start::new(&folder.binary, &folder.data).up()?;
    let (door_a, door_b) = (site.address(), format!("127.0.0.1:{port}"));
    let times = runtime.block_on(traveller::open_times(&site.client(), "02108", 40))?;
    println!("  {} open times at the nearest clinics", times.len());
    let clinics: BTreeSet<String> = times.iter().map(|time| time.clinic.clone()).collect();

    let ledger = history::ledger(&scratch)?;
    let crowds = [&door_a, &door_b].map(|door| {
        Crowd::new(
            &format!("http://{door}"),
            times.clone(),
            Arc::clone(&ledger),
            Entropy::real(),
        )
    });
    runtime.block_on(crowds[0].look_at_times());
    let first_b = folder.server_b(port)?;
    let until = Instant::now() + LASTS;
    let clients = crowds
        .clone()
        .map(|crowd| runtime.spawn(crowd.visit(CLIENTS_EACH, LASTS)));
    let (killed_a, killed_b, imported) = std::thread::scope(|scope| {
        let kill_a = scope.spawn(|| kill_supervised(&site, &runtime, until, &ledger));
        let kill_b = scope.spawn(|| kill_by_hand(&folder, first_b, port, until, &ledger));
        let import = scope.spawn(|| folder.import_both(&files));
        (joined(kill_a), joined(kill_b), joined(import))
    });
    let (killed_a, (killed_b, server_b), imported) = (killed_a?, killed_b?, imported?);
    for one in clients {
        runtime
            .block_on(async { tokio::time::timeout(RESOLVED_WITHIN, one).await })
            .context("clients still wait")??;
    }
    println!("  servers killed: a {killed_a} times, b {killed_b} times");
    imported.print();
    print(&ledger);
    check(&ledger, killed_a, killed_b, &imported)?;
    let judged = runtime.block_on(history::conclude(&crowds[1], &ledger))?;

    let doors = [
        Client::new(&format!("http://{door_a}")),
        Client::new(&format!("http://{door_b}")),
    ];
    runtime.block_on(look(&site, &doors, clinics, &ledger))?;
    verify(&folder.binary, &folder.data, &scratch, &ledger)?;
    ensure!(server_b.stop()?.success(), "server b did not stop cleanly");
    ensure!(site.stop()?.success(), "the site did not stop cleanly");
    Ok(Tally::passed(6 + judged))
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().expect("a thread of this suite panicked")
}

/// The installation that all share.
struct Folder {
    binary: PathBuf,
    data: PathBuf,
}

/// The two files that are imported.
struct Files {
    clinics: PathBuf,
    sessions: PathBuf,
}

impl Files {
    fn write(scratch: &Path) -> Result<Self> {
        let files = Self {
            clinics: scratch.join("clinics.csv"),
            sessions: scratch.join("sessions.csv"),
        };
        let mut text = "source_id,name,street,city,state,zip,latitude,longitude\n".to_owned();
        for number in 0..CLINICS {
            writeln!(
                text,
                "shared-{number},{NAMED}{number},{number} Mill Lane,Boston,MA,02108,42.35,-71.06"
            )?;
        }
        std::fs::write(&files.clinics, text)?;
        // The day after tomorrow is in the future, and within what may be published, in every time zone.
        let days: Vec<String> = (0..DAYS).map(|day| date_after(2 + day as u64)).collect::<Result<_>>()?;
        let mut text = "clinic,date,vaccine,start,end,slot_minutes,capacity\n".to_owned();
        for number in 0..CLINICS_OPEN {
            for day in &days {
                writeln!(text, "shared-{number},{day},140,09:00,17:00,40,{CAPACITY}")?;
            }
        }
        std::fs::write(&files.sessions, text)?;
        Ok(files)
    }
}

/// What came of the imports.
struct Imported {
    /// Rows there after each import of clinics that was killed.
    clinics: Vec<u64>,
    /// The same of sessions.
    sessions: Vec<u64>,
    took: Duration,
}

impl Imported {
    fn print(&self) {
        println!(
            "  imports killed: clinics with {:?} of {CLINICS} there, sessions with {:?} of {}; whole after {:.1} s",
            self.clinics,
            self.sessions,
            CLINICS_OPEN * DAYS,
            self.took.as_secs_f64()
        );
    }
}

impl Folder {
    /// Another server on the same data.
    fn server_b(&self, port: u16) -> Result<Site> {
        Start::new(&self.binary, &self.data)
            .server(port)
            .arg("--name")
            .arg("b")
            .up()
    }

    fn import_both(&self, files: &Files) -> Result<Imported> {
        let began = Instant::now();
        let clinics = self.import("clinics", &files.clinics, CLINICS as u64)?;
        let sessions = self.import("sessions", &files.sessions, (CLINICS_OPEN * DAYS) as u64)?;
        Ok(Imported {
            clinics,
            sessions,
            took: began.elapsed(),
        })
    }

    /// Imports a file again and again, killed each time when it has become so old that it has written a part, until
    /// one ends; then once more, which changes nothing. How many rows were there after each kill.
    fn import(&self, what: &str, file: &Path, rows: u64) -> Result<Vec<u64>> {
        let (mut killed, mut age) = (Vec::new(), IMPORT_AGE_STEP);
        let mut known = self.known(what, file)?;
        ensure!(known == 0, "{known} of the {what} were there before");
        while known < rows {
            let kill = killed.len() < IMPORT_KILLS_MAX;
            let mut import = Killed(self.importing(what, file, false).stdout(Stdio::null()).spawn()?);
            let ended = import.end_within(if kill { age } else { IMPORT_WITHIN })?;
            ensure!(ended.is_some() || kill, "importing {what} takes over {IMPORT_WITHIN:?}");
            ensure!(
                ended.is_none_or(|status| status.success()),
                "importing {what} ended with {ended:?}"
            );
            drop(import); // SIGKILL, if it still lives
            let now = self.known(what, file)?;
            ensure!(now >= known, "of {known} {what} {now} are left");
            ensure!(ended.is_none() || now == rows, "{what}: ended with {now} of {rows}");
            if now < rows {
                killed.push(now);
            }
            // Older when it came to nothing, younger when it came far.
            age = if now == known {
                age + IMPORT_AGE_STEP
            } else {
                age.saturating_sub(IMPORT_AGE_STEP).max(IMPORT_AGE_STEP)
            };
            known = now;
        }
        let said = last_line(&self.importing(what, file, false).output()?)?;
        let nothing = said["added"] == 0 && said["changed"] == 0 && said["unchanged"] == rows;
        ensure!(nothing, "importing {what} twice is not importing them once: {said}");
        Ok(killed)
    }

    /// How many rows of the file are there already.
    fn known(&self, what: &str, file: &Path) -> Result<u64> {
        let said = last_line(&self.importing(what, file, true).output()?)?;
        ensure!(said["changed"] == 0, "somebody changed {what}: {said}");
        said["unchanged"].as_u64().context("a dry run counts what is there")
    }

    fn importing(&self, what: &str, file: &Path, dry: bool) -> Command {
        let mut import = Command::new(&self.binary);
        import.args(["import", what, "--json"]).args(dry.then_some("--dry-run"));
        import.arg("--data").arg(&self.data).arg(file);
        import.stdin(Stdio::null());
        import
    }
}

/// A child that does not outlive the suite.
struct Killed(Child);

impl Killed {
    /// How it ended, if it did so by itself within this time.
    fn end_within(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            let ended = self.0.try_wait()?;
            if ended.is_some() || began.elapsed() >= within {
                return Ok(ended);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill(); // an error means that it is gone
        let _ = self.0.wait();
    }
}

fn last_line(output: &Output) -> Result<Value> {
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "import ended with {}: {said}{complaint}",
        output.status
    );
    let last = said.lines().last().context("import said nothing")?;
    Ok(serde_json::from_str(last)?)
}

/// Kills the supervisor's server until then, each time after it has answered for a while. How often.
fn kill_supervised(site: &Site, runtime: &tokio::runtime::Runtime, until: Instant, ledger: &Ledger) -> Result<usize> {
    let mut kills = 0;
    while Instant::now() < until {
        std::thread::sleep(SERVER_AGES[kills % SERVER_AGES.len()]);
        ledger.note_kill();
        let gone = site.signal_server(Signal::SIGKILL)?;
        kills += 1;
        let deadline = Instant::now() + BACK_WITHIN;
        while site.server().ok().is_none_or(|now| now == gone) {
            ensure!(
                Instant::now() < deadline,
                "server a was not restarted within {BACK_WITHIN:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        runtime.block_on(site.until_ready(BACK_WITHIN))?;
    }
    Ok(kills)
}

/// The same with the server that has no supervisor: here it is started again by hand. How often, and the last one.
fn kill_by_hand(folder: &Folder, first: Site, port: u16, until: Instant, ledger: &Ledger) -> Result<(usize, Site)> {
    let (mut kills, mut server) = (0, first);
    while Instant::now() < until {
        std::thread::sleep(SERVER_AGES[(kills + 1) % SERVER_AGES.len()]);
        ledger.note_kill();
        drop(server); // SIGKILL
        kills += 1;
        server = folder.server_b(port)?;
    }
    Ok((kills, server))
}

fn print(ledger: &Ledger) {
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "  requests answered: {}, of them refusals: {}, faults: {}",
        count(&ledger.answered),
        count(&ledger.refused),
        count(&ledger.faults)
    );
    println!(
        "  in flight at a kill: {}; came back unknown: {}, of them done before the kill: {}",
        count(&ledger.in_flight_at_kill),
        count(&ledger.unknown),
        count(&ledger.replayed)
    );
    println!("  acknowledged appointments: {}", ledger.acknowledged().len());
}

fn check(ledger: &Ledger, killed_a: usize, killed_b: usize, imported: &Imported) -> Result<()> {
    let kills = killed_a.min(killed_b);
    ensure!(
        kills >= SERVER_KILLS_MIN,
        "a server was killed only {kills} times, {SERVER_KILLS_MIN} are wanted"
    );
    // Only those that had written a part count.
    let kills = imported
        .sessions
        .iter()
        .filter(|there| **there > 0)
        .collect::<BTreeSet<_>>()
        .len();
    ensure!(
        kills >= IMPORT_KILLS_MIN,
        "the import of sessions was cut off only {kills} times, {IMPORT_KILLS_MIN} are wanted"
    );
    let unknown = ledger.unknown.load(Ordering::Relaxed);
    ensure!(
        unknown >= UNKNOWN_MIN,
        "only {unknown} outcomes were unknown, {UNKNOWN_MIN} are wanted"
    );
    ensure!(!ledger.acknowledged().is_empty(), "nothing was acknowledged");
    Ok(())
}

/// What can be seen through the doors.
async fn look(site: &Site, doors: &[Client; 2], mut clinics: BTreeSet<String>, ledger: &Ledger) -> Result<()> {
    site.until_ready(BACK_WITHIN).await?;
    let open = imported_clinics(doors).await?;
    clinics.extend(open.iter().cloned());
    let (seen, after) = agreed(doors, &clinics).await?;
    println!(
        "  both servers say the same of {} times after {} ms",
        seen.len(),
        after.as_millis()
    );

    for clinic in &open {
        let starts: Vec<&str> = seen
            .values()
            .filter(|slot| slot["clinic"] == **clinic)
            .filter_map(|slot| slot["start"].as_str())
            .collect();
        let distinct: BTreeSet<&&str> = starts.iter().collect();
        let right = starts.len() == DAYS * SLOTS_A_SESSION && distinct.len() == starts.len();
        ensure!(
            right,
            "{clinic} has {} times, {} distinct",
            starts.len(),
            distinct.len()
        );
    }
    println!(
        "  {} imported clinics with {} times each, once",
        open.len(),
        DAYS * SLOTS_A_SESSION
    );

    let mut booked: BTreeMap<String, u64> = BTreeMap::new();
    for told in ledger.acknowledged().into_iter().filter(|told| told.status == "booked") {
        *booked.entry(told.slot).or_default() += 1;
    }
    let mut full = 0;
    for (slot, count) in &booked {
        // A time that has begun meanwhile is not shown any more.
        let Some(shown) = seen.get(slot) else { continue };
        let (capacity, free) = (shown["capacity"].as_u64(), shown["free"].as_u64());
        let (capacity, free) = (
            capacity.context("a capacity")?,
            free.context("nobody can tell what is free")?,
        );
        full += usize::from(free == 0);
        ensure!(
            count + free <= capacity,
            "{slot}: {count} booked and {free} free of {capacity}"
        );
    }
    println!("  {} booked times, {full} of them full, none overbooked", booked.len());
    across(doors, &open, &seen).await
}

/// The ids of the imported clinics that have sessions, after looking that every one of the file is there once.
async fn imported_clinics(doors: &[Client; 2]) -> Result<BTreeSet<String>> {
    let mut open = BTreeSet::new();
    for door in doors {
        let clinics = pages(door, "/api/v1/clinics?limit=200", "clinics").await?;
        let mut numbers = BTreeSet::new();
        for clinic in &clinics {
            let (Some(id), Some(name)) = (clinic["id"].as_str(), clinic["name"].as_str()) else {
                continue;
            };
            let Some(number) = name.strip_prefix(NAMED) else {
                continue;
            };
            let number: usize = number.parse()?;
            ensure!(numbers.insert(number), "clinic {name} is there twice");
            if number < CLINICS_OPEN {
                open.insert(id.to_owned());
            }
        }
        ensure!(
            numbers.len() == CLINICS,
            "{} of {CLINICS} imported clinics are shown",
            numbers.len()
        );
    }
    ensure!(open.len() == CLINICS_OPEN, "the servers give clinics different ids");
    Ok(open)
}

/// All times of these clinics, once both servers say the same of each; and how long that took.
async fn agreed(doors: &[Client; 2], clinics: &BTreeSet<String>) -> Result<(BTreeMap<String, Value>, Duration)> {
    let began = Instant::now();
    let mut seen = BTreeMap::new();
    for clinic in clinics {
        let path = format!(
            "/api/v1/slots?clinic={clinic}&limit=200&from={}&to={}",
            date_after(0)?,
            date_after(90)?
        );
        loop {
            let asked = began.elapsed();
            let one = pages(&doors[0], &path, "slots").await?;
            let other = pages(&doors[1], &path, "slots").await?;
            if one == other {
                for slot in one {
                    let id = slot["id"].as_str().context("a slot's id")?.to_owned();
                    ensure!(seen.insert(id, slot).is_none(), "a time of {clinic} is shown twice");
                }
                break;
            }
            ensure!(
                asked < AGREE_WITHIN,
                "the servers do not agree on what is free at {clinic}: {:?}",
                one.iter().zip(&other).find(|(one, other)| one != other)
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok((seen, began.elapsed()))
}

/// Held at one server, booked at the other, asked again at the first: one outcome. And how soon the other shows it.
async fn across(doors: &[Client; 2], open: &BTreeSet<String>, seen: &BTreeMap<String, Value>) -> Result<()> {
    let mut lags = Vec::new();
    for (round, clinic) in open.iter().take(6).enumerate() {
        let (here, there) = (&doors[round % 2], &doors[(round + 1) % 2]);
        let mine = |slot: &&Value| slot["clinic"] == **clinic;
        let slot = seen.values().find(mine).context("an imported time")?;
        let slot = slot["id"].as_str().context("a slot's id")?;
        let held = here.ask(&traveller::hold(slot, &fresh_key("hold")), 201).await?.json();
        let began = Instant::now();
        let path = format!("/api/v1/slots?clinic={clinic}&limit=200");
        loop {
            let shown = there.json(&path).await?;
            let shown = shown["slots"]
                .as_array()
                .context("a list of slots")?
                .iter()
                .find(|one| one["id"] == *slot);
            if shown.is_some_and(|one| one["free"] == CAPACITY - 1) {
                break;
            }
            ensure!(
                began.elapsed() < AGREE_WITHIN,
                "{slot} is held at one server, the other shows {shown:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        lags.push(began.elapsed().as_millis());
        let book = traveller::book(&held, &fresh_resident(), &fresh_key("book"));
        let first = there.ask(&book, 201).await?;
        let second = here.ask(&book, 201).await?;
        let replayed = second.header("idempotency-replayed") == Some("true") && first.body == second.body;
        ensure!(
            replayed,
            "one key, two outcomes: {} and {}",
            first.text(),
            second.text()
        );
    }
    println!("  a hold at one server shows at the other after {lags:?} ms; one key is one outcome at both");
    Ok(())
}

/// All pages of a list.
async fn pages(door: &Client, path: &str, list: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = door.ask(&Ask::get(&next), 200).await?.json();
        all.extend(page[list].as_array().context("a list")?.iter().cloned());
        match page["next"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

/// `YYYY-MM-DD`, so many days after today (UTC).
fn date_after(days: u64) -> Result<String> {
    let today = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() / 86_400;
    let days = jiff::Span::new().try_days((today + days).cast_signed())?;
    Ok(jiff::civil::date(1970, 1, 1).checked_add(days)?.to_string())
}
