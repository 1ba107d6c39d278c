//! The eight invariants, looked for in the rows themselves: one read transaction, usable while serving, trusting no
//! counter and no index. Each finding names its invariant.

pub mod acknowledged;
mod chain;
pub mod heads;
mod rows;

pub(crate) use chain::follows;

use crate::records;
use crate::records::outcome::SEALED;
use acknowledged::Acknowledged;
use base::time::Timestamp;
use database::{Broken, Connection};
use runtime::secret::KeyRing;
use std::fmt;

/// The invariants, named the same in code, simulator, `verify` and alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Live holds + live appointments of a slot ≤ its capacity.
    NeverOverCapacity,
    /// What was answered with success is there.
    AcknowledgedIsStored,
    /// A request repeated with its key has one effect.
    OneEffectPerKey,
    /// Nobody stands twice for one dose.
    OneLiveAppointmentPerResidentAndDose,
    /// A code or link leads to one person only.
    LinksArePersonal,
    /// Every hold ends booked, given back, or expired.
    HoldsEnd,
    /// Every change has its AuditEvent, and each chain of hashes verifies.
    AuditUnbroken,
    /// Counters equal what the rows say.
    CountsAgree,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 8] = [
        Self::NeverOverCapacity,
        Self::AcknowledgedIsStored,
        Self::OneEffectPerKey,
        Self::OneLiveAppointmentPerResidentAndDose,
        Self::LinksArePersonal,
        Self::HoldsEnd,
        Self::AuditUnbroken,
        Self::CountsAgree,
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeverOverCapacity => "never_over_capacity",
            Self::AcknowledgedIsStored => "acknowledged_is_stored",
            Self::OneEffectPerKey => "one_effect_per_key",
            Self::OneLiveAppointmentPerResidentAndDose => "one_live_appointment_per_resident_and_dose",
            Self::LinksArePersonal => "links_are_personal",
            Self::HoldsEnd => "holds_end",
            Self::AuditUnbroken => "audit_unbroken",
            Self::CountsAgree => "counts_agree",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which promise is broken.
    pub invariant: Invariant,
    /// What was found, by ids; never personal data.
    pub detail: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows looked at, by kind.
    pub slots: usize,
    /// Holds.
    pub holds: usize,
    /// Appointments.
    pub appointments: usize,
    /// Outcomes of idempotency keys.
    pub outcomes: usize,
    /// AuditEvents.
    pub audit_events: usize,
    /// Recorded ends of chains.
    pub heads: usize,
    /// Lines of the client's own record.
    pub acknowledged: usize,
    /// What must not be, at most [`Report::MOST`] of it.
    pub findings: Vec<Finding>,
    /// How much more there was.
    pub not_shown: usize,
}

impl Report {
    /// Findings shown; the first hundred tell the kind.
    pub const MOST: usize = 100;

    fn found(&mut self, invariant: Invariant, detail: String) {
        if self.findings.len() < Self::MOST {
            self.findings.push(Finding { invariant, detail });
        } else {
            self.not_shown += 1;
        }
    }
}

/// Looks at everything. With `keys`, stored answers and residents' details are opened, details compared with their
/// commitments, and codes compared too; with `acknowledged`, a client's own record of what it was told is compared
/// exactly.
pub fn verify(
    connection: &mut Connection,
    keys: Option<&KeyRing>,
    acknowledged: &[Acknowledged],
    hold_grace: std::time::Duration,
) -> Result<Report, Broken> {
    let mut tx = connection.begin_read()?;
    let mut report = Report::default();
    let rows = rows::Rows::read(&mut tx, keys)?;
    (report.slots, report.holds, report.appointments) = (rows.slots.len(), rows.holds.len(), rows.appointments.len());
    let history = chain::read(&mut tx, &mut report)?;
    rows.check(&mut report);
    rows.check_doses(&mut tx, &mut report)?;
    history.check(&rows, &mut report);
    check_holds_end(&rows, history.last_at, hold_grace, &mut report);
    check_outcomes(&mut tx, &rows, &history, keys, &mut report)?;
    acknowledged::check(acknowledged, &rows, keys, &mut report);
    report.acknowledged = acknowledged.len();
    Ok(report)
}

/// A hold that was due long before the last thing that happened here should have been freed by then. Nothing is said
/// about a place where nothing happens: nobody was there to free it.
fn check_holds_end(rows: &rows::Rows, last_at: Timestamp, grace: std::time::Duration, report: &mut Report) {
    const SLACK: std::time::Duration = std::time::Duration::from_mins(1);
    for hold in rows.holds.values() {
        if hold.is_live && hold.expires_at + grace + SLACK < last_at {
            report.found(
                Invariant::HoldsEnd,
                format!("{} was due at {} and is still held", hold.id, hold.expires_at),
            );
        }
    }
}

fn check_outcomes(
    tx: &mut database::Transaction<'_>,
    rows: &rows::Rows,
    history: &chain::History,
    keys: Option<&KeyRing>,
    report: &mut Report,
) -> Result<(), Broken> {
    records::outcome::all(tx, |outcome| {
        report.outcomes += 1;
        let name = || hex(&outcome.key);
        for subject in outcome.subject.chunks_exact(16) {
            let bits = u128::from_be_bytes(subject.try_into().expect("chunks of sixteen"));
            if !rows.knows(bits) {
                report.found(
                    Invariant::AcknowledgedIsStored,
                    format!("the answer under key {} tells of a row that is not there", name()),
                );
            }
        }
        if outcome.status == 201 && !history.keys.contains(&outcome.key) {
            report.found(
                Invariant::AcknowledgedIsStored,
                format!("the success under key {} has no AuditEvent", name()),
            );
        }
        if let Some(keys) = keys
            && keys.open(SEALED.0, SEALED.1, &outcome.key, &outcome.body).is_err()
        {
            report.found(
                Invariant::AcknowledgedIsStored,
                format!("the answer under key {} cannot be opened", name()),
            );
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| {
        text + &format!("{byte:02x}")
    })
}
