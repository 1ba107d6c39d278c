//! At once, then later and later, never not at all; anew after five seconds of health.

use std::time::Duration;

use supervisor::restart::{HEALTHY_AFTER, Restart};

const NEVER_WELL: Duration = Duration::ZERO;

#[track_caller]
fn check(lives: &[Duration], waits_ms: &[u64]) {
    let mut restart = Restart::default();
    let got: Vec<u64> = lives
        .iter()
        .map(|healthy| restart.ended(*healthy).as_millis() as u64)
        .collect();
    assert_eq!(got, waits_ms);
}

#[test]
fn the_first_restart_is_at_once_and_the_waits_double_to_two_seconds() {
    check(&[NEVER_WELL; 9], &[0, 100, 200, 400, 800, 1600, 2000, 2000, 2000]);
}

#[test]
fn five_seconds_of_health_forgive_and_less_does_not() {
    let almost = Duration::from_millis(4_999);
    check(&[NEVER_WELL, NEVER_WELL, HEALTHY_AFTER, NEVER_WELL], &[0, 100, 0, 100]);
    check(&[almost, almost, almost], &[0, 100, 200]);
}

#[test]
fn it_never_gives_up() {
    let mut restart = Restart::default();
    assert!((0..100_000).all(|_| restart.ended(NEVER_WELL) <= Duration::from_secs(2)));
}

#[test]
fn a_start_gets_more_patience_each_time_it_had_too_little_until_one_was_well() {
    let first = Duration::from_mins(2);
    let mut restart = Restart::default();
    let given = (0..7).map(|_| {
        let given = restart.start_patience(first);
        restart.was_mute();
        restart.ended(Duration::ZERO);
        given.as_secs()
    });
    assert_eq!(given.collect::<Vec<_>>(), [120, 240, 480, 960, 1920, 1920, 1920]);
    restart.ended(HEALTHY_AFTER);
    assert_eq!(restart.start_patience(first), first);
}
