//! `evenkeel keys`: which keys there are and what they still seal; a new one; the end of an old one's links. Never
//! prints a key.

use booking::records::MIGRATIONS;
use booking::sealing::{self, Status};
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use database::{Connection, OpenError};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::{self, KEY_FILE, KeyInfo, KeyRing};

use super::Data;
use crate::exit::{CouldNotLook, Exit};

const EXAMPLES: &str = "\
Examples:
  evenkeel keys list        which keys there are, and how many values each still seals
  evenkeel keys rotate      a new key, in use at once, also by servers that run; older links still open
  evenkeel keys retire 1    links made with key 1 open nothing any more: after a leak

Keys lie in DATA/keys. Copy them off this machine after each rotation: a backup without them cannot be read.
What to do when a key leaked or is lost: docs/operator/keys.md.

Exit codes: 0 done, 1 failed, 2 the keys are not those of the data, 4 could not look, 5 the data is of a newer version";

/// Show, add and retire keys
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show every key, and what it still seals
    List(List),
    /// Add a key, for everything new; what older keys sealed is sealed anew in the background
    Rotate(At),
    /// End the links that were made with an older key
    Retire(Retire),
}

#[derive(Args)]
struct At {
    #[command(flatten)]
    at: Data,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    at: Data,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Retire {
    /// The key's number
    #[arg(value_name = "KEY")]
    key: u32,
    #[command(flatten)]
    at: Data,
}

impl Keys {
    /// Does what was asked and prints what came of it.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::List(list) => show(&list.at, list.json),
            What::Rotate(to) => rotate(&to.at),
            What::Retire(retire) => end_links(&retire.at, retire.key),
        }
    }
}

/// The keys, and the database if there is one: they must belong together.
pub(super) fn open(at: &Data) -> anyhow::Result<(KeyRing, Option<Connection>)> {
    let keys = KeyRing::open_existing(&at.data.join("keys"))?;
    let database = at.database()?;
    if database.path().is_some_and(|file| !file.is_file()) {
        return Ok((keys, None));
    }
    let mut connection = database.connect()?;
    if let Err(error) = database::migration::require_current(&mut connection, MIGRATIONS) {
        return Err(match error {
            OpenError::NewerSchema { .. } => error.into(),
            other => CouldNotLook(other.to_string()).into(),
        });
    }
    sealing::check(&mut connection.begin_read()?, &keys)??;
    Ok((keys, Some(connection)))
}

fn show(at: &Data, json: bool) -> anyhow::Result<Exit> {
    let (keys, connection) = open(at)?;
    let status = match connection {
        Some(mut connection) => sealing::status(&mut connection)?,
        None => Status::default(),
    };
    if json {
        for key in keys.keys() {
            println!("{}", line(&key, &keys, &status));
        }
        println!("{}", rest(&status));
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["KEY", "MADE", "SEALS NEW VALUES", "VALUES", "ITS LINKS"]);
    for key in keys.keys() {
        let made = key.made_at.map_or("before 0.2".to_owned(), |at| at.to_string());
        let new = if key.id == keys.key_id() { "yes" } else { "" };
        let values = status.sealed.get(&key.id).copied().unwrap_or(0);
        let links = if key.retired { "open nothing" } else { "open" };
        table.add_row([&key.id.to_string(), &made, new, &values.to_string(), links]);
    }
    println!("{table}");
    for (count, what) in [
        (status.clear, "in clear, as version 0.1 left them"),
        (status.unknown, "not sealed in a way that this version knows"),
    ] {
        if count > 0 {
            println!("{count} values lie {what}.");
        }
    }
    for progress in status.progress.iter().filter(|progress| progress.finished_at.is_none()) {
        println!(
            "{} is being sealed anew with key {}: {} of {} values looked at.",
            progress.place, progress.key, progress.done, progress.total
        );
    }
    Ok(Exit::Done)
}

fn line(key: &KeyInfo, keys: &KeyRing, status: &Status) -> serde_json::Value {
    serde_json::json!({
        "event": "key", "key": key.id, "made_at": key.made_at.map(|at| at.to_string()),
        "seals_new_values": key.id == keys.key_id(), "values": status.sealed.get(&key.id).copied().unwrap_or(0),
        "retired": key.retired,
    })
}

fn rest(status: &Status) -> serde_json::Value {
    let resealing: Vec<_> = status
        .progress
        .iter()
        .map(|progress| {
            serde_json::json!({
                "place": progress.place, "key": progress.key, "done": progress.done, "total": progress.total,
                "finished_at": progress.finished_at.map(|at| at.to_string()),
            })
        })
        .collect();
    serde_json::json!({"event": "listed", "in_clear": status.clear, "unknown": status.unknown, "resealing": resealing})
}

fn rotate(at: &Data) -> anyhow::Result<Exit> {
    let (_, connection) = open(at)?;
    let dir = at.data.join("keys");
    let id = secret::rotate(&dir, &Entropy::real())?;
    let keys = KeyRing::open_existing(&dir)?;
    let declared = connection.map(|mut connection| sealing::declare(&mut connection, &keys, Clock::real().now()));
    match declared {
        None | Some(Ok(())) => println!("Key {id} seals everything new from now on."),
        // It is in the file: a server finds it there.
        Some(Err(cause)) => println!("Key {id} is made; a running server takes it up within a second ({cause})."),
    }
    println!(
        "What older keys sealed is sealed anew while a server runs: `evenkeel keys list` shows how far it is.\n\
         Copy {} off this machine again: a backup from now on cannot be read without it.",
        dir.join(KEY_FILE).display()
    );
    Ok(Exit::Done)
}

fn end_links(at: &Data, key: u32) -> anyhow::Result<Exit> {
    open(at)?;
    secret::retire(&at.data.join("keys"), key, &Entropy::real())?;
    println!("Links made with key {key} open nothing any more, at the latest in a second. What it sealed still opens.");
    Ok(Exit::Done)
}
