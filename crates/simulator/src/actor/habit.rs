//! How actors act: what each habit does next, and when. Some come at the very instant at which something ends.

use super::{Actor, Heard, Mine, Pending, View};
use crate::wish::{Secret, Wish};
use base::time::Timestamp;
use std::time::Duration;

/// A habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// Looks, holds, books; changes her mind now and then.
    Resident,
    /// Books several people at once.
    Family,
    /// Books both doses of a series at once.
    TwoDoses,
    /// Sends everything twice.
    DoubleClick,
    /// The same person on two devices, with other contacts.
    TwoDevices,
    /// Types slowly: asks for more time again and again.
    SlowTyping,
    /// Comes at the very instant at which something ends, a microsecond before, or one after.
    Punctual,
    /// Moves and cancels.
    Mover,
    /// Holds what it can get and books nothing.
    Bot,
    /// Tries secrets of others.
    Stranger,
}

impl Habit {
    /// Every habit.
    pub const ALL: [Self; 10] = [
        Self::Resident,
        Self::Family,
        Self::TwoDoses,
        Self::DoubleClick,
        Self::TwoDevices,
        Self::SlowTyping,
        Self::Punctual,
        Self::Mover,
        Self::Bot,
        Self::Stranger,
    ];

    /// For names in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Family => "family",
            Self::TwoDoses => "two-doses",
            Self::DoubleClick => "double-click",
            Self::TwoDevices => "two-devices",
            Self::SlowTyping => "slow",
            Self::Punctual => "punctual",
            Self::Mover => "mover",
            Self::Bot => "bot",
            Self::Stranger => "stranger",
        }
    }

    /// How often in a hundred times something is not as it should be.
    fn slips(self) -> u64 {
        match self {
            Self::Stranger => 70,
            Self::Bot => 5,
            Self::Family | Self::TwoDoses => 25,
            _ => 12,
        }
    }
}

/// When an actor acts next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// After a while.
    After(Duration),
    /// When the wall clock shows this.
    At(Timestamp),
}

/// More time than anybody is given.
const INSISTENT: u64 = 14;

impl Actor {
    /// What she asks next: `None` when she only looks.
    pub fn next(&mut self, view: &View) -> Option<Wish> {
        if view.chance.percent(self.habit.slips())
            && let Some(wish) = self.slip(view)
        {
            return Some(wish);
        }
        let Some(hold) = self.hold.clone() else {
            return self.without_hold(view);
        };
        if let Some(id) = self.moving
            && let Some(mine) = self.mine.iter().find(|mine| mine.id == id)
        {
            return Some(Wish::Move {
                appointment: id,
                token: mine.secret(view),
                hold: hold.id,
                hold_token: hold.token,
            });
        }
        let extend = Wish::Extend {
            hold: hold.id,
            token: hold.token.clone(),
        };
        match (self.habit, view.chance.below(20)) {
            (Habit::Bot, _) | (_, 0) => {
                // Abandoned: its time will end it.
                self.let_go(hold.id);
                None
            }
            (Habit::SlowTyping, _) if u64::from(self.extended) < INSISTENT => {
                self.extended += 1;
                Some(extend)
            }
            (_, 1..=2) => Some(extend),
            (_, 3..=4) => Some(Wish::GiveBack {
                hold: hold.id,
                token: hold.token,
            }),
            _ => {
                let bookings = self.bookings(&hold, view);
                Some(Wish::Book {
                    hold: hold.id,
                    token: hold.token,
                    single: bookings.len() == 1 && view.chance.percent(70),
                    bookings,
                })
            }
        }
    }

