//! Pure. Which places a history took, and when: from that, how many of a slot must have been taken at least and can
//! have been taken at most in what an answer showed.
//!
//! Held and booked places are not public apart, only `free`; a booking turns a held place into a booked one without
//! changing `free`. So one *claim* is followed from its hold through its booking to its end.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Asked, Known, Micros, Seen};

/// One place, taken by one entry of one hold.
#[derive(Debug, Clone)]
struct Claim {
    /// Not taken before.
    from: Micros,
    /// Taken from then on for certain; none: perhaps never.
    by: Option<Micros>,
    /// May have been given back from then on; none: certainly kept.
    may_end: Option<Micros>,
    /// Given back by then for certain.
    ended_by: Option<Micros>,
}

/// All claims of a history, by slot.
pub struct Places<'h> {
    claims: Vec<Claim>,
    by_slot: BTreeMap<&'h str, Vec<usize>>,
    /// Places that somebody else had taken before the first hold of the history.
    before: BTreeMap<&'h str, i64>,
}

/// While claims are being followed.
#[derive(Default)]
struct Following<'h> {
    of_hold: BTreeMap<&'h str, Vec<(usize, &'h str)>>,
    /// Where an appointment may stand: more than one only while a move is unknown.
    of_appointment: BTreeMap<&'h str, Vec<(usize, &'h str)>>,
}

impl<'h> Places<'h> {
    /// Follows every hold of a history.
    pub fn of(case: &Case<'h>) -> Self {
        let mut places = Self {
            claims: Vec::new(),
            by_slot: BTreeMap::new(),
            before: BTreeMap::new(),
        };
        let mut following = Following::default();
        for operation in &case.operations {
            if let Asked::Hold { slots } = operation.ask {
                places.hold(slots, operation.invoked, operation.known(), &mut following);
            }
        }
        for operation in &case.operations {
            places.end(operation.ask, operation.invoked, operation.known(), &mut following);
        }
        places.count_before(case);
        places
    }

    fn hold(&mut self, slots: &'h [String], from: Micros, known: Known<'h>, following: &mut Following<'h>) {
        let (by, hold, expires) = match known {
            Known::NotDone => return,
            Known::Unknown => (None, None, None),
            Known::Done { by, saw } => match saw {
                Seen::Hold { hold, expires } => (Some(by), Some(hold.as_str()), Some(*expires)),
                _ => (Some(by), None, None),
            },
        };
        for slot in slots {
            let claim = Claim {
                from,
                by,
                // One that nobody knows may expire at any time.
                may_end: expires.or(Some(from)),
                ended_by: None,
            };
            let number = self.claims.len();
            self.claims.push(claim);
            self.by_slot.entry(slot).or_default().push(number);
            if let Some(hold) = hold {
                following.of_hold.entry(hold).or_default().push((number, slot));
            }
        }
    }

    /// What a later operation does to claims.
    fn end(&mut self, ask: &'h Asked, at: Micros, known: Known<'h>, following: &mut Following<'h>) {
        match ask {
            Asked::GiveBack { hold } => {
                let claims = following.of_hold.get(hold.as_str()).cloned().unwrap_or_default();
                self.give_back(&claims, at, known);
            }
            Asked::Book { hold } => {
                if let Known::Done { saw, .. } = known
                    && let Seen::Appointment { appointment, slot, .. } = saw
                {
                    let claims = self.keep(hold, slot, following);
                    following.of_appointment.insert(appointment, claims);
                }
            }
            Asked::Cancel { appointment } => {
                let mut claims = following
                    .of_appointment
                    .get(appointment.as_str())
                    .cloned()
                    .unwrap_or_default();
                if let Known::Done { saw, .. } = known
                    && let Seen::Appointment { slot, .. } = saw
                {
                    claims.retain(|(_, stands)| stands == slot);
                }
                self.give_back(&claims, at, known);
            }
            Asked::Move { appointment, hold } => {
                let old = following
                    .of_appointment
                    .get(appointment.as_str())
                    .cloned()
                    .unwrap_or_default();
                self.give_back(&old, at, known);
                match known {
                    Known::Done { saw, .. } => {
                        if let Seen::Appointment { slot, .. } = saw {
                            let new = self.keep(hold, slot, following);
                            following.of_appointment.insert(appointment, new);
                        }
                    }
                    Known::Unknown => {
                        let new = following.of_hold.get(hold.as_str()).cloned().unwrap_or_default();
                        following.of_appointment.entry(appointment).or_default().extend(new);
                    }
                    Known::NotDone => {}
                }
            }
            Asked::Hold { .. } | Asked::Find { .. } | Asked::Read { .. } => {}
        }
    }

    /// The hold's place at this slot became an appointment's: it does not expire any more.
    fn keep(&mut self, hold: &str, slot: &str, following: &Following<'h>) -> Vec<(usize, &'h str)> {
        let of_hold = following.of_hold.get(hold).map(Vec::as_slice).unwrap_or_default();
        let kept: Vec<_> = of_hold.iter().copied().filter(|(_, at)| *at == slot).take(1).collect();
        for (claim, _) in &kept {
            self.claims[*claim].may_end = None;
        }
        kept
    }

    fn give_back(&mut self, claims: &[(usize, &str)], at: Micros, known: Known<'_>) {
        if known == Known::NotDone {
            return;
        }
        for (claim, _) in claims {
            let claim = &mut self.claims[*claim];
            claim.may_end = Some(claim.may_end.map_or(at, |before| before.min(at)));
            if let Known::Done { by, .. } = known {
                claim.ended_by = Some(claim.ended_by.map_or(by, |before| before.min(by)));
            }
        }
    }

    /// What a quiet read before the first hold of the history showed as taken was taken by somebody else.
    fn count_before(&mut self, case: &Case<'h>) {
        let holds = case
            .operations
            .iter()
            .filter(|operation| matches!(operation.ask, Asked::Hold { .. }));
        let first = holds.map(|operation| operation.invoked).min();
        for operation in &case.operations {
            let Some((at, Seen::Slots { slots, .. })) = operation.done() else {
                continue;
            };
            if matches!(operation.ask, Asked::Find { quiet: true, .. }) && first.is_none_or(|first| at < first) {
                for counted in slots {
                    let taken = counted.free.map(|free| counted.capacity - free);
                    self.before.insert(&counted.slot, taken.unwrap_or_default());
                }
            }
        }
    }

    fn of_slot(&self, slot: &str) -> impl Iterator<Item = &Claim> {
        let numbers = self.by_slot.get(slot).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().map(|number| &self.claims[*number])
    }

    /// Places of a slot that were taken at every instant between these two.
    pub fn at_least(&self, slot: &str, since: Micros, until: Micros) -> i64 {
        let sure = |claim: &&Claim| {
            claim.by.is_some_and(|by| by < since) && claim.may_end.is_none_or(|may_end| may_end > until)
        };
        self.of_slot(slot).filter(sure).count() as i64
    }

    /// Places of a slot that may have been taken at some instant between these two, with those that others had before.
    pub fn at_most(&self, slot: &str, since: Micros, until: Micros) -> i64 {
        let perhaps = |claim: &&Claim| claim.from <= until && claim.ended_by.is_none_or(|ended_by| ended_by >= since);
        let ours = self.of_slot(slot).filter(perhaps).count() as i64;
        ours + self.before.get(slot).copied().unwrap_or_default()
    }
}
