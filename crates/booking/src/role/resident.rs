//! All that a resident may do, without an account: hold, book, and by the secret of a personal link see, cancel, move.
//! Whoever holds this handle can do nothing else.

use super::wanted::{Maker, Wanted};
use crate::committer::{Task, appointment_seen, hold_seen, is_todays, opened_by, shared_token};
use crate::engine::{
    AppointmentSeen, Ask, BookingRequest, Engine, FoundByCode, HoldSeen, Reply, SaidCode, SharedSeen, Whose, count,
};
use crate::{limit, records};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::{Date, Timestamp};
use database::{Broken, Connection};
use runtime::clock::Clock;
use runtime::secret::KeyRing;
use scheduling::resident::code::Code;
use scheduling::resident::personal_link::{HOLD_GENERATION, Purpose, SharedLink, code_counts, is_over};
use std::collections::BTreeMap;
use std::time::Duration;

/// A resident's handle on the engine.
#[derive(Clone)]
pub struct Resident {
    engine: Engine,
    maker: Maker,
}

impl Resident {
    /// A handle.
    pub fn new(engine: Engine) -> Self {
        let maker = Maker::new(engine.keys(), engine.clock(), engine.entropy());
        Self { engine, maker }
    }

    /// Keeps places, all or none: one slot asked for as such, or a list.
    pub async fn place_hold(&self, slots: Vec<SlotId>, single: bool, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.place_hold(slots, single), ask).await
    }

    /// Keeps them longer.
    pub async fn extend_hold(&self, hold: HoldId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.extend_hold(hold, token), ask).await
    }

    /// Gives them back.
    pub async fn give_back_hold(&self, hold: HoldId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.give_back_hold(hold, token), ask).await
    }

    /// Turns a hold into appointments, exactly one per entry, all or none.
    pub async fn book(
        &self,
        hold: HoldId,
        token: &str,
        bookings: Vec<BookingRequest>,
        single: bool,
        ask: Ask,
    ) -> Result<Reply, Fault> {
        self.ask(self.maker.book(hold, token, bookings, single), ask).await
    }

    /// Cancels an appointment.
    pub async fn cancel(&self, appointment: AppointmentId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.cancel(appointment, token), ask).await
    }

    /// Moves an appointment to what a hold keeps.
    pub async fn reschedule(
        &self,
        appointment: AppointmentId,
        token: &str,
        hold: HoldId,
        hold_token: &str,
        ask: Ask,
    ) -> Result<Reply, Fault> {
        let wanted = self.maker.reschedule(appointment, token, hold, hold_token);
        self.ask(wanted, ask).await
    }

    /// An appointment; `None` for an unknown one, a wrong token, and links that are over alike.
    pub async fn see_appointment(&self, id: AppointmentId, token: &str) -> Result<Option<AppointmentSeen>, Fault> {
        let (keys, token) = (self.engine.keys().clone(), token.to_owned());
        let (now, lasts) = self.now_and_lasts();
        let read = self
            .engine
            .inner()
            .reader
            .read(move |connection| read_appointment(connection, &keys, (id, token), (now, lasts)));
        let seen = read.await?;
        if seen.is_some() {
            self.note_read(id);
        }
        Ok(seen)
    }

    /// Finds an appointment by its code and its resident's birth date; `None` where either is wrong, and where its
    /// links are over.
    pub async fn find_by_code(&self, code: Code, born: Date) -> Result<Option<FoundByCode>, Fault> {
        let keys = self.engine.keys().clone();
        let until = self.now_and_lasts();
        let read = self
            .engine
            .inner()
            .reader
            .read(move |connection| read_by_code(connection, &keys, (code, born), until));
        let found = read.await?;
        if let Some(found) = &found {
            self.note_read(found.seen.id);
        }
        Ok(found)
    }

    /// An appointment whose code and birth date were said some minutes ago; `None` once that is too long ago.
    pub async fn see_by_code(&self, id: AppointmentId, said: SaidCode) -> Result<Option<FoundByCode>, Fault> {
        let keys = self.engine.keys().clone();
        let (now, lasts) = self.now_and_lasts();
        let counts = self.engine.settings().duration(&limit::CODE_LASTS);
        if !said.opens(id, &keys) || !code_counts(said.at, counts, now) {
            return Ok(None);
        }
        let read = self.engine.inner().reader.read(move |connection| {
            let mut tx = connection.begin_read()?;
            let Some(appointment) = records::appointment::load(&mut tx, id)? else {
                return Ok(None);
            };
            let details = records::resident::load(&mut tx, appointment.resident, &keys)?;
            let slot = records::slot::load(&mut tx, appointment.slot)?;
            let slot = slot.filter(|slot| !is_over(slot.ends_at, lasts, now));
            Ok(slot.map(|slot| FoundByCode {
                seen: appointment_seen(&appointment, &slot, details.as_ref(), &keys),
                said,
                link_sent_at: appointment.link_sent_at,
            }))
        });
        let found = read.await?;
        if found.is_some() {
            self.note_read(id);
        }
        Ok(found)
    }

    /// Cancels an appointment whose code and birth date were said.
    pub async fn cancel_by_code(&self, appointment: AppointmentId, said: SaidCode, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.cancel_by_code(appointment, said), ask).await
    }

    /// Ends an appointment's own link and sends a new one to the e-mail address on file, where there is one and none
    /// was sent just before.
    pub async fn send_link_anew(&self, appointment: AppointmentId, said: SaidCode, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.send_link_anew(appointment, said), ask).await
    }

    /// Makes a link for somebody who helps.
    pub async fn share_link(&self, appointment: AppointmentId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.ask(self.maker.share_link(appointment, token), ask).await
    }

    /// Stops such a link.
    pub async fn stop_link(
        &self,
        appointment: AppointmentId,
        token: &str,
        number: u32,
        ask: Ask,
    ) -> Result<Reply, Fault> {
        self.ask(self.maker.stop_link(appointment, token, number), ask).await
    }

    /// For the audit chain: that this appointment was read, not by whom.
    fn note_read(&self, id: AppointmentId) {
        if !self.engine.inner().reads.note(id, self.engine.clock().now()) {
            count(&self.engine.counters().reads_unaudited, 1);
        }
    }

    fn now_and_lasts(&self) -> (Timestamp, Duration) {
        let lasts = self.engine.settings().duration(&limit::LINK_LASTS);
        (self.engine.clock().now(), lasts)
    }

    /// A hold; `None` for an unknown one and a wrong token alike.
    pub async fn see_hold(&self, id: HoldId, token: &str) -> Result<Option<HoldSeen>, Fault> {
        let (keys, token) = (self.engine.keys().clone(), token.to_owned());
        if !opens_hold(&keys, id, &token) {
            return Ok(None);
        }
        let read = self
            .engine
            .inner()
            .reader
            .read(move |connection| read_hold(connection, &keys, id, &token));
        read.await
    }

    async fn ask(&self, wanted: Wanted, ask: Ask) -> Result<Reply, Fault> {
        self.engine.submit(task_of(wanted, ask, self.engine.clock())).await
    }
}

