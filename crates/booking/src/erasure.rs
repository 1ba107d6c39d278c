//! Erases a person from one appointment: details and their salt, what the person could be recognised by, live doses,
//! stored answers. The appointment itself stays, so that counts agree, and the audit chain stays whole: it commits to the
//! details by a hash that is worthless without the salt. One function for the operator and for the end of retention.

use crate::availability::change_feed::read_rules;
use crate::conflict::again;
use crate::limit;
use crate::move_pause;
use crate::records::audit::{Head, Link};
use crate::records::change::Change;
use crate::records::{self, appointment, live_dose, outcome, resident};
use crate::sealing::committed;
use base::id::{AppointmentId, SlotId};
use base::limit::Settings;
use base::time::Timestamp;
use database::{Broken, Connection, Transaction};
use runtime::secret::KeyRing;
use scheduling::clinic::slot::Slot;
use scheduling::command::{Command, Proof};
use scheduling::decide::{Circumstances, Limits, Outcome, decide};
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use scheduling::resident::appointment::{Appointment, Status};
use scheduling::resident::code::Code;
use scheduling::resident::identity::Identity;
use scheduling::working_set::WorkingSet;
use std::time::Duration;

/// The audit chain of erasures. All processes share it, and whoever erases has its end before anything else.
pub const CHAIN: &str = "erasure";
/// Answers may be stored a little later than their request arrived; more than any deadline.
const ANSWER_DELAY: Duration = Duration::from_mins(2);

/// Which appointment.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// By its id.
    Appointment(AppointmentId),
    /// By what people say on the telephone.
    Code(Code),
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Of which appointment.
    pub appointment: AppointmentId,
    /// Whether there was still anything to erase.
    pub was_there: bool,
    /// Whether the appointment was cancelled for it.
    pub cancelled: bool,
    /// Stored answers that went with it.
    pub answers: usize,
    /// Other appointments of the same names, birth date and contact: still as they were.
    pub others: Vec<AppointmentId>,
}

/// Why nothing was erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such appointment.
    #[error("there is no such appointment")]
    Unknown,
    /// It is still to come.
    #[error("{appointment} is still to come ({starts_at}): cancel it first, or with --cancel")]
    StillToCome {
        /// Which.
        appointment: AppointmentId,
        /// When.
        starts_at: Timestamp,
    },
    /// It is taking place.
    #[error("{appointment} has begun: it can be erased after {ends_at}")]
    HasBegun {
        /// Which.
        appointment: AppointmentId,
        /// Until when.
        ends_at: Timestamp,
    },
}

/// Erases the person of one appointment; again has no effect.
pub fn erase(
    connection: &mut Connection,
    keys: &KeyRing,
    which: Which,
    cancel: bool,
    now: Timestamp,
) -> Result<Result<Erased, Refused>, Broken> {
    again(|| erase_once(connection, keys, which, cancel, now))
}

fn erase_once(
    connection: &mut Connection,
    keys: &KeyRing,
    which: Which,
    cancel: bool,
    now: Timestamp,
) -> Result<Result<Erased, Refused>, Broken> {
    // What needs a look at many rows is found outside of the writers' lock.
    let mut tx = connection.begin_read()?;
    let id = match which {
        Which::Appointment(id) => Some(id),
        Which::Code(code) => appointment::of_code(&mut tx, code.number(|round, half| keys.keyed_small(round, half)))?,
    };
    let Some(before) = id.map(|id| appointment::load(&mut tx, id)).transpose()?.flatten() else {
        return Ok(Err(Refused::Unknown));
    };
    let mut erased = Erased {
        appointment: before.id,
        was_there: false,
        cancelled: false,
        answers: 0,
        others: others(&mut tx, &before)?,
    };
    let mut answers = answers_about(&mut tx, before.id, Timestamp::default())?;
    drop(tx);

    let mut tx = move_pause::begin(connection)?;
    let mut head = records::audit::shared_head(&mut tx, CHAIN)?;
    let (mut appointment, mut slot) = (None, None);
    records::slot::lock(&mut tx, &[before.slot], |row| slot = Some(row))?;
    appointment::lock(&mut tx, &[before.id], |row| appointment = Some(row))?;
    let (Some(appointment), Some(slot)) = (appointment, slot) else {
        return Ok(Err(Refused::Unknown));
    };
    if appointment.slot != slot.id {
        return Err(Broken::Conflict("the appointment was moved meanwhile".to_owned()));
    }
    if is_erased(&appointment) {
        return Ok(Ok(erased));
    }
    let appointment = match ended(&mut tx, appointment, &slot, cancel, &mut head, now)? {
        Ok((appointment, cancelled)) => {
            erased.cancelled = cancelled;
            appointment
        }
        Err(refused) => return Ok(Err(refused)),
    };
    answers.extend(answers_about(&mut tx, appointment.id, now - ANSWER_DELAY)?);
    for key in &answers {
        erased.answers += outcome::forget(&mut tx, key)?;
    }
    forget(&mut tx, &appointment, &mut head, now)?;
    erased.was_there = true;
    committed(tx)?;
    Ok(Ok(erased))
}

/// Whether an appointment's person is erased: nobody's hash is nothing.
pub fn is_erased(appointment: &Appointment) -> bool {
    appointment.identity == Identity::default()
}

