//! Checkers, one file a kind, each by its name: what `always` holds, after every step; what holds `eventually`, once
//! nothing fails any more; what holds `finally`, when all is over; and what must have happened `sometimes`, so that the
//! others were not looking at nothing.

pub mod always;
pub mod eventually;
pub mod finally;
pub mod sometimes;

use std::fmt;

/// A checker found something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which checker.
    pub checker: &'static str,
    /// What, by ids.
    pub detail: String,
}

impl Found {
    /// So.
    pub fn new(checker: &'static str, detail: impl Into<String>) -> Self {
        Self {
            checker,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.detail)
    }
}

/// Nothing, or what was found.
pub type Checked = Result<(), Found>;

/// Fails a checker unless something is so.
pub fn require(holds: bool, checker: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Found::new(checker, detail()))
    }
}
