//! A history: what clients asked and were told, one event a line, and the operations that the events make up.
//!
//! An *operation* is one thing that somebody wanted: a keyed request with all its repetitions, or one read. Each
//! attempt is invoked and then ends `ok`, `refused` (the rules say no), `failed` (nothing happened: the answer says so,
//! or the request never went out) or `unknown`. Names ids and codes of what was made, never a person or a token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Microseconds on the recorder's monotone clock, from the history's beginning. Instants that a server states are
/// brought to the same scale and may lie before.
pub type Micros = i64;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The format's version: 1.
    pub history: u32,
    /// The wall's time at the beginning, in microseconds since 1970.
    pub began: i64,
    /// Whether nobody else takes or gives back places of the slots that are read.
    pub alone: bool,
    /// By how much the site's clock may differ from the recorder's.
    pub slack: Micros,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Micros,
    /// Which operation.
    pub op: u64,
    /// Which of its attempts, from 0.
    pub attempt: u32,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// It is about to be sent.
    Invoke {
        /// By which client.
        client: u32,
        /// What is wanted.
        ask: Asked,
    },
    /// Done.
    Ok {
        /// HTTP status.
        status: u16,
        /// SHA-256 of the body, hex.
        digest: String,
        /// What the answer tells.
        saw: Seen,
    },
    /// The rules say no.
    Refused {
        /// HTTP status.
        status: u16,
        /// SHA-256 of the body, hex.
        digest: String,
        /// The problem's code.
        code: String,
    },
    /// Nothing happened.
    Failed {
        /// The problem's code, or why it never went out.
        why: String,
    },
    /// It may have happened.
    Unknown {
        /// The problem's code, or how the answer was lost.
        why: String,
    },
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Asked {
    /// Read the times of a clinic.
    Find {
        /// The clinic's id.
        clinic: String,
        /// Nobody of this history asks anything meanwhile.
        quiet: bool,
    },
    /// Hold places.
    Hold {
        /// Slots, one for each place.
        slots: Vec<String>,
    },
    /// Give a hold back.
    GiveBack {
        /// The hold's id.
        hold: String,
    },
    /// Book what a hold of one place keeps.
    Book {
        /// The hold's id.
        hold: String,
    },
    /// Read an appointment.
    Read {
        /// Its id.
        appointment: String,
    },
    /// Cancel an appointment.
    Cancel {
        /// Its id.
        appointment: String,
    },
    /// Move an appointment to what a hold keeps.
    Move {
        /// Its id.
        appointment: String,
        /// The hold's id.
        hold: String,
    },
}

/// What an answer tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "saw", rename_all = "kebab-case")]
pub enum Seen {
    /// Times.
    Slots {
        /// The instant that the answer states, on the history's scale.
        as_of: Micros,
        /// What is free.
        slots: Vec<Counted>,
    },
    /// A hold.
    Hold {
        /// Its id.
        hold: String,
        /// When it may be freed, on the history's scale.
        expires: Micros,
    },
    /// An appointment.
    Appointment {
        /// Its id.
        appointment: String,
        /// The code to say by phone.
        code: String,
        /// Where it stands.
        slot: String,
        /// `booked` or `cancelled`.
        status: String,
    },
    /// That it was done.
    Nothing,
}

/// A slot's counts as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its id.
    pub slot: String,
    /// Places in all.
    pub capacity: i64,
    /// Free places; none: the server cannot tell.
    pub free: Option<i64>,
}

/// Everything that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Its head.
    pub head: Head,
    /// Its events, in their order.
    pub events: Vec<Event>,
}

impl History {
    /// Reads the lines of a history. A last line without its end is what a killed recorder leaves, and is left out.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let head = lines.next().ok_or("a history has a first line")?;
        let head: Head = serde_json::from_str(head).map_err(|error| format!("line 1: {error}"))?;
        if head.history != 1 {
            return Err(format!("line 1: history {} is not known, 1 is", head.history));
        }
        let events = lines
            .enumerate()
            .map(|(n, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", n + 2)))
            .collect::<Result<_, _>>()?;
        Ok(Self { head, events })
    }

    /// Its lines.
    pub fn lines(&self) -> String {
        let mut text = line(&self.head);
        self.events.iter().for_each(|event| text += &line(event));
        text
    }

    /// The operations, by number.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut by_number: BTreeMap<u64, Operation<'_>> = BTreeMap::new();
        for event in &self.events {
            if let What::Invoke { ask, .. } = &event.what {
                let operation = by_number.entry(event.op).or_insert_with(|| Operation {
                    number: event.op,
                    ask,
                    invoked: event.at,
                    attempts: 0,
                    answers: Vec::new(),
                });
                operation.attempts += 1;
            } else if let Some(operation) = by_number.get_mut(&event.op) {
                operation.answers.push(event);
            }
        }
        by_number.into_values().collect()
    }
}

/// One value as a line.
pub(crate) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON") + "\n"
}

/// One thing that somebody wanted, with all its attempts.
#[derive(Debug, Clone)]
pub struct Operation<'h> {
    /// Its number.
    pub number: u64,
    /// What was wanted.
    pub ask: &'h Asked,
    /// When it was first sent: before this it had no effect.
    pub invoked: Micros,
    /// How often it was sent.
    pub attempts: usize,
    /// What came back, in order.
    pub answers: Vec<&'h Event>,
}

/// What is known of an operation at the history's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'h> {
    /// It was done, at the latest when its first success came.
    Done {
        /// When that was.
        by: Micros,
        /// What it told.
        saw: &'h Seen,
    },
    /// It was not done and will not be.
    NotDone,
    /// It was done once or not at all; it may still happen.
    Unknown,
}

impl<'h> Operation<'h> {
    /// What is known of it. A success counts whatever else came; a refusal settles every earlier doubt, because a key
    /// that had been used with success would have repeated it.
    pub fn known(&self) -> Known<'h> {
        let done = self.answers.iter().find_map(|event| match &event.what {
            What::Ok { saw, .. } => Some(Known::Done { by: event.at, saw }),
            _ => None,
        });
        let refused = self
            .answers
            .iter()
            .any(|event| matches!(event.what, What::Refused { .. }));
        let all_failed = self.answers.len() == self.attempts
            && self
                .answers
                .iter()
                .all(|event| matches!(event.what, What::Failed { .. }));
        done.unwrap_or(if refused || all_failed {
            Known::NotDone
        } else {
            Known::Unknown
        })
    }

    /// When it was first answered with success, and what that told; for reads.
    pub fn done(&self) -> Option<(Micros, &'h Seen)> {
        match self.known() {
            Known::Done { by, saw } => Some((by, saw)),
            Known::NotDone | Known::Unknown => None,
        }
    }
}
