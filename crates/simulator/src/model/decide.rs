//! What each command must be answered, and what must change. All or nothing.

use super::rules::{Other, allergy, may_have, series_of, wrong_answer};
use super::{Booked, Edit, Event, Held, Model, Place, Shared, Verdict};
use crate::people::Contact;
use crate::wish::{Named, Opens, Secret, Wish, appointment_text, hold_text};
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use scheduling::refusal::Refusal;
use scheduling::resident::appointment::Status;
use scheduling::resident::hold::HoldStatus;
use std::collections::{BTreeMap, BTreeSet};

/// A command as it is decided.
pub struct Asked<'w> {
    /// What is asked.
    pub wish: &'w Wish,
    /// The id of the hold that it would make.
    pub new_hold: Option<HoldId>,
    /// The ids of the appointments that it would make.
    pub new_appointments: &'w [AppointmentId],
    /// When its request arrived.
    pub arrived: Timestamp,
}

type Decided = Result<(u16, String, Vec<Edit>), Verdict>;

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn event(kind: &'static str, subject: [u8; 16], slot: Option<SlotId>, at: Timestamp) -> Edit {
    Edit::Event(Event {
        kind,
        subject,
        slot,
        at,
    })
}

fn opens_hold(token: &Secret, hold: HoldId) -> bool {
    token.opens == Opens::Hold(hold)
}

impl Model {
    /// What the command must be answered, and what must change.
    pub fn decide(&self, asked: &Asked<'_>) -> (Verdict, Vec<Edit>) {
        let decided = match asked.wish {
            Wish::Hold { slots, single } => self.place(slots, *single, asked),
            Wish::Extend { hold, token } => self.extend(*hold, token, asked.arrived),
            Wish::GiveBack { hold, token } => self.give_back(*hold, token, asked.arrived),
            Wish::Book {
                hold,
                token,
                bookings,
                single,
            } => self.book((*hold, token), bookings, *single, asked),
            Wish::Cancel { appointment, token } => self.cancel(*appointment, token, asked.arrived),
            Wish::Move {
                appointment,
                token,
                hold,
                hold_token,
            } => self.reschedule((*appointment, token), (*hold, hold_token), asked.arrived),
            Wish::Share { appointment, token } => self.share(*appointment, token, asked.arrived),
            Wish::StopLink {
                appointment,
                token,
                number,
            } => self.stop_link((*appointment, *number), token, asked.arrived),
            Wish::CancelByCode { appointment, said } => self
                .said(*appointment, said, asked.arrived)
                .and_then(|booked| self.cancelled(*appointment, booked, asked.arrived)),
            Wish::SendAnew { appointment, said } => self.send_anew(*appointment, said, asked.arrived),
        };
        match decided {
            Ok((status, text, edits)) => (Verdict::Done { status, text }, edits),
            Err(no) => (no, Vec::new()),
        }
    }

    /// What must change when the engine frees a hold that it found due at an instant.
    pub fn expire(&self, id: HoldId, now: Timestamp) -> Vec<Edit> {
        match self.holds.get(&id) {
            Some(hold) if hold.status == HoldStatus::Held && now >= hold.expires_at + self.numbers.hold_grace => {
                end(id, hold, HoldStatus::Expired, "hold-expired", now)
            }
            _ => Vec::new(),
        }
    }

    fn place(&self, slots: &[SlotId], single: bool, asked: &Asked<'_>) -> Decided {
        let mut wanted: BTreeMap<SlotId, u32> = BTreeMap::new();
        for (n, slot) in slots.iter().enumerate() {
            let pointer = if single {
                "/slot".to_owned()
            } else {
                format!("/slots/{n}")
            };
            let place = self.places.get(slot).ok_or(Verdict::Invalid(pointer))?;
            not_begun(place, asked.arrived)?;
            *wanted.entry(*slot).or_default() += 1;
        }
        if let Some((slot, _)) = wanted.iter().find(|(slot, n)| self.free(**slot) < **n) {
            return Err(Refusal::SlotFull { slot: *slot }.into());
        }
        let id = asked.new_hold.expect("a wish for a hold has its id");
        let hold = Held {
            status: HoldStatus::Held,
            entries: slots.to_vec(),
            placed_at: asked.arrived,
            expires_at: asked.arrived + self.numbers.hold_lifetime,
            extensions_left: self.numbers.hold_extensions,
        };
        let text = hold_text(id, slots, hold.expires_at, hold.extensions_left, "held");
        let edits = vec![
            event("hold-placed", id.to_bytes(), slots.first().copied(), asked.arrived),
            Edit::Hold(id, hold),
        ];
        Ok((201, text, edits))
    }

    fn opened(&self, id: HoldId, token: &Secret) -> Option<&Held> {
        self.holds.get(&id).filter(|_| opens_hold(token, id))
    }

