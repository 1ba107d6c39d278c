//! Who acts, and what each remembers: residents with habits, bots, strangers. An actor knows only what she was
//! told: answers she heard, and pictures of what is free.

mod choice;
mod habit;
mod slip;

pub use habit::{Habit, Wake};

use crate::chance::Chance;
use crate::people::Spelled;
use crate::wish::{Opens, Secret, Wish};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use std::time::Duration;

/// A free time as shown.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Which.
    pub slot: SlotId,
    /// When it begins.
    pub starts_at: Timestamp,
    /// CVX code.
    pub product: i64,
    /// Free places, as shown.
    pub free: u16,
}

/// What an actor sees when she looks up.
pub struct View {
    /// Chance.
    pub chance: Chance,
    /// Her own clock.
    pub now: Timestamp,
    /// What a server shows, begun times too.
    pub offers: Vec<Offer>,
    /// Secrets that others were given, for those who try them.
    pub others: Vec<Secret>,
    /// How long after its expiry a hold is freed.
    pub grace: Duration,
}

/// A hold as she was told.
#[derive(Debug, Clone)]
pub struct MyHold {
    id: HoldId,
    token: Secret,
    entries: Vec<SlotId>,
    expires_at: Timestamp,
}

/// An appointment as she was told.
#[derive(Debug, Clone)]
pub struct Mine {
    id: AppointmentId,
    token: Secret,
    slot: SlotId,
    who: Option<Spelled>,
    dose: u8,
    /// Links she shared, by number; whether she stopped one she need not know.
    shared: Vec<(u32, Secret)>,
}

/// A request without its answer yet.
#[derive(Debug, Clone)]
pub struct Pending {
    /// What is asked.
    pub wish: Wish,
    /// Under which key.
    pub key: Option<String>,
    /// Number of its body: the same when it is sent again.
    pub body: u64,
    /// How often it was sent.
    pub tries: u32,
}

/// What she hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An answer: HTTP status and body.
    Answer(u16, String),
    /// A fault.
    Fault(Fault),
    /// Nothing: the connection broke.
    Nothing,
}

/// An actor.
pub struct Actor {
    /// For the log.
    pub name: String,
    /// How she acts.
    pub habit: Habit,
    /// What she waits for.
    pub pending: Option<Pending>,
    /// Copies of it that are on their way.
    pub in_flight: u32,
    people: Vec<u32>,
    hold: Option<MyHold>,
    /// Holds she no longer uses, and whether they ended she may not know.
    former: Vec<MyHold>,
    mine: Vec<Mine>,
    /// Which of her appointments she is about to move.
    moving: Option<AppointmentId>,
    extended: u32,
    /// Keys she used before.
    used: Vec<(String, Vec<u8>)>,
}

/// Holds and keys an actor remembers.
const REMEMBERED: usize = 6;

impl Actor {
    /// Of a number and a habit, for these people.
    pub fn new(name: String, habit: Habit, people: Vec<u32>) -> Self {
        Self {
            name,
            habit,
            pending: None,
            in_flight: 0,
            people,
            hold: None,
            former: Vec::new(),
            mine: Vec::new(),
            moving: None,
            extended: 0,
            used: Vec::new(),
        }
    }

    /// Hears what became of a request; answers the secrets she was told.
    pub fn hear(&mut self, wish: &Wish, heard: &Heard) -> Vec<Secret> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Heard::Answer(status, body) = heard else {
            return Vec::new();
        };
        if let Some(pending) = self.pending.take() {
            if pending.wish == *wish {
                if let Some(key) = pending.key {
                    self.used.push((key, wish.scope()));
                    self.used.truncate(REMEMBERED);
                }
            } else {
                self.pending = Some(pending);
            }
        }
        self.learn(wish, *status, body)
    }

    fn learn(&mut self, wish: &Wish, status: u16, body: &str) -> Vec<Secret> {
        let (text, secrets) = body.split_once('|').unwrap_or((body, ""));
        match (wish, status) {
            (Wish::Hold { .. } | Wish::Extend { .. }, 201) => self.learn_hold(text, secrets).into_iter().collect(),
            (Wish::Extend { hold, .. } | Wish::GiveBack { hold, .. }, _) | (Wish::Book { hold, .. }, 409) => {
                self.let_go(*hold);
                Vec::new()
            }
            (Wish::Book { hold, bookings, .. }, 201) => {
                self.let_go(*hold);
                let parts = text.split("; ").zip(secrets.split("; "));
                let mut told = Vec::new();
                for (n, (text, secret)) in parts.enumerate() {
                    let named = bookings.get(n);
                    let mine =
                        learn_appointment(text, secret, named.map(|named| named.who), named.map_or(1, |n| n.dose));
                    told.extend(mine.iter().map(|mine| mine.token.clone()));
                    self.mine.extend(mine);
                }
                told
            }
            (Wish::Cancel { appointment, .. }, 200) => {
                // Kept in mind now and then: somebody cancels twice, or moves what is cancelled.
                if self.mine.len() > 3 {
                    self.mine.retain(|mine| mine.id != *appointment);
                }
                Vec::new()
            }
            (Wish::Move { appointment, hold, .. }, _) => {
                self.let_go(*hold);
                self.moving = None;
                let slot = text.split(' ').nth(2).and_then(|slot| SlotId::parse(slot).ok());
                let mine = self.mine.iter_mut().find(|mine| mine.id == *appointment);
                if let (200, Some(slot), Some(mine)) = (status, slot, mine) {
                    mine.slot = slot;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Is shown the links that she shared.
    pub fn shown(&mut self, id: AppointmentId, shared: Vec<(u32, Secret)>) {
        if let Some(mine) = self.mine.iter_mut().find(|mine| mine.id == id) {
            for link in shared {
                if !mine.shared.contains(&link) {
                    mine.shared.push(link);
                }
            }
        }
    }

    fn learn_hold(&mut self, text: &str, token: &str) -> Option<Secret> {
        let mut parts = text.split(' ');
        let id = HoldId::parse(parts.next()?).ok()?;
        let entries = parts.nth(1)?.split(',').filter_map(|slot| SlotId::parse(slot).ok());
        let entries: Vec<SlotId> = entries.collect();
        let expires_at = Timestamp::from_micros(parts.nth(1)?.parse().ok()?);
        let token = Secret {
            text: token.to_owned(),
            opens: Opens::Hold(id),
        };
        let hold = MyHold {
            id,
            token: token.clone(),
            entries,
            expires_at,
        };
        let before = self.hold.replace(hold);
        match before {
            Some(before) if before.id != id => self.remember(before),
            _ => {}
        }
        Some(token)
    }

    fn let_go(&mut self, id: HoldId) {
        if let Some(hold) = self.hold.take_if(|hold| hold.id == id) {
            self.remember(hold);
        }
    }

    fn remember(&mut self, hold: MyHold) {
        self.extended = 0;
        self.former.insert(0, hold);
        self.former.truncate(REMEMBERED);
    }
}

fn learn_appointment(text: &str, secrets: &str, who: Option<Spelled>, dose: u8) -> Option<Mine> {
    let mut parts = text.split(' ');
    let id = AppointmentId::parse(parts.next()?).ok()?;
    let slot = SlotId::parse(parts.nth(1)?).ok()?;
    let token = secrets.split(' ').nth(1)?;
    Some(Mine {
        id,
        token: Secret {
            text: token.to_owned(),
            opens: Opens::Appointment(id),
        },
        slot,
        who,
        dose,
        shared: Vec::new(),
    })
}
