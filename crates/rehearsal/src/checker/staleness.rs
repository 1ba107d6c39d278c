//! Pure. `staleness`: an answer is never older than it says.
//!
//! An answer states an instant, `as_of`. Everything acknowledged before that instant must show in it: a hold or booking
//! that stands takes its place, and (where nobody else takes places) one that was given back does not. The instant is
//! whole seconds rounded down, so it claims less than the server knows; and it does not lie in the future.

use super::places::Places;
use super::{Case, Findings};
use crate::history::Seen;

/// See the head of this file.
pub fn check(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let places = Places::of(case);
    for operation in &case.operations {
        let Some((at, Seen::Slots { as_of, slots })) = operation.done() else {
            continue;
        };
        if *as_of > at + case.head.slack {
            findings.broke(format!("an answer of {at} states the later instant {as_of}"));
        }
        // The site's clock may be ahead: then it calls an instant by a later name.
        let since = as_of - case.head.slack;
        for counted in slots {
            let Some(free) = counted.free else { continue };
            findings.look();
            let (slot, taken) = (counted.slot.as_str(), counted.capacity - free);
            let least = places.at_least(slot, since, at);
            let most = places.at_most(slot, since, at);
            if taken < least {
                findings.broke(format!(
                    "{slot} shows {taken} taken at {at}, as of {as_of}; {least} were acknowledged before that"
                ));
            } else if case.head.alone && taken > most {
                findings.broke(format!(
                    "{slot} shows {taken} taken at {at}, as of {as_of}; of those only {most} were not given back before that"
                ));
            }
        }
    }
    findings
}
