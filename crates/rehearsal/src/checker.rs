//! Pure. What must be true of every history, whoever served it; each checker is a file and has a name.
//!
//! An operation whose outcome stayed unknown may be present or absent, never both and never twice. A checker says what
//! it looked at: one that saw nothing proves nothing.

pub mod bank;
pub mod one_effect_per_key;
pub mod places;
pub mod set;
pub mod staleness;
pub mod unique_codes;

use std::fmt;

use crate::history::{Head, History, Operation};

/// A history, folded once for all checkers.
pub struct Case<'h> {
    /// Its head.
    pub head: &'h Head,
    /// Its operations, by number.
    pub operations: Vec<Operation<'h>>,
}

impl<'h> Case<'h> {
    /// Folds a history.
    pub fn of(history: &'h History) -> Self {
        Self {
            head: &history.head,
            operations: history.operations(),
        }
    }
}

/// What a checker saw.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// How many things it looked at.
    pub looked_at: usize,
    /// What is not as it must be, one sentence each.
    pub broken: Vec<String>,
}

impl Findings {
    /// One more thing is looked at.
    pub fn look(&mut self) {
        self.looked_at += 1;
    }
    /// Something is not as it must be.
    pub fn broke(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }
}

/// One checker.
pub struct Checker {
    /// Its file.
    pub name: &'static str,
    /// What it holds every server to.
    pub says: &'static str,
    /// Judges a history.
    pub check: fn(&Case<'_>) -> Findings,
}

/// Every checker.
pub const CHECKERS: &[Checker] = &[
    Checker {
        name: "bank",
        says: "free places are never negative, never more than there are, and add up",
        check: bank::check,
    },
    Checker {
        name: "set",
        says: "what was booked is in every later read, as the last change left it",
        check: set::check,
    },
    Checker {
        name: "unique_codes",
        says: "no code and no appointment is given out twice",
        check: unique_codes::check,
    },
    Checker {
        name: "one_effect_per_key",
        says: "a repeated request gets the same answer, and one hold becomes one appointment",
        check: one_effect_per_key::check,
    },
    Checker {
        name: "staleness",
        says: "an answer shows everything acknowledged before the instant it states",
        check: staleness::check,
    },
];

/// What every checker says of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<(&'static str, Findings)>);

impl Report {
    /// Judges a history by every checker.
    pub fn of(history: &History) -> Self {
        let case = Case::of(history);
        Self(
            CHECKERS
                .iter()
                .map(|checker| (checker.name, (checker.check)(&case)))
                .collect(),
        )
    }
    /// Whether every checker looked at something and found nothing.
    pub fn passes(&self) -> bool {
        self.0
            .iter()
            .all(|(_, findings)| findings.looked_at > 0 && findings.broken.is_empty())
    }
    /// The checkers that found something.
    pub fn broken(&self) -> Vec<&'static str> {
        let broken = self.0.iter().filter(|(_, findings)| !findings.broken.is_empty());
        broken.map(|(name, _)| *name).collect()
    }
}

/// Findings of one checker that are printed.
const PRINTED: usize = 5;

/// One line a checker, and the first of what each found.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, findings)) in self.0.iter().enumerate() {
            let verdict = match (findings.looked_at, findings.broken.len()) {
                (0, _) => "saw nothing",
                (_, 0) => "holds",
                _ => "BROKEN",
            };
            let line = if n == 0 { "" } else { "\n" };
            write!(
                f,
                "{line}  {name:<19} {verdict:<11} {:>7} looked at",
                findings.looked_at
            )?;
            for what in findings.broken.iter().take(PRINTED) {
                write!(f, "\n    {what}")?;
            }
            if findings.broken.len() > PRINTED {
                write!(f, "\n    … {} in all", findings.broken.len())?;
            }
        }
        Ok(())
    }
}
