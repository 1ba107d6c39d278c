//! The arithmetic of rounds.

use xtask::bench::{Round, Row, Target, compare, median};

fn rounds(pairs: &[(f64, f64)]) -> Vec<(Round, Round)> {
    let round = |figure| Round {
        figure,
        p99_ms: Some(figure / 100.0),
    };
    pairs
        .iter()
        .map(|(ours, anchor)| (round(*ours), round(*anchor)))
        .collect()
}

fn row(pairs: &[(f64, f64)], target: Target) -> Row {
    compare("commits", "/s", 64, &rounds(pairs), target)
}

const TARGET: Target = Target {
    ratio_min: 2.0,
    p99_ms_max: Some(10.0),
    anchor_floor: 100.0,
};

#[test]
fn the_median_of_ratios_decides_and_the_spread_is_shown() {
    let row = row(
        &[
            (300.0, 100.0),
            (200.0, 100.0),
            (100.0, 100.0),
            (800.0, 200.0),
            (500.0, 200.0),
        ],
        TARGET,
    );
    assert_eq!(
        (row.ratio, row.spread, row.ours, row.anchor),
        (2.5, (1.0, 4.0), 300.0, 100.0)
    );
    assert!(row.met);
}

#[test]
fn a_slow_anchor_voids_the_run() {
    let row = row(&[(300.0, 50.0)], TARGET);
    assert!(!row.met && row.note.contains("VOID"), "{row:?}");
}

#[test]
fn a_slow_tail_misses_the_target() {
    assert!(!row(&[(3000.0, 1000.0)], TARGET).met);
    assert!(
        row(
            &[(3000.0, 1000.0)],
            Target {
                p99_ms_max: None,
                ..TARGET
            }
        )
        .met
    );
}

#[test]
#[allow(clippy::float_cmp, reason = "no arithmetic is done on these")]
fn the_middle_of_some_numbers() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0]), 2.5);
    assert_eq!(median(&[]), 0.0);
}

#[test]
fn a_cost_is_printed_and_wants_nothing() {
    let row = xtask::bench::cost("cost", "/s", 64, &rounds(&[(80.0, 100.0), (90.0, 100.0)]), 50.0);
    assert!(row.met && row.target == "printed" && row.note == "-15 %", "{row:?}");
    let void = xtask::bench::cost("cost", "/s", 64, &rounds(&[(8.0, 10.0)]), 50.0);
    assert!(!void.met && void.note.contains("VOID"), "{void:?}");
}