/// An appointment that is over in one way or another: as it is, or cancelled now.
fn ended(
    tx: &mut Transaction<'_>,
    appointment: Appointment,
    slot: &Slot,
    cancel: bool,
    head: &mut Head,
    now: Timestamp,
) -> Result<Result<(Appointment, bool), Refused>, Broken> {
    let id = appointment.id;
    if !matches!(appointment.status, Status::Booked | Status::Arrived) || slot.ends_at <= now {
        return Ok(Ok((appointment, false)));
    }
    if !cancel {
        return Ok(Err(Refused::StillToCome {
            appointment: id,
            starts_at: slot.starts_at,
        }));
    }
    Ok(match cancelled(tx, appointment, slot, head, now)? {
        Some(appointment) => Ok((appointment, true)),
        None => Err(Refused::HasBegun {
            appointment: id,
            ends_at: slot.ends_at,
        }),
    })
}

/// Cancels by the rules that hold for everybody; nothing where they say no.
fn cancelled(
    tx: &mut Transaction<'_>,
    appointment: Appointment,
    slot: &Slot,
    head: &mut Head,
    now: Timestamp,
) -> Result<Option<Appointment>, Broken> {
    let (id, settings) = (appointment.id, Settings::default());
    let rules = read_rules(tx)?;
    let at = Circumstances {
        now,
        rules: &rules,
        // None of them concerns a cancellation.
        limits: Limits {
            hold_lifetime: settings.duration(&limit::HOLD_LIFETIME),
            hold_extensions: settings.get(&limit::HOLD_EXTENSIONS) as u32,
            hold_grace: settings.duration(&limit::HOLD_GRACE),
            link_lasts: settings.duration(&limit::LINK_LASTS),
            links_shared: settings.get(&limit::LINKS_SHARED) as u32,
            link_anew_every: settings.duration(&limit::LINK_ANEW),
        },
        // Whoever is erased is told nothing more.
        sends_mail: false,
    };
    let mut set = WorkingSet::default();
    set.slots.insert(slot.id, slot.clone());
    set.appointments.insert(id, appointment);
    let proof = Proof {
        hold: false,
        appointment: true,
        own_link: true,
        by_code: false,
    };
    let decision = decide(&Command::Cancel { appointment: id }, proof, &set, &at);
    if !matches!(decision.outcome, Outcome::Done(_)) {
        return Ok(None);
    }
    let events = set
        .apply(decision.effects)
        .expect("a cancellation takes no place that is not free");
    for event in &events {
        records::audit::insert(tx, [&Link::forge(CHAIN, head, event, None, 0, None)])?;
    }
    for (key, _) in &set.touched.live_doses {
        live_dose::fall(tx, key)?;
    }
    records::slot::save_counters(tx, set.touched.slots.iter().map(|id| &set.slots[id]))?;
    tell_followers(tx, set.touched.slots.iter().copied().collect(), now)?;
    let appointment = set
        .appointments
        .remove(&id)
        .expect("the appointment that was cancelled");
    appointment::save(tx, [&appointment])?;
    Ok(Some(appointment))
}

fn tell_followers(tx: &mut Transaction<'_>, slots: Vec<SlotId>, now: Timestamp) -> Result<(), Broken> {
    let change = Change {
        sequence: records::change::position(tx)?,
        slots,
        clinics: Vec::new(),
    };
    records::change::insert(tx, &change, now)
}

/// Removes everything of a person from an appointment that is over, and leaves an AuditEvent at `head`.
pub(crate) fn forget(
    tx: &mut Transaction<'_>,
    appointment: &Appointment,
    head: &mut Head,
    now: Timestamp,
) -> Result<(), Broken> {
    if appointment.status.is_live() {
        for key in appointment.dose_keys() {
            live_dose::fall(tx, &key)?;
        }
    }
    resident::erase(tx, appointment.resident)?;
    appointment::forget_person(tx, appointment.id)?;
    records::outbox::erase_about(tx, appointment.id)?;
    let event = AuditEvent {
        kind: AuditKind::ResidentErased,
        subject: Subject::Appointment(appointment.id),
        slot: Some(appointment.slot),
        at: now,
        count: 1,
    };
    records::audit::insert(tx, [&Link::forge(CHAIN, head, &event, None, 0, None)])
}

/// Keys of stored answers that tell of an appointment.
fn answers_about(tx: &mut Transaction<'_>, id: AppointmentId, since: Timestamp) -> Result<Vec<Vec<u8>>, Broken> {
    let (mut keys, id) = (Vec::new(), id.to_bytes());
    outcome::subjects_since(tx, since, |key, subjects| {
        if subjects.chunks_exact(16).any(|subject| subject == id) {
            keys.push(key);
        }
    })?;
    Ok(keys)
}

fn others(tx: &mut Transaction<'_>, one: &Appointment) -> Result<Vec<AppointmentId>, Broken> {
    let mut others = Vec::new();
    if is_erased(one) {
        return Ok(others);
    }
    appointment::of_person(tx, one.identity.person, |other| {
        let same = other
            .identity
            .contacts
            .iter()
            .any(|contact| one.identity.shares_contact(*contact));
        if same && other.id != one.id {
            others.push(other.id);
        }
    })?;
    Ok(others)
}
