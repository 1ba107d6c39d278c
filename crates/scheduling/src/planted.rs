//! Bugs planted on purpose, so that the simulator can show that it would notice them. Without the feature `planted`,
//! which no build but the simulator's own switches on, [`is`] is a constant `false` and nothing of a bug is compiled.

/// Every bug that is planted somewhere: what it does, and its name.
pub const BUGS: [(&str, &str); 11] = [
    ("skip_key_lookup", "a repeated request is decided again"),
    (
        "double_give_back",
        "a hold that has ended gives its places back once more",
    ),
    ("lax_deadline", "a hold can be used at its very expiry: `<` for `<=`"),
    (
        "capacity_not_reread",
        "places are counted by the snapshot, not by the locked row",
    ),
    ("audit_dropped", "a cancellation leaves no AuditEvent"),
    (
        "outcome_outside_transaction",
        "answers are kept after the commit, not within it",
    ),
    (
        "expiry_frees_booked",
        "expiry frees the places of a hold that was booked in time",
    ),
    (
        "resident_check_skipped",
        "nobody looks whether the person has the dose already",
    ),
    (
        "feed_trusts_sequence_order",
        "a late commit of a smaller number is taken for shown",
    ),
    ("fence_skipped", "a commit in doubt is looked for before it has ended"),
    (
        "standby_asynchronous",
        "not of ours: a fail-over loses what was acknowledged",
    ),
];

#[cfg(feature = "planted")]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<&'static str>> = const { std::cell::Cell::new(None) };
}

/// Lets a bug work in this thread from now on; with `None`, or without the feature, none does. Answers whether it does.
pub fn choose(bug: Option<&'static str>) -> bool {
    #[cfg(feature = "planted")]
    CHOSEN.with(|chosen| chosen.set(bug));
    bug.is_none() || cfg!(feature = "planted")
}

/// Whether this bug is to work here.
#[cfg(feature = "planted")]
pub fn is(bug: &str) -> bool {
    CHOSEN.with(|chosen| chosen.get() == Some(bug))
}

/// Whether this bug is to work here: never.
#[cfg(not(feature = "planted"))]
#[inline]
pub const fn is(_bug: &str) -> bool {
    false
}
