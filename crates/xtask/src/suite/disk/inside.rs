//! The cases, as they run inside the namespace: one after the other on one installation, with clients who book all the
//! time and whose history is judged at the end.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use rehearsal::crowd::Crowd;
use rehearsal::history::What;
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;
use tokio::runtime::Runtime;

use super::layer::Fails;
use super::site::{Booking, Disk, Guest, WITHIN, lock_of, run as program};
use crate::site::Site;
use crate::traveller::split_times;
use crate::{group, history, suite};

/// Clinics among which one with times enough for the guest is looked for: late in the day few have them.
const CLINICS: usize = 40;
/// Clients who book all the time.
const CLIENTS: usize = 6;
/// Longer than all cases together.
const LASTS: Duration = Duration::from_mins(10);
/// How long each fault stays.
const STAYS: Duration = Duration::from_millis(1_500);
/// How long another process keeps the lock: longer than a writer waits (2 s).
const LOCKED: Duration = Duration::from_millis(3_500);
/// Bookings that are ready when a fault begins: some may go through before it is met.
const READY: usize = 8;
/// The byte of SQLite's shared memory that stands for the right to write the log (`WAL_WRITE_LOCK`).
const WRITERS_LOCK: i64 = 120;
/// Parts of the log's file: its head, a frame's head, a page.
const LOG_HEAD: u64 = 32;
const FRAME_HEAD: usize = 24;
const PAGE: usize = 4096;

/// Everything that the cases share.
struct Stage<'a> {
    runtime: &'a Runtime,
    disk: Disk,
    site: Option<Site>,
    guest: Guest,
    who: &'a str,
    passed: usize,
}

/// `xtask disk-inside FOLDER [--unprivileged]`: every case, in this namespace. The number of promises kept is written
/// into the folder.
pub fn run(folder: &Path, unprivileged: bool) -> Result<()> {
    end_with_our_parent();
    let runtime = suite::runtime()?;
    let port = crate::port::free()?;
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let disk = Disk::mount(folder, &listen, unprivileged)?;
    // The import's long log goes with a clean stop: a fault is met by the first commits, not by the thousandth.
    ensure!(disk.up()?.stop()?.success(), "the first start did not stop cleanly");
    let site = disk.up()?;
    let (times, own) = runtime.block_on(split_times(&site.client(), CLINICS))?;
    let ledger = history::ledger(folder)?;
    let crowd = Crowd::new(&url, times, Arc::clone(&ledger), Entropy::real());
    runtime.block_on(crowd.look_at_times());
    let clients = runtime.spawn(crowd.clone().visit(CLIENTS, LASTS));
    let mut stage = Stage {
        runtime: &runtime,
        disk,
        site: Some(site),
        guest: Guest::new(&url, own),
        who: if unprivileged { "unprivileged" } else { "root" },
        passed: 0,
    };
    let done = stage.cases();
    let _ = std::fs::copy(stage.disk.mount.join("data.stderr"), folder.join("up.stderr"));
    done?;
    crowd.send_home();
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(30), clients).await })
        .context("clients still wait")??;
    stage.conclude(&crowd, &ledger, folder)?;
    std::fs::write(folder.join("passed"), stage.passed.to_string())?;
    Ok(())
}

/// When whoever started us is gone, so are we, and everything that we started.
fn end_with_our_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        group::end_all();
        std::process::exit(1);
    });
}

