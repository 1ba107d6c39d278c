//! Each checker catches a bad history made for it, and none minds a good one.

use rehearsal::checker::Report;
use rehearsal::history::{Asked, Known};

use crate::story::{Story, appointment, book_of, cancel_of, held, hold_of, move_of, read_of};

#[track_caller]
fn holds(tell: impl FnOnce(&mut Story)) {
    finds(tell, &[]);
}

#[track_caller]
fn finds(tell: impl FnOnce(&mut Story), broken: &[&str]) {
    let mut story = Story::new();
    tell(&mut story);
    let report = Report::of(story.history());
    assert_eq!(report.broken(), broken, "\n{report}");
}

#[test]
fn a_good_history_passes_every_checker() {
    let mut story = Story::new();
    story.finds_quietly("s", 2);
    story.booked("a", "s");
    story.finds("s", 1);
    story.reads("a", "s", "booked");
    story.cancelled("a", "s");
    story.reads("a", "s", "cancelled");
    story.finds_quietly("s", 2);
    let report = Report::of(story.history());
    assert!(report.passes(), "\n{report}");
}

#[test]
fn an_empty_history_proves_nothing() {
    let story = Story::new();
    assert!(!Report::of(story.history()).passes());
}

// bank

#[test]
fn bank_free_places_are_neither_negative_nor_more_than_there_are() {
    finds(|story| story.finds("s", -1), &["bank", "staleness"]);
    finds(|story| story.finds("s", 3), &["bank", "staleness"]);
}

#[test]
fn bank_more_is_taken_than_anybody_took() {
    finds(
        |story| {
            story.booked("a", "s");
            story.finds_as_of("s", 0, 0, false);
        },
        &["bank", "staleness"],
    );
}

#[test]
fn bank_others_may_take_where_we_are_not_alone() {
    let mut story = Story::new().not_alone();
    story.booked("a", "s");
    story.finds("s", 0);
    assert_eq!(Report::of(story.history()).broken(), [""; 0]);
}

#[test]
fn bank_what_was_taken_before_counts() {
    holds(|story| {
        story.finds_quietly("s", 1);
        story.booked("a", "s");
        story.finds_quietly("s", 0);
    });
}

#[test]
fn bank_a_quiet_read_adds_up_exactly() {
    let cancelled_and_read = |free: i64| {
        move |story: &mut Story| {
            story.booked("a", "s");
            story.booked("b", "s");
            story.cancelled("b", "s");
            story.finds_quietly("s", free);
        }
    };
    holds(cancelled_and_read(1));
    finds(cancelled_and_read(0), &["bank", "staleness"]);
    finds(cancelled_and_read(2), &["bank", "staleness"]);
}

#[test]
fn bank_an_unknown_hold_may_be_there_or_not_but_not_twice() {
    let unknown_then = |free: i64| {
        move |story: &mut Story| {
            let op = story.invoke(hold_of("s"));
            story.unknown(op);
            story.finds_quietly("s", free);
        }
    };
    holds(unknown_then(2));
    holds(unknown_then(1));
    finds(unknown_then(0), &["bank", "staleness"]);
}

#[test]
fn bank_what_failed_took_nothing() {
    finds(
        |story| {
            story.finds_quietly("s", 2);
            let op = story.invoke(hold_of("s"));
            story.failed(op);
            story.finds_quietly("s", 1);
        },
        &["bank", "staleness"],
    );
}

#[test]
fn bank_a_hold_ends_by_its_time_unless_it_was_booked() {
    let hold_then = |book: bool, free: i64| {
        move |story: &mut Story| {
            story.hold("h", "s");
            if book {
                let op = story.invoke(book_of("h"));
                story.ok(op, appointment("a", "s", "booked"));
            }
            story.wait(700_000_000);
            story.finds_quietly("s", free);
        }
    };
    holds(hold_then(false, 2));
    holds(hold_then(false, 1));
    holds(hold_then(true, 1));
    finds(hold_then(true, 2), &["bank", "staleness"]);
}

#[test]
fn bank_a_move_gives_the_old_place_back() {
    let moved_then = |from: i64, to: i64| {
        move |story: &mut Story| {
            story.booked("a", "s");
            story.hold("h2", "t");
            let op = story.invoke(move_of("a", "h2"));
            story.ok(op, appointment("a", "t", "booked"));
            story.finds_quietly("s", from);
            story.finds_quietly("t", to);
        }
    };
    holds(moved_then(2, 1));
    finds(moved_then(1, 1), &["bank", "staleness"]);
    finds(moved_then(2, 2), &["bank", "staleness"]);
}

#[test]
fn bank_a_slot_keeps_its_capacity() {
    let mut story = Story::new();
    story.finds_quietly("s", 2);
    let mut history = story.history().clone();
    let mut more = history.events[1].clone();
    let mut again = history.events[0].clone();
    (again.op, more.op) = (7, 7);
    if let rehearsal::history::What::Ok {
        saw: rehearsal::history::Seen::Slots { slots, .. },
        ..
    } = &mut more.what
    {
        slots[0].capacity = 3;
        slots[0].free = Some(3);
    }
    history.events.extend([again, more]);
    assert_eq!(Report::of(&history).broken(), ["bank"]);
}

// set

#[test]
fn set_a_booking_that_is_gone() {
    finds(
        |story| {
            story.booked("a", "s");
            let op = story.invoke(read_of("a"));
            story.refused(op, 404);
        },
        &["set"],
    );
}