/// An appointment as its link shows it now.
pub(crate) fn read_appointment(
    connection: &mut Connection,
    keys: &KeyRing,
    (id, token): (AppointmentId, String),
    (now, lasts): (Timestamp, Duration),
) -> Result<Option<AppointmentSeen>, Broken> {
    let mut tx = connection.begin_read()?;
    let Some(appointment) = records::appointment::load(&mut tx, id)? else {
        return Ok(None);
    };
    let mut shared = Vec::new();
    records::shared_link::of_appointment(&mut tx, id, |link| shared.push(link))?;
    let on_their_way = records::outbox::links_on_their_way(&mut tx, &appointment)?;
    let Some(whose) = opened_by(&token, &appointment, on_their_way, shared.iter(), keys) else {
        return Ok(None);
    };
    let details = records::resident::load(&mut tx, appointment.resident, keys)?;
    let slot = records::slot::load(&mut tx, appointment.slot)?;
    let slot = slot.filter(|slot| !is_over(slot.ends_at, lasts, now));
    Ok(slot.map(|slot| {
        let seen = appointment_seen(&appointment, &slot, details.as_ref(), keys);
        AppointmentSeen {
            // Nobody is told another secret than theirs: not whoever helps, nor who came by a link that is about to end.
            manage_token: if is_todays(&token, &appointment, keys) {
                seen.manage_token
            } else {
                token
            },
            opened_by: whose,
            shared: shared_seen(&shared, whose, keys),
            ..seen
        }
    }))
}

/// A hold as its token shows it.
pub(crate) fn read_hold(
    connection: &mut Connection,
    keys: &KeyRing,
    id: HoldId,
    token: &str,
) -> Result<Option<HoldSeen>, Broken> {
    if !opens_hold(keys, id, token) {
        return Ok(None);
    }
    let mut tx = connection.begin_read()?;
    let Some(hold) = records::hold::load(&mut tx, id)? else {
        return Ok(None);
    };
    let mut slots = BTreeMap::new();
    for slot in &hold.entries {
        slots.extend(records::slot::load(&mut tx, *slot)?.map(|row| (*slot, row)));
    }
    Ok(Some(hold_seen(&hold, |slot| slots.get(&slot), keys)))
}

fn opens_hold(keys: &KeyRing, id: HoldId, token: &str) -> bool {
    keys.token_matches(token, Purpose::UseHold.word(), &id.to_bytes(), HOLD_GENERATION)
}

/// A command on its way to the committer.
pub(crate) fn task_of(wanted: Wanted, ask: Ask, clock: &Clock) -> Task {
    let deadline_at = clock.monotonic() + ask.deadline;
    Task::new(
        wanted.command,
        wanted.tokens,
        ask.arrived,
        deadline_at,
        ask.key.as_ref(),
        ask.render,
    )
}

/// What [`Resident::find_by_code`] reads.
pub(crate) fn read_by_code(
    connection: &mut Connection,
    keys: &KeyRing,
    (code, born): (Code, Date),
    (now, lasts): (Timestamp, Duration),
) -> Result<Option<FoundByCode>, Broken> {
    let number = code.number(|round, half| keys.keyed_small(round, half));
    let mut tx = connection.begin_read()?;
    let Some(appointment) = records::appointment::by_code(&mut tx, number)? else {
        return Ok(None);
    };
    let details = records::resident::load(&mut tx, appointment.resident, keys)?;
    let details = details.filter(|details| details.person.birth_date == born);
    let slot = records::slot::load(&mut tx, appointment.slot)?;
    let slot = slot.filter(|slot| !is_over(slot.ends_at, lasts, now));
    let (Some(slot), Some(details)) = (slot, details) else {
        return Ok(None);
    };
    Ok(Some(FoundByCode {
        seen: appointment_seen(&appointment, &slot, Some(&details), keys),
        said: SaidCode::new(appointment.id, now, keys),
        link_sent_at: appointment.link_sent_at,
    }))
}

/// Whoever was given a link sees no other one.
fn shared_seen(links: &[SharedLink], whose: Whose, keys: &KeyRing) -> Vec<SharedSeen> {
    let live = links.iter().filter(|link| link.is_live() && whose == Whose::Resident);
    live.map(|link| SharedSeen {
        number: link.number,
        token: shared_token(link, keys),
        made_at: link.made_at,
    })
    .collect()
}
