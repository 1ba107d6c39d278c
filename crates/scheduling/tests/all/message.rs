//! Which message follows from which change, and that what is asked twice is told once.

use crate::world::{LIMITS, OPENS, World, at, person};
use base::id::AppointmentId;
use scheduling::command::{Booking, Command, Proof};
use scheduling::decide::{Circumstances, decide};
use scheduling::resident::message::{Message, Occasion, address_text, due, masked};

/// Decides and applies a command; the messages that follow.
fn told(world: &mut World, command: &Command) -> Vec<Message> {
    let limits = LIMITS;
    let at = Circumstances {
        now: at(10),
        rules: &world.rules,
        limits,
        sends_mail: true,
    };
    let proof = Proof { ..OPENS };
    let decision = decide(command, proof, &world.set, &at);
    let events = world.set.apply(decision.effects).unwrap();
    due(&events, &world.set)
}

fn with_email(mut booking: Booking, email: Option<&str>) -> Booking {
    booking.person.email = email.map(str::to_owned);
    booking
}

/// Books one place for each of these people and addresses, in one command.
fn book(world: &mut World, people: &[(u32, Option<&str>)]) -> (Vec<AppointmentId>, Vec<Message>) {
    let slot = world.slots[0];
    let hold = world.hold(&vec![slot; people.len()], at(0)).unwrap();
    let bookings: Vec<Booking> = people
        .iter()
        .map(|(who, email)| with_email(world.booking(slot, *who, 1), *email))
        .collect();
    let ids = bookings.iter().map(|booking| booking.appointment).collect();
    let command = Command::Book {
        hold,
        bookings,
        single: false,
    };
    (ids, told(world, &command))
}

#[test]
fn a_booking_is_told_to_the_address_given_and_to_nobody_without_one() {
    let mut world = World::flu(&[9]);
    let (ids, messages) = book(&mut world, &[(1, Some("ana@example.org"))]);
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].occasion, messages[0].to.as_str(), &messages[0].about),
        (Occasion::Booked, "ana@example.org", &ids)
    );
    for nothing in [None, Some(""), Some("  ")] {
        assert_eq!(book(&mut world, &[(2, nothing)]).1, []);
        world.set.live_doses.clear();
    }
}

#[test]
fn a_family_at_one_address_gets_one_message() {
    let mut world = World::flu(&[9]);
    let family = [
        (1, Some("ana@example.org")),
        (2, Some("Ana@Example.org ")),
        (3, None),
        (4, Some("bo@example.org")),
    ];
    let (ids, messages) = book(&mut world, &family);
    let about: Vec<_> = messages.iter().map(|message| message.about.clone()).collect();
    assert_eq!(about, [vec![ids[0], ids[1]], vec![ids[3]]]);
}

#[test]
fn a_move_and_a_cancellation_are_told_once_and_count_up() {
    let mut world = World::flu(&[2, 2]);
    let (ids, _) = book(&mut world, &[(1, Some("ana@example.org"))]);
    let sequence = |world: &World| world.set.appointments[&ids[0]].sequence;
    assert_eq!(sequence(&world), 0);
    let hold = world.hold(&[world.slots[1]], at(5)).unwrap();
    let reschedule = Command::Reschedule {
        appointment: ids[0],
        hold,
    };
    let moved = told(&mut world, &reschedule);
    assert_eq!(
        (moved.len(), moved[0].occasion, sequence(&world)),
        (1, Occasion::Moved, 1)
    );
    assert_eq!(
        told(&mut world, &reschedule),
        [],
        "the hold is used up: refused, nothing to tell"
    );
    let cancel = Command::Cancel { appointment: ids[0] };
    let cancelled = told(&mut world, &cancel);
    assert_eq!(
        (cancelled.len(), cancelled[0].occasion, sequence(&world)),
        (1, Occasion::Cancelled, 2)
    );
    assert_eq!(told(&mut world, &cancel), [], "it is cancelled already");
    assert_eq!(sequence(&world), 2);
}

#[test]
fn holds_are_told_to_nobody() {
    let mut world = World::flu(&[2]);
    let hold = world.hold(&[world.slots[0]], at(0)).unwrap();
    assert_eq!(told(&mut world, &Command::ExtendHold { hold }), []);
    assert_eq!(told(&mut world, &Command::GiveBackHold { hold }), []);
}

#[test]
fn addresses_are_known_without_case_and_shown_without_their_name() {
    assert_eq!(address_text(" Ana@Example.org"), "ana@example.org");
    assert_eq!(masked("ana@example.org"), "a•••@example.org");
    assert_eq!(masked("émile@example.org"), "é•••@example.org");
    let message = Message {
        occasion: Occasion::Booked,
        to: "ana@example.org".to_owned(),
        language: None,
        about: Vec::new(),
    };
    assert!(
        !format!("{message:?} {:?}", person(1)).contains("ana"),
        "no log line can show it"
    );
}