#[test]
fn set_a_booking_that_became_another() {
    finds(
        |story| {
            story.booked("a", "s");
            story.reads("a", "t", "booked");
        },
        &["set"],
    );
    finds(
        |story| {
            story.booked("a", "s");
            story.reads("a", "s", "cancelled");
        },
        &["set"],
    );
}

#[test]
fn set_a_cancellation_that_came_undone() {
    finds(
        |story| {
            story.booked("a", "s");
            story.cancelled("a", "s");
            story.reads("a", "s", "booked");
        },
        &["set"],
    );
}

#[test]
fn set_an_unknown_cancellation_is_there_or_not_and_never_both() {
    let unknown_then = |seen: &'static [&'static str]| {
        move |story: &mut Story| {
            story.booked("a", "s");
            let op = story.invoke(cancel_of("a"));
            story.unknown(op);
            for status in seen {
                story.reads("a", "s", status);
            }
        }
    };
    holds(unknown_then(&["booked"]));
    holds(unknown_then(&["cancelled"]));
    holds(unknown_then(&["booked", "cancelled"]));
    finds(unknown_then(&["cancelled", "booked"]), &["set"]);
}

#[test]
fn set_a_read_beside_a_move_shows_the_one_or_the_other() {
    let beside = |slot: &'static str| {
        move |story: &mut Story| {
            story.booked("a", "s");
            story.hold("h2", "t");
            let moving = story.invoke(move_of("a", "h2"));
            let reading = story.invoke(read_of("a"));
            story.ok(moving, appointment("a", "t", "booked"));
            story.ok(reading, appointment("a", slot, "booked"));
            story.reads("a", "t", "booked");
        }
    };
    holds(beside("s"));
    holds(beside("t"));
    finds(beside("u"), &["set"]);
}

// unique_codes

#[test]
fn unique_codes_one_code_for_two() {
    let mut story = Story::new();
    story.booked("a", "s");
    story.booked("b", "s");
    let lines = story.history().lines().replace("code-of-b", "code-of-a");
    let history = rehearsal::history::History::read(&lines).unwrap();
    assert_eq!(Report::of(&history).broken(), ["unique_codes"]);
}

#[test]
fn unique_codes_one_appointment_for_two() {
    finds(
        |story| {
            for hold in ["h1", "h2"] {
                story.hold(hold, "s");
                let op = story.invoke(book_of(hold));
                story.ok(op, appointment("a", "s", "booked"));
            }
        },
        &["unique_codes"],
    );
}

// one_effect_per_key

#[test]
fn one_effect_per_key_two_answers() {
    let answered = |second: &'static str| {
        move |story: &mut Story| {
            let op = story.invoke(hold_of("s"));
            let expires = story.now() + 600_000_000;
            story.unknown(op);
            for digest in ["aa", second] {
                story.again(op, hold_of("s"));
                story.ok_bytes(op, held("h", expires), digest);
            }
        }
    };
    holds(answered("aa"));
    finds(answered("ab"), &["one_effect_per_key"]);
}

#[test]
fn one_effect_per_key_done_and_refused() {
    finds(
        |story| {
            let op = story.invoke(hold_of("s"));
            story.refused(op, 409);
            story.again(op, hold_of("s"));
            story.ok(op, held("h", 600_000_000));
        },
        &["one_effect_per_key"],
    );
}

#[test]
fn one_effect_per_key_one_hold_becomes_two_appointments() {
    finds(
        |story| {
            story.booked("a", "s");
            let op = story.invoke(book_of("h-a"));
            story.ok(op, appointment("b", "s", "booked"));
        },
        &["one_effect_per_key"],
    );
}

// staleness

#[test]
fn staleness_an_answer_that_is_older_than_it_says() {
    let read_as_of = |late: bool| {
        move |story: &mut Story| {
            let before = story.now();
            story.booked("a", "s");
            let as_of = if late { story.now() + 1 } else { before };
            story.finds_as_of("s", 2, as_of, false);
        }
    };
    holds(read_as_of(false));
    finds(read_as_of(true), &["staleness"]);
}

#[test]
fn staleness_a_place_that_was_given_back_long_ago() {
    let read_as_of = |late: bool| {
        move |story: &mut Story| {
            story.booked("a", "s");
            let before = story.now();
            story.cancelled("a", "s");
            let as_of = if late { story.now() + 1 } else { before };
            story.finds_as_of("s", 1, as_of, false);
        }
    };
    holds(read_as_of(false));
    finds(read_as_of(true), &["staleness"]);
}

#[test]
fn staleness_an_answer_from_the_future() {
    finds(
        |story| story.finds_as_of("s", 2, story.now() + 5_000_000, false),
        &["staleness"],
    );
}

#[test]
fn every_checker_has_a_history_that_it_catches() {
    // The names of this file's tests begin with the checker's: none may be left out.
    let text = include_str!("checker.rs");
    for checker in rehearsal::checker::CHECKERS {
        assert!(text.contains(&format!("fn {}_", checker.name)), "{}", checker.name);
    }
    let mut story = Story::new();
    let op = story.invoke(Asked::GiveBack { hold: "h".to_owned() });
    story.failed(op);
    assert_eq!(story.history().operations()[0].known(), Known::NotDone);
}
