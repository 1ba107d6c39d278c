//! Settings keep their bounds and say what goes wrong outside.
use base::limit::{Setting, Settings, Unit};

const SAMPLE: Setting = Setting {
    key: "a.b",
    unit: Unit::Seconds,
    default: 10,
    min: 2,
    max: 30,
    reason: "r",
    below: "people lose their place",
    above: "bots park",
};

#[test]
fn a_value_outside_its_bounds_says_what_would_go_wrong() {
    let mut settings = Settings::default();
    assert_eq!(settings.get(&SAMPLE), 10);
    assert_eq!(
        settings.set(&SAMPLE, 1).unwrap_err(),
        "a.b: 1 s is below the minimum of 2: people lose their place"
    );
    assert_eq!(
        settings.set(&SAMPLE, 31).unwrap_err(),
        "a.b: 31 s is above the maximum of 30: bots park"
    );
    settings.set(&SAMPLE, 30).unwrap();
    assert_eq!(settings.duration(&SAMPLE).as_secs(), 30);
}