    fn extend(&self, id: HoldId, token: &Secret, now: Timestamp) -> Decided {
        let hold = self.opened(id, token).ok_or(Verdict::NotFound)?;
        usable(hold, now)?;
        if hold.extensions_left == 0 {
            return Err(Refusal::NoExtensionsLeft.into());
        }
        let mut longer = hold.clone();
        longer.extensions_left -= 1;
        if now + self.numbers.hold_lifetime > longer.expires_at {
            longer.expires_at = now + self.numbers.hold_lifetime;
        }
        let text = hold_text(id, &longer.entries, longer.expires_at, longer.extensions_left, "held");
        let edits = vec![
            event("hold-extended", id.to_bytes(), longer.entries.first().copied(), now),
            Edit::Hold(id, longer),
        ];
        Ok((201, text, edits))
    }

    fn give_back(&self, id: HoldId, token: &Secret, now: Timestamp) -> Decided {
        let hold = self.opened(id, token).ok_or(Verdict::NotFound)?;
        let edits = match hold.status {
            HoldStatus::Booked => return Err(Refusal::HoldEnded.into()),
            HoldStatus::Held => end(id, hold, HoldStatus::GivenBack, "hold-given-back", now),
            HoldStatus::GivenBack | HoldStatus::Expired => Vec::new(),
        };
        Ok((204, String::new(), edits))
    }

    fn book(&self, (id, token): (HoldId, &Secret), bookings: &[Named], single: bool, asked: &Asked<'_>) -> Decided {
        let now = asked.arrived;
        let hold = self
            .opened(id, token)
            .ok_or_else(|| Verdict::Invalid("/hold".to_owned()))?;
        usable(hold, now)?;
        let slots = assigned(hold, bookings, single)?;
        let mut made: Vec<(AppointmentId, Booked)> = Vec::new();
        for (n, (named, slot)) in bookings.iter().zip(&slots).enumerate() {
            let place = &self.places[slot];
            not_begun(place, now)?;
            if let Some(field) = wrong_answer(place.product, named.answered) {
                let of = if single {
                    String::new()
                } else {
                    format!("/bookings/{n}")
                };
                return Err(Verdict::Invalid(format!("{of}/answers{field}")));
            }
            let booked = Booked {
                status: Status::Booked,
                slot: *slot,
                hold: id,
                who: named.who,
                series: series_of(place.product),
                dose: named.dose,
                allergy: allergy(named),
                possible_duplicate: self.live().any(|(_, other)| is_same_dose(other, named, place)),
                booked_at: now,
                changed_at: now,
                sequence: 0,
                links_sent: 0,
                link_sent_at: None,
            };
            let mut known = self
                .live()
                .map(|(_, other)| other)
                .chain(made.iter().map(|(_, other)| other));
            if known.any(|other| is_same_dose(other, named, place) && share_contact(other, named.who)) {
                return Err(Refusal::AlreadyBooked.into());
            }
            made.push((asked.new_appointments[n], booked));
        }
        for (itself, booked) in &made {
            self.check_dose(*itself, booked, booked.slot, &made)?;
        }
        let texts: Vec<String> = made.iter().map(|(id, booked)| text_of(*id, booked)).collect();
        let mut edits = end(id, hold, HoldStatus::Booked, "hold-booked", now);
        edits.push(self.mails(made.iter().map(|(_, booked)| booked)));
        for (id, booked) in made {
            edits.push(event("appointment-booked", id.to_bytes(), Some(booked.slot), now));
            edits.push(Edit::Appointment(id, booked));
        }
        Ok((201, texts.join("; "), edits))
    }

    /// Whether this person may have this dose at `slot`, beside the doses that are known of her under a contact of hers.
    fn check_dose(
        &self,
        itself: AppointmentId,
        wanted: &Booked,
        slot: SlotId,
        made: &[(AppointmentId, Booked)],
    ) -> Result<(), Refusal> {
        let place = &self.places[&slot];
        let known = self.live().chain(made.iter().map(|(id, booked)| (id, booked)));
        let others: Vec<Other> = known
            .filter(|(id, other)| {
                **id != itself
                    && other.who.number == wanted.who.number
                    && other.series == wanted.series
                    && other.dose != wanted.dose
                    && share_contact(other, wanted.who)
            })
            .map(|(_, other)| Other {
                dose: other.dose,
                product: self.places[&other.slot].product,
                on: self.places[&other.slot].date,
            })
            .collect();
        let dose = (place.product, wanted.dose, place.date);
        may_have(wanted.who.number, dose, wanted.allergy, &others)
    }

