//! A machine burns in the middle of a morning and comes back by the document alone. Clients book while a backup is made;
//! backups are killed half-way; then the server is killed, its data folder removed, and the commands of
//! docs/operator/backup.md are run as they stand there. Every appointment acknowledged before the backup began is there.
//! Then the same through object storage, and onto a disk that fills up.

mod full_disk;
mod object_storage;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Told;
use runtime::entropy::Entropy;
use serde_json::{Value, json};

use super::Tally;
use crate::site::{Site, Start};
use crate::traveller;
use crate::{Checkout, history, program};

/// How long the clients book.
const LASTS: Duration = Duration::from_secs(12);
/// Clients at once.
const CLIENTS: usize = 16;
/// What must have been acknowledged before the backup for the test to mean something.
const BEFORE_MIN: usize = 50;
/// The same after it, to be missing.
const AFTER_MIN: usize = 20;
/// Ages at which a backup is killed, in milliseconds: in each of its steps on some machine.
const KILLED_AT_MS: [u64; 10] = [1, 5, 10, 20, 35, 50, 70, 90, 120, 160];
/// The document, and what its blocks are marked with.
const DOCUMENT: &str = "docs/operator/backup.md";

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("backup")?;
    let tried = Tried {
        binary: checkout.binary(),
        root: checkout.root.clone(),
        scratch: scratch.clone(),
    };
    let mut tally = Tally::passed(tried.burn()?);
    let storage = object_storage::Storage::start(checkout, &scratch)?;
    tally.passed += object_storage::run(&tried, &storage)?;
    tally.passed += full_disk::run(&tried)?;
    Ok(tally)
}

/// What every part works with.
struct Tried {
    binary: PathBuf,
    root: PathBuf,
    scratch: PathBuf,
}

/// What came of the load, and of the backup under it.
struct Made {
    before: Vec<Told>,
    after: BTreeSet<String>,
    said: Value,
}

impl Tried {
    /// A command of ours.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// See the head of this file. How many promises were looked at.
    fn burn(&self) -> Result<usize> {
        let (data, away) = (self.scratch.join("data"), self.scratch.join("away"));
        std::fs::create_dir(&away)?;
        std::fs::create_dir_all(&data)?;
        let further = self.scratch.join("further.ekb");
        let configuration = format!(
            "[backup]\ndestination = \"{}\"\ncommand = \"cp {{}} {}\"\n",
            away.display(),
            further.display()
        );
        std::fs::write(data.join("evenkeel.toml"), configuration)?;
        let site = Start::new(&self.binary, &data).up()?;
        let keys = self.scratch.join("kept.key");
        std::fs::copy(data.join("keys/master.key"), &keys)?;
        let made = self.load(&site, &data, &away)?;
        println!(
            "  {} appointments acknowledged before the backup began, {} after; it took {} ms under load",
            made.before.len(),
            made.after.len(),
            made.said["took_ms"]
        );

        site.signal_server(Signal::SIGKILL)?;
        drop(site); // SIGKILL for all that is left of it
        std::fs::remove_dir_all(&data)?;
        let began = Instant::now();
        let said = self.by_the_document(&data, &away, &keys)?;
        println!("  restored by {DOCUMENT} in {:.1} s", began.elapsed().as_secs_f64());
        let made_at = made.said["made_at"]
            .as_str()
            .context("a backup says when it was made")?;
        ensure!(
            said.contains("MAYBE MISSING") && said.contains(made_at),
            "it does not say what may be missing since {made_at}:\n{said}"
        );
        self.look(&data, &made)?;
        ensure!(
            std::fs::read(&further)? == std::fs::read(newest(&away)?)?,
            "the command did not take the backup further"
        );
        Ok(6)
    }

