//! Wall clocks, ages and calendar arithmetic at the edges where people get them wrong.
use base::time::{Time, Timestamp, Zone, add_months, age_on, date_text, days_between, parse_date};

fn zone() -> Zone {
    Zone::named("America/New_York").unwrap()
}

fn date(text: &str) -> base::time::Date {
    parse_date(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn an_instant_prints_with_the_zones_offset_of_that_day() {
    let summer = Timestamp::parse("2026-07-01T13:20:00Z").unwrap();
    let winter = Timestamp::parse("2026-12-01T14:20:00Z").unwrap();
    assert_eq!(summer.rfc3339_in(&zone()), "2026-07-01T09:20:00-04:00");
    assert_eq!(winter.rfc3339_in(&zone()), "2026-12-01T09:20:00-05:00");
    assert_eq!(winter.to_string(), "2026-12-01T14:20:00Z");
    assert_eq!(zone().spoken_at(summer), "ET");
}

#[test]
fn a_wall_clock_in_the_gap_or_the_fold_has_one_instant() {
    let gap = zone().at(date("2026-03-08"), Time::constant(2, 30, 0, 0));
    assert_eq!(gap.rfc3339_in(&zone()), "2026-03-08T03:30:00-04:00");
    let fold = zone().at(date("2026-11-01"), Time::constant(1, 30, 0, 0));
    assert_eq!(fold.rfc3339_in(&zone()), "2026-11-01T01:30:00-04:00");
}

#[test]
fn age_counts_completed_years() {
    for (born, on, age) in [
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("1960-11-24", "2026-11-24", 66),
        ("1960-11-25", "2026-11-24", 65),
    ] {
        assert_eq!(age_on(date(born), date(on)), age, "{born} {on}");
    }
}

#[test]
fn months_are_calendar_months() {
    assert_eq!(date_text(add_months(date("2026-01-31"), 1)), "2026-02-28");
    assert_eq!(days_between(date("2026-02-27"), date("2026-03-02")), 3);
}

#[test]
fn only_one_spelling_of_a_date_is_read() {
    for text in [
        "2026-1-01",
        "2026-02-30",
        "26-02-03",
        "2026-02-03 ",
        "+026-02-03",
        "2026/02/03",
        "",
    ] {
        assert!(parse_date(text).is_none(), "{text}");
    }
}
