//! `links_are_personal`: who may share a link, what it opens, when it ends.

use crate::world::{OPENS, World, at, word};
use base::id::AppointmentId;
use scheduling::command::{Command, Proof};
use scheduling::resident::personal_link::{code_counts, is_over};
use std::time::Duration;

/// By a link that was shared.
const HELPS: Proof = Proof {
    hold: true,
    appointment: true,
    own_link: false,
    by_code: false,
};
/// By the code and a birth date.
const SAID: Proof = Proof {
    hold: true,
    appointment: false,
    own_link: false,
    by_code: true,
};
/// The slot begins an hour from the start and takes ten minutes.
const ENDS: i64 = 3600 + 600;

fn booked(email: Option<&str>) -> (World, AppointmentId) {
    let mut world = World::flu(&[2]);
    let slot = world.slots[0];
    let hold = world.hold(&[slot], at(0)).unwrap();
    let mut booking = world.booking(slot, 1, 1);
    booking.person.email = email.map(str::to_owned);
    let ids = world.book(hold, vec![booking], at(1)).unwrap();
    (world, ids[0])
}

#[test]
fn a_shared_link_makes_none_and_stops_none() {
    let (mut world, id) = booked(None);
    let share = Command::ShareLink { appointment: id };
    assert_eq!(word(&world.decide(&share, HELPS, at(2))), "not-found");
    assert_eq!(word(&world.decide(&share, SAID, at(2))), "not-found");
    assert_eq!(word(&world.decide(&share, OPENS, at(2))), "done");
    let stop = Command::StopLink {
        appointment: id,
        number: 1,
    };
    assert_eq!(word(&world.decide(&stop, HELPS, at(3))), "not-found");
    assert!(world.set.links[&(id, 1)].is_live());
    for _ in 0..2 {
        assert_eq!(word(&world.decide(&stop, OPENS, at(3))), "done");
        assert!(!world.set.links[&(id, 1)].is_live());
    }
    // Another one is another link: what was stopped never opens again.
    assert_eq!(word(&world.decide(&share, OPENS, at(4))), "done");
    assert_eq!(world.set.links.keys().copied().collect::<Vec<_>>(), [(id, 1), (id, 2)]);
    let unknown = Command::StopLink {
        appointment: id,
        number: 9,
    };
    assert_eq!(word(&world.decide(&unknown, OPENS, at(4))), "not-found");
}

#[test]
fn at_most_three_are_shared_at_once() {
    let (mut world, id) = booked(None);
    for _ in 0..5 {
        assert_eq!(
            word(&world.decide(&Command::ShareLink { appointment: id }, OPENS, at(2))),
            "done"
        );
    }
    assert_eq!(world.set.links.len(), 3);
}

#[test]
fn a_code_cancels_and_does_not_move() {
    let (mut world, id) = booked(None);
    let hold = world.hold(&[world.slots[0]], at(2)).unwrap();
    let moving = Command::Reschedule { appointment: id, hold };
    assert_eq!(word(&world.decide(&moving, SAID, at(2))), "not-found");
    assert_eq!(
        word(&world.decide(&Command::Cancel { appointment: id }, SAID, at(2))),
        "done"
    );
}

#[test]
fn every_link_is_over_a_day_after_the_end() {
    let day = 24 * 3600;
    for (seconds, expected) in [(ENDS + day, "too-late"), (ENDS + day + 1, "not-found")] {
        let (mut world, id) = booked(None);
        let cancel = Command::Cancel { appointment: id };
        for proof in [OPENS, HELPS, SAID] {
            assert_eq!(word(&world.decide(&cancel, proof, at(seconds))), expected);
        }
    }
    assert!(!is_over(at(0), Duration::from_secs(5), at(5)));
    assert!(is_over(at(0), Duration::from_secs(5), at(6)));
}

#[test]
fn a_link_is_sent_anew_only_to_somebody_and_not_twice_in_a_row() {
    let anew = |id| Command::SendLinkAnew { appointment: id };
    let (mut world, id) = booked(None);
    assert_eq!(word(&world.decide(&anew(id), SAID, at(2))), "done");
    assert_eq!(
        world.set.appointments[&id].generation, 0,
        "the old link is all they have"
    );
    let (mut world, id) = booked(Some("a@example.org"));
    assert_eq!(word(&world.decide(&anew(id), HELPS, at(2))), "not-found");
    world.sends_mail = false;
    assert_eq!(word(&world.decide(&anew(id), SAID, at(2))), "done");
    assert_eq!(world.set.appointments[&id].generation, 0, "no mail, no new link");
    world.sends_mail = true;
    for (now, generation) in [(2, 1), (601, 1), (602, 2)] {
        assert_eq!(word(&world.decide(&anew(id), SAID, at(now))), "done");
        assert_eq!(world.set.appointments[&id].generation, generation, "at {now}");
    }
}

#[test]
fn what_was_said_counts_for_some_minutes() {
    let lasts = Duration::from_mins(15);
    for (said, now, counts) in [(0, 0, true), (0, 900, true), (0, 901, false), (1, 0, false)] {
        assert_eq!(
            code_counts(at(said), lasts, at(now)),
            counts,
            "said at {said}, now {now}"
        );
    }
}
