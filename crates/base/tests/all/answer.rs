//! Faults: codes and what a retry needs.
use base::answer::Fault;

#[test]
fn a_retry_needs_its_key_only_where_something_may_have_happened() {
    let needing: Vec<_> = Fault::ALL
        .into_iter()
        .filter(|f| f.retry_needs_key())
        .map(Fault::code)
        .collect();
    assert_eq!(needing, ["timed-out", "outcome-unknown"]);
}
