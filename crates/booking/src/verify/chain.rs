//! The audit chains against themselves and against the rows: no gap, no changed event, no change without its event.

use super::rows::{AppointmentRow, Details, Rows};
use super::{Invariant, Report};
use crate::limit::OUTCOME_RETENTION;
use crate::records;
use crate::records::audit::{Head, Link};
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use database::{Broken, Transaction};
use scheduling::jurisdiction::audit::AuditKind;
use scheduling::resident::appointment::Status;
use scheduling::resident::hold::HoldStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long every installation keeps answers.
const KEPT_AT_LEAST: Duration = Duration::from_secs(OUTCOME_RETENTION.min);

/// What the events say.
#[derive(Default)]
pub(super) struct History {
    /// Idempotency keys that have an effect.
    pub keys: BTreeSet<Vec<u8>>,
    /// When the last event was.
    pub last_at: Timestamp,
    /// How each appointment stands by the last event about it in one chain: the chain, status and slot. Not by time: a
    /// command that arrived first may be decided last, and clocks are set back.
    appointments: BTreeMap<AppointmentId, Standing>,
    /// The last events of other chains about the same appointments: which of them was last of all cannot be told.
    elsewhere: BTreeMap<AppointmentId, Vec<Standing>>,
    holds: BTreeMap<HoldId, HoldStatus>,
    /// What each appointment's details were committed to.
    commitments: BTreeMap<AppointmentId, [u8; 32]>,
    /// Appointments whose residents were erased.
    erased: BTreeSet<AppointmentId>,
}

struct Standing {
    chain: u32,
    status: Status,
    slot: SlotId,
}

/// When a key was used, and how far its chain's clock had come by then.
#[derive(Clone, Copy)]
struct Use {
    at: Timestamp,
    clock: Timestamp,
}

pub(super) fn read(tx: &mut Transaction<'_>, report: &mut Report) -> Result<History, Broken> {
    let mut history = History::default();
    let mut parts: BTreeMap<(Vec<u8>, u32), Use> = BTreeMap::new();
    // How far the chain's clock had come: one that jumps ahead and back forgets keys as it goes.
    let mut clock = Timestamp::default();
    let mut chain = (String::new(), Head::default());
    let mut chains = 0;
    records::audit::all(tx, |link| {
        report.audit_events += 1;
        if chain.0 != link.chain {
            chain = (link.chain.clone(), Head::default());
            chains += 1;
            clock = Timestamp::default();
        }
        clock = clock.max(link.at);
        let head = &mut chain.1;
        follows(&link, head, report);
        *head = Head {
            sequence: link.sequence,
            hash: link.hash,
        };
        if let Some(key) = &link.outcome {
            history.keys.insert(key.clone());
            // A key that comes back after its answer was forgotten, as the setting says, is a new request.
            let now = Use { at: link.at, clock };
            let before = parts.insert((key.clone(), link.part), now);
            let apart = |before: Use| now.clock.since(before.at).max(before.clock.since(now.at));
            if before.is_some_and(|before| apart(before) < KEPT_AT_LEAST) {
                let detail = format!(
                    "chain {}: event {} repeats what was done under its key",
                    link.chain, link.sequence
                );
                report.found(Invariant::OneEffectPerKey, detail);
            }
        }
        history.take(&link, chains);
    })?;
    Ok(history)
}

/// Whether an event is the next one of its chain, and says that all is well.
pub(crate) fn follows(link: &Link, head: &Head, report: &mut Report) {
    let (chain, sequence) = (&link.chain, link.sequence);
    let skipped = sequence - head.sequence - 1;
    let gap = link.known_kind() == Some(AuditKind::GapFound);
    if gap && skipped == i64::from(link.count) && skipped > 0 {
        // It hashes the last of the missing ones, which nobody can look at any more.
        let detail = format!(
            "chain {chain}: events {} to {} are missing, as was found at {}",
            head.sequence + 1,
            sequence - 1,
            link.at
        );
        report.found(Invariant::AcknowledgedIsStored, detail);
    } else if skipped != 0 {
        let detail = format!("chain {chain}: {} is followed by {sequence}", head.sequence);
        report.found(Invariant::AuditUnbroken, detail);
    } else if link.hash_after(&head.hash) != link.hash {
        let detail = format!("chain {chain}: event {sequence} was changed");
        report.found(Invariant::AuditUnbroken, detail);
    } else if gap {
        let detail = format!("chain {chain}: event {sequence} says that one before it was replaced");
        report.found(Invariant::AcknowledgedIsStored, detail);
    }
}