    /// Books, makes a backup in the midst of it, kills others half-way, rehearses a restore.
    fn load(&self, site: &Site, data: &Path, away: &Path) -> Result<Made> {
        let runtime = super::runtime()?;
        let times = runtime.block_on(traveller::open_times(&site.client(), "02108", 40))?;
        let ledger = history::ledger(&self.scratch)?;
        let until = Instant::now() + LASTS;
        let url = format!("http://{}", site.address());
        let crowd = Crowd::new(&url, times, Arc::clone(&ledger), Entropy::real());
        let clients = runtime.spawn(crowd.visit(CLIENTS, LASTS));
        let soon = Instant::now() + LASTS / 2;
        while ledger.acknowledged().len() < BEFORE_MIN {
            ensure!(
                Instant::now() < soon,
                "fewer than {BEFORE_MIN} appointments in {:?}",
                LASTS / 2
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let place = data.display().to_string();
        // The one that will be restored comes last: nothing that was killed may be taken for a newer one.
        let killed = self.kill_some(&place)?;
        whole(away)?;
        let mut before = ledger.acknowledged();
        let (said, _) = ends(&mut self.command(&["backup", "--json", "--data", &place]), 0)?;
        ensure!(
            Instant::now() < until,
            "the clients had stopped before the backup was made"
        );
        let (drill, _) = ends(&mut self.command(&["backup", "drill", "--json", "--data", &place]), 0)?;
        ensure!(drill["passed"] == true, "the drill did not pass: {drill}");
        println!(
            "  {killed} backups killed half-way; drill under load: RPO {:.1} s, RTO {:.1} s",
            drill["rpo_s"].as_f64().unwrap_or_default(),
            drill["rto_s"].as_f64().unwrap_or_default()
        );
        runtime.block_on(async { tokio::time::timeout(LASTS * 2, clients).await })??;
        let broken = ledger.broken_promises();
        ensure!(broken.is_empty(), "booking felt it: {broken:?}");
        let known: BTreeSet<_> = before.iter().map(|told| told.appointment.clone()).collect();
        let told = ledger.acknowledged();
        // Moved since: whether before or after the backup nobody can say.
        let stays = |one: &Told| {
            told.iter()
                .any(|now| now.appointment == one.appointment && now.slot == one.slot)
        };
        for one in &mut before {
            if !stays(one) {
                one.slot.clear();
            }
        }
        let after: BTreeSet<_> = told
            .into_iter()
            .map(|told| told.appointment)
            .filter(|id| !known.contains(id))
            .collect();
        ensure!(
            after.len() >= AFTER_MIN,
            "only {} appointments after the backup began",
            after.len()
        );
        Ok(Made { before, after, said })
    }

    /// Starts backups and kills them at different ages. How many had not come to their end.
    fn kill_some(&self, data: &str) -> Result<usize> {
        let mut killed = 0;
        for age in KILLED_AT_MS {
            let mut child = self
                .command(&["backup", "--data", data])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            std::thread::sleep(Duration::from_millis(age));
            child.kill()?;
            killed += usize::from(!child.wait()?.success());
        }
        ensure!(killed > 0, "no backup was killed half-way");
        Ok(killed)
    }

    /// Runs the blocks marked `sh restore` of the document, with our places in its first lines. What was said.
    fn by_the_document(&self, data: &Path, from: &Path, keys: &Path) -> Result<String> {
        let text = std::fs::read_to_string(self.root.join(DOCUMENT))?;
        let mut script = "set -eu\n".to_owned();
        for line in blocks(&text, "sh restore") {
            let ours = match line.split_once('=').map(|(name, _)| name) {
                Some("DATA") => format!("DATA='{}'", data.display()),
                Some("FROM") => format!("FROM='{}'", from.display()),
                Some("KEYS") => format!("KEYS='{}'", keys.display()),
                _ => line.to_owned(),
            };
            script.push_str(&ours);
            script.push('\n');
        }
        ensure!(
            script.contains("evenkeel restore"),
            "{DOCUMENT} has no commands to restore:\n{script}"
        );
        let folder = self.binary.parent().context("a program lies in a folder")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("PATH", format!("{}:{path}", folder.display()))
            .stdin(Stdio::null())
            .output()?;
        ensure!(
            output.status.success(),
            "{DOCUMENT} as it stands:\n{script}\n{}",
            text_of(&output)
        );
        Ok(text_of(&output))
    }

    /// What was acknowledged before is there, what came after is not; the site runs and goes on.
    fn look(&self, data: &Path, made: &Made) -> Result<()> {
        let place = data.display().to_string();
        // Cancelled since or not: that it is there, under its code, at its time, is what was promised.
        let lines = |told: &[Told]| -> String {
            let slot = |one: &Told| (!one.slot.is_empty()).then(|| one.slot.clone());
            let line =
                |one: &Told| json!({"appointment": one.appointment, "code": one.code, "slot": slot(one)}).to_string();
            told.iter().map(|one| line(one) + "\n").collect()
        };
        let file = self.scratch.join("before.ndjson");
        std::fs::write(&file, lines(&made.before))?;
        let file = file.display().to_string();
        let arguments = ["verify", "--json", "--data", &place, "--acknowledged", &file];
        let (verified, said) = ends(&mut self.command(&arguments), 0)?;
        ensure!(verified["acknowledged"] == made.before.len(), "{said}");
        let missing = self.scratch.join("after.ndjson");
        let line = |id: &String| json!({"appointment": id}).to_string() + "\n";
        std::fs::write(&missing, made.after.iter().map(line).collect::<String>())?;
        let missing = missing.display().to_string();
        let (_, said) = ends(
            &mut self.command(&["verify", "--data", &place, "--acknowledged", &missing]),
            3,
        )?;
        ensure!(said.contains("was acknowledged and is not there"), "{said}");

        let site = Start::new(&self.binary, data).up()?;
        let runtime = super::runtime()?;
        runtime.block_on(async {
            let client = site.client();
            let one = made.before.first().context("something was acknowledged")?;
            let ask = crate::client::Ask::get(format!("/api/v1/appointments/{}", one.appointment)).bearer(&one.token);
            let seen = client.ask(&ask, 200).await?.json();
            ensure!(seen["code"] == one.code, "its link shows {seen}");
            let times = traveller::open_times(&client, "02108", 20).await?;
            traveller::booked(&client, &times).await.map(|_| ())
        })?;
        let (_, said) = ends(&mut self.command(&["verify", "--data", &place]), 0)?;
        ensure!(said.contains("all is as it must be"), "{said}");
        ensure!(site.stop()?.success(), "the site did not stop cleanly");
        Ok(())
    }
}

/// Runs one to its end; it must end so. Its last line as JSON, when it is.
fn ends(command: &mut Command, code: i32) -> Result<(Value, String)> {
    let output = command.output()?;
    let said = text_of(&output);
    ensure!(
        output.status.code() == Some(code),
        "{command:?} ended with {}, not {code}:\n{said}",
        output.status
    );
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = stdout.lines().last().unwrap_or_default();
    Ok((serde_json::from_str(last).unwrap_or_default(), said))
}

/// Everything that looks like a backup is one: its checksum agrees, as the document says to check it by hand.
fn whole(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "ekb") {
            continue;
        }
        let line = "head -c -32 \"$1\" | sha256sum | cut -d' ' -f1; tail -c 32 \"$1\" | od -An -v -tx1 | tr -d ' \\n'";
        let said = program::output(Command::new("sh").args(["-c", line, "sh"]).arg(&path))?;
        let (found, wanted) = said.split_once('\n').context("two checksums")?;
        ensure!(found == wanted, "{} looks like a backup and is none", path.display());
    }
    Ok(())
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let paths = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let newest = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "ekb"))
        .max();
    newest.with_context(|| format!("no backup in {}", folder.display()))
}

/// The lines of the fenced blocks with this mark.
fn blocks<'t>(text: &'t str, mark: &str) -> Vec<&'t str> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(found) => inside = !inside && found == mark,
            None if inside => lines.push(line),
            None => {}
        }
    }
    lines
}

fn text_of(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits for a condition, this long at most.
fn until(within: Duration, what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + within;
    while !there() {
        if Instant::now() > deadline {
            bail!("{what}: not within {within:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
