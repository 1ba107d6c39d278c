//! What the suites conclude from what other programs say.

use xtask::suite::cargo::count;
use xtask::suite::fsync::unsynced;
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
