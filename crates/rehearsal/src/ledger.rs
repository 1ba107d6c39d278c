//! What the clients of a crowd were told, counted and kept with its secrets in memory: the history holds none. Beside
//! what checkers judge it notes at once what no server may ever answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::recorder::Recorder;

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
pub struct Ledger {
    /// What is written down meanwhile.
    pub recorder: Recorder,
    told: Mutex<BTreeMap<String, Told>>,
    broken: Mutex<Vec<String>>,
    pub(crate) in_flight: AtomicUsize,
    /// Requests sent and not answered when something was killed.
    pub in_flight_at_kill: AtomicUsize,
    /// Requests answered.
    pub answered: AtomicUsize,
    /// Answers 4xx.
    pub refused: AtomicUsize,
    /// Answers 5xx.
    pub faults: AtomicUsize,
    /// Requests that went out and whose outcome nobody could tell.
    pub unknown: AtomicUsize,
    /// Of those, the ones that had been done: the answer was a replay.
    pub replayed: AtomicUsize,
}

impl Ledger {
    /// Nothing was told yet.
    pub fn new(recorder: Recorder) -> Self {
        Self {
            recorder,
            told: Mutex::default(),
            broken: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            in_flight_at_kill: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
            unknown: AtomicUsize::new(0),
            replayed: AtomicUsize::new(0),
        }
    }
    /// Somebody is about to kill the server: who waits now has a request in flight.
    pub fn note_kill(&self) {
        self.in_flight_at_kill
            .fetch_add(self.in_flight.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    /// What was acknowledged, by id.
    pub fn acknowledged(&self) -> Vec<Told> {
        lock(&self.told).values().cloned().collect()
    }
    /// The same as `verify --acknowledged` reads it: a JSON object a line.
    pub fn acknowledged_lines(&self) -> String {
        self.acknowledged().iter().map(Told::line).collect()
    }
    /// What should never have been seen.
    pub fn broken_promises(&self) -> Vec<String> {
        lock(&self.broken).clone()
    }
    pub(crate) fn broke(&self, what: String) {
        lock(&self.broken).push(what);
    }
    pub(crate) fn tell(&self, appointment: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&appointment["id"]);
        let mut told = lock(&self.told);
        let before = told.get(&id);
        let token = before.map_or_else(|| text(&appointment["manage_token"]), |told| told.token.clone());
        let now = Told {
            code: text(&appointment["code"]),
            slot: text(&appointment["slot"]["id"]),
            status: text(&appointment["status"]),
            token,
            appointment: id.clone(),
        };
        told.insert(id, now);
    }
}

impl Told {
    /// As `verify --acknowledged` reads it.
    pub fn line(&self) -> String {
        let value = serde_json::json!({
            "appointment": self.appointment, "code": self.code, "slot": self.slot, "status": self.status
        });
        value.to_string() + "\n"
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
