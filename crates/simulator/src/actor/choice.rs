//! What an actor chooses: times out of those shown, and who is booked into them.

use super::{Actor, Habit, MyHold, Offer, View};
use crate::people::{Contacts, Spelled};
use crate::wish::{Answered, Named};
use crate::world::{FLU, MMR, MMRV};
use base::id::SlotId;

/// The nearest times, at which most people meet.
const NEAREST: usize = 5;

impl Actor {
    /// A time of one of these products (of any, if none is named): mostly one of the nearest that are shown free.
    fn time(view: &View, products: &[i64]) -> Option<Offer> {
        let fits = |offer: &&Offer| products.is_empty() || products.contains(&offer.product);
        let free: Vec<Offer> = view
            .offers
            .iter()
            .filter(fits)
            .filter(|offer| offer.free > 0 && offer.starts_at > view.now)
            .copied()
            .collect();
        match view.chance.below(10) {
            0 => view
                .chance
                .pick(&view.offers.iter().filter(fits).copied().collect::<Vec<_>>())
                .copied(),
            1..=4 => view.chance.pick(&free[..free.len().min(NEAREST)]).copied(),
            _ => view.chance.pick(&free).copied(),
        }
    }

    /// Which times she wants to be held.
    pub(super) fn times(&self, view: &View) -> Vec<SlotId> {
        let one = |products: &[i64]| Self::time(view, products).map(|offer| offer.slot);
        if let Some(moving) = self.moving {
            let now_at = self.mine.iter().find(|mine| mine.id == moving).map(|mine| mine.slot);
            let product = view
                .offers
                .iter()
                .find(|offer| Some(offer.slot) == now_at)
                .map(|offer| offer.product);
            let wanted = match product {
                Some(MMR) if view.chance.percent(40) => Some(MMRV),
                product => product.filter(|_| !view.chance.percent(15)),
            };
            return one(wanted.as_slice()).into_iter().collect();
        }
        let slots: Vec<Option<SlotId>> = match self.habit {
            Habit::TwoDoses => {
                let second = if view.chance.percent(25) { MMRV } else { MMR };
                vec![one(&[MMR]), one(&[second])]
            }
            Habit::Family => {
                let first = one(&[FLU]);
                let second = if view.chance.percent(60) { first } else { one(&[]) };
                let third = if view.chance.percent(30) { first } else { None };
                // Cousins come along: more than most times have places for.
                let fourth = third.filter(|_| view.chance.percent(50));
                let fifth = fourth.filter(|_| view.chance.percent(50));
                vec![first, second, third, fourth, fifth]
            }
            _ => vec![one(&[])],
        };
        slots.into_iter().flatten().collect()
    }

    /// Who is booked into a hold: one for each of its entries.
    pub(super) fn bookings(&self, hold: &MyHold, view: &View) -> Vec<Named> {
        let of = |slot: SlotId| view.offers.iter().find(|offer| offer.slot == slot);
        let product = |slot: SlotId| of(slot).map_or(FLU, |offer| offer.product);
        let mut doses_so_far: Vec<u32> = Vec::new();
        let alone = self.habit == Habit::TwoDoses;
        let mut entries = hold.entries.clone();
        // A person's doses come in the order of their days.
        if alone && !view.chance.percent(10) {
            entries.sort_by_key(|slot| of(*slot).map(|offer| offer.starts_at));
        }
        let single = entries.len() == 1;
        let named = entries.iter().enumerate().map(|(n, slot)| {
            let number = self.people[if alone { 0 } else { n % self.people.len() }];
            let had = self
                .mine
                .iter()
                .filter(|mine| mine.who.is_some_and(|who| who.number == number));
            let is_series = matches!(product(*slot), MMR | MMRV);
            let before = had
                .filter(|mine| mine.dose == 1 && matches!(product(mine.slot), MMR | MMRV))
                .count()
                + doses_so_far.iter().filter(|other| **other == number).count();
            let dose = match view.chance.below(20) {
                0 => 2,
                1 => 1,
                _ if is_series => 1 + before.min(1) as u8,
                _ => 1,
            };
            doses_so_far.push(number);
            Named {
                who: self.spelled(number, view),
                slot: (!single || view.chance.percent(50)).then_some(*slot),
                dose,
                answered: Self::answered(product(*slot), view),
            }
        });
        named.collect()
    }

    fn spelled(&self, number: u32, view: &View) -> Spelled {
        let contacts = match (self.habit, view.chance.below(12)) {
            (_, 0) => Contacts::Neighbour,
            (_, 1) => Contacts::Nothing,
            (Habit::TwoDevices, 2..=5) => Contacts::Email,
            (Habit::TwoDevices, _) | (_, 2) => Contacts::Both,
            _ => Contacts::Phone,
        };
        Spelled {
            number,
            spelling: view.chance.below(8) as u8,
            contacts,
        }
    }

    fn answered(product: i64, view: &View) -> Answered {
        match (product, view.chance.below(20)) {
            (MMR, 0..=1) => Answered::Allergy("yes"),
            (MMR, 2) => Answered::Allergy("unknown"),
            (MMR, _) | (_, 0) => Answered::Allergy("no"),
            _ => Answered::Nothing,
        }
    }
}
