//! Pure. `one_effect_per_key`: a request that is sent again with its key is answered with the same status and the same
//! bytes, and one hold becomes one appointment whoever asks how often. (A second effect that no answer tells of takes
//! a second place: `bank` counts those.)

use std::collections::BTreeMap;

use super::{Case, Findings};
use crate::history::{Asked, Known, Micros, What};

/// The refusals that are kept under a key. Others may be answered anew.
const KEPT: u16 = 409;

/// See the head of this file.
pub fn check(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut booked: BTreeMap<&str, u64> = BTreeMap::new();
    for operation in &case.operations {
        if matches!(
            operation.ask,
            Asked::Find { .. } | Asked::Read { .. } | Asked::GiveBack { .. }
        ) {
            continue;
        }
        let mut first: Option<(Micros, u16, &str)> = None;
        for event in &operation.answers {
            let (status, digest) = match &event.what {
                What::Ok { status, digest, .. } => (*status, digest.as_str()),
                What::Refused { status, digest, .. } if *status == KEPT => (*status, digest.as_str()),
                _ => continue,
            };
            findings.look();
            let (at, known_status, known_digest) = *first.get_or_insert((event.at, status, digest));
            if (status, digest) != (known_status, known_digest) {
                findings.broke(format!(
                    "operation {} was answered {known_status} {known_digest:.12} at {at} and {status} {digest:.12} at {}",
                    operation.number, event.at
                ));
            }
        }
        if let (Asked::Book { hold } | Asked::Move { hold, .. }, Known::Done { .. }) =
            (operation.ask, operation.known())
        {
            let other = *booked.entry(hold).or_insert(operation.number);
            if other != operation.number {
                findings.broke(format!(
                    "the hold {hold} was used by operation {other} and by operation {}",
                    operation.number
                ));
            }
        }
    }
    findings
}
