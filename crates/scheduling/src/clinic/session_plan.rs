//! A session before it is published, and its slots. A demonstration's sessions are a pure function of seed, clinic and
//! local date: opening hours, then which vaccines in which hours. Keeps that each open day has a vaccine that any adult
//! may book. Pure.

use super::chance::Chance;
use super::opening_hours::OpeningHours;
use super::session::Session;
use super::slot::{Slot, slot_id};
use super::stable_id::session_id;
use crate::rules::Rules;
use crate::rules::product::Cvx;
use base::id::ClinicId;
use base::time::{Date, Time, Zone};
use std::time::Duration;

/// A session to be: a clinic's day of one vaccine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPlan {
    /// Where.
    pub clinic: ClinicId,
    /// On which local date.
    pub date: Date,
    /// What is given.
    pub product: Cvx,
    /// From when on, by the clinic's clock.
    pub start: Time,
    /// Until when, by the clinic's clock.
    pub end: Time,
    /// Length of a slot in minutes.
    pub slot_minutes: u32,
    /// How many can come to each slot.
    pub capacity: u32,
}

impl SessionPlan {
    /// The session.
    pub fn session(&self) -> Session {
        let id = session_id(self.clinic, self.date, self.product, self.start);
        Session { id, clinic: self.clinic, date: self.date, product: self.product }
    }

    /// Its slots: as many as fit between start and end in real time. Where the clock is turned in between, a slot still
    /// lasts its minutes.
    pub fn slots(&self, zone: &Zone) -> Vec<Slot> {
        let session = self.session();
        let length = Duration::from_secs(u64::from(self.slot_minutes.max(1)) * 60);
        let end = zone.at(self.date, self.end);
        let mut slots = Vec::new();
        let mut starts_at = zone.at(self.date, self.start);
        while starts_at + length <= end {
            slots.push(Slot {
                id: slot_id(session.id, starts_at),
                clinic: self.clinic,
                session: session.id,
                product: self.product,
                date: self.date,
                starts_at,
                ends_at: starts_at + length,
                capacity: self.capacity,
                held: 0,
                booked: 0,
            });
            starts_at = starts_at + length;
        }
        slots
    }
}

/// What the clinics of a demonstration may give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Vaccines that any adult may book without answering anything.
    pub anyone: Vec<Cvx>,
    /// All others: for children, for the old, after a question.
    pub some: Vec<Cvx>,
}

impl Offer {
    /// What the rules in force on a date say about the products there are.
    pub fn of(rules: &Rules, on: Date) -> Self {
        let (anyone, some) = rules.vaccines().map(|vaccine| vaccine.cvx).partition(|cvx| rules.is_for_any_adult(*cvx, on));
        Self { anyone, some }
    }
}

/// Keep these streams apart from others of the same clinic.
const SHELF: u64 = 2;
const DAY: u64 = 3;
/// Minutes of a made slot.
const SLOT_MINUTES: u32 = 20;

/// The made sessions of a clinic on a local date; none when it is closed. The same answer for the same arguments,
/// whenever and wherever it is asked.
pub fn plan(seed: u64, clinic: ClinicId, date: Date, offer: &Offer) -> Vec<SessionPlan> {
    let Some((opens, closes)) = OpeningHours::made(seed, clinic).on(date) else { return Vec::new() };
    let (high, low) = ((clinic.bits() >> 64) as u64, clinic.bits() as u64);
    let (anyone, some) = shelf(Chance::of(&[seed, high, low, SHELF]), offer);
    let day = (i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())) as u64;
    let mut chance = Chance::of(&[seed, high, low, DAY, day]);
    let mut products: Vec<Cvx> = chance.one(&anyone).into_iter().collect();
    let mut rest: Vec<Cvx> = anyone.into_iter().chain(some).filter(|product| !products.contains(product)).collect();
    for percent in [55, 20] {
        if chance.percent(percent) && !rest.is_empty() {
            products.push(rest.swap_remove(chance.below(rest.len())));
        }
    }
    products.into_iter().map(|product| session(clinic, date, product, (opens, closes), &mut chance)).collect()
}

/// What a clinic has in its refrigerator: two that anyone may have, three others.
fn shelf(mut chance: Chance, offer: &Offer) -> (Vec<Cvx>, Vec<Cvx>) {
    let mut pick = |from: &[Cvx], count: usize| {
        let mut left = from.to_vec();
        let mut picked = Vec::with_capacity(count);
        while picked.len() < count && !left.is_empty() {
            picked.push(left.swap_remove(chance.below(left.len())));
        }
        picked
    };
    (pick(&offer.anyone, 2), pick(&offer.some, 3))
}

/// A session in the morning, in the afternoon, or a few hours around noon.
fn session(clinic: ClinicId, date: Date, product: Cvx, open: (Time, Time), chance: &mut Chance) -> SessionPlan {
    let (opens, closes) = (i32::from(open.0.hour()) * 60, i32::from(open.1.hour()) * 60);
    let length = (closes - opens).min(chance.one(&[180, 240, 240, 300]).unwrap_or(240));
    let latest = closes - length;
    let start = chance.one(&[opens, latest, i32::midpoint(opens, latest) / 60 * 60]).unwrap_or(opens).max(opens);
    let capacity = chance.one(&[1, 2, 2, 3, 4, 6]).unwrap_or(2);
    let (start, end) = (clock(start), clock(start + length));
    SessionPlan { clinic, date, product, start, end, slot_minutes: SLOT_MINUTES, capacity }
}

fn clock(minute: i32) -> Time {
    Time::constant((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}
