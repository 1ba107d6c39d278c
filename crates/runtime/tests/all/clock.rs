//! The clock shows what it should and wakes who waits.

use std::time::Duration;

use base::time::Timestamp;
use runtime::clock::{Clock, NotShiftable};
use runtime::shutdown::Shutdown;

#[test]
fn the_real_clock_cannot_be_moved() {
    let clock = Clock::real();
    assert_eq!(clock.shift(Duration::from_secs(1)), Err(NotShiftable));
    let before = clock.now();
    clock.advance(Duration::from_hours(1));
    clock.set(Timestamp::from_seconds(0));
    assert!(clock.now() >= before && clock.now().since(before) < Duration::from_mins(1));
}

#[test]
fn a_shift_moves_both_times_and_is_shown() {
    let clock = Clock::shiftable();
    let (before, earlier) = (clock.now(), clock.monotonic());
    clock.shift(Duration::from_hours(1)).unwrap();
    assert!(clock.now().since(before) >= Duration::from_hours(1));
    assert!(clock.monotonic().checked_sub(earlier).unwrap() >= Duration::from_hours(1));
    assert_eq!(clock.shifted_by(), Duration::from_hours(1));
}

#[test]
fn a_manual_clock_stands_until_moved_and_its_monotone_time_never_goes_back() {
    let clock = Clock::manual(Timestamp::from_seconds(100));
    assert_eq!(clock.now(), Timestamp::from_seconds(100));
    clock.set(Timestamp::from_seconds(160));
    assert_eq!(clock.monotonic(), Duration::from_mins(1));
    clock.set(Timestamp::from_seconds(40));
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp::from_seconds(40), Duration::from_mins(1))
    );
}

#[tokio::test]
async fn moving_the_clock_wakes_a_sleeping_task() {
    let clock = Clock::manual(Timestamp::from_seconds(0));
    let sleeper = clock.clone();
    let slept = async move { sleeper.sleep(Duration::from_mins(10)).await };
    let moved = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_mins(1));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(slept, moved) })
        .await
        .unwrap();
}

#[test]
fn moving_the_clock_wakes_a_sleeping_thread() {
    let clock = Clock::shiftable();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| clock.sleep_blocking(Duration::from_hours(5)));
        clock.shift(Duration::from_hours(6)).unwrap();
        // Whichever came first: the sleeper's start may already have seen the shift, then a second one wakes it.
        while !sleeper.is_finished() {
            clock.shift(Duration::from_hours(6)).unwrap();
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_pause_ends_when_its_time_is_over_or_when_asked_to_stop() {
    for clock in [
        Clock::real(),
        Clock::shiftable(),
        Clock::manual(Timestamp::from_seconds(0)),
    ] {
        let stop = Shutdown::new();
        std::thread::scope(|scope| {
            let pausing = scope.spawn(|| clock.pause_blocking(Duration::from_hours(1), &stop));
            stop.request();
            assert!(!pausing.join().unwrap(), "{clock:?}");
        });
    }
    assert!(Clock::real().pause_blocking(Duration::from_millis(1), &Shutdown::new()));
    let clock = Clock::shiftable();
    std::thread::scope(|scope| {
        let pausing = scope.spawn(|| clock.pause_blocking(Duration::from_hours(1), &Shutdown::new()));
        while !pausing.is_finished() {
            clock.shift(Duration::from_hours(2)).unwrap();
            std::thread::yield_now();
        }
        assert!(pausing.join().unwrap());
    });
}

#[test]
fn who_sleeps_by_a_simulated_clock_moves_it_on_and_a_time_server_moves_the_wall_alone() {
    let clock = Clock::simulated(Timestamp::from_seconds(100));
    clock.sleep_blocking(Duration::from_secs(20));
    assert!(clock.pause_blocking(Duration::from_secs(40), &Shutdown::new()));
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp::from_seconds(160), Duration::from_mins(1))
    );
    clock.step_wall(Timestamp::from_seconds(10));
    clock.step_wall(Timestamp::from_seconds(50));
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp::from_seconds(50), Duration::from_mins(1))
    );
}
