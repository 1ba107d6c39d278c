//! Many seeds: counted, added up, and the same whichever thread ran them.

use simulator::checker::sometimes::Sometimes;
use simulator::gate::{Seeds, run};

#[test]
fn seeds_add_up_on_any_number_of_threads() {
    let seeds = Seeds::Fixed { first: 20, count: 6 };
    let (one, two) = (run(seeds, 100, 1, None).unwrap(), run(seeds, 100, 2, None).unwrap());
    assert_eq!(
        one.failed.len(),
        0,
        "{:?}",
        one.failed.first().map(|(seed, found, _)| (seed, found))
    );
    assert_eq!((one.seeds, one.commands), (6, two.commands));
    assert_eq!(one.sometimes, two.sometimes);
}

#[test]
fn what_never_happened_is_named() {
    let missing = Sometimes::default().missing();
    assert_eq!(missing, Sometimes::expected());
    assert!(missing.iter().any(|what| what == "refusal slot-full"));
    let mut surprised = Sometimes::default();
    surprised.happened("appointment booked → arrived");
    assert!(surprised.missing().iter().any(|what| what.contains("take it off")));
}
