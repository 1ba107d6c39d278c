//! What is not as it should be: forgotten fields, wrong times, ended holds, secrets of others, a key used twice.

use super::{Actor, Habit, MyHold, View};
use crate::people::{Contacts, Spelled};
use crate::wish::{Answered, Named, Opens, Secret, Wish};
use base::id::SlotId;

impl Actor {
    /// Something wrong, if there is occasion for it.
    pub(super) fn slip(&self, view: &View) -> Option<Wish> {
        if self.habit == Habit::Stranger && view.chance.percent(60) {
            return self.foreign(view);
        }
        match view.chance.below(8) {
            0 => Some(Self::impossible_hold(view)),
            1..=2 => self.wrong_booking(view),
            3..=5 => self.former(view),
            6 => self.foreign(view),
            _ => self.again(view),
        }
    }

    /// A key that was used before for something of the same kind, if there is one.
    pub fn used_key(&self, wish: &Wish) -> Option<String> {
        let scope = wish.scope();
        self.used
            .iter()
            .find(|(_, of)| *of == scope)
            .map(|(key, _)| key.clone())
    }

    /// Times that begin too early, or are nobody's.
    fn impossible_hold(view: &View) -> Wish {
        let begun: Vec<SlotId> = view
            .offers
            .iter()
            .filter(|offer| offer.starts_at <= view.now)
            .map(|offer| offer.slot)
            .collect();
        let any: Vec<SlotId> = view.offers.iter().map(|offer| offer.slot).collect();
        let slot = view.chance.pick(&begun).copied().filter(|_| view.chance.percent(70));
        let mut slots = vec![slot.unwrap_or(SlotId::from_bits(7))];
        slots.extend(view.chance.pick(&any).copied().filter(|_| view.chance.percent(40)));
        Wish::Hold {
            single: slots.len() == 1 && view.chance.percent(50),
            slots,
        }
    }

    fn wrong_booking(&self, view: &View) -> Option<Wish> {
        let hold = self.hold.as_ref()?;
        let mut bookings = self.bookings(hold, view);
        match view.chance.below(9) {
            0 => bookings.push(bookings[0].clone()),
            1 if bookings.len() > 1 => {
                bookings.pop();
            }
            2 => bookings[0].slot = view.chance.pick(&view.offers).map(|offer| offer.slot),
            3 if view.chance.percent(50) => bookings[0].answered = Answered::UnknownVersion,
            3 => bookings[0].answered = Answered::UnknownQuestion,
            4 => bookings[0].answered = Answered::Allergy("maybe"),
            5..=7 => bookings[0].slot = hold.entries.last().copied(),
            _ => {
                let first = bookings[0].clone();
                for named in &mut bookings {
                    (named.who, named.dose) = (first.who, first.dose);
                }
            }
        }
        Some(Wish::Book {
            hold: hold.id,
            token: hold.token.clone(),
            single: bookings.len() == 1 && view.chance.percent(50),
            bookings,
        })
    }

    /// Uses a hold that she gave up, gave back, booked, or that has run out.
    fn former(&self, view: &View) -> Option<Wish> {
        let hold = view.chance.pick(&self.former)?;
        Some(self.use_hold(hold, hold.token.clone(), view))
    }

    fn use_hold(&self, hold: &MyHold, token: Secret, view: &View) -> Wish {
        let id = hold.id;
        match view.chance.below(4) {
            0 => Wish::Extend { hold: id, token },
            1..=2 => Wish::GiveBack { hold: id, token },
            _ => Wish::Book {
                hold: id,
                token,
                bookings: self.bookings(hold, view),
                single: false,
            },
        }
    }

    /// Tries a secret that opens something else: another's, her own for another purpose, or one that is made up.
    fn foreign(&self, view: &View) -> Option<Wish> {
        let made_up = Secret {
            text: "AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            opens: Opens::Nothing,
        };
        let token = view
            .chance
            .pick(&view.others)
            .cloned()
            .filter(|_| view.chance.percent(80))
            .unwrap_or(made_up);
        let target = view.chance.pick(&view.others)?;
        let who = Spelled {
            number: self.people[0],
            spelling: 0,
            contacts: Contacts::Phone,
        };
        match target.opens {
            Opens::Hold(hold) => Some(match view.chance.below(4) {
                0 => Wish::Extend { hold, token },
                1 => Wish::GiveBack { hold, token },
                2 if !self.mine.is_empty() => Wish::Move {
                    appointment: self.mine[0].id,
                    token: self.mine[0].token.clone(),
                    hold,
                    hold_token: token,
                },
                _ => Wish::Book {
                    hold,
                    token,
                    bookings: vec![Named {
                        who,
                        slot: None,
                        dose: 1,
                        answered: Answered::Allergy("no"),
                    }],
                    single: true,
                },
            }),
            Opens::Appointment(appointment) | Opens::Helped(appointment, _) => Some(match view.chance.below(4) {
                0 => Wish::Share { appointment, token },
                1 => Wish::StopLink {
                    appointment,
                    token,
                    number: 1,
                },
                _ => Wish::Cancel { appointment, token },
            }),
            Opens::Said(..) | Opens::Nothing => None,
        }
    }

    /// Changes what has been changed before: cancelled, moved, begun.
    fn again(&self, view: &View) -> Option<Wish> {
        let mine = view.chance.pick(&self.mine)?.clone();
        let hold = view.chance.pick(&self.former).or(self.hold.as_ref());
        match hold {
            Some(hold) if view.chance.percent(50) => Some(Wish::Move {
                appointment: mine.id,
                token: mine.token,
                hold: hold.id,
                hold_token: hold.token.clone(),
            }),
            _ => Some(Wish::Cancel {
                appointment: mine.id,
                token: mine.token,
            }),
        }
    }
}
