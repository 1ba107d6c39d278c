//! A slot (FHIR Slot) and its places. Keeps `never_over_capacity`: places are taken only where they are free, and
//! change hands (held → booked) without being counted twice. Pure.

use super::session::Session;
use crate::rules::product::Cvx;
use base::id::{ClinicId, SessionId, SlotId};
use base::time::{Date, Time, Timestamp, Zone};
use std::time::Duration;

/// An appointment time with a number of places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its id: start and session, so that ids grow with time.
    pub id: SlotId,
    /// Where.
    pub clinic: ClinicId,
    /// Part of which session.
    pub session: SessionId,
    /// What is given.
    pub product: Cvx,
    /// The clinic's local date, by which ages are counted.
    pub date: Date,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// How many can come.
    pub capacity: u32,
    /// Places kept by live holds.
    pub held: u32,
    /// Places of live appointments.
    pub booked: u32,
}

/// A change of counters that the places do not allow: a bug, never an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverCapacity;

impl Slot {
    /// Places that anybody may take.
    pub fn free(&self) -> u32 {
        self.capacity.saturating_sub(self.held + self.booked)
    }
    /// Whether it has begun.
    pub fn has_begun(&self, now: Timestamp) -> bool {
        now >= self.starts_at
    }
    /// Changes the counters, or says that they would no longer be true.
    pub fn shift(&mut self, held: i32, booked: i32) -> Result<(), OverCapacity> {
        let held = self.held.checked_add_signed(held).ok_or(OverCapacity)?;
        let booked = self.booked.checked_add_signed(booked).ok_or(OverCapacity)?;
        if held.checked_add(booked).ok_or(OverCapacity)? > self.capacity {
            return Err(OverCapacity);
        }
        (self.held, self.booked) = (held, booked);
        Ok(())
    }
}

/// The id of the slot of a session that starts at an instant: the start in the high half, so that stored order is the
/// order of time, and the session in the low half.
pub fn slot_id(session: SessionId, starts_at: Timestamp) -> SlotId {
    let bits = session.bits();
    SlotId::from_bits((u128::from(starts_at.micros() as u64) << 64) | ((bits >> 64) ^ bits) & u128::from(u64::MAX))
}

/// The smallest id that a slot starting at an instant or later can have.
pub fn first_slot_id_from(instant: Timestamp) -> SlotId {
    SlotId::from_bits(u128::from(instant.micros().max(0) as u64) << 64)
}

/// The slots of a session: as many of so many minutes as fit between two times of the clinic's clock. Where the clock is
/// turned in between, a slot still lasts its minutes.
pub fn slots_of(session: &Session, zone: &Zone, (start, end): (Time, Time), minutes: u32, capacity: u32) -> Vec<Slot> {
    let length = Duration::from_secs(u64::from(minutes.max(1)) * 60);
    let end = zone.at(session.date, end);
    let mut slots = Vec::new();
    let mut starts_at = zone.at(session.date, start);
    while starts_at + length <= end {
        slots.push(Slot {
            id: slot_id(session.id, starts_at),
            clinic: session.clinic,
            session: session.id,
            product: session.product,
            date: session.date,
            starts_at,
            ends_at: starts_at + length,
            capacity,
            held: 0,
            booked: 0,
        });
        starts_at = starts_at + length;
    }
    slots
}
