//! What became of one attempt to deliver. Three answers that are never mixed: delivered, certainly not delivered, and
//! not known. After *unknown* a message is sent again: twice is better than not at all.

use std::fmt;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// The next one on the way has it and answers for it.
    Delivered,
    /// Certainly not delivered.
    Rejected {
        /// Whether the same message would be refused again: it is not worth another attempt.
        permanent: bool,
        /// By what.
        why: Reason,
    },
    /// All of it was sent and no reply came: it may have arrived.
    Unknown,
}

/// Why something was not delivered. Holds no text of the other side's: that repeats addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// At what.
    pub class: Class,
    /// The reply's code (RFC 5321 §4.2), where there was one.
    pub code: Option<u16>,
}

/// What an attempt failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// No connection, no sign-in: nothing about this message; the next one would fail alike.
    Connection,
    /// No TLS: it is not offered, or the certificate is not one we trust. As above, and nothing is sent in clear instead.
    Tls,
    /// The sender's address or right to send: about us, not about this message.
    Sender,
    /// The address it is for.
    Recipient,
    /// The message itself.
    Content,
    /// It could not be put together.
    Composing,
    /// It could not be written to disk.
    Disk,
}

impl Class {
    /// As shown and stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Content => "content",
            Self::Composing => "composing",
            Self::Disk => "disk",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}-{code}", self.class.code()),
            None => f.write_str(self.class.code()),
        }
    }
}

impl Receipt {
    /// Certainly not delivered, worth another attempt.
    pub fn again(class: Class, code: Option<u16>) -> Self {
        Self::Rejected {
            permanent: false,
            why: Reason { class, code },
        }
    }
    /// Certainly not delivered, and never will be.
    pub fn never(class: Class, code: Option<u16>) -> Self {
        Self::Rejected {
            permanent: true,
            why: Reason { class, code },
        }
    }
    /// Whether a copy of the message may lie at its end: what counts against a limit on mails.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Delivered | Self::Unknown)
    }
    /// Whether the outlet itself does not answer, so that trying others now is of no use.
    pub fn is_outlet_away(&self) -> bool {
        matches!(self, Self::Rejected { why, .. } if matches!(why.class, Class::Connection | Class::Tls | Class::Disk))
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered => f.write_str("delivered"),
            Self::Rejected { why, .. } => why.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
