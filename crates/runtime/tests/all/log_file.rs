//! Log files turn over by size and by age, keep a number of old ones, and never make the writer wait.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use base::limit::Settings;
use base::time::Timestamp;
use runtime::clock::Clock;
use runtime::log_file::{AGE, BYTES, KEPT, LogFile, WAITING_LINES};
use runtime::shutdown::Shutdown;
use runtime::task::Owner;

use crate::folder::Folder;

fn small() -> Settings {
    let mut settings = Settings::default();
    settings.set(&BYTES, BYTES.min).unwrap();
    settings.set(&KEPT, 3).unwrap();
    settings
}

fn open(path: &Path, settings: &Settings, clock: &Clock) -> LogFile {
    LogFile::open(path, settings, clock, &Owner::new(Shutdown::new())).unwrap()
}

fn names(folder: &Folder) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_turns_over_by_size_and_keeps_the_newest() {
    let folder = Folder::new();
    let path = folder.path().join("x.log");
    let mut log = open(&path, &small(), &Clock::real());
    let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
    for _ in 0..64 * 6 {
        log.write_all(&line).unwrap();
        LogFile::flush(&log);
    }
    assert_eq!(names(&folder), ["x.log", "x.log.1", "x.log.2", "x.log.3"]);
    for name in names(&folder) {
        let metadata = folder.path().join(name).metadata().unwrap();
        assert!(metadata.len() <= BYTES.min);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn it_turns_over_by_age_and_goes_on_where_it_stopped() {
    let folder = Folder::new();
    let path = folder.path().join("x.log");
    let clock = Clock::manual(Timestamp::from_seconds(1_000_000));
    let settings = Settings::default();
    let mut log = open(&path, &settings, &clock);
    log.write_all(b"one\n").unwrap();
    LogFile::flush(&log);
    clock.advance(settings.duration(&AGE) + Duration::from_secs(1));
    log.write_all(b"two\n").unwrap();
    LogFile::flush(&log);
    assert_eq!(std::fs::read_to_string(folder.path().join("x.log.1")).unwrap(), "one\n");
    let mut again = open(&path, &settings, &Clock::real());
    again.write_all(b"three\n").unwrap();
    LogFile::flush(&again);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nthree\n");
}

#[test]
fn lines_that_do_not_fit_are_counted_and_owned_up_to() {
    let folder = Folder::new();
    let path = folder.path().join("x.log");
    let mut settings = Settings::default();
    settings.set(&WAITING_LINES, WAITING_LINES.min).unwrap();
    let mut log = open(&path, &settings, &Clock::real());
    let mut written = 0;
    while log.dropped() == 0 {
        log.write_all(b"{}\n").unwrap();
        written += 1;
        assert!(written < 50_000_000, "the queue has no end");
    }
    // A fast disk takes so many lines before one is dropped that the file was turned over: all of them are looked at.
    let files = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let text = || {
        files()
            .map(|file| std::fs::read_to_string(file).unwrap_or_default())
            .collect::<String>()
    };
    for _ in 0..100 {
        log.write_all(b"{}\n").unwrap();
        LogFile::flush(&log);
        if text().contains("log lines were dropped") {
            return;
        }
    }
    panic!("the log never said that it dropped lines");
}
