//! Another program comes to its end, by itself or by us, and what it said at the end is known.

use std::process::Command;
use std::time::Duration;

use runtime::clock::Clock;
use runtime::program::{Ended, Program, ProgramError};
use runtime::shutdown::Shutdown;

use crate::folder::Folder;

const LONG: Duration = Duration::from_secs(30);

fn run(line: &str, file: &std::path::Path, time: Duration) -> Result<Ended, ProgramError> {
    Program::line(line, file, time)
        .unwrap()
        .run(&Clock::real(), &Shutdown::new())
}

#[test]
fn a_line_gets_the_file_by_its_path_or_on_its_input() {
    let folder = Folder::new();
    let file = folder.path().join("a file's \"name\" $(false)");
    std::fs::write(&file, "content").unwrap();
    for line in ["cat {}", "cat", "cp {} /dev/stdout"] {
        let ended = run(line, &file, LONG).unwrap();
        assert_eq!((ended.code, ended.said.as_str()), (Some(0), "content"), "{line}");
    }
}

#[test]
fn its_exit_code_and_the_end_of_what_it_said_are_kept() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ended = run("seq 100000; echo at last >&2; exit 7", &file, LONG).unwrap();
    assert!(!ended.is_done() && ended.code == Some(7));
    assert!(ended.said.ends_with("100000\nat last") && ended.said.len() <= 4096);
    let ended = run("kill -9 $$", &file, LONG).unwrap();
    assert!(ended.code.is_none() && ended.said.contains("signal 9"));
}

#[test]
fn one_that_takes_too_long_is_ended_with_all_it_started() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let pid = folder.path().join("pid");
    let line = format!("echo begun; sleep 60 & echo $! > {}; wait", pid.display());
    let error = run(&line, &file, Duration::from_millis(700)).unwrap_err();
    assert!(
        matches!(&error, ProgramError::TimedOut { said, .. } if said == "begun"),
        "{error}"
    );
    let child = std::fs::read_to_string(&pid).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    let clock = Clock::real();
    let until = clock.monotonic() + Duration::from_secs(5);
    while state()
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    {
        assert!(clock.monotonic() < until, "its child lives");
        clock.sleep_blocking(Duration::from_millis(10));
    }
}

#[test]
fn it_is_ended_when_we_are_told_to_stop_and_named_when_it_is_not_there() {
    let stop = Shutdown::new();
    stop.request();
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let ended = Program::new(sleep, LONG).run(&Clock::real(), &stop);
    assert!(matches!(ended, Err(ProgramError::Stopped(_))));
    let missing = Program::new(Command::new("/nowhere/at-all"), LONG).run(&Clock::real(), &Shutdown::new());
    assert!(missing.unwrap_err().to_string().contains("/nowhere/at-all"));
}
