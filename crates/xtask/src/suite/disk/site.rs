//! The installation on its own small disk, in the namespace, and a guest who looks closely at what the site says while
//! the disk is faulty.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, fallocate, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use rehearsal::client::{Answer, Ask, Client};
use rehearsal::request;
use serde_json::Value;

use super::layer::Layer;
use crate::site::{Site, Start};
use crate::suite::fault_words::{age_s, sentence, true_words};
use crate::traveller::{Time, fresh_key, fresh_resident};

/// Room for the demonstration, its log and a minute of bookings.
const DISK: &str = "size=224m,mode=0755";
/// How old what finding shows may be while the database cannot be written but can be read.
const AGE_MAX_S: i64 = 4;
/// The byte of the log's index that everybody who has it open shares (`UNIX_SHM_DMS`).
const OPEN_LOCK: i64 = 128;
/// Within this time a fault is met, and after its end everything works again ("within a few seconds").
pub const WITHIN: Duration = Duration::from_secs(10);
const HEALS_WITHIN: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(50);
/// A finding answer while the disk is faulty.
const FINDS_WITHIN: Duration = Duration::from_secs(1);

/// The small disk with an installation on it.
pub struct Disk {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// The data folder on it.
    pub data: PathBuf,
    /// The layer under the database.
    pub layer: Layer,
    binary: PathBuf,
    listen: String,
    unprivileged: bool,
}

impl Disk {
    /// Mounts it in this folder.
    pub fn mount(folder: &Path, listen: &str, unprivileged: bool) -> Result<Self> {
        let mount = folder.join("disk");
        fs::create_dir_all(&mount)?;
        run(&[
            "mount",
            "-t",
            "tmpfs",
            "-o",
            DISK,
            "evenkeel",
            &mount.display().to_string(),
        ])?;
        let data = mount.join("data");
        Ok(Self {
            layer: Layer::new(&folder.join("faulty.so"), &folder.join("layer"), &data)?,
            binary: folder.join("evenkeel"),
            listen: listen.to_owned(),
            mount,
            data,
            unprivileged,
        })
    }

