//! Waits that grow, and do not come together.

use std::time::Duration;

use messaging::retry::wait;

#[test]
fn waits_double_up_to_a_limit_and_chance_takes_a_share() {
    let longest = |attempt| wait(attempt, Duration::from_mins(1), Duration::from_hours(1), |end| end - 1).as_secs();
    assert_eq!(
        [1, 2, 3, 4, 5, 6, 7, 8, 40, u32::MAX].map(longest),
        [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600]
    );
    let none = wait(9, Duration::from_mins(1), Duration::from_hours(1), |_| 0);
    assert_eq!(none, Duration::ZERO);
}
