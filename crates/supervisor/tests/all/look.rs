//! What is said about a machine before a start.

use base::time::Timestamp;
use supervisor::look::{Seen, judge};

const NOW: Timestamp = Timestamp::from_seconds(1_796_000_000);

#[test]
fn all_well_says_nothing() {
    assert_eq!(judge(Some(1 << 40), NOW, Some(NOW), true), []);
}

#[test]
fn little_space_and_a_clock_behind_the_data_are_warnings() {
    let seen = judge(
        Some(100 << 20),
        NOW,
        Some(Timestamp::from_seconds(NOW.seconds() + 61)),
        true,
    );
    assert_eq!(seen, [Seen::LittleSpace { free_bytes: 100 << 20 }, Seen::ClockBehind]);
    assert!(seen.iter().all(|seen| seen.is_warning()));
    assert!(seen[0].to_string().contains("100 MiB free"));
    assert_eq!(
        judge(Some(1 << 40), Timestamp::from_seconds(0), None, true),
        [Seen::ClockBehind]
    );
}

#[test]
fn what_cannot_be_told_is_said_and_is_no_warning() {
    let seen = judge(None, NOW, None, false);
    assert_eq!(seen, [Seen::SpaceUnknown, Seen::ClockUnknown]);
    assert!(
        seen.iter()
            .all(|seen| !seen.is_warning() && seen.to_string().starts_with("cannot tell"))
    );
}
