//! Chance that can be repeated, and ids that grow.

use std::time::Duration;

use base::time::Timestamp;
use runtime::entropy::Entropy;

#[test]
fn the_same_seed_gives_the_same_stream() {
    let draw = |seed| {
        let entropy = Entropy::seeded(seed);
        (
            entropy.bits128(),
            entropy.below(1000),
            entropy.uuid_v7(Timestamp::from_seconds(1)),
        )
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_ne!(Entropy::real().bits128(), Entropy::real().bits128());
}

#[test]
fn below_stays_below() {
    let entropy = Entropy::seeded(1);
    assert_eq!(entropy.below(0), 0);
    assert!((0..1000).all(|_| entropy.below(3) < 3));
}

#[test]
fn ids_have_version_and_variant_and_carry_the_millisecond() {
    let id = Entropy::real().uuid_v7(Timestamp::from_micros(0x0123_4567_89ab * 1000));
    assert_eq!(id >> 80, 0x0123_4567_89ab);
    assert_eq!((id >> 76) & 0xf, 7);
    assert_eq!((id >> 62) & 0b11, 0b10);
}

#[test]
fn ids_grow_also_within_a_microsecond_and_follow_a_clock_set_far_back() {
    let entropy = Entropy::seeded(1);
    let now = Timestamp::from_seconds(1_700_000_000);
    let mut last = 0;
    for _ in 0..10_000 {
        let id = entropy.uuid_v7(now);
        assert!(id > last);
        last = id;
    }
    assert!(
        entropy.uuid_v7(now - Duration::from_secs(1)) > last,
        "a small step back is bridged"
    );
    assert!(
        entropy.uuid_v7(now - Duration::from_hours(1)) < last,
        "a long one is followed"
    );
}
