//! Pure. What became of a request: answered, refused, a fault, an error, or no answer in time. A refusal is a fair answer
//! and a fault is not, and a test that counts both as "5 % errors" tells nothing.

use serde_json::Value;

/// Longest code that is believed to be one.
const CODE_MAX: usize = 40;
/// Too many requests: a refusal that is no answer to what was asked.
const TOO_MANY: u16 = 429;

/// How a request, or a visit by its last request, ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 2xx and 3xx.
    Ok,
    /// 4xx: the rules say no; with its code, or its status where it has none.
    Refused(String),
    /// 429: sent away, to come again later.
    SentAway(String),
    /// 503 with its code: the world failed, and the answer says so.
    Fault(String),
    /// Any other status from 500, or a connection that broke; in a word.
    Error(String),
    /// Nothing came before the visitor gave up.
    TimedOut,
}

impl Class {
    /// Of an answer.
    pub fn of(status: u16, body: &[u8]) -> Self {
        match status {
            TOO_MANY => Self::SentAway(code(status, body)),
            400..500 => Self::Refused(code(status, body)),
            503 => Self::Fault(code(status, body)),
            500.. => Self::Error(format!("status-{status}")),
            _ => Self::Ok,
        }
    }

    /// The word in tables and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused(_) => "refused",
            Self::SentAway(_) => "sent-away",
            Self::Fault(_) => "fault",
            Self::Error(_) => "error",
            Self::TimedOut => "timed-out",
        }
    }

    /// Which of them.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Ok | Self::TimedOut => None,
            Self::Refused(code) | Self::SentAway(code) | Self::Fault(code) | Self::Error(code) => Some(code),
        }
    }

    /// Whether whoever asked got what can be had: what was wanted, or a fair no.
    pub fn is_served(&self) -> bool {
        matches!(self, Self::Ok | Self::Refused(_))
    }
}

/// The `code` of a problem; the status where there is none that looks like one.
fn code(status: u16, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let plain = |code: &&str| {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=CODE_MAX).contains(&code.len()) && code.bytes().all(letters)
    };
    let code = problem["code"].as_str().filter(plain);
    code.map_or_else(|| status.to_string(), ToOwned::to_owned)
}
