//! One client's way to ask: send, write down, and send again until the outcome is known; then, if it had been in doubt,
//! once more, because one key has one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::client::{Answer, Ask, Client, SendError};
use crate::history::{Asked, Counted, Micros, Seen, What};
use crate::ledger::Ledger;
use crate::recorder::Op;

/// Between two tries of one request.
const PAUSE: Duration = Duration::from_millis(40);
/// Longest that one client waits for one outcome.
const PATIENCE: Duration = Duration::from_secs(40);
/// Faults whose words are that nothing happened.
const NOTHING_HAPPENED: [&str; 3] = ["busy", "unreachable", "read-only"];
/// Refusals of a door that never asked the engine: the same request may be sent later.
const LATER: [&str; 2] = ["rate-limited", "waiting-room"];

/// One client.
pub(super) struct Asking {
    client: Client,
    ledger: Arc<Ledger>,
    number: u32,
}

impl Asking {
    pub(super) fn new(client: Client, ledger: Arc<Ledger>, number: u32) -> Self {
        Self { client, ledger, number }
    }
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
    pub(super) fn scaled(&self, text: &str) -> Option<Micros> {
        self.ledger.recorder.scaled(text)
    }

    /// Sends until an answer says what happened.
    pub(super) async fn until_known(&self, ask: &Ask, asked: Asked) -> Option<Answer> {
        let clock = self.ledger.recorder.clock();
        let (began, mut doubted) = (clock.monotonic(), false);
        let mut op = self.ledger.recorder.invoke(self.number, asked.clone());
        loop {
            let ended = self.attempt(ask, &asked, op, &mut doubted).await;
            if let Some(answer) = ended {
                if doubted && is_keyed(&asked) {
                    self.settle(ask, asked, op, &answer).await;
                }
                return Some(answer);
            }
            if clock.monotonic() > began + PATIENCE {
                self.ledger
                    .broke(format!("{}: no outcome in {PATIENCE:?}", ask.shown()));
                return None;
            }
            clock.sleep(PAUSE).await;
            op = self.ledger.recorder.again(op, self.number, asked.clone());
        }
    }

    /// Sends once and writes down how it ended; the answer, if it says what happened.
    async fn attempt(&self, ask: &Ask, asked: &Asked, op: Op, doubted: &mut bool) -> Option<Answer> {
        let counted = InFlight::new(&self.ledger.in_flight);
        let came = self.client.send(ask).await;
        drop(counted);
        let what = match &came {
            Ok(answer) => self.judged(ask, asked, answer),
            Err(SendError::NotSent(why)) => What::Failed { why: why.clone() },
            Err(error) => What::Unknown { why: error.to_string() },
        };
        let known = matches!(what, What::Ok { .. } | What::Refused { .. });
        // Once for each operation: what was sent and never answered, and what a gateway says that of.
        if matches!(what, What::Unknown { .. }) && !*doubted {
            *doubted = true;
            self.ledger.unknown.fetch_add(1, Ordering::Relaxed);
        }
        self.ledger.recorder.ended(op, what);
        came.ok().filter(|_| known)
    }

    /// An answer in the words of a history.
    fn judged(&self, ask: &Ask, asked: &Asked, answer: &Answer) -> What {
        let code = || text(&answer.json()["code"]);
        let digest = || hex::encode(Sha256::digest(&answer.body));
        match answer.status {
            200..300 => {
                self.ledger.answered.fetch_add(1, Ordering::Relaxed);
                let saw = self.seen(asked, answer).unwrap_or_else(|| {
                    self.ledger
                        .broke(format!("{}: not what was asked for: {}", ask.shown(), answer.text()));
                    Seen::Nothing
                });
                What::Ok {
                    status: answer.status,
                    digest: digest(),
                    saw,
                }
            }
            429 if LATER.contains(&code().as_str()) => What::Failed { why: code() },
            400..500 => {
                self.ledger.answered.fetch_add(1, Ordering::Relaxed);
                self.ledger.refused.fetch_add(1, Ordering::Relaxed);
                // A refusal is a fair answer; anything else to a well-formed request breaks the contract.
                if ![409, 429].contains(&answer.status) {
                    self.ledger
                        .broke(format!("{}: {}: {}", ask.shown(), answer.status, answer.text()));
                }
                What::Refused {
                    status: answer.status,
                    digest: digest(),
                    code: code(),
                }
            }
            status => {
                self.ledger.faults.fetch_add(1, Ordering::Relaxed);
                let why = code();
                if status != 503 {
                    self.ledger
                        .broke(format!("{}: {status}: {}", ask.shown(), answer.text()));
                }
                if NOTHING_HAPPENED.contains(&why.as_str()) {
                    What::Failed { why }
                } else {
                    What::Unknown { why }
                }
            }
        }
    }

    fn seen(&self, asked: &Asked, answer: &Answer) -> Option<Seen> {
        let body = answer.json();
        Some(match asked {
            Asked::GiveBack { .. } => Seen::Nothing,
            Asked::Find { .. } => Seen::Slots {
                as_of: self.scaled(body["as_of"].as_str()?)?,
                slots: body["slots"].as_array()?.iter().map(counted).collect::<Option<_>>()?,
            },
            Asked::Hold { .. } => Seen::Hold {
                hold: body["id"].as_str()?.to_owned(),
                expires: self.scaled(body["expires_at"].as_str()?)?,
            },
            Asked::Book { .. } | Asked::Read { .. } | Asked::Cancel { .. } | Asked::Move { .. } => Seen::Appointment {
                appointment: body["id"].as_str()?.to_owned(),
                code: body["code"].as_str()?.to_owned(),
                slot: body["slot"]["id"].as_str()?.to_owned(),
                status: body["status"].as_str()?.to_owned(),
            },
        })
    }

    /// Asks once more what had been in doubt.
    async fn settle(&self, ask: &Ask, asked: Asked, mut op: Op, first: &Answer) {
        if first.header("idempotency-replayed") == Some("true") {
            self.ledger.replayed.fetch_add(1, Ordering::Relaxed);
        }
        let clock = self.ledger.recorder.clock();
        let began = clock.monotonic();
        // The server may be killed meanwhile: then the next life must know the same.
        loop {
            op = self.ledger.recorder.again(op, self.number, asked.clone());
            if self.attempt(ask, &asked, op, &mut true).await.is_some() {
                return;
            }
            if clock.monotonic() > began + PATIENCE {
                return self
                    .ledger
                    .broke(format!("{}: not answered a second time", ask.shown()));
            }
            clock.sleep(PAUSE).await;
        }
    }
}

/// Whether it is sent with an idempotency key.
fn is_keyed(asked: &Asked) -> bool {
    !matches!(asked, Asked::Find { .. } | Asked::Read { .. } | Asked::GiveBack { .. })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn counted(slot: &Value) -> Option<Counted> {
    Some(Counted {
        slot: slot["id"].as_str()?.to_owned(),
        capacity: slot["capacity"].as_i64()?,
        free: match &slot["free"] {
            Value::Null => None,
            free => Some(free.as_i64()?),
        },
    })
}

/// Counts itself while it lives.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
