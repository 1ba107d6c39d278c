//! Deciding: tables at the edges, and the invariants under any steps.

use crate::world::{OPENS, World, at, word};
use base::id::HoldId;
use proptest::prelude::*;
use scheduling::command::{Command, Proof};
use scheduling::decide::Outcome;
use scheduling::resident::appointment::Status;
use scheduling::resident::hold::HoldStatus;

#[track_caller]
fn check(now: i64, expected: &str) {
    let mut world = World::flu(&[1]);
    let slot = world.slots[0];
    let hold = world.hold(&[slot], at(0)).unwrap();
    let booking = world.booking(slot, 1, 1);
    let got = world
        .book(hold, vec![booking], at(now))
        .map_or_else(|no| no, |_| "booked".to_owned());
    assert_eq!(got, expected);
}

#[test]
fn a_hold_lasts_up_to_its_expiry_and_not_at_it() {
    check(599, "booked");
    check(600, "hold-expired");
    check(629, "hold-expired");
}

#[test]
fn a_hold_that_ended_is_told_apart_from_one_that_is_over() {
    let mut world = World::flu(&[2]);
    let slot = world.slots[0];
    let hold = world.hold(&[slot], at(0)).unwrap();
    let give_back = Command::GiveBackHold { hold };
    assert_eq!(word(&world.decide(&give_back, Proof::default(), at(1))), "not-found");
    assert_eq!(world.taken(0), (1, 0));
    for _ in 0..2 {
        assert_eq!(word(&world.decide(&give_back, OPENS, at(1))), "done");
        assert_eq!(world.taken(0), (0, 0));
    }
    let booking = world.booking(slot, 1, 1);
    assert_eq!(world.book(hold, vec![booking], at(2)).unwrap_err(), "hold-ended");
    assert_eq!(
        word(&world.decide(&Command::ExtendHold { hold }, OPENS, at(2))),
        "hold-ended"
    );
    let unknown = HoldId::from_bits(99);
    let booking = world.booking(slot, 1, 1);
    assert_eq!(world.book(unknown, vec![booking], at(2)).unwrap_err(), "invalid /hold");
}

#[test]
fn a_hold_is_extended_ten_times_and_never_shortened() {
    let mut world = World::flu(&[1]);
    let hold = world.hold(&[world.slots[0]], at(0)).unwrap();
    for n in 1..=10 {
        assert_eq!(word(&world.decide(&Command::ExtendHold { hold }, OPENS, at(n))), "done");
        assert_eq!(world.set.holds[&hold].expires_at, at(600 + n));
    }
    assert_eq!(
        word(&world.decide(&Command::ExtendHold { hold }, OPENS, at(11))),
        "no-extensions-left"
    );
}

#[test]
fn freeing_waits_for_the_grace_and_spares_what_was_booked() {
    let mut world = World::flu(&[1]);
    let slot = world.slots[0];
    let hold = world.hold(&[slot], at(0)).unwrap();
    let expire = Command::ExpireHold { hold };
    world.decide(&expire, OPENS, at(629));
    assert_eq!(world.set.holds[&hold].status, HoldStatus::Held);
    world.decide(&expire, OPENS, at(630));
    assert_eq!(
        (world.set.holds[&hold].status, world.taken(0)),
        (HoldStatus::Expired, (0, 0))
    );
    let hold = world.hold(&[slot], at(700)).unwrap();
    let booking = world.booking(slot, 1, 1);
    world.book(hold, vec![booking], at(701)).unwrap();
    world.decide(&Command::ExpireHold { hold }, OPENS, at(99_999));
    assert_eq!(
        (world.set.holds[&hold].status, world.taken(0)),
        (HoldStatus::Booked, (0, 1))
    );
}

#[test]
fn what_has_begun_can_be_neither_held_nor_changed() {
    let mut world = World::of(&[(140, 60, 2), (140, 9000, 1)]);
    let (soon, later) = (world.slots[0], world.slots[1]);
    let hold = world.hold(&[soon], at(0)).unwrap();
    let booking = world.booking(soon, 1, 1);
    let id = world.book(hold, vec![booking], at(1)).unwrap()[0];
    assert_eq!(world.hold(&[soon], at(60)).unwrap_err(), "too-late");
    let new = world.hold(&[later], at(50)).unwrap();
    let change = |command: Command, world: &mut World| word(&world.decide(&command, OPENS, at(60)));
    assert_eq!(change(Command::Cancel { appointment: id }, &mut world), "too-late");
    assert_eq!(
        change(
            Command::Reschedule {
                appointment: id,
                hold: new
            },
            &mut world
        ),
        "too-late"
    );
    assert_eq!(world.set.appointments[&id].status, Status::Booked);
}

