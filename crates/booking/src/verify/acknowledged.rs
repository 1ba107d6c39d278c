//! A client's own record of what it was told, compared exactly. One JSON object a line:
//! `{"appointment":"apt-…","code":"7KXM-2QRD-9J","slot":"slt-…","status":"booked"}`; `code`, `slot` and `status` may be
//! left out and are then not compared. A record grows as its client is told more: of two lines about one appointment the
//! later one counts.

use super::rows::Rows;
use super::{Invariant, Report};
use base::id::{AppointmentId, SlotId};
use runtime::secret::KeyRing;
use scheduling::resident::code::Code;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    appointment: AppointmentId,
    code: Option<Code>,
    slot: Option<SlotId>,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    appointment: String,
    code: Option<String>,
    slot: Option<String>,
    status: Option<String>,
}

impl Acknowledged {
    /// What a later line says stands; what it leaves out stays as it was said.
    fn learn(&mut self, later: Self) {
        self.code = later.code.or(self.code);
        self.slot = later.slot.or(self.slot);
        self.status = later.status.or(self.status.take());
    }
}

/// Reads a record. The error names the line and what is expected.
pub fn read(text: &str) -> Result<Vec<Acknowledged>, String> {
    let mut lines: Vec<Acknowledged> = Vec::new();
    let mut at: BTreeMap<AppointmentId, usize> = BTreeMap::new();
    for (n, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |cause: String| format!("line {}: {cause}", n + 1);
        let line: Line = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let appointment =
            AppointmentId::parse(&line.appointment).map_err(|error| wrong(format!("appointment: expected {error}")))?;
        let code = line.code.map(|code| {
            Code::parse(&code).ok_or_else(|| wrong("code: expected a code such as 7KXM-2QRD-9J".to_owned()))
        });
        let slot = line
            .slot
            .map(|slot| SlotId::parse(&slot).map_err(|error| wrong(format!("slot: expected {error}"))));
        let told = Acknowledged {
            appointment,
            code: code.transpose()?,
            slot: slot.transpose()?,
            status: line.status,
        };
        if let Some(before) = at.get(&appointment) {
            lines[*before].learn(told);
        } else {
            at.insert(appointment, lines.len());
            lines.push(told);
        }
    }
    Ok(lines)
}

/// Without keys codes are not compared: what is stored of a code is not what people are told.
pub(super) fn check(record: &[Acknowledged], rows: &Rows, keys: Option<&KeyRing>, report: &mut Report) {
    for told in record {
        let id = told.appointment;
        let mut lost = |detail: String| report.found(Invariant::AcknowledgedIsStored, detail);
        let Some(row) = rows.appointments.get(&id) else {
            lost(format!("{id} was acknowledged and is not there"));
            continue;
        };
        let number = |code: Code| keys.map(|keys| code.number(|round, half| keys.keyed_small(round, half)));
        if told
            .code
            .and_then(number)
            .is_some_and(|number| number.stored() != row.code)
        {
            lost(format!("{id} was acknowledged with another code"));
        }
        if told.slot.is_some_and(|slot| slot != row.slot) {
            lost(format!("{id} was acknowledged at another time than {}", row.slot));
        }
        if told.status.as_deref().is_some_and(|status| status != row.status.code()) {
            lost(format!(
                "{id} was acknowledged as {}, it is {}",
                told.status.as_deref().unwrap_or_default(),
                row.status.code()
            ));
        }
    }
}
