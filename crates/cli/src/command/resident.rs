//! `evenkeel resident`: what an operator does for one person. For now: erase.

use anyhow::anyhow;
use base::id::AppointmentId;
use booking::erasure::{self, Erased, Refused, Which};
use booking::reconciler::heads;
use clap::{Args, Subcommand};
use runtime::clock::Clock;
use scheduling::resident::code::Code;

use super::Data;
use super::keys::open;
use crate::exit::{CouldNotLook, Exit, Usage};

const EXAMPLES: &str = "\
Examples:
  evenkeel resident erase --code 7KXM-2QRD-9J
  evenkeel resident erase --appointment apt-01jd3v8qk2s0v6m2x4y8z0a1b2 --cancel

Erased are names, birth date, contacts, answers, what the person could be recognised by, and stored answers that tell of the
appointment. The appointment stays without its person, and the audit chain stays whole. An appointment that is still to come is
refused unless --cancel is given. Erasing twice is erasing once. Backups keep what they have.

Exit codes: 0 erased (or was already), 1 refused or failed, 2 wrong usage, 4 could not look, 5 the data is of a newer version";

/// Do something for one resident
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Resident {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Erase the person of an appointment
    Erase(Erase),
}

#[derive(Args)]
struct Erase {
    /// The appointment's id
    #[arg(long, value_name = "APT", required_unless_present = "code", conflicts_with = "code")]
    appointment: Option<String>,
    /// The appointment's code, as people say it
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Cancel it where it is still to come; nobody is written to
    #[arg(long)]
    cancel: bool,
    #[command(flatten)]
    at: Data,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Resident {
    /// Erases and prints what went.
    pub fn run(self) -> anyhow::Result<Exit> {
        let What::Erase(erase) = self.what;
        let which = which(&erase)?;
        let data = &erase.at.data;
        let (keys, connection) = open(&erase.at)?;
        let none = || CouldNotLook(format!("there is no database in {}", data.display()));
        let mut connection = connection.ok_or_else(none)?;
        let now = Clock::real().now();
        let done = erasure::erase(&mut connection, &keys, which, erase.cancel, now)?;
        let erased = done.map_err(|refused: Refused| anyhow!(refused))?;
        heads::record_now(&erase.at.database()?, &mut connection, now)?;
        // Older pages of the log still have what was erased, sealed.
        let log_emptied = connection.empty_log().unwrap_or(false);
        if erase.json {
            println!("{}", line(&erased, log_emptied));
        } else {
            print(&erased, log_emptied);
        }
        Ok(Exit::Done)
    }
}

fn which(erase: &Erase) -> anyhow::Result<Which> {
    if let Some(code) = &erase.code {
        let expected = || Usage("--code: expected a code such as 7KXM-2QRD-9J".to_owned());
        return Ok(Which::Code(Code::parse(code).ok_or_else(expected)?));
    }
    let id = erase.appointment.as_deref().unwrap_or_default();
    let parsed = AppointmentId::parse(id).map_err(|error| Usage(format!("--appointment: expected {error}")))?;
    Ok(Which::Appointment(parsed))
}

fn line(erased: &Erased, log_emptied: bool) -> serde_json::Value {
    let others: Vec<String> = erased.others.iter().map(AppointmentId::to_string).collect();
    serde_json::json!({
        "event": "erased", "appointment": erased.appointment.to_string(), "was_there": erased.was_there,
        "cancelled": erased.cancelled, "answers": erased.answers, "others": others, "log_emptied": log_emptied,
    })
}

fn print(erased: &Erased, log_emptied: bool) {
    let id = erased.appointment;
    if !erased.was_there {
        println!("{id}: its person was erased before.");
        return;
    }
    let cancelled = if erased.cancelled { ", after cancelling it" } else { "" };
    println!(
        "{id}: its person is erased{cancelled}; {} stored answers went with it.",
        erased.answers
    );
    if !log_emptied {
        println!(
            "The database's log is in use: older pages leave it within minutes, at the latest when the server stops."
        );
    }
    for other in &erased.others {
        println!("The same person has {other}, which stays: evenkeel resident erase --appointment {other}");
    }
    println!("Backups made before keep what they have.");
}
