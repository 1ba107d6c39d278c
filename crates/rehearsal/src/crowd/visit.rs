//! What one client does in a visit: looks now and then, holds, books or gives back, and sometimes reads, moves or
//! cancels what it has. Leaves no hold behind, so that everything it took can be counted at the end.

use std::sync::Arc;

use runtime::entropy::Entropy;
use serde_json::Value;

use super::asking::Asking;
use super::{fresh_key, fresh_resident};
use crate::client::{Answer, Ask};
use crate::history::Asked;
use crate::ledger::Told;
use crate::look::Time;
use crate::request;

/// Times that everybody fights for.
const HOT: usize = 8;
/// One visit in so many looks at the times first. An answer lists up to 200 of them.
const LOOKS: u64 = 8;
/// One hold in so many is given back.
const GIVES_BACK: u64 = 10;
/// One appointment in so many is read, moved, cancelled.
const READS: u64 = 4;
const MOVES: u64 = 6;
const CANCELS: u64 = 4;

/// One client with its habits.
pub(super) struct Visitor {
    asking: Asking,
    times: Arc<Vec<Time>>,
    entropy: Entropy,
}

impl Visitor {
    pub(super) fn new(asking: Asking, times: Arc<Vec<Time>>, entropy: Entropy) -> Self {
        Self { asking, times, entropy }
    }

    /// One visit.
    pub(super) async fn visit(&mut self) {
        let wanted = self.choose();
        if self.one_in(LOOKS) {
            self.asking.find(&wanted.clinic, false).await;
        }
        let Some(held) = self.hold(&wanted.slot).await else {
            return;
        };
        if self.one_in(GIVES_BACK) {
            return self.give_back(&held).await;
        }
        let book = request::book(&held, &fresh_resident(&self.entropy), &self.key());
        let asked = Asked::Book { hold: id(&held) };
        let Some(booked) = self.success(&book, asked).await else {
            return self.give_back(&held).await;
        };
        self.asking.ledger().tell(&booked);
        if self.one_in(READS) {
            self.read(&booked).await;
        }
        if self.one_in(MOVES) {
            self.reschedule(&booked).await;
        }
        if self.one_in(CANCELS) {
            let asked = Asked::Cancel {
                appointment: id(&booked),
            };
            if let Some(cancelled) = self.success(&request::cancel(&booked, &self.key()), asked).await {
                self.asking.ledger().tell(&cancelled);
            }
        }
    }

    async fn hold(&self, slot: &str) -> Option<Value> {
        let asked = Asked::Hold {
            slots: vec![slot.to_owned()],
        };
        self.success(&request::hold(slot, &self.key()), asked).await
    }

    async fn give_back(&self, held: &Value) {
        self.asking
            .until_known(&request::give_back(held), Asked::GiveBack { hold: id(held) })
            .await;
    }

    async fn read(&self, booked: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = Told {
            appointment: id(booked),
            code: text(&booked["code"]),
            slot: text(&booked["slot"]["id"]),
            status: text(&booked["status"]),
            token: text(&booked["manage_token"]),
        };
        self.asking.read(&told).await;
    }

    /// Moves to another time of the same clinic. A refusal (another vaccine, a full time) leaves all as it was.
    async fn reschedule(&self, booked: &Value) {
        let clinic = &booked["slot"]["clinic"];
        let others: Vec<&Time> = self.times.iter().filter(|time| *clinic == time.clinic).collect();
        if others.is_empty() {
            return;
        }
        let other = others[self.entropy.below(others.len() as u64) as usize];
        let Some(held) = self.hold(&other.slot).await else {
            return;
        };
        let asked = Asked::Move {
            appointment: id(booked),
            hold: id(&held),
        };
        match self
            .success(&request::reschedule(booked, &held, &self.key()), asked)
            .await
        {
            Some(moved) => self.asking.ledger().tell(&moved),
            None => self.give_back(&held).await,
        }
    }

    /// The answer's body, if it was done.
    async fn success(&self, ask: &Ask, asked: Asked) -> Option<Value> {
        let answer = self.asking.until_known(ask, asked).await;
        answer
            .filter(|answer: &Answer| (200..300).contains(&answer.status))
            .map(|answer| answer.json())
    }

    /// Half of them want what everybody wants.
    fn choose(&self) -> Time {
        let among = if self.one_in(2) {
            HOT.min(self.times.len())
        } else {
            self.times.len()
        };
        self.times[self.entropy.below(among as u64) as usize].clone()
    }

    fn one_in(&self, sides: u64) -> bool {
        self.entropy.below(sides) == 0
    }

    fn key(&self) -> String {
        fresh_key(&self.entropy, self.asking.ledger().recorder.clock().now())
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap_or_default().to_owned()
}
