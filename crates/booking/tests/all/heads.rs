//! A log that lost its end is found: at start, by `verify`, and for ever after.

use crate::folder::Folder;
use crate::site::{Site, person, site_on};
use base::limit::Settings;
use booking::heads::{self, folder_of};
use booking::verify::{self, Invariant, Report};
use database::Database;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Polls until the recorded head of chain `a` has this sequence.
async fn until_recorded(database: &Path, sequence: i64) {
    for _ in 0..500 {
        let (recorded, unreadable) = heads::read(&folder_of(database));
        assert!(unreadable.is_empty(), "{unreadable:?}");
        if recorded
            .iter()
            .any(|one| one.chain == "a" && one.head.sequence == sequence)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within ten seconds: {:?}", heads::read(&folder_of(database)));
}

fn last_sequence(site: &Site) -> i64 {
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin_read().unwrap();
    booking::records::audit::head(&mut tx, "a").unwrap().sequence
}

/// Copies a database with its log and heads; the log ends as many commits earlier.
fn copy_cut(from: &Path, to: &Path, commits: usize) -> PathBuf {
    std::fs::create_dir_all(to.join("heads")).unwrap();
    let file = to.join("evenkeel.sqlite");
    std::fs::copy(from.join("evenkeel.sqlite"), &file).unwrap();
    for head in std::fs::read_dir(from.join("heads")).unwrap() {
        let head = head.unwrap();
        std::fs::copy(head.path(), to.join("heads").join(head.file_name())).unwrap();
    }
    let log = std::fs::read(from.join("evenkeel.sqlite-wal")).unwrap();
    let ends = commit_ends(&log);
    let end = ends[ends.len() - 1 - commits];
    std::fs::write(to.join("evenkeel.sqlite-wal"), &log[..end]).unwrap();
    file
}

/// Where each commit of a write-ahead log ends (SQLite's file format, §4.1: a header of 32 bytes, then frames of 24
/// bytes and a page; a frame that ends a commit says the database's size).
fn commit_ends(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (number(8) as usize, log[16..24].to_vec());
    let mut ends = Vec::new();
    let mut at = 32;
    while at + 24 + page <= log.len() && log[at + 8..at + 16] == salt {
        if number(at + 4) != 0 {
            ends.push(at + 24 + page);
        }
        at += 24 + page;
    }
    ends
}

fn verified(file: &Path) -> Report {
    let mut connection = Database::file(file).connect().unwrap();
    let mut report = verify::verify(&mut connection, None, &[], Duration::from_secs(30)).unwrap();
    verify::heads::check(&mut connection, &folder_of(file), &mut report).unwrap();
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_log_is_found_with_what_is_missing() {
    let (folder, other) = (Folder::new(), Folder::new());
    let file = folder.path().join("evenkeel.sqlite");
    let site = site_on(Database::file(&file), &[9], "a", Settings::default());
    // A reader that stays keeps what follows in the log.
    let mut reader = site.database.connect().unwrap();
    let mut view = reader.begin_read().unwrap();
    booking::records::audit::chains(&mut view).unwrap();
    for number in 1..=4 {
        site.book(site.slots[0], person(number), 1).await.unwrap();
    }
    let last = last_sequence(&site);
    until_recorded(&file, last).await;
    let whole = copy_cut(folder.path(), &other.path().join("whole"), 0);
    assert_eq!((verified(&whole).findings, verified(&whole).heads), (vec![], 1));
    // The last booking: its hold and itself, each a commit.
    let cut = copy_cut(folder.path(), &other.path().join("cut"), 2);
    drop(view);
    site.stop().await;

    let findings = verified(&cut).findings;
    let missing = format!(
        "chain a: events {} to {last} are missing, which were there at ",
        last - 2
    );
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].invariant, Invariant::AcknowledgedIsStored);
    assert!(findings[0].detail.starts_with(&missing), "{findings:?}");

    for _ in 0..2 {
        let site = site_on(Database::file(&cut), &[9], "a", Settings::default());
        assert_eq!(site.engine.heads().missing(), 3);
        let after = last_sequence(&site);
        assert!(after > last, "a number that was given out is not given out again");
        until_recorded(&cut, after).await;
        let number = u32::try_from(after).unwrap();
        site.book(site.slots[0], person(number), 1).await.unwrap();
        until_recorded(&cut, after + 3).await;
        site.stop().await;
        let findings = verified(&cut).findings;
        let found = format!("chain a: events {} to {last} are missing, as was found at ", last - 2);
        assert!(
            findings.len() == 1 && findings[0].detail.starts_with(&found),
            "{findings:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_replaced_and_a_head_that_cannot_be_read_are_found() {
    let folder = Folder::new();
    let file = folder.path().join("evenkeel.sqlite");
    let site = site_on(Database::file(&file), &[9], "a", Settings::default());
    site.book(site.slots[0], person(1), 1).await.unwrap();
    let last = last_sequence(&site);
    until_recorded(&file, last).await;
    site.stop().await;
    let head = folder_of(&file).join("a");
    let text = std::fs::read_to_string(&head).unwrap();
    let (_, rest) = text.split_once(' ').unwrap();
    std::fs::write(&head, format!("{} {rest}", last - 1)).unwrap();
    std::fs::write(folder_of(&file).join("b"), "rubbish").unwrap();
    let details: Vec<_> = verified(&file).findings.into_iter().map(|found| found.detail).collect();
    assert!(
        details.len() == 2
            && details[0].contains("is no chain's head")
            && details[1].starts_with(&format!("chain a: event {} is not the one that was there", last - 1)),
        "{details:?}"
    );
    std::fs::remove_file(folder_of(&file).join("b")).unwrap();
    let site = site_on(Database::file(&file), &[9], "a", Settings::default());
    until_recorded(&file, last + 1).await;
    site.stop().await;
    let details: Vec<_> = verified(&file).findings.into_iter().map(|found| found.detail).collect();
    assert!(
        details
            .iter()
            .any(|detail| detail.contains("one before it was replaced")),
        "{details:?}"
    );
}

#[test]
fn no_build_but_the_benchs_leaves_anything_out() {
    use booking::cost::{Part, leave_out};
    assert!(!leave_out(&[Part::Audit, Part::Heads]) && leave_out(&[]));
}