#[test]
fn moving_keeps_the_vaccine_and_the_interval() {
    let day = 86_400;
    let mut world = World::of(&[
        (3, day, 1),
        (3, 40 * day, 1),
        (140, day, 1),
        (94, day, 1),
        (3, 20 * day, 1),
    ]);
    let slots = world.slots.clone();
    let hold = world.hold(&[slots[0], slots[1]], at(0)).unwrap();
    let bookings = vec![world.booking(slots[0], 1, 1), world.booking(slots[1], 1, 2)];
    let ids = world.book(hold, bookings, at(1)).unwrap();
    let mut move_to = |n: usize, id| {
        let hold = world.hold(&[slots[n]], at(2)).unwrap();
        let outcome = world.decide(&Command::Reschedule { appointment: id, hold }, OPENS, at(3));
        (word(&outcome), world.taken(n))
    };
    assert_eq!(move_to(2, ids[0]), ("wrong-vaccine".to_owned(), (1, 0)));
    assert_eq!(
        move_to(3, ids[0]),
        ("wrong-vaccine".to_owned(), (1, 0)),
        "the series began with another product"
    );
    assert_eq!(
        move_to(4, ids[1]),
        ("too-soon".to_owned(), (1, 0)),
        "19 days after the first"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Hold(Vec<usize>),
    Book(usize),
    Extend(usize),
    GiveBack(usize),
    Expire(usize),
    Cancel(usize),
    Move(usize, usize),
}

fn any_step() -> impl Strategy<Value = (Step, i64)> {
    let step = prop_oneof![
        proptest::collection::vec(0usize..3, 1..4).prop_map(Step::Hold),
        (0usize..8).prop_map(Step::Book),
        (0usize..8).prop_map(Step::Extend),
        (0usize..8).prop_map(Step::GiveBack),
        (0usize..8).prop_map(Step::Expire),
        (0usize..8).prop_map(Step::Cancel),
        ((0usize..8), (0usize..8)).prop_map(|(a, h)| Step::Move(a, h)),
    ];
    (step, 0i64..700)
}

proptest! {
    /// Whatever is asked in whatever order at whatever time: places taken never exceed capacity, counters equal the
    /// rows, and nobody stands twice for one dose.
    #[test]
    fn never_over_capacity_and_counts_agree(capacities in proptest::collection::vec(0u32..4, 3), steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut world = World::flu(&capacities);
        let slots = world.slots.clone();
        let (mut holds, mut appointments, mut now, mut people) = (Vec::new(), Vec::new(), 0, 0u32);
        for (step, seconds) in steps {
            now = (now + seconds) % 3_000;
            let pick = |ids: &Vec<HoldId>, n: usize| ids.get(n % ids.len().max(1)).copied().unwrap_or(HoldId::from_bits(0));
            match step {
                Step::Hold(wanted) => {
                    let wanted: Vec<_> = wanted.into_iter().map(|n| slots[n]).collect();
                    holds.extend(world.hold(&wanted, at(now)).ok());
                }
                Step::Book(n) => {
                    let hold = pick(&holds, n);
                    let entries = world.set.holds.get(&hold).map(|hold| hold.entries.clone()).unwrap_or_default();
                    let bookings = entries.into_iter().map(|slot| { people += 1; world.booking(slot, people % 5, 1) }).collect();
                    appointments.extend(world.book(hold, bookings, at(now)).unwrap_or_default());
                }
                Step::Extend(n) => { world.decide(&Command::ExtendHold { hold: pick(&holds, n) }, OPENS, at(now)); }
                Step::GiveBack(n) => { world.decide(&Command::GiveBackHold { hold: pick(&holds, n) }, OPENS, at(now)); }
                Step::Expire(n) => { world.decide(&Command::ExpireHold { hold: pick(&holds, n) }, OPENS, at(now)); }
                Step::Cancel(n) if !appointments.is_empty() => {
                    world.decide(&Command::Cancel { appointment: appointments[n % appointments.len()] }, OPENS, at(now));
                }
                Step::Move(a, h) if !appointments.is_empty() => {
                    let command = Command::Reschedule { appointment: appointments[a % appointments.len()], hold: pick(&holds, h) };
                    world.decide(&command, OPENS, at(now));
                }
                _ => {}
            }
            for (n, id) in slots.iter().enumerate() {
                let held = world.set.holds.values().filter(|hold| hold.status == HoldStatus::Held)
                    .flat_map(|hold| &hold.entries).filter(|entry| *entry == id).count() as u32;
                let booked = world.set.appointments.values().filter(|a| a.status.is_live() && a.slot == *id).count() as u32;
                prop_assert_eq!(world.taken(n), (held, booked));
                prop_assert!(held + booked <= capacities[n]);
            }
            let live = world.set.appointments.values().filter(|a| a.status.is_live());
            let mut persons: Vec<_> = live.map(|a| a.identity.person).collect();
            let count = persons.len();
            persons.sort_unstable();
            persons.dedup();
            prop_assert_eq!(persons.len(), count);
            prop_assert_eq!(world.set.live_doses.len(), count);
        }
    }
}

#[test]
fn a_no_changes_nothing() {
    let mut world = World::flu(&[1]);
    let slot = world.slots[0];
    let hold = world.hold(&[slot], at(0)).unwrap();
    let before = format!("{:?}", world.set);
    let booking = world.booking(slot, 1, 1);
    let mut child = booking.clone();
    child.person.birth_date = base::time::parse_date("2026-11-30").unwrap();
    let outcome = world.decide(
        &Command::Book {
            hold,
            bookings: vec![child],
            single: true,
        },
        OPENS,
        at(1),
    );
    assert_eq!(word(&outcome), "too-young");
    let mut strange = booking;
    strange.answers.set("no-such-question", "yes");
    let outcome = world.decide(
        &Command::Book {
            hold,
            bookings: vec![strange],
            single: true,
        },
        OPENS,
        at(1),
    );
    assert!(matches!(outcome, Outcome::Invalid { ref field, .. } if field == "/answers/no-such-question"));
    assert_eq!(format!("{:?}", world.set), before);
}
