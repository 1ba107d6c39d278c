//! All that a resident may do, without an account: hold, book, and by the secret of a personal link see, cancel, move.
//! Whoever holds this handle can do nothing else.

use crate::committer::{Task, Tokens, appointment_seen, hold_seen};
use crate::engine::{AppointmentSeen, Ask, BookingRequest, Engine, HoldSeen, Reply};
use crate::records;
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, Id, SlotId};
use database::{Broken, Connection};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use scheduling::command::{Booking, Command};
use scheduling::resident::identity::{Fingerprint, Identity, contact_texts, person_text};
use scheduling::resident::person::Person;
use scheduling::resident::personal_link::{HOLD_GENERATION, Purpose};
use std::collections::BTreeMap;

/// A command with the secrets that came with it.
pub struct Wanted {
    /// What is wanted; ids of what it would make are minted.
    pub command: Command,
    pub(crate) tokens: Tokens,
}

/// Makes commands of what a resident asks: mints ids, hashes who somebody is.
#[derive(Clone)]
pub struct Maker {
    keys: KeyRing,
    clock: Clock,
    entropy: Entropy,
}

impl Maker {
    pub(crate) fn new(keys: &KeyRing, clock: &Clock, entropy: &Entropy) -> Self {
        Self {
            keys: keys.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        }
    }

    /// To keep places, all or none: one slot asked for as such, or a list.
    pub fn place_hold(&self, slots: Vec<SlotId>, single: bool) -> Wanted {
        let hold = self.mint();
        Wanted {
            command: Command::PlaceHold { hold, slots, single },
            tokens: Tokens::default(),
        }
    }

    /// To keep them longer.
    pub fn extend_hold(&self, hold: HoldId, token: &str) -> Wanted {
        Wanted {
            command: Command::ExtendHold { hold },
            tokens: opens_hold(token),
        }
    }

    /// To give them back.
    pub fn give_back_hold(&self, hold: HoldId, token: &str) -> Wanted {
        Wanted {
            command: Command::GiveBackHold { hold },
            tokens: opens_hold(token),
        }
    }

    /// To turn a hold into appointments.
    pub fn book(&self, hold: HoldId, token: &str, bookings: Vec<BookingRequest>, single: bool) -> Wanted {
        let bookings = bookings.into_iter().map(|request| self.booking(request)).collect();
        Wanted {
            command: Command::Book { hold, bookings, single },
            tokens: opens_hold(token),
        }
    }

    /// To cancel an appointment.
    pub fn cancel(&self, appointment: AppointmentId, token: &str) -> Wanted {
        let tokens = Tokens {
            appointment: Some(token.to_owned()),
            ..Tokens::default()
        };
        Wanted {
            command: Command::Cancel { appointment },
            tokens,
        }
    }

    /// To move an appointment to what a hold keeps.
    pub fn reschedule(&self, appointment: AppointmentId, token: &str, hold: HoldId, hold_token: &str) -> Wanted {
        let tokens = Tokens {
            appointment: Some(token.to_owned()),
            hold: Some(hold_token.to_owned()),
            ..Tokens::default()
        };
        Wanted {
            command: Command::Reschedule { appointment, hold },
            tokens,
        }
    }

    fn mint<Of>(&self) -> Id<Of> {
        Id::from_bits(self.entropy.uuid_v7(self.clock.now()))
    }

    fn booking(&self, request: BookingRequest) -> Booking {
        let identity = self.identity(&request.resident);
        Booking {
            appointment: self.mint(),
            resident: self.mint(),
            slot: request.slot,
            person: request.resident,
            identity,
            answers: request.answers,
            dose: request.dose,
        }
    }

    fn identity(&self, person: &Person) -> Identity {
        let hash = |purpose: &str, text: &str| -> Fingerprint {
            let hash = self.keys.keyed_hash(purpose, text.as_bytes());
            hash[..8].try_into().expect("a hash is longer than a fingerprint")
        };
        let names = person_text(person);
        // The contact is hashed together with the person: families share telephones, and must not be linked by them.
        let contacts = contact_texts(person)
            .iter()
            .map(|contact| hash("contact", &format!("{names}|{contact}")))
            .collect();
        Identity {
            person: hash("person", &names),
            contacts,
        }
    }
}

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
        self.submit(self.maker.place_hold(slots, single), ask).await
    }

    /// Keeps them longer.
    pub async fn extend_hold(&self, hold: HoldId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.submit(self.maker.extend_hold(hold, token), ask).await
    }

    /// Gives them back.
    pub async fn give_back_hold(&self, hold: HoldId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.submit(self.maker.give_back_hold(hold, token), ask).await
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
        self.submit(self.maker.book(hold, token, bookings, single), ask).await
    }

    /// Cancels an appointment.
    pub async fn cancel(&self, appointment: AppointmentId, token: &str, ask: Ask) -> Result<Reply, Fault> {
        self.submit(self.maker.cancel(appointment, token), ask).await
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
        self.submit(wanted, ask).await
    }

    /// An appointment; `None` for an unknown one and a wrong token alike.
    pub async fn see_appointment(&self, id: AppointmentId, token: &str) -> Result<Option<AppointmentSeen>, Fault> {
        let (keys, token) = (self.engine.keys().clone(), token.to_owned());
        let read = self
            .engine
            .inner()
            .reader
            .read(move |connection| read_appointment(connection, &keys, id, &token));
        read.await
    }

    /// A hold; `None` for an unknown one and a wrong token alike.
    pub async fn see_hold(&self, id: HoldId, token: &str) -> Result<Option<HoldSeen>, Fault> {
        let (keys, token) = (self.engine.keys().clone(), token.to_owned());
        if !opens(&keys, id, &token) {
            return Ok(None);
        }
        let read = self
            .engine
            .inner()
            .reader
            .read(move |connection| read_hold(connection, &keys, id, &token));
        read.await
    }

    async fn submit(&self, wanted: Wanted, ask: Ask) -> Result<Reply, Fault> {
        self.engine.submit(task_of(wanted, ask, self.engine.clock())).await
    }
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

pub(crate) fn read_appointment(
    connection: &mut Connection,
    keys: &KeyRing,
    id: AppointmentId,
    token: &str,
) -> Result<Option<AppointmentSeen>, Broken> {
    let mut tx = connection.begin_read()?;
    let Some(appointment) = records::appointment::load(&mut tx, id)? else {
        return Ok(None);
    };
    let purpose = Purpose::ManageAppointment.word();
    if !keys.token_matches(token, purpose, &id.to_bytes(), appointment.generation) {
        return Ok(None);
    }
    let details = records::resident::load(&mut tx, appointment.resident)?;
    let slot = records::slot::load(&mut tx, appointment.slot)?;
    Ok(slot.map(|slot| appointment_seen(&appointment, &slot, details.as_ref(), keys)))
}

pub(crate) fn read_hold(
    connection: &mut Connection,
    keys: &KeyRing,
    id: HoldId,
    token: &str,
) -> Result<Option<HoldSeen>, Broken> {
    if !opens(keys, id, token) {
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

fn opens(keys: &KeyRing, id: HoldId, token: &str) -> bool {
    keys.token_matches(token, Purpose::UseHold.word(), &id.to_bytes(), HOLD_GENERATION)
}

fn opens_hold(token: &str) -> Tokens {
    Tokens {
        hold: Some(token.to_owned()),
        ..Tokens::default()
    }
}
