//! The clients of the crash test, and their ledger of what they were told. Each sends a request again, with its key,
//! until it has an answer; a connection that breaks after the request went out leaves the outcome unknown.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::Error as SendError;
use serde_json::Value;

use crate::client::{Answer, Ask, Client};
use crate::traveller::{self, Time, fresh_key, fresh_resident};

/// Times that everybody fights for.
const HOT: usize = 8;
/// Between two tries of one request.
const PAUSE: Duration = Duration::from_millis(40);
/// Longest that one client waits for one outcome.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a client was told with success.
#[derive(Debug, Clone)]
pub struct Told {
    /// The appointment's id.
    pub appointment: String,
    /// The code to say by phone.
    pub code: String,
    /// The slot's id.
    pub slot: String,
    /// `booked` or `cancelled`.
    pub status: String,
    /// The manage token.
    pub token: String,
}

/// Everything that the clients saw.
#[derive(Default)]
pub struct Ledger {
    told: Mutex<BTreeMap<String, Told>>,
    broken: Mutex<Vec<String>>,
    in_flight: AtomicUsize,
    /// Requests sent and not answered when something was killed.
    pub in_flight_at_kill: AtomicUsize,
    /// Requests answered.
    pub answered: AtomicUsize,
    /// Answers 4xx.
    pub refused: AtomicUsize,
    /// Answers 5xx.
    pub faults: AtomicUsize,
    /// Requests that went out and whose answer never came.
    pub unknown: AtomicUsize,
    /// Of those, the ones that had been done: the answer was a replay.
    pub replayed: AtomicUsize,
}

impl Ledger {
    /// Somebody is about to kill the server: who waits now has a request in flight.
    pub fn note_kill(&self) {
        self.in_flight_at_kill
            .fetch_add(self.in_flight.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    /// What was acknowledged, by id.
    pub fn acknowledged(&self) -> Vec<Told> {
        lock(&self.told).values().cloned().collect()
    }
    /// What should never have been seen.
    pub fn broken_promises(&self) -> Vec<String> {
        lock(&self.broken).clone()
    }
    fn broke(&self, what: String) {
        lock(&self.broken).push(what);
    }
    fn tell(&self, appointment: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&appointment["id"]);
        let status = text(&appointment["status"]);
        let mut told = lock(&self.told);
        let before = told.get(&id);
        let token = before.map_or_else(|| text(&appointment["manage_token"]), |told| told.token.clone());
        let now = Told {
            code: text(&appointment["code"]),
            slot: text(&appointment["slot"]["id"]),
            status,
            token,
            appointment: id.clone(),
        };
        told.insert(id, now);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All clients.
pub struct Crowd {
    listen: String,
    times: Arc<Vec<Time>>,
    ledger: Arc<Ledger>,
    until: Instant,
}

impl Crowd {
    /// Clients of the site there, who want these times until then.
    pub fn new(listen: &str, times: Vec<Time>, ledger: Arc<Ledger>, until: Instant) -> Self {
        Self {
            listen: listen.to_owned(),
            times: Arc::new(times),
            ledger,
            until,
        }
    }

    /// So many clients book, one request at a time each, until it is time.
    pub async fn book(self, clients: usize) {
        let tasks: Vec<_> = (0..clients)
            .map(|number| {
                let mut one = One {
                    client: Client::new(&format!("http://{}", self.listen)),
                    times: Arc::clone(&self.times),
                    ledger: Arc::clone(&self.ledger),
                    dice: 0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1),
                };
                let until = self.until;
                tokio::spawn(async move {
                    while Instant::now() < until {
                        one.visit().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            if let Err(error) = task.await {
                self.ledger.broke(format!("a client fell over: {error}"));
            }
        }
    }
}

struct One {
    client: Client,
    times: Arc<Vec<Time>>,
    ledger: Arc<Ledger>,
    dice: u64,
}

impl One {
    /// Holds, books, and one time in four cancels.
    async fn visit(&mut self) {
        let wanted = if self.throw(2) == 0 {
            self.throw(HOT.min(self.times.len()))
        } else {
            self.throw(self.times.len())
        };
        let slot = self.times[wanted].slot.clone();
        let held = self.until_known(&traveller::hold(&slot, &fresh_key("hold"))).await;
        let Some(held) = self.success(held, 201) else { return };
        let booked = self
            .until_known(&traveller::book(&held, &fresh_resident(), &fresh_key("book")))
            .await;
        let Some(booked) = self.success(booked, 201) else {
            return;
        };
        self.ledger.tell(&booked);
        if self.throw(4) == 0 {
            let cancelled = self
                .until_known(&traveller::cancel(&booked, &fresh_key("cancel")))
                .await;
            if let Some(cancelled) = self.success(cancelled, 200) {
                self.ledger.tell(&cancelled);
            }
        }
    }

    fn success(&self, answer: Option<Answer>, status: u16) -> Option<Value> {
        let answer = answer?;
        if answer.status == status {
            return Some(answer.json());
        }
        // A refusal is a fair answer; anything else to a well-formed request breaks the contract.
        if answer.status != 409 {
            self.ledger.broke(format!(
                "expected {status} or 409, got {}: {}",
                answer.status,
                answer.text()
            ));
        }
        None
    }

    /// Sends until there is an answer that says what happened; then, if it had been in doubt, once more, and the
    /// answer must be the same.
    async fn until_known(&self, ask: &Ask) -> Option<Answer> {
        let (began, mut doubted) = (Instant::now(), false);
        while began.elapsed() < PATIENCE {
            let counted = Counted::new(&self.ledger.in_flight);
            let came = self.client.send(ask).await;
            drop(counted);
            match came {
                Ok(answer) if answer.status < 500 => {
                    self.ledger.answered.fetch_add(1, Ordering::Relaxed);
                    self.ledger
                        .refused
                        .fetch_add(usize::from(answer.status >= 400), Ordering::Relaxed);
                    if doubted {
                        self.settle(ask, &answer).await;
                    }
                    return Some(answer);
                }
                Ok(answer) => {
                    self.ledger.faults.fetch_add(1, Ordering::Relaxed);
                    if answer.status != 503 {
                        self.ledger
                            .broke(format!("{}: {}: {}", ask.shown(), answer.status, answer.text()));
                    }
                }
                Err(error) => {
                    // Not connected: nothing was sent. Anything later: sent, and who knows.
                    let unsent = error.downcast_ref::<SendError>().is_some_and(SendError::is_connect);
                    if !unsent && !doubted {
                        doubted = true;
                        self.ledger.unknown.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.ledger
            .broke(format!("{}: no outcome in {PATIENCE:?}", ask.shown()));
        None
    }

    async fn settle(&self, ask: &Ask, first: &Answer) {
        if first.header("idempotency-replayed") == Some("true") {
            self.ledger.replayed.fetch_add(1, Ordering::Relaxed);
        }
        // The server may be killed meanwhile: then the next life must know the same.
        for _ in 0..200 {
            match self.client.send(ask).await {
                Ok(second) if second.status < 500 => {
                    let kept = (200..300).contains(&first.status) || first.status == 409;
                    if kept && (second.status, &second.body) != (first.status, &first.body) {
                        let (first, second) = (first.text(), second.text());
                        self.ledger
                            .broke(format!("{}: two answers to one key: {first} and {second}", ask.shown()));
                    }
                    return;
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        self.ledger
            .broke(format!("{}: not answered a second time", ask.shown()));
    }

    /// A number below `sides` (xorshift: the same choices in every run).
    fn throw(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice % sides as u64) as usize
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
