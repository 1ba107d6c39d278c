//! Pure. `bank`: places are neither made nor lost.
//!
//! From outside only `capacity` and `free` are seen. So, in every read: a slot's capacity is what it always was, and
//! 0 ≤ free ≤ capacity. Where nobody else takes places (`alone`), capacity − free is never more than this history can
//! have taken until the answer came. And in a quiet read, when everything was answered before and nothing is under way,
//! capacity − free is what the history holds then: at least what it certainly has, at most what it may have. With no
//! outcome unknown the two are one number.

use std::collections::BTreeMap;

use super::places::Places;
use super::{Case, Findings};
use crate::history::{Asked, Micros, Seen};

/// See the head of this file.
pub fn check(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let places = Places::of(case);
    let mut capacities: BTreeMap<&str, i64> = BTreeMap::new();
    for operation in &case.operations {
        let Some((at, Seen::Slots { as_of, slots })) = operation.done() else {
            continue;
        };
        let quiet = matches!(operation.ask, Asked::Find { quiet: true, .. });
        for counted in slots {
            let (slot, capacity) = (counted.slot.as_str(), counted.capacity);
            // Cannot tell is no number, and no lie.
            let Some(free) = counted.free else { continue };
            findings.look();
            let known = *capacities.entry(slot).or_insert(capacity);
            if known != capacity {
                findings.broke(format!("{slot} had {known} places, at {at} it has {capacity}"));
            }
            if free < 0 || free > capacity {
                findings.broke(format!("{slot} shows {free} free of {capacity} at {at}"));
            }
            let taken = capacity - free;
            let most = places.at_most(slot, Micros::MIN, at);
            if case.head.alone && taken > most {
                findings.broke(format!(
                    "{slot} shows {taken} taken at {at}, this history took {most} at most"
                ));
            }
            if !quiet {
                continue;
            }
            let (least, most) = (places.at_least(slot, *as_of, at), places.at_most(slot, *as_of, at));
            if taken < least || (case.head.alone && taken > most) {
                findings.broke(format!(
                    "{slot} shows {taken} taken in a quiet read at {at}, this history has {least} to {most}"
                ));
            }
        }
    }
    findings
}