    /// Starts the installation on its faulty layer. Unprivileged: without any capability, in the namespace too.
    pub fn up(&self) -> Result<Site> {
        let mut words = self.layer.words();
        if self.unprivileged {
            let bare = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
            words = bare.iter().map(|word| (*word).to_owned()).chain(words).collect();
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Start::new(&self.binary, &self.data)
            .listen(&self.listen)
            .under(&words)
            .up()
    }

    /// Everything on the machine dies at once. The server is in a group of its own and would end cleanly once its
    /// supervisor is gone. A signal is sent, not obeyed, when the call returns: it may still be in the middle of a
    /// write, so this waits for the lock that SQLite keeps as long as anybody has the log open.
    pub fn kill_all(&self, site: Site) -> Result<()> {
        let server = site.server()?;
        drop(site.kill_supervisor()?);
        kill(server, Signal::SIGKILL).context("the server ended before it was killed")?;
        let shared = match OpenOptions::new().read(true).write(true).open(self.index()) {
            Ok(shared) => shared,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        fcntl(&shared, FcntlArg::F_OFD_SETLKW(&lock_of(OPEN_LOCK)))?;
        Ok(())
    }

    /// The log's index, which SQLite's processes share.
    pub fn index(&self) -> PathBuf {
        self.data.join("evenkeel.sqlite-shm")
    }

    /// Fills the disk to its last byte. What is given back takes the room.
    pub fn fill(&self) -> Result<Filler> {
        let filler = Filler(self.mount.join("filler"));
        let file = File::create(&filler.0)?;
        let mut at = 0;
        for step in [1 << 22, 1 << 16, 1 << 12] {
            loop {
                match fallocate(&file, FallocateFlags::empty(), at, step) {
                    Ok(()) => at += step,
                    Err(Errno::ENOSPC) => break,
                    Err(error) => bail!("filling the disk: {error}"),
                }
            }
        }
        Ok(filler)
    }

    /// What `verify` says of everything acknowledged.
    pub fn verify(&self, acknowledged: &str, folder: &Path) -> Result<()> {
        let file = folder.join("acknowledged.ndjson");
        fs::write(&file, acknowledged)?;
        let (code, said) = super::super::crash::ask_verify(&self.binary, &self.data, &file)?;
        ensure!(code == 0, "verify --acknowledged ended with {code}:\n{said}");
        Ok(())
    }
}

/// The right to be alone with one byte of the log's index, which is how SQLite's processes share it.
pub fn lock_of(byte: i64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

/// Takes the disk's room until it is dropped.
pub struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs a program to its end.
pub fn run(words: &[&str]) -> Result<()> {
    let output = Command::new(words[0]).args(&words[1..]).output()?;
    ensure!(
        output.status.success(),
        "{}: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// One who books through a fault, and keeps what was acknowledged.
pub struct Guest {
    /// Speaks to the site.
    pub client: Client,
    /// Lines for `verify --acknowledged`.
    pub acknowledged: String,
    times: Vec<Time>,
    next: usize,
}

/// A booking under way: the same request, however often it is sent.
pub struct Booking {
    ask: Ask,
    slot: String,
}

impl Guest {
    /// A guest who takes each of these times once.
    pub fn new(url: &str, times: Vec<Time>) -> Self {
        Self {
            client: Client::new(url),
            acknowledged: String::new(),
            times,
            next: 0,
        }
    }

    /// Holds the next time, and has its booking ready.
    pub async fn prepare(&mut self) -> Result<Booking> {
        for _ in 0..20 {
            let slot = self.times[self.next % self.times.len()].slot.clone();
            self.next += 1;
            let held = self.client.send(&request::hold(&slot, &fresh_key("hold"))).await?;
            if held.status == 201 {
                let ask = request::book(&held.json(), &fresh_resident(), &fresh_key("book"));
                return Ok(Booking { ask, slot });
            }
            ensure!(held.status == 409, "holding: {}: {}", held.status, held.text());
        }
        bail!("no time is free")
    }

    /// Waits until holding meets the fault and hears the first of these codes, then sends prepared bookings until one
    /// meets it: that one, and its code. Those before went through.
    pub async fn meet(&mut self, prepared: Vec<Booking>, codes: &[&str]) -> Result<(Booking, String)> {
        let began = Instant::now();
        loop {
            let slot = &self.times[self.next % self.times.len()].slot;
            self.next += 1;
            let held = self.client.send(&request::hold(slot, &fresh_key("hold"))).await?;
            if held.status == 503 && true_words(&held, codes)? == codes[0] {
                break;
            }
            ensure!(
                began.elapsed() < WITHIN,
                "`{}` was not met in {WITHIN:?}: {}",
                codes[0],
                held.text()
            );
            tokio::time::sleep(PAUSE).await;
        }
        for booking in prepared {
            let answer = self.client.send(&booking.ask).await?;
            if answer.status == 503 {
                let code = true_words(&answer, codes)?;
                return Ok((booking, code));
            }
            self.note(&answer)?;
        }
        bail!("every prepared booking went through")
    }

    /// A page for people says the same; finding and looking at an appointment go on.
    pub async fn look_round(&self, code: &str, codes: &[&str]) -> Result<()> {
        let began = Instant::now();
        let page = loop {
            let slot = &self.times[self.next % self.times.len()].slot;
            let form = format!("slot={slot}&key={}", fresh_key("form"));
            let page = self.client.send(&Ask::form("/holds", form)).await?;
            if page.status == 503 {
                break page;
            }
            // A full disk has room for a small commit now and then, when the log starts anew in its own space.
            ensure!(
                began.elapsed() < WITHIN,
                "the page answers {} while the API says {code}",
                page.status
            );
            tokio::time::sleep(PAUSE).await;
        };
        let text = page.text();
        let words = codes
            .iter()
            .map(|code| sentence(code))
            .any(|sentence| text.contains(sentence));
        ensure!(words, "the page's words are none of those for {codes:?}: {text}");
        for path in ["/", "/api/v1/clinics?near=02108", "/api/v1/slots?clinic=CLINIC"] {
            let path = path.replace("CLINIC", &self.times[0].clinic);
            let began = Instant::now();
            let answer = self.client.ask(&Ask::get(&path), 200).await?;
            ensure!(began.elapsed() < FINDS_WITHIN, "{path} took {:?}", began.elapsed());
            if let Some(as_of) = answer.json()["as_of"].as_str() {
                let age = age_s(as_of)?;
                ensure!(
                    age <= AGE_MAX_S,
                    "{path} is {age} s old although the database can be read"
                );
            }
        }
        Ok(())
    }

    /// After the fault: works again within seconds; how long that took.
    pub async fn healed(&mut self) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let last = self.prepare().await;
            if let Ok(booking) = last {
                self.resolve(&booking).await?;
                return Ok(began.elapsed());
            }
            if began.elapsed() > HEALS_WITHIN {
                return Err(last
                    .err()
                    .context("nothing")?
                    .context(format!("not healed after {HEALS_WITHIN:?}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends a booking with its key until it is known, then once more: one answer.
    pub async fn resolve(&mut self, booking: &Booking) -> Result<Value> {
        let began = Instant::now();
        let first = loop {
            let last = self.client.send(&booking.ask).await;
            if let Ok(answer) = &last
                && answer.status != 503
            {
                break answer.clone();
            }
            ensure!(began.elapsed() < WITHIN, "not known after {WITHIN:?}: {last:?}");
            tokio::time::sleep(PAUSE).await;
        };
        self.note(&first)?;
        let again = self.client.ask(&booking.ask, 201).await?;
        ensure!(
            again.body == first.body,
            "two answers to one key: {} and {}",
            first.text(),
            again.text()
        );
        let booked = first.json();
        ensure!(booked["slot"]["id"] == *booking.slot, "booked another time: {booked}");
        Ok(booked)
    }

    /// Reads an appointment by its own link.
    pub async fn read(&self, booked: &Value) -> Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ask = request::appointment(&text(&booked["id"]), &text(&booked["manage_token"]));
        let seen = self.client.ask(&ask, 200).await?.json();
        ensure!(
            seen["code"] == booked["code"] && seen["slot"] == booked["slot"],
            "was told {booked}, reads {seen}"
        );
        Ok(())
    }

    fn note(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status == 201, "booking: {}: {}", answer.status, answer.text());
        let booked = answer.json();
        let line = serde_json::json!({ "appointment": booked["id"], "code": booked["code"],
            "slot": booked["slot"]["id"], "status": "booked" });
        self.acknowledged += &line.to_string();
        self.acknowledged.push('\n');
        Ok(())
    }
}
