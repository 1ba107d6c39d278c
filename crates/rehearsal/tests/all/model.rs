//! A small model of a server, asked at random: the honest one passes every checker whatever answers are lost, and each
//! of its lies is found.

use std::collections::BTreeMap;

use rehearsal::checker::Report;
use rehearsal::history::{Asked, Counted, History, Seen};
use runtime::entropy::Entropy;

use crate::story::{Story, appointment, book_of, cancel_of, held, hold_of, read_of};

/// What the model does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    None,
    /// A repeated request is done a second time.
    ForgetsKeys,
    /// An acknowledged booking is lost.
    LosesABooking,
    /// A place is given back twice.
    GivesBackTwice,
    /// An old picture with a new date.
    ShowsTheOld,
}

const SLOTS: [&str; 3] = ["s", "t", "u"];
const CAPACITY: i64 = 40;

struct Model {
    lie: Lie,
    taken: BTreeMap<&'static str, i64>,
    appointments: BTreeMap<String, (&'static str, &'static str)>,
    old: BTreeMap<&'static str, i64>,
    next: u32,
}

fn look(story: &mut Story, model: &mut Model, quiet: bool) {
    let as_of = story.now() + 500;
    let op = story.invoke(Asked::Find {
        clinic: "c".to_owned(),
        quiet,
    });
    let slots = model.shown();
    story.ok(op, Seen::Slots { as_of, slots });
}

impl Model {
    fn new(lie: Lie) -> Self {
        Self {
            lie,
            taken: BTreeMap::new(),
            appointments: BTreeMap::new(),
            old: BTreeMap::new(),
            next: 0,
        }
    }
    fn hold(&mut self, slot: &'static str) -> Option<String> {
        let taken = self.taken.entry(slot).or_default();
        if *taken == CAPACITY {
            return None;
        }
        *taken += 1;
        self.next += 1;
        Some(format!("h{}", self.next))
    }
    fn shown(&mut self) -> Vec<Counted> {
        let now = self.taken.clone();
        let shown = if self.lie == Lie::ShowsTheOld {
            std::mem::replace(&mut self.old, now)
        } else {
            now
        };
        let counted = SLOTS.map(|slot| Counted {
            slot: slot.to_owned(),
            capacity: CAPACITY,
            free: Some(CAPACITY - shown.get(slot).copied().unwrap_or_default()),
        });
        counted.into()
    }
}

/// Sixty visits; one answer in four is lost, and mostly asked for again.
fn run(lie: Lie, seed: u64) -> History {
    let dice = Entropy::seeded(seed);
    let one_in = |sides: u64| dice.below(sides) == 0;
    let (mut story, mut model) = (Story::new(), Model::new(lie));
    look(&mut story, &mut model, true);
    for visit in 0..60 {
        let slot = SLOTS[dice.below(3) as usize];
        let op = story.invoke(hold_of(slot));
        let expires = story.now() + 600_000_000;
        let mut hold = model.hold(slot);
        if one_in(4) {
            story.unknown(op);
            if one_in(4) {
                continue; // nobody ever learns
            }
            story.again(op, hold_of(slot));
            if lie == Lie::ForgetsKeys {
                hold = model.hold(slot);
            }
        }
        let Some(hold) = hold else {
            story.refused(op, 409);
            continue;
        };
        story.ok(op, held(&hold, expires));
        let id = format!("a{visit}");
        let op = story.invoke(book_of(&hold));
        story.ok(op, appointment(&id, slot, "booked"));
        model.appointments.insert(id.clone(), (slot, "booked"));
        if lie == Lie::LosesABooking && one_in(8) {
            model.appointments.remove(&id);
        }
        if one_in(2)
            && let Some(booking) = model.appointments.get_mut(&id)
        {
            booking.1 = "cancelled";
            let times = if lie == Lie::GivesBackTwice { 2 } else { 1 };
            let taken = model.taken.entry(slot).or_default();
            *taken = (*taken - times).max(0);
            let op = story.invoke(cancel_of(&id));
            story.ok(op, appointment(&id, slot, "cancelled"));
        }
        if one_in(2) {
            look(&mut story, &mut model, false);
        }
    }
    look(&mut story, &mut model, true);
    for visit in 0..60 {
        let id = format!("a{visit}");
        let op = story.invoke(read_of(&id));
        match model.appointments.get(&id) {
            Some((slot, status)) => story.ok(op, appointment(&id, slot, status)),
            None => story.refused(op, 404),
        }
    }
    story.history().clone()
}

#[test]
fn an_honest_server_passes_whatever_is_lost() {
    for seed in 0..200 {
        let report = Report::of(&run(Lie::None, seed));
        assert!(report.passes(), "seed {seed}\n{report}");
    }
}

#[test]
fn every_lie_is_found() {
    for (lie, by) in [
        (Lie::ForgetsKeys, "bank"),
        (Lie::LosesABooking, "set"),
        (Lie::GivesBackTwice, "bank"),
        (Lie::ShowsTheOld, "staleness"),
    ] {
        let found = (0..20).filter(|seed| Report::of(&run(lie, *seed)).broken().contains(&by));
        let found = found.count();
        assert!(found >= 15, "{lie:?} was found by {by} in {found} of 20 runs");
    }
}
