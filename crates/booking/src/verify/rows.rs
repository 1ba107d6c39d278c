//! Slots, holds, appointments and live doses against each other.

use super::{Invariant, Report};
use crate::records;
use crate::records::resident::{Held, commitment, open};
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use runtime::secret::KeyRing;
use scheduling::resident::appointment::{Appointment, Status};
use scheduling::resident::hold::HoldStatus;
use scheduling::resident::identity::Identity;
use scheduling::working_set::LiveDoseKey;
use std::collections::BTreeMap;

pub(super) struct SlotRow {
    capacity: u32,
    held: u32,
    booked: u32,
    rows_held: u32,
    rows_booked: u32,
}

pub(super) struct HoldRow {
    pub id: HoldId,
    pub is_live: bool,
    pub status: HoldStatus,
    pub expires_at: Timestamp,
    entries: u32,
    appointments: u32,
}

pub(super) struct AppointmentRow {
    pub status: Status,
    pub slot: SlotId,
    pub code: i64,
    pub details: Details,
}

/// What became of a resident's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Details {
    /// They are there; nobody looked.
    Unread,
    /// They are there, and this is their commitment.
    Read([u8; 32]),
    /// They were erased.
    Erased,
    /// They do not open, or there are none.
    Lost,
}

#[derive(Default)]
pub(super) struct Rows {
    pub slots: BTreeMap<SlotId, SlotRow>,
    pub holds: BTreeMap<HoldId, HoldRow>,
    pub appointments: BTreeMap<AppointmentId, AppointmentRow>,
    residents: BTreeMap<ResidentId, Details>,
    /// Who must stand for which dose, by the appointments themselves.
    doses: BTreeMap<LiveDoseKey, AppointmentId>,
    /// Found while reading.
    early: Vec<(Invariant, String)>,
}

impl Rows {
    pub(super) fn read(tx: &mut Transaction<'_>, keys: Option<&KeyRing>) -> Result<Self, Broken> {
        let mut rows = Self::default();
        records::slot::all(tx, |slot| {
            let row = SlotRow {
                capacity: slot.capacity,
                held: slot.held,
                booked: slot.booked,
                rows_held: 0,
                rows_booked: 0,
            };
            rows.slots.insert(slot.id, row);
        })?;
        records::hold::all(tx, |hold| rows.hold(&hold))?;
        records::resident::all(tx, |id, personal, salt| {
            let details = match keys.map(|keys| open(keys, &id.to_bytes(), personal, salt)) {
                Some(Held::Plain(plain)) => Details::Read(commitment(&plain)),
                Some(Held::Unopened(_)) => Details::Lost,
                Some(Held::Erased) => Details::Erased,
                None if personal.is_empty() => Details::Erased,
                None => Details::Unread,
            };
            rows.residents.insert(id, details);
        })?;
        let mut codes = BTreeMap::new();
        let mut persons = BTreeMap::new();
        records::appointment::all(tx, |appointment| {
            rows.appointment(&appointment, &mut codes, &mut persons);
        })?;
        Ok(rows)
    }

    fn hold(&mut self, hold: &scheduling::resident::hold::Hold) {
        let is_live = hold.status == HoldStatus::Held;
        for slot in &hold.entries {
            match self.slots.get_mut(slot) {
                Some(row) => row.rows_held += u32::from(is_live),
                None => self.early.push((
                    Invariant::CountsAgree,
                    format!("{} holds a place of {slot}, which is not there", hold.id),
                )),
            }
        }
        let row = HoldRow {
            id: hold.id,
            is_live,
            status: hold.status,
            expires_at: hold.expires_at,
            entries: hold.entries.len() as u32,
            appointments: 0,
        };
        self.holds.insert(hold.id, row);
    }

