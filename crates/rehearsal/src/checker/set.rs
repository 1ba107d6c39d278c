//! Pure. `set`: an acknowledged appointment is in every later read of it, as its last change left it, and never gone.
//!
//! Each appointment is followed through the *worlds* that are possible: where it stands, and which changes have not
//! happened yet. A change without a known outcome happens once or never, at any time; a read that shows it settles
//! that it happened, so that no later read may show it undone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Findings};
use crate::history::{Asked, Known, Micros, Operation, Seen, What};

/// What an appointment looks like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State<'h> {
    slot: &'h str,
    status: &'h str,
}

/// A change: what it makes of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change<'h> {
    Cancelled,
    MovedTo(&'h str),
}

/// One way that things may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World<'h> {
    state: State<'h>,
    /// Changes that are under way and have not happened, by operation.
    open: BTreeMap<u64, Change<'h>>,
}

/// What happens to one appointment, in the order of time.
enum Step<'a, 'h> {
    Begins(u64, Change<'h>),
    Done(u64, Change<'h>),
    ReadBegins(u64),
    Read(u64, Option<&'a Seen>),
}

/// See the head of this file.
pub fn check(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let slots_of_holds = slots_of_holds(case);
    let mut about: BTreeMap<&str, Vec<&Operation<'_>>> = BTreeMap::new();
    for operation in &case.operations {
        if let Asked::Read { appointment } | Asked::Cancel { appointment } | Asked::Move { appointment, .. } =
            operation.ask
        {
            about.entry(appointment).or_default().push(operation);
        }
    }
    for operation in &case.operations {
        if !matches!(operation.ask, Asked::Book { .. }) {
            continue;
        }
        if let Some((
            by,
            Seen::Appointment {
                appointment,
                code,
                slot,
                status,
            },
        )) = operation.done()
        {
            let first = State { slot, status };
            let operations = about.get(appointment.as_str()).map(Vec::as_slice).unwrap_or_default();
            let steps = steps(by, operations, &slots_of_holds);
            follow(appointment, code, first, &steps, &mut findings);
        }
    }
    findings
}

/// The slot of each hold of one place.
fn slots_of_holds<'h>(case: &Case<'h>) -> BTreeMap<&'h str, &'h str> {
    let mut slots = BTreeMap::new();
    for operation in &case.operations {
        if let (Asked::Hold { slots: asked }, Some((_, Seen::Hold { hold, .. }))) = (operation.ask, operation.done())
            && let [slot] = asked.as_slice()
        {
            slots.insert(hold.as_str(), slot.as_str());
        }
    }
    slots
}

fn steps<'h>(booked: Micros, operations: &[&Operation<'h>], slots: &BTreeMap<&'h str, &'h str>) -> Vec<Step<'h, 'h>> {
    let mut steps: Vec<(Micros, Step<'h, 'h>)> = Vec::new();
    for operation in operations {
        let (number, began) = (operation.number, operation.invoked);
        let change = match operation.ask {
            Asked::Cancel { .. } => Change::Cancelled,
            Asked::Move { hold, .. } => Change::MovedTo(slots.get(hold.as_str()).copied().unwrap_or_default()),
            _ => {
                let gone = |event: &&&crate::history::Event| matches!(event.what, What::Refused { .. });
                let ended = operation
                    .done()
                    .map(|(at, saw)| (at, Some(saw)))
                    .or_else(|| operation.answers.iter().find(gone).map(|event| (event.at, None)));
                if let Some((at, saw)) = ended.filter(|_| began >= booked) {
                    steps.push((began, Step::ReadBegins(number)));
                    steps.push((at, Step::Read(number, saw)));
                }
                continue;
            }
        };
        match operation.known() {
            Known::NotDone => {}
            Known::Unknown => steps.push((began, Step::Begins(number, change))),
            Known::Done { by, .. } => {
                steps.push((began, Step::Begins(number, change)));
                steps.push((by, Step::Done(number, change)));
            }
        }
    }
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn follow<'h>(id: &str, code: &str, first: State<'h>, steps: &[Step<'_, 'h>], findings: &mut Findings) {
    findings.look();
    let mut worlds = BTreeSet::from([World {
        state: first,
        open: BTreeMap::new(),
    }]);
    // The worlds at the beginning of each read that is under way, with what has begun since.
    let mut reading: BTreeMap<u64, (BTreeSet<World<'h>>, bool)> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Begins(number, change) => {
                worlds = with(&worlds, *number, *change);
                for (seen, disturbed) in reading.values_mut() {
                    *seen = with(seen, *number, *change);
                    *disturbed = true;
                }
            }
            Step::Done(number, change) => {
                worlds = worlds.into_iter().map(|world| world.after(*number, *change)).collect();
                for (_, disturbed) in reading.values_mut() {
                    *disturbed = true;
                }
            }
            Step::ReadBegins(number) => {
                reading.insert(*number, (worlds.clone(), false));
            }
            Step::Read(number, saw) => {
                findings.look();
                let Some((seen, disturbed)) = reading.remove(number) else {
                    continue;
                };
                let possible: BTreeSet<World<'h>> = seen.iter().flat_map(World::futures).collect();
                let fits: BTreeSet<World<'h>> = possible
                    .iter()
                    .filter(|world| world.fits(code, *saw))
                    .cloned()
                    .collect();
                if fits.is_empty() {
                    findings.broke(explain(id, *number, *saw, &possible));
                } else if !disturbed {
                    worlds = fits;
                }
            }
        }
    }
}

fn with<'h>(worlds: &BTreeSet<World<'h>>, number: u64, change: Change<'h>) -> BTreeSet<World<'h>> {
    let mut worlds: Vec<World<'h>> = worlds.iter().cloned().collect();
    for world in &mut worlds {
        world.open.insert(number, change);
    }
    worlds.into_iter().collect()
}

impl<'h> World<'h> {
    /// After this change has happened, if it had not before.
    fn after(mut self, number: u64, change: Change<'h>) -> Self {
        if self.open.remove(&number).is_some() {
            match change {
                Change::Cancelled => self.state.status = "cancelled",
                Change::MovedTo(slot) => self.state.slot = slot,
            }
        }
        self
    }
    /// Itself, and every world that comes of it when some of what is under way happens.
    fn futures(&self) -> BTreeSet<Self> {
        let mut all = BTreeSet::from([self.clone()]);
        for (number, change) in &self.open {
            all.extend(self.clone().after(*number, *change).futures());
        }
        all
    }
    fn fits(&self, code: &str, saw: Option<&Seen>) -> bool {
        matches!(saw, Some(Seen::Appointment { code: seen, slot, status, .. })
            if seen == code && slot == self.state.slot && status == self.state.status)
    }
}

fn explain(id: &str, number: u64, saw: Option<&Seen>, possible: &BTreeSet<World<'_>>) -> String {
    let shown = match saw {
        Some(Seen::Appointment { slot, status, .. }) => format!("shows it {status} at {slot}"),
        _ => "does not find it".to_owned(),
    };
    let ways: Vec<String> = possible
        .iter()
        .map(|world| format!("{} at {}", world.state.status, world.state.slot))
        .collect();
    format!("{id}: read {number} {shown}; possible is only {}", ways.join(" or "))
}