impl Stage<'_> {
    fn cases(&mut self) -> Result<()> {
        self.locked().context("another process holds the writers' lock")?;
        self.full().context("the disk is full")?;
        self.failing("turned read-only", Fails::ReadOnly, &["read-only", "outcome-unknown"])
            .context("the disk turns read-only")?;
        self.failing("writes fail", Fails::Writes, &["unreachable", "outcome-unknown"])
            .context("writes to the log fail")?;
        self.failing("syncs fail", Fails::Syncs, &["unreachable", "outcome-unknown"])
            .context("syncs of the log fail")?;
        self.killed_while_full().context("killed while the disk is full")?;
        self.killed_while_mounted_read_only()
            .context("killed while mounted read-only")?;
        self.power_cut_in_doubt()
            .context("a power cut while a commit is in doubt")?;
        self.killed_in_doubt_then_power_cut()
            .context("killed while a commit is in doubt, then a power cut")?;
        self.garbage_in_the_log().context("garbage behind the last commit")
    }

    fn locked(&mut self) -> Result<()> {
        let prepared = self.prepared()?;
        let shared = OpenOptions::new().read(true).write(true).open(self.disk.index())?;
        fcntl(&shared, FcntlArg::F_OFD_SETLKW(&lock_of(WRITERS_LOCK)))?;
        self.through("locked", &["busy", "timed-out"], prepared, LOCKED, move |_| {
            drop(shared);
            Ok(())
        })
    }

    fn full(&mut self) -> Result<()> {
        let prepared = self.prepared()?;
        let filler = self.disk.fill()?;
        self.through("full", &["read-only"], prepared, STAYS, move |_| {
            drop(filler);
            Ok(())
        })
    }

    fn failing(&mut self, name: &str, what: Fails, codes: &[&str]) -> Result<()> {
        let prepared = self.prepared()?;
        self.disk.layer.fail(what)?;
        self.through(name, codes, prepared, STAYS, |disk| disk.layer.fail(Fails::Nothing))
    }

    fn killed_while_full(&mut self) -> Result<()> {
        self.killed_while("killed while full", Disk::fill, |_, filler| {
            drop(filler);
            Ok(())
        })
    }

    fn killed_while_mounted_read_only(&mut self) -> Result<()> {
        let mount = self.disk.mount.display().to_string();
        let remount = ["mount", "--options-mode", "ignore", "-o"];
        let plain = program(&[&remount[..], &["remount,ro", &mount]].concat());
        ensure!(
            plain.is_err(),
            "the system lets us remount a disk with open files read-only"
        );
        let data = self.disk.data.display().to_string();
        let begin = |_: &Disk| {
            program(&["mount", "--bind", &data, &data])?;
            program(&[&remount[..], &["remount,bind,ro", &data]].concat())
        };
        self.killed_while("killed, mounted read-only", begin, |_, ()| {
            program(&["umount", "--lazy", &data])
        })
    }

    /// The server dies during a fault that keeps the next one from starting: it starts by itself when the fault ends.
    fn killed_while<T>(
        &mut self,
        name: &str,
        begin: impl FnOnce(&Disk) -> Result<T>,
        end: impl FnOnce(&Disk, T) -> Result<()>,
    ) -> Result<()> {
        let fault = begin(&self.disk)?;
        let killed = self.site()?.signal_server(Signal::SIGKILL)?;
        std::thread::sleep(STAYS);
        end(&self.disk, fault)?;
        let after = self.runtime.block_on(self.guest.healed())?;
        self.runtime.block_on(self.site()?.until_ready(WITHIN))?;
        let named = Instant::now();
        while self.site()?.server().ok().is_none_or(|now| now == killed) {
            ensure!(named.elapsed() < WITHIN, "processes.json does not name the new server");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.say(
            2,
            &format!("{name}: starts by itself {} ms after the end", after.as_millis()),
        );
        Ok(())
    }

    /// What was in doubt when the power went is done once, whether it reached the platter or not.
    fn power_cut_in_doubt(&mut self) -> Result<()> {
        let prepared = self.prepared()?;
        self.disk.layer.fail(Fails::Syncs)?;
        let codes = ["unreachable", "outcome-unknown"];
        let (booking, code) = self.runtime.block_on(self.guest.meet(prepared, &codes))?;
        self.kill_all()?;
        let lost = self.disk.layer.cut_power()?;
        ensure!(
            lost > 0,
            "the power cut took nothing: the layer did not see the commits in doubt"
        );
        self.disk.layer.fail(Fails::Nothing)?;
        self.site = Some(self.disk.up()?);
        let booked = self.runtime.block_on(self.guest.resolve(&booking))?;
        self.runtime.block_on(self.guest.read(&booked))?;
        self.say(
            2,
            &format!("power cut in doubt ({code}): took {lost} pages of the log; known by its key afterwards"),
        );
        Ok(())
    }

    /// What was in doubt when the server died was answered by the next one: then it must be on the platter.
    fn killed_in_doubt_then_power_cut(&mut self) -> Result<()> {
        let prepared = self.prepared()?;
        self.disk.layer.fail(Fails::Syncs)?;
        let codes = ["unreachable", "outcome-unknown"];
        let (booking, code) = self.runtime.block_on(self.guest.meet(prepared, &codes))?;
        self.site()?.signal_server(Signal::SIGKILL)?;
        self.disk.layer.fail(Fails::Nothing)?; // before the next one starts
        let after = self.runtime.block_on(self.guest.healed())?;
        let booked = self.runtime.block_on(self.guest.resolve(&booking))?;
        self.kill_all()?;
        let lost = self.disk.layer.cut_power()?;
        self.site = Some(self.disk.up()?);
        self.runtime.block_on(self.guest.read(&booked))?;
        self.runtime.block_on(self.guest.healed())?;
        self.say(
            3,
            &format!(
                "killed in doubt ({code}): starts {} ms after the end; after a power cut that took {lost} pages \
                 what was answered then is there",
                after.as_millis()
            ),
        );
        Ok(())
    }

    /// A torn frame and noise where the next commit would stand, as a machine leaves them that lost its power.
    fn garbage_in_the_log(&mut self) -> Result<()> {
        let booking = self.runtime.block_on(self.guest.prepare())?;
        let booked = self.runtime.block_on(self.guest.resolve(&booking))?;
        self.kill_all()?;
        let bytes = spoil(&self.disk.data)?;
        self.site = Some(self.disk.up()?);
        self.runtime.block_on(self.guest.read(&booked))?;
        self.runtime.block_on(self.guest.healed())?;
        self.say(2, &format!("started over a torn frame and {bytes} bytes of noise"));
        Ok(())
    }

    fn kill_all(&mut self) -> Result<()> {
        self.disk.kill_all(self.site.take().context("the site runs")?)
    }

    fn site(&self) -> Result<&Site> {
        self.site.as_ref().context("the site runs")
    }

    fn say(&mut self, promises: usize, what: &str) {
        self.passed += promises;
        println!("  {:<12} {what}", self.who);
    }

    fn prepared(&mut self) -> Result<Vec<Booking>> {
        let (runtime, guest) = (self.runtime, &mut self.guest);
        runtime.block_on(async {
            let mut prepared = Vec::new();
            for _ in 0..READY {
                prepared.push(guest.prepare().await?);
            }
            Ok(prepared)
        })
    }

    /// During a fault: a booking meets it, the words are true, finding goes on. After: healed without a restart, and the
    /// booking that met it is known by its key.
    fn through(
        &mut self,
        name: &str,
        codes: &[&str],
        prepared: Vec<Booking>,
        stays: Duration,
        end: impl FnOnce(&Disk) -> Result<()>,
    ) -> Result<()> {
        let server = self.site()?.server()?;
        let began = Instant::now();
        let runtime = self.runtime;
        let (booking, code) = runtime.block_on(self.guest.meet(prepared, codes))?;
        runtime.block_on(self.guest.look_round(&code, codes))?;
        std::thread::sleep(stays.saturating_sub(began.elapsed()));
        end(&self.disk)?;
        let after = runtime.block_on(self.guest.healed())?;
        let booked = runtime.block_on(self.guest.resolve(&booking))?;
        runtime.block_on(self.guest.read(&booked))?;
        ensure!(self.site()?.server()? == server, "the server was started again");
        self.say(
            4,
            &format!(
                "{name}: booking says {code}, finding goes on, healed after {} ms",
                after.as_millis()
            ),
        );
        Ok(())
    }

    fn conclude(&mut self, crowd: &Crowd, ledger: &Ledger, folder: &Path) -> Result<()> {
        let judged = self.runtime.block_on(history::conclude(crowd, ledger))?;
        let recorded = ledger.recorder.history()?;
        let unknown = |what: &What| matches!(what, What::Unknown { why } if why == "outcome-unknown");
        let doubts = recorded.events.iter().filter(|event| unknown(&event.what)).count();
        ensure!(
            doubts > 0,
            "no client ever heard `outcome-unknown`: the faults came too early or too late"
        );
        let all = ledger.acknowledged_lines() + &self.guest.acknowledged;
        self.disk.verify(&all, folder)?;
        let site = self.site.take().context("the site runs")?;
        ensure!(site.stop()?.success(), "the site did not stop cleanly");
        self.say(
            judged + 2,
            &format!(
                "{} acknowledged, {doubts} times in doubt: nothing is missing, every checker is content",
                all.lines().count()
            ),
        );
        Ok(())
    }
}

/// Writes the beginning of a frame and then noise behind the last commit; how much noise. Where that is says the log's
/// index, which a killed server leaves behind.
fn spoil(data: &Path) -> Result<usize> {
    let mut last = [0; 4];
    let index = OpenOptions::new().read(true).open(data.join("evenkeel.sqlite-shm"))?;
    index.read_exact_at(&mut last, 16)?;
    let frames = u64::from(u32::from_ne_bytes(last));
    ensure!(frames > 0, "the log is empty");
    let log = OpenOptions::new()
        .read(true)
        .write(true)
        .open(data.join("evenkeel.sqlite-wal"))?;
    let whole = (FRAME_HEAD + PAGE) as u64;
    let mut torn = vec![0; FRAME_HEAD + PAGE / 2];
    log.read_exact_at(&mut torn, LOG_HEAD + (frames - 1) * whole)?;
    let end = LOG_HEAD + frames * whole;
    log.write_all_at(&torn, end)?;
    let mut noise = vec![0; 10_000];
    Entropy::real().fill(&mut noise);
    log.write_all_at(&noise, end + torn.len() as u64)?;
    Ok(noise.len())
}
