//! The audit chains against themselves and against the rows: no gap, no changed event, no change without its event.

use super::rows::Rows;
use super::{Invariant, Report};
use crate::records;
use crate::records::audit::{Head, Link};
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use scheduling::jurisdiction::audit::AuditKind;
use scheduling::resident::appointment::Status;
use scheduling::resident::hold::HoldStatus;
use std::collections::{BTreeMap, BTreeSet};

/// What the events say.
#[derive(Default)]
pub(super) struct History {
    /// Idempotency keys that have an effect.
    pub keys: BTreeSet<Vec<u8>>,
    /// When the last event was.
    pub last_at: Timestamp,
    /// How each appointment stands by its events: the latest by time, then chain, then sequence.
    appointments: BTreeMap<AppointmentId, (Timestamp, Status, SlotId)>,
    holds: BTreeMap<HoldId, HoldStatus>,
}

pub(super) fn read(tx: &mut Transaction<'_>, report: &mut Report) -> Result<History, Broken> {
    let mut history = History::default();
    let mut parts: BTreeSet<(Vec<u8>, u32)> = BTreeSet::new();
    let mut chain = (String::new(), Head::default());
    records::audit::all(tx, |link| {
        report.audit_events += 1;
        if chain.0 != link.chain {
            chain = (link.chain.clone(), Head::default());
        }
        let head = &mut chain.1;
        if link.sequence != head.sequence + 1 {
            let detail = format!(
                "chain {}: {} is followed by {}",
                link.chain, head.sequence, link.sequence
            );
            report.found(Invariant::AuditUnbroken, detail);
        } else if link.hash_after(&head.hash) != link.hash {
            report.found(
                Invariant::AuditUnbroken,
                format!("chain {}: event {} was changed", link.chain, link.sequence),
            );
        }
        *head = Head {
            sequence: link.sequence,
            hash: link.hash,
        };
        if let Some(key) = &link.outcome {
            history.keys.insert(key.clone());
            if !parts.insert((key.clone(), link.part)) {
                let detail = format!(
                    "chain {}: event {} repeats what was done under its key",
                    link.chain, link.sequence
                );
                report.found(Invariant::OneEffectPerKey, detail);
            }
        }
        history.take(&link);
    })?;
    Ok(history)
}

impl History {
    fn take(&mut self, link: &Link) {
        self.last_at = self.last_at.max(link.at);
        let Some(kind) = link.known_kind() else { return };
        let bits = u128::from_be_bytes(link.subject);
        match kind {
            AuditKind::HoldPlaced | AuditKind::HoldExtended => {
                self.holds.entry(HoldId::from_bits(bits)).or_insert(HoldStatus::Held);
            }
            AuditKind::HoldGivenBack => self.hold_ends(bits, HoldStatus::GivenBack),
            AuditKind::HoldExpired => self.hold_ends(bits, HoldStatus::Expired),
            AuditKind::HoldBooked => self.hold_ends(bits, HoldStatus::Booked),
            AuditKind::AppointmentBooked | AuditKind::AppointmentMoved => self.stands(link, bits, Status::Booked),
            AuditKind::AppointmentCancelled => self.stands(link, bits, Status::Cancelled),
            AuditKind::ResidentArrived => self.stands(link, bits, Status::Arrived),
            AuditKind::ResidentDidNotCome => self.stands(link, bits, Status::Noshow),
            AuditKind::DoseGiven => self.stands(link, bits, Status::Fulfilled),
            AuditKind::ClinicsImported
            | AuditKind::SessionsPublished
            | AuditKind::RulesImported
            | AuditKind::ZipsImported => {}
        }
    }

    fn hold_ends(&mut self, bits: u128, status: HoldStatus) {
        self.holds.insert(HoldId::from_bits(bits), status);
    }

    fn stands(&mut self, link: &Link, bits: u128, status: Status) {
        let slot = link.slot.unwrap_or(SlotId::from_bits(0));
        let id = AppointmentId::from_bits(bits);
        let later = self.appointments.get(&id).is_none_or(|(at, _, _)| *at <= link.at);
        if later {
            self.appointments.insert(id, (link.at, status, slot));
        }
    }

    pub(super) fn check(&self, rows: &Rows, report: &mut Report) {
        for (id, row) in &rows.appointments {
            match self.appointments.get(id) {
                Some((_, status, slot)) if (*status, *slot) == (row.status, row.slot) => {}
                Some((_, status, _)) => {
                    let detail = format!(
                        "{id} is {}, its last AuditEvent says {} or another slot",
                        row.status.code(),
                        status.code()
                    );
                    report.found(Invariant::AuditUnbroken, detail);
                }
                None => report.found(Invariant::AuditUnbroken, format!("{id} has no AuditEvent")),
            }
        }
        for (id, row) in &rows.holds {
            if self.holds.get(id) != Some(&row.status) {
                report.found(
                    Invariant::AuditUnbroken,
                    format!("{id} is {}, its AuditEvents do not say so", row.status.code()),
                );
            }
        }
        for id in self
            .appointments
            .keys()
            .filter(|id| !rows.appointments.contains_key(id))
        {
            report.found(
                Invariant::AcknowledgedIsStored,
                format!("{id} was booked by its AuditEvent and is not there"),
            );
        }
        for id in self.holds.keys().filter(|id| !rows.holds.contains_key(id)) {
            report.found(
                Invariant::AcknowledgedIsStored,
                format!("{id} was placed by its AuditEvent and is not there"),
            );
        }
    }
}
