//! Leaves parts of a commit out, so that `cargo xtask bench` can print what each costs. Without the feature `costs`,
//! which nothing but the bench program's own build switches on, nothing can be left out and nothing of this is compiled.

#[cfg(feature = "costs")]
use std::sync::atomic::{AtomicBool, Ordering};

/// What can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Hashing events into the audit chain, and their rows.
    Audit,
    /// The thread that records the chains' heads beside the database.
    Heads,
}

#[cfg(feature = "costs")]
static AUDIT: AtomicBool = AtomicBool::new(false);
#[cfg(feature = "costs")]
static HEADS: AtomicBool = AtomicBool::new(false);

/// Engines of this process that start from now on do without these parts, and with all others. Answers whether it is so:
/// without the feature nothing can be left out.
pub fn leave_out(parts: &[Part]) -> bool {
    #[cfg(feature = "costs")]
    for (part, flag) in [(Part::Audit, &AUDIT), (Part::Heads, &HEADS)] {
        flag.store(parts.contains(&part), Ordering::SeqCst);
    }
    parts.is_empty() || cfg!(feature = "costs")
}

/// Whether this part is left out.
#[cfg(feature = "costs")]
pub(crate) fn is_left_out(part: Part) -> bool {
    let flag = match part {
        Part::Audit => &AUDIT,
        Part::Heads => &HEADS,
    };
    flag.load(Ordering::Relaxed)
}

/// Whether this part is left out: never.
#[cfg(not(feature = "costs"))]
#[inline]
pub(crate) const fn is_left_out(_part: Part) -> bool {
    false
}
