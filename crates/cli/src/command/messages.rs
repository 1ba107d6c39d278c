//! `evenkeel messages`: mails that wait or were given up; and having one sent again. Works beside running servers.

use base::id::MessageId;
use booking::outbox::{self, Revived, Seen};
use booking::records::MIGRATIONS;
use booking::records::outbox::State;
use clap::{Args, Subcommand, ValueEnum};
use database::{Connection, OpenError};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;

use super::Data;
use crate::exit::{CouldNotLook, Exit, Usage};

/// Most messages that are listed or sent again at once.
const MOST: u32 = 10_000;

const EXAMPLES: &str = "\
Examples:
  evenkeel messages list                    messages given up, with why
  evenkeel messages list --state waiting    messages that wait, and when they are tried next
  evenkeel messages retry msg-01jd3v…       have one sent again
  evenkeel messages retry --all             all that were given up, after a long outage of the mail server

Addresses are shown masked. A message is given up when its address does not exist, or after the time that
`evenkeel config` calls messages.give_up.";

/// Show mails that wait or were given up, and have them sent again
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Messages {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show them, the oldest first
    List {
        #[command(flatten)]
        at: Data,
        /// Which
        #[arg(long, default_value = "dead")]
        state: Which,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Have messages that were given up sent again
    Retry {
        #[command(flatten)]
        at: Data,
        /// Which
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All that were given up
        #[arg(long)]
        all: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// Given up.
    Dead,
    /// To be sent.
    Waiting,
    /// Delivered.
    Delivered,
}

impl Messages {
    /// Looks or acts, and prints.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::List { at, state, json } => {
                let (mut connection, keys) = open(&at, true)?;
                let state = match state {
                    Which::Dead => State::Dead,
                    Which::Waiting => State::Waiting,
                    Which::Delivered => State::Delivered,
                };
                let seen = outbox::list(&mut connection, &keys, state, MOST)?;
                for message in &seen {
                    println!("{}", if json { as_json(message) } else { as_text(message) });
                }
                if !json {
                    println!("{} {}.", seen.len(), state.code());
                }
                Ok(Exit::Done)
            }
            What::Retry { at, ids, all } => {
                let (mut connection, keys) = open(&at, false)?;
                let ids = if all {
                    let dead = outbox::list(&mut connection, &keys, State::Dead, MOST)?;
                    dead.into_iter().map(|seen| seen.id).collect()
                } else {
                    ids.iter()
                        .map(|id| MessageId::parse(id).map_err(|error| Usage(format!("{id}: expected {error}"))))
                        .collect::<Result<Vec<_>, _>>()?
                };
                retry(&mut connection, &ids)
            }
        }
    }
}

fn retry(connection: &mut Connection, ids: &[MessageId]) -> anyhow::Result<Exit> {
    let now = Clock::real().now();
    let mut exit = Exit::Done;
    for id in ids {
        let said = match outbox::retry(connection, *id, now)? {
            Revived::Waits => "waits again",
            Revived::NotDead => "was not given up: nothing to do",
            Revived::Overtaken => "a later message about the same appointment went out: this one would be wrong now",
        };
        if said != "waits again" {
            exit = Exit::Failed;
        }
        println!("{id}: {said}");
    }
    println!("{} looked at.", ids.len());
    Ok(exit)
}

fn open(at: &Data, read_only: bool) -> anyhow::Result<(Connection, KeyRing)> {
    let could_not = |error: &dyn std::fmt::Display| CouldNotLook(error.to_string());
    let database = at.existing()?;
    let connection = if read_only {
        database.connect_read_only()
    } else {
        database.connect_beside()
    };
    let mut connection = connection.map_err(|error| could_not(&error))?;
    database::migration::require_current(&mut connection, MIGRATIONS).map_err(|error| match error {
        OpenError::NewerSchema { .. } => anyhow::Error::from(error),
        other => could_not(&other).into(),
    })?;
    let keys = KeyRing::open_or_create(&at.data.join("keys"), &Entropy::real()).map_err(|error| could_not(&error))?;
    Ok((connection, keys))
}

fn as_json(seen: &Seen) -> String {
    serde_json::json!({
        "id": seen.id.to_string(), "occasion": seen.occasion.code(), "state": seen.state.code(), "to": seen.to,
        "appointments": seen.appointments, "made_at": seen.made_at.to_string(), "due_at": seen.due_at.to_string(),
        "attempts": seen.attempts, "last": seen.last,
    })
    .to_string()
}

fn as_text(seen: &Seen) -> String {
    let next = if seen.state == State::Waiting {
        format!(", next at {}", seen.due_at)
    } else {
        String::new()
    };
    format!(
        "{}  {}  to {}  made {}  tried {} times, last {}{next}",
        seen.id,
        seen.occasion.code(),
        seen.to.as_deref().unwrap_or("-"),
        seen.made_at,
        seen.attempts,
        seen.last.as_deref().unwrap_or("-"),
    )
}
