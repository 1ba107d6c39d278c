//! One seed: the same log each time; a whole run finds nothing; a bug that is not compiled in cannot be chosen.

use scheduling::planted::BUGS;
use simulator::seed::run;

#[test]
fn the_same_seed_writes_the_same_log() {
    let log = || run(11, 300, None).unwrap().log;
    let (first, second) = (log(), log());
    assert_eq!(first.lines(), second.lines());
    assert!(first.commands() >= 300, "{}", first.commands());
    assert_ne!(first.lines(), run(12, 300, None).unwrap().log.lines());
}

#[test]
fn every_command_has_one_line_and_the_last_line_says_how_it_ended() {
    let run = run(3, 200, None).unwrap();
    assert_eq!(run.found, None);
    assert_eq!(run.log.commands() as u64, run.commands);
    let last = run.log.lines().last().unwrap();
    assert_eq!(*last, format!("# passed: {} commands", run.commands));
}

#[test]
fn a_bug_is_chosen_only_where_it_is_planted() {
    let (bug, _) = BUGS[0];
    assert_eq!(run(1, 50, Some(bug)).is_ok(), cfg!(feature = "planted"));
}
