//! What the suites conclude from what other programs say.

use xtask::suite::cargo::count;
use xtask::suite::fsync::unsynced;
use xtask::suite::planted::{Planted, Search};
use xtask::suite::{SUITES, Tally};

#[test]
fn test_counts_are_read_from_either_runner() {
    let nextest = "     Summary [   0.123s] 30 tests run: 29 passed, 1 failed, 2 skipped\n";
    assert_eq!(count(nextest), Tally { passed: 29, failed: 1 });
    let cargo =
        "test result: ok. 12 passed; 0 failed; 0 ignored\nother\ntest result: FAILED. 3 passed; 2 failed; 0 ignored\n";
    assert_eq!(count(cargo), Tally { passed: 15, failed: 2 });
    assert_eq!(
        count("     Summary [ 1s] 3 tests run: 2 passed (1 slow), 1 timed out, 0 skipped"),
        Tally { passed: 2, failed: 1 }
    );
    assert_eq!(count("error: could not compile"), Tally::default());
}

#[test]
fn a_planted_text_is_found_however_it_is_written() {
    let planted = [
        Planted::new("name", "Quillonarda"),
        Planted::new("phone", "617-555-0143"),
        Planted::new("token", "AbCdEfGhIjKlMnOpQrStUvWx"),
    ];
    let search = Search::of(&planted);
    for (text, what) in [
        ("..Quillonarda..", "name"),
        ("..QUILLONARDA..", "name"),
        ("..5175696c6c6f6e61726461..", "name"),
        ("..UXVpbGxvbmFyZGE=..", "name"),
        // Behind one and two other bytes, and before others.
        ("IlF1aWxsb25hcmRhIiw=", "name"),
        ("OiJRdWlsbG9uYXJkYSI=", "name"),
        ("..6175550143..", "phone"),
        ("..617-555-0143..", "phone"),
    ] {
        let found = search.found_in(text.as_bytes());
        assert!(found.iter().any(|found| found.starts_with(what)), "{text}: {found:?}");
    }
    // The token as the bytes that it spells.
    let spelled = b"\x01\xb0\x9d\x11\xf1\xa1\x22\x32\xa5\x32\x73\xa9\x42\xb4\xad\x52\xf5\xb1";
    assert!(!search.found_in(&[b"..", &spelled[..]].concat()).is_empty());
    assert!(search.found_in(&spelled[..17]).is_empty());
    assert!(search.found_in(b"nothing of the kind, Quillonard").is_empty());
}

#[test]
fn every_suite_has_a_budget_and_all_fit_into_half_an_hour() {
    let whole: u64 = SUITES.iter().map(|suite| suite.budget.as_secs()).sum();
    assert!(SUITES.iter().all(|suite| suite.budget.as_secs() > 0));
    assert!(whole <= 1800, "{whole} s");
}

const READ: &str = "12 recvfrom(9<socket:[1]>, \"POST /api/v1/holds HTTP/1.1\\r\\nidempotency-key: hold-1\\r\\n\", 8192, 0, NULL, NULL) = 80";
const ANSWER: &str = "12 writev(9<socket:[1]>, [{iov_base=\"HTTP/1.1 201 Created\\r\\n\", iov_len=22}], 1) = 22";

#[track_caller]
fn check(between: &[&str], is_synced: bool) {
    let log = [&[READ], between, &[ANSWER]].concat().join("\n");
    let without = unsynced(&log, &["hold-1".to_owned()]).unwrap();
    assert_eq!(without.is_empty(), is_synced, "{log}");
}

#[test]
fn a_sync_of_the_log_must_begin_and_end_between_request_and_answer() {
    check(&[], false);
    check(&["13 fdatasync(4</d/evenkeel.sqlite-wal>) = 0"], true);
    check(&["13 fdatasync(4</d/evenkeel.sqlite>) = 0"], false);
    check(
        &["13 fdatasync(4</d/evenkeel.sqlite-wal>) = -1 EIO (Input/output error)"],
        false,
    );
    check(
        &[
            "13 fdatasync(4</d/evenkeel.sqlite-wal> <unfinished ...>",
            "14 read(3, \"\", 1) = 0",
            "13 <... fdatasync resumed>) = 0",
        ],
        true,
    );
    check(&["13 fdatasync(4</d/evenkeel.sqlite-wal> <unfinished ...>"], false);
    // Begun before the request was read: it carries somebody else's commit.
    check(&["13 <... fdatasync resumed>) = 0"], false);
    check(
        &[
            "13 fdatasync(4</d/evenkeel.sqlite-wal> <unfinished ...>",
            "14 <... fdatasync resumed>) = 0",
        ],
        false,
    );
}

#[test]
fn a_request_that_nobody_read_is_no_proof() {
    assert!(unsynced(ANSWER, &["hold-1".to_owned()]).is_err());
    assert!(unsynced(READ, &["hold-1".to_owned()]).is_err());
}
