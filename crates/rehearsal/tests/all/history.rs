//! A history is read as it was written, and what its events say of an operation.

use rehearsal::history::{History, Known};
use rehearsal::recorder::Recorder;
use runtime::clock::Clock;

use crate::story::{Story, book_of, hold_of};

#[test]
fn a_history_is_read_as_it_was_written() {
    let mut story = Story::new();
    story.booked("a", "s");
    story.finds("s", 1);
    let history = story.history();
    assert_eq!(History::read(&history.lines()).as_ref(), Ok(history));
}

#[test]
fn a_torn_last_line_is_what_a_killed_recorder_leaves() {
    let mut story = Story::new();
    story.booked("a", "s");
    let lines = story.history().lines();
    let torn = History::read(&lines[..lines.len() - 5]).unwrap();
    assert_eq!(torn.events, story.history().events[..3]);
    let wrong = lines.replace("\"invoke\"", "\"invoked\"");
    assert!(History::read(&wrong).unwrap_err().starts_with("line 2: "));
    assert!(History::read(&lines.replace("\"history\":1", "\"history\":2")).is_err());
}

#[test]
fn the_recorder_writes_what_it_gives() {
    let path = std::env::temp_dir().join(format!("evenkeel-recorder-{}.ndjson", std::process::id()));
    let recorder = Recorder::begin(&path, Clock::real(), true, 0).unwrap();
    let op = recorder.invoke(3, hold_of("s"));
    recorder.again(op, 3, hold_of("s"));
    let history = recorder.history().unwrap();
    assert_eq!(History::read(&std::fs::read_to_string(&path).unwrap()), Ok(history));
    std::fs::remove_file(path).unwrap();
}

#[track_caller]
fn check(tell: impl FnOnce(&mut Story, u64), expected: &str) {
    let mut story = Story::new();
    let op = story.invoke(book_of("h"));
    tell(&mut story, op);
    let operations = story.history().operations();
    let known = match operations[0].known() {
        Known::Done { .. } => "done",
        Known::NotDone => "not done",
        Known::Unknown => "unknown",
    };
    assert_eq!(known, expected);
}

#[test]
fn what_is_known_of_an_operation() {
    check(|_, _| {}, "unknown");
    check(Story::failed, "not done");
    check(Story::unknown, "unknown");
    check(|story, op| story.refused(op, 409), "not done");
    // Asked again, and said to have done nothing: the first try is in doubt still.
    check(
        |story, op| {
            story.unknown(op);
            story.again(op, book_of("h"));
            story.failed(op);
        },
        "unknown",
    );
    check(
        |story, op| {
            story.unknown(op);
            story.again(op, book_of("h"));
            story.refused(op, 409);
        },
        "not done",
    );
    // The second try is under way.
    check(
        |story, op| {
            story.failed(op);
            story.again(op, book_of("h"));
        },
        "unknown",
    );
}
