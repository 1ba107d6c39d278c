//! What a person is told when nothing behind the gateway answers, and how old what we knew is.

use std::time::Duration;

/// Why there is no answer from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing of the request was sent: nothing has happened.
    NothingHappened,
    /// It was sent, and might have been done.
    OutcomeUnknown,
}

impl NoAnswer {
    /// The public code (a Fault's, API.md).
    pub fn code(self) -> &'static str {
        match self {
            Self::NothingHappened => "unreachable",
            Self::OutcomeUnknown => "outcome-unknown",
        }
    }
}

/// Whether what we knew may still be shown as open times: beyond `oldest` a number would be a guess, and is "cannot tell".
pub fn can_tell(age: Duration, oldest: Duration) -> bool {
    age <= oldest
}
