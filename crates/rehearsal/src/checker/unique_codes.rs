//! Pure. `unique_codes`: a code opens one appointment, and an appointment is made once.

use std::collections::BTreeMap;

use super::{Case, Findings};
use crate::history::{Asked, Seen};

/// See the head of this file.
pub fn check(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut codes: BTreeMap<&str, &str> = BTreeMap::new();
    let mut made: BTreeMap<&str, u64> = BTreeMap::new();
    for operation in &case.operations {
        for event in &operation.answers {
            let crate::history::What::Ok {
                saw: Seen::Appointment { appointment, code, .. },
                ..
            } = &event.what
            else {
                continue;
            };
            findings.look();
            let other = *codes.entry(code).or_insert(appointment);
            if other != appointment {
                findings.broke(format!("the code {code} is that of {other} and of {appointment}"));
            }
            if !matches!(operation.ask, Asked::Book { .. }) {
                continue;
            }
            let first = *made.entry(appointment).or_insert(operation.number);
            if first != operation.number {
                findings.broke(format!(
                    "{appointment} was made by operation {first} and by operation {}",
                    operation.number
                ));
            }
        }
    }
    findings
}