    /// Everybody who gave an address is written to, once for all of hers.
    fn mails<'b>(&self, about: impl IntoIterator<Item = &'b Booked>) -> Edit {
        let has_address = |booked: &&Booked| booked.who.contacts.each().contains(&Contact::Email);
        let addressed: BTreeSet<u32> = about
            .into_iter()
            .filter(has_address)
            .map(|booked| booked.who.number)
            .collect();
        Edit::Messages(if self.numbers.sends_mail {
            addressed.len() as u64
        } else {
            0
        })
    }

    fn managed(&self, id: AppointmentId, token: &Secret, now: Timestamp) -> Result<&Booked, Verdict> {
        let opens = match token.opens {
            Opens::Appointment(of) => of == id,
            Opens::Helped(of, number) => of == id && self.is_live(id, number),
            Opens::Hold(_) | Opens::Said(..) | Opens::Nothing => false,
        };
        self.not_over(id, opens, now)
    }

    /// What a code and a birth date opened: that one, for its minutes.
    fn said(&self, id: AppointmentId, said: &Secret, now: Timestamp) -> Result<&Booked, Verdict> {
        let opens = match said.opens {
            Opens::Said(of, at) => of == id && at <= now && now <= at + self.numbers.code_lasts,
            _ => false,
        };
        self.not_over(id, opens, now)
    }

    fn not_over(&self, id: AppointmentId, opens: bool, now: Timestamp) -> Result<&Booked, Verdict> {
        let booked = self.appointments.get(&id).filter(|_| opens).ok_or(Verdict::NotFound)?;
        if now > self.places[&booked.slot].ends_at + self.numbers.link_lasts {
            return Err(Verdict::NotFound);
        }
        Ok(booked)
    }

    fn is_live(&self, id: AppointmentId, number: u32) -> bool {
        self.links
            .get(&(id, number))
            .is_some_and(|link| link.stopped_at.is_none())
    }

    /// Only the resident's own link shares and stops.
    fn owned(&self, id: AppointmentId, token: &Secret, now: Timestamp) -> Result<&Booked, Verdict> {
        if token.opens != Opens::Appointment(id) {
            return Err(Verdict::NotFound);
        }
        self.managed(id, token, now)
    }

    fn share(&self, id: AppointmentId, token: &Secret, now: Timestamp) -> Decided {
        let booked = self.owned(id, token, now)?;
        if booked.status != Status::Booked {
            return Err(Refusal::TooLate.into());
        }
        not_begun(&self.places[&booked.slot], now)?;
        let text = text_of(id, booked);
        let of_it: Vec<u32> = self.links.keys().filter(|(of, _)| *of == id).map(|(_, n)| *n).collect();
        if of_it.iter().filter(|number| self.is_live(id, **number)).count() >= self.numbers.links_shared {
            return Ok((200, text, Vec::new()));
        }
        let link = Shared {
            made_at: now,
            stopped_at: None,
        };
        let edits = vec![
            event("link-shared", id.to_bytes(), None, now),
            Edit::Link(id, of_it.len() as u32 + 1, link),
        ];
        Ok((200, text, edits))
    }

    fn stop_link(&self, (id, number): (AppointmentId, u32), token: &Secret, now: Timestamp) -> Decided {
        let booked = self.owned(id, token, now)?;
        let link = *self.links.get(&(id, number)).ok_or(Verdict::NotFound)?;
        let text = text_of(id, booked);
        if link.stopped_at.is_some() {
            return Ok((200, text, Vec::new()));
        }
        let stopped = Shared {
            stopped_at: Some(now),
            ..link
        };
        let edits = vec![
            event("link-stopped", id.to_bytes(), None, now),
            Edit::Link(id, number, stopped),
        ];
        Ok((200, text, edits))
    }

    fn cancel(&self, id: AppointmentId, token: &Secret, now: Timestamp) -> Decided {
        let booked = self.managed(id, token, now)?;
        self.cancelled(id, booked, now)
    }

    fn cancelled(&self, id: AppointmentId, booked: &Booked, now: Timestamp) -> Decided {
        if booked.status == Status::Cancelled {
            return Ok((200, text_of(id, booked), Vec::new()));
        }
        not_begun(&self.places[&booked.slot], now)?;
        let mut cancelled = booked.clone();
        cancelled.status = Status::Cancelled;
        (cancelled.changed_at, cancelled.sequence) = (now, booked.sequence + 1);
        let text = text_of(id, &cancelled);
        let edits = vec![
            self.mails([booked]),
            event("appointment-cancelled", id.to_bytes(), Some(booked.slot), now),
            Edit::Appointment(id, cancelled),
        ];
        Ok((200, text, edits))
    }

    /// A new link goes to the address on file, where there is one and none was sent just before.
    fn send_anew(&self, id: AppointmentId, said: &Secret, now: Timestamp) -> Decided {
        let booked = self.said(id, said, now)?;
        let text = text_of(id, booked);
        let by_mail = self.numbers.sends_mail && booked.who.contacts.each().contains(&Contact::Email);
        let is_early = booked
            .link_sent_at
            .is_some_and(|sent| now.since(sent) < self.numbers.link_anew);
        if booked.status != Status::Booked || !by_mail || is_early {
            return Ok((200, text, Vec::new()));
        }
        let mut anew = booked.clone();
        (anew.links_sent, anew.link_sent_at) = (booked.links_sent + 1, Some(now));
        let edits = vec![
            Edit::Messages(1),
            event("link-sent-anew", id.to_bytes(), None, now),
            Edit::Appointment(id, anew),
        ];
        Ok((200, text, edits))
    }

    fn reschedule(
        &self,
        (id, token): (AppointmentId, &Secret),
        (hold_id, hold_token): (HoldId, &Secret),
        now: Timestamp,
    ) -> Decided {
        let booked = self.managed(id, token, now)?;
        let hold = self
            .opened(hold_id, hold_token)
            .ok_or_else(|| Verdict::Invalid("/hold".to_owned()))?;
        if booked.status != Status::Booked {
            return Err(Refusal::TooLate.into());
        }
        not_begun(&self.places[&booked.slot], now)?;
        usable(hold, now)?;
        let [slot] = hold.entries[..] else {
            return Err(Verdict::Invalid("/hold".to_owned()));
        };
        not_begun(&self.places[&slot], now)?;
        if series_of(self.places[&slot].product) != booked.series {
            return Err(Refusal::WrongVaccine.into());
        }
        self.check_dose(id, booked, slot, &[])?;
        let mut moved = booked.clone();
        (moved.slot, moved.hold) = (slot, hold_id);
        (moved.changed_at, moved.sequence) = (now, booked.sequence + 1);
        let text = text_of(id, &moved);
        let mut edits = end(hold_id, hold, HoldStatus::Booked, "hold-booked", now);
        edits.push(self.mails([booked]));
        edits.push(event("appointment-moved", id.to_bytes(), Some(slot), now));
        edits.push(Edit::Appointment(id, moved));
        Ok((200, text, edits))
    }
}

