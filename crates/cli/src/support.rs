//! What goes into a support bundle: gathered from files, from running servers as any scraper would, and from this
//! program itself. Keeps that no database, no content of a key file and no text of the settings file goes in, and that
//! whatever could come from outside passes the redactor. One thing that cannot be had leaves the others.

pub mod bundle;
mod machine;
mod server;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use serde_json::{Value, json};

use self::bundle::Bundle;
use crate::configuration;

/// The newest part of each log that goes in: about 15,000 requests, and small enough for a mail when packed.
const LOG_BYTES: u64 = 4 << 20;
/// How long `verify` may take: a million appointments take a tenth of that.
const VERIFY_TIME: Duration = Duration::from_mins(5);

/// Gathers everything. The name is that of the folder inside the archive.
pub fn gather(data: &Path, clock: &Clock, verify: bool) -> (Bundle, String) {
    let now = clock.now();
    let mut bundle = Bundle::new(now);
    bundle.json("versions.json", "this program and the system", &machine::versions());
    bundle.json(
        "machine.json",
        "disk, clock, memory, load",
        &machine::facts(data, clock),
    );
    let about = "numbers in force; of texts only whether they are given";
    match settings(data) {
        Ok(settings) => bundle.json("settings.json", about, &settings),
        Err(why) => bundle.missing("settings.json", &format!("the settings cannot be read: {why:#}")),
    }
    let about = "names, sizes and rights of files, no contents";
    bundle.redacted("files.jsonl", about, &machine::files(data));
    server::ask(data, &mut bundle);
    logs(data, &mut bundle);
    if verify {
        match self::verify(data) {
            Ok(said) => bundle.redacted("verify.txt", "what `evenkeel verify` says", &said),
            Err(why) => bundle.missing("verify.txt", &format!("{why:#}")),
        }
    } else {
        bundle.missing("verify.txt", "left out with --no-verify");
    }
    let stamp: String = now.to_string().chars().filter(|c| !"-:".contains(*c)).collect();
    (bundle, format!("evenkeel-support-{stamp}"))
}

/// A number that may be turned is no secret; a text may hold one, so only its name goes out.
fn settings(data: &Path) -> anyhow::Result<Value> {
    let settings = configuration::load(data)?;
    let mut numbers = serde_json::Map::new();
    for setting in configuration::register() {
        let value = settings.get(setting);
        numbers.insert(
            setting.key.to_owned(),
            json!({"value": value, "unit": setting.unit.text(), "changed": value != setting.default}),
        );
    }
    let text = std::fs::read_to_string(data.join("evenkeel.toml")).unwrap_or_default();
    let mut texts = Vec::new();
    names_of_texts("", &text.parse()?, &mut texts);
    Ok(json!({"numbers": numbers, "texts_given": texts}))
}

fn names_of_texts(prefix: &str, table: &toml::Table, names: &mut Vec<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::Table(inner) => names_of_texts(&key, inner, names),
            toml::Value::Integer(_) => {}
            _ => names.push(key),
        }
    }
}

fn logs(data: &Path, bundle: &mut Bundle) {
    let folder = data.join("log");
    let mut files: Vec<PathBuf> = match folder.read_dir() {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(why) => return bundle.missing("log", &why.to_string()),
    };
    files.sort();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "log"))
    {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("log/{name}");
        match tail(file) {
            Ok(text) => bundle.redacted(&name, "the newest lines", &text),
            Err(why) => bundle.missing(&name, &why.to_string()),
        }
    }
}

/// The last whole lines of a file.
fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    // A log that is being written grows while it is read.
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_cut, rest)) if from > 0 => rest.to_owned(),
        _ => text,
    })
}

/// In a process of its own: whatever is wrong with the data, the bundle still comes about.
fn verify(data: &Path) -> anyhow::Result<String> {
    let child = Command::new(std::env::current_exe()?)
        .args(["verify", "--json", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = Pid::from_raw(child.id() as i32);
    let (send, ended) = mpsc::channel();
    let owner = Owner::new(Shutdown::new());
    owner.thread("verify", move || {
        // Whoever waited has given up: then nobody needs to know.
        let _ = send.send(child.wait_with_output());
    })?;
    let Ok(output) = ended.recv_timeout(VERIFY_TIME) else {
        let _ = kill(pid, Signal::SIGKILL);
        anyhow::bail!("it took longer than {} s", VERIFY_TIME.as_secs());
    };
    let output = output.context("verify did not run")?;
    Ok(format!(
        "{}{}ended with {}\n",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status
    ))
}
