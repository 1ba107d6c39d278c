//! People and secrets are planted through the API and the pages, then looked for in everything that the installation
//! leaves behind or says: raw, in base64, hexadecimal, URL-encoded. First with sealing off, where each must be found:
//! else the search, not the secrecy, would be what is proven. Then as it ships, where none may be.

mod trace;
mod visitor;

pub use trace::{Planted, Search};

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::Tally;
use crate::Checkout;
use crate::client::{Ask, Client};
use crate::release::archive;
use crate::site::{Site, Start};

/// The installation's own secrets, kept apart by whoever runs it; and a demonstration's mails, which are what their readers
/// would get: whole.
const NOT_LOOKED_INTO: &[&str] = &["keys", "demo-mail"];
/// Sealing everything anew after a rotation takes a few seconds here.
const RESEALED_WITHIN: Duration = Duration::from_secs(30);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("planted")?;
    let open = Run::new(checkout, scratch.join("unsealed"), &["--rehearsal", "--unsealed"]).finish()?;
    let missed: Vec<_> = open.planted.iter().filter(|one| !open.found(one)).collect();
    ensure!(missed.is_empty(), "with sealing off these were not found: {missed:?}");
    println!("  with sealing off, all {} were found", open.planted.len());
    let sealed = Run::new(checkout, scratch.join("sealed"), &[]).finish()?;
    for artefact in &sealed.artefacts {
        println!("  {:>9} bytes  {}", artefact.bytes.len(), artefact.name);
    }
    let found = sealed.all_found();
    ensure!(found.is_empty(), "these lie open:\n{}", found.join("\n"));
    println!("  as it ships, none of {} is anywhere", sealed.planted.len());
    Ok(Tally::passed(open.planted.len() + sealed.planted.len()))
}

/// Something that was left behind or said.
struct Artefact {
    name: String,
    bytes: Vec<u8>,
}

struct Run {
    binary: PathBuf,
    data: PathBuf,
    arguments: Vec<String>,
    planted: Vec<Planted>,
    artefacts: Vec<Artefact>,
}

impl Run {
    fn new(checkout: &Checkout, data: PathBuf, arguments: &[&str]) -> Self {
        Self {
            binary: checkout.binary(),
            data,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            planted: Vec::new(),
            artefacts: Vec::new(),
        }
    }

    fn up(&self) -> Result<Site> {
        let mut start = Start::new(&self.binary, &self.data);
        start.more.clone_from(&self.arguments);
        start.up()
    }

    /// Plants, and gathers while it runs, after it was killed, and after it stopped in order.
    fn finish(mut self) -> Result<Self> {
        let runtime = super::runtime()?;
        let site = self.up()?;
        let visit = runtime.block_on(visitor::visit(&site.client()))?;
        self.planted = visit.planted;
        self.add("problems that were answered", visit.problems.into_bytes());
        let metrics = runtime.block_on(Client::new(&site.internal()?).ask(&Ask::get("/metrics"), 200))?;
        self.add("metrics", metrics.body.to_vec());
        self.add_output(&["export", "audit"])?;
        self.add_output(&["export", "audit", "--json"])?;
        // It rightly finds values in clear wrong.
        if self.arguments.is_empty() {
            self.add_output(&["verify"])?;
        }
        self.add_support_bundle()?;
        self.add_files("while it runs")?;
        self.add_backup()?;
        site.signal_server(Signal::SIGKILL)?;
        drop(site.kill_supervisor()?);
        self.add_files("killed")?;
        let site = self.up()?;
        self.rotate()?;
        ensure!(site.stop()?.success(), "`up` did not end well");
        self.add_files("stopped")?;
        let said = std::fs::read(self.data.with_extension("stderr")).context("what it said")?;
        self.add("what it said", said);
        Ok(self)
    }

    /// What is sealed anew must lie no more open than before.
    fn rotate(&mut self) -> Result<()> {
        self.add_output(&["keys", "rotate"])?;
        if !self.arguments.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + RESEALED_WITHIN;
        loop {
            let listed = self.output(&["keys", "list", "--json"])?;
            let text = String::from_utf8_lossy(&listed).into_owned();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if lines.into_iter().any(|line| line["key"] == 1 && line["values"] == 0) {
                self.add("keys list", listed);
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "not sealed anew within {RESEALED_WITHIN:?}: {text}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.artefacts.push(Artefact {
            name: name.to_owned(),
            bytes,
        });
    }

    /// What a command of ours prints about the installation.
    fn output(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.binary);
        let output = command.args(arguments).arg("--data").arg(&self.data).output()?;
        ensure!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok([output.stdout, output.stderr].concat())
    }

    fn add_output(&mut self, arguments: &[&str]) -> Result<()> {
        let bytes = self.output(arguments)?;
        self.add(&arguments.join(" "), bytes);
        Ok(())
    }

    /// A backup as it lies there, packed; and the database that comes out of it.
    fn add_backup(&mut self) -> Result<()> {
        let (file, back) = (self.data.with_extension("ekb"), self.data.with_extension("restored"));
        let at = |path: &std::path::Path| path.display().to_string();
        self.output(&["backup", &at(&file)])?;
        self.add("backup", std::fs::read(&file)?);
        let keys = at(&self.data.join("keys/master.key"));
        let mut restore = Command::new(&self.binary);
        restore.args(["restore", &at(&file), "--data", &at(&back), "--keys", &keys]);
        let output = restore.output()?;
        // It too finds values in clear wrong, and says so by its exit code.
        ensure!(
            output.status.success() || !self.arguments.is_empty(),
            "restoring: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.add("restore", [output.stdout, output.stderr].concat());
        if self.arguments.is_empty() {
            self.add("backup, unpacked", std::fs::read(back.join("evenkeel.sqlite"))?);
        }
        Ok(())
    }

    /// What would be sent to whoever helps, unpacked: nothing is found in what is packed.
    fn add_support_bundle(&mut self) -> Result<()> {
        let file = self.data.with_extension("support.tar.gz");
        self.add_output(&["support-bundle", &file.display().to_string()])?;
        for (name, part) in archive::read(&std::fs::read(&file)?)? {
            self.add(&format!("support bundle: {name}"), part.bytes);
        }
        Ok(())
    }

    /// Every file of the data folder but the keys: database, log, shared memory, heads, logs, run files.
    fn add_files(&mut self, when: &str) -> Result<()> {
        let mut files = Vec::new();
        gather(&self.data, &mut files)?;
        for file in files {
            let name = file.strip_prefix(&self.data).unwrap_or(&file).display().to_string();
            // Some come and go while it runs.
            if let Ok(bytes) = std::fs::read(&file) {
                self.add(&format!("{name} ({when})"), bytes);
            }
        }
        // A young database lies in its log: nothing has been moved into the file yet.
        let database = [
            format!("evenkeel.sqlite ({when})"),
            format!("evenkeel.sqlite-wal ({when})"),
        ];
        ensure!(
            self.artefacts
                .iter()
                .any(|artefact| database.contains(&artefact.name) && artefact.bytes.len() > 4096),
            "there is no database to look into"
        );
        Ok(())
    }

    fn found(&self, one: &Planted) -> bool {
        let search = Search::of([one]);
        self.artefacts
            .iter()
            .any(|artefact| !search.found_in(&artefact.bytes).is_empty())
    }

    fn all_found(&self) -> Vec<String> {
        let search = Search::of(&self.planted);
        let mut all = Vec::new();
        for artefact in &self.artefacts {
            for what in search.found_in(&artefact.bytes) {
                all.push(format!("{}: {what}", artefact.name));
            }
        }
        all
    }
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_LOOKED_INTO.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