fn not_begun(place: &Place, now: Timestamp) -> Result<(), Refusal> {
    if now < place.starts_at {
        Ok(())
    } else {
        Err(Refusal::TooLate)
    }
}

fn usable(hold: &Held, now: Timestamp) -> Result<(), Refusal> {
    let is_over = match hold.status {
        HoldStatus::Booked | HoldStatus::GivenBack => return Err(Refusal::HoldEnded),
        HoldStatus::Expired => true,
        HoldStatus::Held => hold.expires_at <= now,
    };
    if is_over {
        let (slot, at) = (hold.entries[0], hold.expires_at);
        return Err(Refusal::HoldExpired { slot, at });
    }
    Ok(())
}

fn end(id: HoldId, hold: &Held, status: HoldStatus, kind: &'static str, now: Timestamp) -> Vec<Edit> {
    let ended = Held { status, ..hold.clone() };
    vec![
        event(kind, id.to_bytes(), hold.entries.first().copied(), now),
        Edit::Hold(id, ended),
    ]
}

/// Which slot each booking gets: every entry of the hold exactly once.
fn assigned(hold: &Held, bookings: &[Named], single: bool) -> Result<Vec<SlotId>, Verdict> {
    if bookings.len() != hold.entries.len() {
        let pointer = if single { "/hold" } else { "/bookings" };
        return Err(Verdict::Invalid(pointer.to_owned()));
    }
    let slots: Vec<SlotId> = bookings
        .iter()
        .map(|named| named.slot.unwrap_or(hold.entries[0]))
        .collect();
    for (n, slot) in slots.iter().enumerate() {
        let times = |among: &[SlotId]| among.iter().filter(|other| *other == slot).count();
        if times(&slots[..=n]) > times(&hold.entries) {
            return Err(Verdict::Invalid(format!("/bookings/{n}/slot")));
        }
    }
    Ok(slots)
}

fn is_same_dose(other: &Booked, named: &Named, place: &Place) -> bool {
    other.who.number == named.who.number && other.series == series_of(place.product) && other.dose == named.dose
}

fn share_contact(other: &Booked, who: crate::people::Spelled) -> bool {
    let theirs = other.who.contacts.each();
    who.contacts.each().iter().any(|contact| theirs.contains(contact))
}

/// How an appointment of the model reads.
pub fn text_of(id: AppointmentId, booked: &Booked) -> String {
    let given_name = booked.who.person().given_name;
    appointment_text(
        id,
        booked.status.code(),
        booked.slot,
        (booked.series, booked.dose),
        (booked.changed_at, booked.sequence),
        &given_name,
    )
}