impl History {
    fn take(&mut self, link: &Link, chain: u32) {
        let kind = link.known_kind();
        // A restore is not the work of a server, which would have freed the holds that were due by then.
        if kind != Some(AuditKind::BackupRestored) {
            self.last_at = self.last_at.max(link.at);
        }
        let Some(kind) = kind else { return };
        let bits = u128::from_be_bytes(link.subject);
        match kind {
            AuditKind::HoldPlaced | AuditKind::HoldExtended => {
                self.holds.entry(HoldId::from_bits(bits)).or_insert(HoldStatus::Held);
            }
            AuditKind::HoldGivenBack => self.hold_ends(bits, HoldStatus::GivenBack),
            AuditKind::HoldExpired => self.hold_ends(bits, HoldStatus::Expired),
            AuditKind::HoldBooked => self.hold_ends(bits, HoldStatus::Booked),
            AuditKind::AppointmentBooked => {
                let id = AppointmentId::from_bits(bits);
                self.commitments.extend(link.commitment.map(|hash| (id, hash)));
                self.stands(link, chain, bits, Status::Booked);
            }
            AuditKind::AppointmentMoved => self.stands(link, chain, bits, Status::Booked),
            AuditKind::ResidentErased => {
                self.erased.insert(AppointmentId::from_bits(bits));
            }
            AuditKind::AppointmentCancelled => self.stands(link, chain, bits, Status::Cancelled),
            AuditKind::ResidentArrived => self.stands(link, chain, bits, Status::Arrived),
            AuditKind::ResidentDidNotCome => self.stands(link, chain, bits, Status::Noshow),
            AuditKind::DoseGiven => self.stands(link, chain, bits, Status::Fulfilled),
            AuditKind::LinkShared
            | AuditKind::LinkStopped
            | AuditKind::LinkSentAnew
            | AuditKind::ClinicsImported
            | AuditKind::SessionsPublished
            | AuditKind::RulesImported
            | AuditKind::ZipsImported
            | AuditKind::AppointmentReadByLink
            | AuditKind::BackupRestored
            | AuditKind::GapFound => {}
        }
    }

    fn hold_ends(&mut self, bits: u128, status: HoldStatus) {
        self.holds.insert(HoldId::from_bits(bits), status);
    }

    fn stands(&mut self, link: &Link, chain: u32, bits: u128, status: Status) {
        let standing = Standing {
            chain,
            status,
            slot: link.slot.unwrap_or(SlotId::from_bits(0)),
        };
        let id = AppointmentId::from_bits(bits);
        // Chains come one after the other, each in order: a later event of the same chain takes the place of the last.
        if let Some(before) = self.appointments.insert(id, standing)
            && before.chain != chain
        {
            self.elsewhere.entry(id).or_default().push(before);
        }
    }

    /// Whether the events can leave an appointment like this: one chain's last event says so, and no chain ended it
    /// otherwise, since what has ended stays so.
    fn agrees(&self, id: AppointmentId, row: &AppointmentRow) -> bool {
        let last = self
            .appointments
            .get(&id)
            .into_iter()
            .chain(self.elsewhere.get(&id).into_iter().flatten());
        let (mut said, mut ended_otherwise) = (false, false);
        for standing in last {
            said |= (standing.status, standing.slot) == (row.status, row.slot);
            ended_otherwise |= !standing.status.is_live() && standing.status != row.status;
        }
        said && !ended_otherwise
    }

    /// A resident's details against what was committed to when they came, and against the event of their erasure.
    fn check_details(&self, id: AppointmentId, details: Details, report: &mut Report) {
        let wrong = match details {
            Details::Read(hash) => match self.commitments.get(&id) {
                Some(committed) if *committed != hash => "has other details than it was booked with",
                _ if self.erased.contains(&id) => "was erased by its AuditEvent, and its details are there",
                _ => return,
            },
            Details::Erased if !self.erased.contains(&id) => "has lost its details without an AuditEvent",
            Details::Unread | Details::Erased | Details::Lost => return,
        };
        report.found(Invariant::AuditUnbroken, format!("{id} {wrong}"));
    }

    pub(super) fn check(&self, rows: &Rows, report: &mut Report) {
        for (id, row) in &rows.appointments {
            if !self.appointments.contains_key(id) {
                report.found(Invariant::AuditUnbroken, format!("{id} has no AuditEvent"));
            } else if !self.agrees(*id, row) {
                let detail = format!(
                    "{id} is {}, its AuditEvents say otherwise or another slot",
                    row.status.code()
                );
                report.found(Invariant::AuditUnbroken, detail);
            }
            self.check_details(*id, row.details, report);
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