    fn without_hold(&mut self, view: &View) -> Option<Wish> {
        let changes = if self.habit == Habit::Mover { 70 } else { 30 };
        if view.chance.percent(changes)
            && let Some(mine) = view.chance.pick(&self.mine).cloned()
        {
            match view.chance.below(20) {
                0..=6 => {
                    return Some(Wish::Cancel {
                        appointment: mine.id,
                        token: mine.secret(view),
                    });
                }
                7..=11 => return Some(mine.link(view)),
                _ => {}
            }
            self.moving = Some(mine.id);
        } else {
            self.moving = None;
        }
        let slots = self.times(view);
        (!slots.is_empty()).then(|| Wish::Hold {
            single: slots.len() == 1 && view.chance.percent(70),
            slots,
        })
    }

    /// How often she sends a request at once.
    pub fn copies(&self, view: &View) -> u32 {
        let twice = self.habit == Habit::DoubleClick || view.chance.percent(4);
        if twice { 2 } else { 1 }
    }

    /// Whether a request without an answer is sent again, and with the same key, or given up.
    pub fn retries(&self, pending: &Pending, heard: &Heard, view: &View) -> bool {
        let likely = if *heard == Heard::Nothing { 85 } else { 75 };
        pending.key.is_some() && pending.tries < 6 && view.chance.percent(likely)
    }

    /// When she acts next.
    pub fn wake(&self, view: &View) -> Wake {
        let punctual = self.habit == Habit::Punctual || view.chance.percent(8);
        if punctual && let Some(instant) = self.instant(view) {
            return Wake::At(instant);
        }
        let (from, to) = match self.habit {
            Habit::Bot | Habit::DoubleClick => (10, 20_000),
            Habit::SlowTyping => (1_000, 50_000),
            _ => (500, 60_000),
        };
        Wake::After(view.chance.span(Duration::from_millis(from), Duration::from_millis(to)))
    }

    /// An instant at which something that concerns her ends, or one microsecond beside it.
    fn instant(&self, view: &View) -> Option<Timestamp> {
        const SOON: Duration = Duration::from_mins(11);
        let begins = |slot| {
            view.offers
                .iter()
                .find(|offer| offer.slot == slot)
                .map(|offer| offer.starts_at)
        };
        let mut ends: Vec<Timestamp> = Vec::new();
        if let Some(hold) = &self.hold {
            ends.extend([hold.expires_at, hold.expires_at, hold.expires_at + view.grace]);
            ends.extend(hold.entries.iter().filter_map(|slot| begins(*slot)));
        }
        ends.extend(self.mine.iter().filter_map(|mine| begins(mine.slot)));
        if ends.is_empty() {
            ends.extend(view.offers.iter().map(|offer| offer.starts_at));
        }
        // Somebody who holds a time that begins before her hold is over books as it begins.
        if let Some(hold) = &self.hold {
            let begins = hold.entries.iter().filter_map(|slot| begins(*slot)).min();
            if let Some(begins) = begins.filter(|begins| *begins < hold.expires_at) {
                ends.extend([begins; 4]);
            }
        }
        ends.retain(|end| *end > view.now && end.since(view.now) < SOON);
        let end = *view.chance.pick(&ends)?;
        let micros = Duration::from_micros(1);
        Some(match view.chance.below(8) {
            0..=1 => end - micros,
            2 => end - view.chance.span(micros, Duration::from_millis(20)),
            3 => end + micros,
            _ => end,
        })
    }
}

impl Mine {
    /// Her own secret, or one that she gave to somebody who acts for her now.
    fn secret(&self, view: &View) -> Secret {
        let shared = view.chance.pick(&self.shared).filter(|_| view.chance.percent(50));
        shared.map_or(&self.token, |(_, secret)| secret).clone()
    }

    /// Shares a link to it, or stops one, there or not.
    fn link(&self, view: &View) -> Wish {
        if view.chance.percent(60) || self.shared.is_empty() {
            return Wish::Share {
                appointment: self.id,
                token: self.secret(view),
            };
        }
        let (number, _) = self.shared[view.chance.below(self.shared.len() as u64) as usize];
        Wish::StopLink {
            appointment: self.id,
            token: self.secret(view),
            number: number + u32::from(view.chance.percent(15)),
        }
    }
}