    fn appointment(
        &mut self,
        appointment: &Appointment,
        codes: &mut BTreeMap<i64, AppointmentId>,
        persons: &mut BTreeMap<ResidentId, AppointmentId>,
    ) {
        let (id, live) = (appointment.id, appointment.status.is_live());
        let mut early = |invariant, detail| self.early.push((invariant, detail));
        match self.slots.get_mut(&appointment.slot) {
            Some(row) => row.rows_booked += u32::from(live),
            None => early(
                Invariant::CountsAgree,
                format!("{id} is at {}, which is not there", appointment.slot),
            ),
        }
        match self.holds.get_mut(&appointment.hold) {
            Some(row) => row.appointments += 1,
            None => early(
                Invariant::HoldsEnd,
                format!("{id} came from {}, which is not there", appointment.hold),
            ),
        }
        if let Some(other) = codes.insert(appointment.code.stored(), id) {
            early(Invariant::LinksArePersonal, format!("{id} and {other} have one code"));
        }
        if let Some(other) = persons.insert(appointment.resident, id) {
            early(
                Invariant::LinksArePersonal,
                format!("{id} and {other} show one person's details"),
            );
        }
        let details = self
            .residents
            .get(&appointment.resident)
            .copied()
            .unwrap_or(Details::Lost);
        if details == Details::Lost {
            early(
                Invariant::AcknowledgedIsStored,
                format!("{id} has lost its resident's details, or our keys do not open them"),
            );
        }
        if details == Details::Erased && appointment.identity != Identity::default() {
            let detail = format!("{id} is erased, and what its resident could be recognised by is still there");
            early(Invariant::LinksArePersonal, detail);
        }
        // Who is erased stands for nothing: nobody could tell any more who that is.
        if live && details != Details::Erased {
            for key in appointment.dose_keys() {
                if let Some(other) = self.doses.insert(key, id) {
                    let detail = format!("{id} and {other} are live for one person and dose");
                    self.early
                        .push((Invariant::OneLiveAppointmentPerResidentAndDose, detail));
                }
            }
        }
        let row = AppointmentRow {
            status: appointment.status,
            slot: appointment.slot,
            code: appointment.code.stored(),
            details,
        };
        self.appointments.insert(id, row);
    }

    /// Whether a row of these bits is there: of a hold or an appointment.
    pub(super) fn knows(&self, bits: u128) -> bool {
        self.holds.contains_key(&HoldId::from_bits(bits))
            || self.appointments.contains_key(&AppointmentId::from_bits(bits))
    }

    pub(super) fn check(&self, report: &mut Report) {
        for (invariant, detail) in &self.early {
            report.found(*invariant, detail.clone());
        }
        for (id, slot) in &self.slots {
            let taken = slot.rows_held + slot.rows_booked;
            if taken > slot.capacity {
                report.found(
                    Invariant::NeverOverCapacity,
                    format!("{id}: {taken} places taken of {}", slot.capacity),
                );
            }
            if (slot.held, slot.booked) != (slot.rows_held, slot.rows_booked) {
                let detail = format!(
                    "{id}: counted {} held and {} booked, the rows say {} and {}",
                    slot.held, slot.booked, slot.rows_held, slot.rows_booked
                );
                report.found(Invariant::CountsAgree, detail);
            }
        }
        for hold in self.holds.values() {
            // An appointment that moved belongs to its latest hold, so that earlier ones may have fewer than entries.
            let most = if hold.status == HoldStatus::Booked {
                hold.entries
            } else {
                0
            };
            if hold.appointments > most {
                let detail = format!(
                    "{} is {} and has {} appointments",
                    hold.id,
                    hold.status.code(),
                    hold.appointments
                );
                report.found(Invariant::HoldsEnd, detail);
            }
        }
    }

    pub(super) fn check_doses(&self, tx: &mut Transaction<'_>, report: &mut Report) -> Result<(), Broken> {
        let mut standing = 0;
        records::live_dose::all(tx, |key, dose| match self.doses.get(&key) {
            Some(id) if *id == dose.appointment => standing += 1,
            _ => report.found(
                Invariant::OneLiveAppointmentPerResidentAndDose,
                format!("a dose stands for {}, which is not live for it", dose.appointment),
            ),
        })?;
        if standing != self.doses.len() {
            let missing = self.doses.len() - standing;
            report.found(
                Invariant::OneLiveAppointmentPerResidentAndDose,
                format!("{missing} live doses stand nowhere: nothing guards them"),
            );
        }
        Ok(())
    }
}
