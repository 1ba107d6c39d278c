//! Clients that find, hold, book, read, move, cancel and give back, each one request at a time. Each sends a keyed
//! request again, with its key, until it has an answer; a connection that breaks after the request went out leaves the
//! outcome unknown until then.

mod asking;
mod visit;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base::time::Timestamp;
use runtime::entropy::Entropy;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use serde_json::json;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::history::Asked;
use crate::ledger::{Ledger, Told};
use crate::look::{self, Time};
use crate::request;
use asking::Asking;
use visit::Visitor;

/// Who looks at the end, in the history.
const LOOKER: u32 = u32::MAX;
/// Looks at once.
const LOOKERS: usize = 16;
/// How long a server may take until it states an instant after the last answer. It states whole seconds.
const CURRENT_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at what it states.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Clients of one site.
#[derive(Clone)]
pub struct Crowd {
    client: Client,
    times: Arc<Vec<Time>>,
    ledger: Arc<Ledger>,
    entropy: Entropy,
    home: Shutdown,
}

impl Crowd {
    /// Clients of the site there, who want these times.
    pub fn new(url: &str, times: Vec<Time>, ledger: Arc<Ledger>, entropy: Entropy) -> Self {
        Self {
            client: Client::new(url),
            times: Arc::new(times),
            ledger,
            entropy,
            home: Shutdown::new(),
        }
    }

    /// Everybody goes home after the visit they are in.
    pub fn send_home(&self) {
        self.home.request();
    }

    /// So many clients visit, each one visit after the other, until so much time has passed or they are sent home;
    /// each ends the visit it is in.
    pub async fn visit(self, clients: usize, lasts: Duration) {
        let owner = Owner::new(Shutdown::new());
        let (over, mut ended) = mpsc::channel(clients.max(1));
        let until = self.ledger.recorder.clock().monotonic() + lasts;
        for number in 0..clients {
            let asking = self.asking(number as u32);
            let mut visitor = Visitor::new(asking, Arc::clone(&self.times), self.entropy.clone());
            let (over, clock, home) = (over.clone(), self.ledger.recorder.clock().clone(), self.home.clone());
            owner.spawn("visitor", async move {
                while clock.monotonic() < until && !home.requested() {
                    visitor.visit().await;
                }
                let _ = over.send(()).await; // nobody waits any more: then nobody counts
            });
        }
        drop(over);
        let mut well = 0;
        while ended.recv().await.is_some() {
            well += 1;
        }
        if well < clients {
            self.ledger.broke(format!("{} clients fell over", clients - well));
        }
    }

    /// Reads every clinic's times while nobody else asks, until the answer states an instant after everything that was
    /// answered before.
    pub async fn look_at_times(&self) {
        let asking = self.asking(LOOKER);
        let clinics: BTreeSet<&str> = self.times.iter().map(|time| time.clinic.as_str()).collect();
        let after = self.ledger.recorder.now();
        let deadline = self.ledger.recorder.clock().monotonic() + CURRENT_WITHIN;
        for clinic in clinics {
            while asking.find(clinic, true).await.is_none_or(|as_of| as_of <= after) {
                if self.ledger.recorder.clock().monotonic() > deadline {
                    self.ledger
                        .broke(format!("the times of {clinic} stay older than {CURRENT_WITHIN:?}"));
                    return;
                }
                self.ledger.recorder.clock().sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// Reads every acknowledged appointment by its own link.
    pub async fn look_at_appointments(&self) {
        let owner = Owner::new(Shutdown::new());
        let (over, mut ended) = mpsc::channel::<()>(LOOKERS);
        let told = Arc::new(self.ledger.acknowledged());
        for first in 0..LOOKERS {
            let (asking, told, over) = (self.asking(LOOKER), Arc::clone(&told), over.clone());
            owner.spawn("looker", async move {
                for one in told.iter().skip(first).step_by(LOOKERS) {
                    asking.read(one).await;
                }
                drop(over);
            });
        }
        drop(over);
        while ended.recv().await.is_some() {}
    }

    fn asking(&self, number: u32) -> Asking {
        Asking::new(self.client.clone(), Arc::clone(&self.ledger), number)
    }
}

impl Asking {
    /// Reads the times of a clinic; what instant the answer states.
    async fn find(&self, clinic: &str, quiet: bool) -> Option<i64> {
        let ask = crate::client::Ask::get(look::times_of(clinic));
        let asked = Asked::Find {
            clinic: clinic.to_owned(),
            quiet,
        };
        let answer = self.until_known(&ask, asked).await?;
        self.scaled(answer.json()["as_of"].as_str()?)
    }
    /// Reads an appointment by its own link.
    async fn read(&self, told: &Told) {
        let ask = request::appointment(&told.appointment, &told.token);
        let asked = Asked::Read {
            appointment: told.appointment.clone(),
        };
        self.until_known(&ask, asked).await;
    }
}

/// A key that grows with time, as the contract advises.
pub(crate) fn fresh_key(entropy: &Entropy, now: Timestamp) -> String {
    let digits = format!("{:032x}", entropy.uuid_v7(now));
    let part = |from: usize, to: usize| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// An adult whom nobody has met. Letters only in the names, as a form may ask.
pub(crate) fn fresh_resident(entropy: &Entropy) -> serde_json::Value {
    let letters = |count: usize| -> String { (0..count).map(|_| char::from(b'a' + entropy.below(26) as u8)).collect() };
    let (given, family, address) = (
        format!("Ada{}", letters(6)),
        format!("Okafor{}", letters(6)),
        letters(12),
    );
    json!({ "given_name": given, "family_name": family, "birth_date": "1980-05-17", "email": format!("{address}@example.org") })
}
