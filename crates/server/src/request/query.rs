//! Reads the query strictly: an unknown or doubled name, or broken percent-encoding, is malformed; a wrong value is
//! invalid and named.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::answer::AskError;
use crate::api::problem::FieldError;
use crate::limit::{LIST_DEFAULT, LIST_MAX};
use crate::request::fields::Findings;

/// The query as it was sent, empty when there is none.
#[derive(Debug, Clone)]
pub struct RawQuery(pub String);

impl<S: Sync> FromRequestParts<S> for RawQuery {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

/// Names and values of a query, each name once.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Takes a query apart; `known` are the names that the call has.
    pub fn parse(raw: &str, known: &[&str]) -> Result<Self, AskError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut errors = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(AskError::Malformed {
                    detail: "The query is not percent-encoded UTF-8.".into(),
                    errors: Vec::new(),
                });
            };
            if !known.contains(&name.as_str()) {
                let expected = if known.is_empty() {
                    "no query: this call has none".to_owned()
                } else {
                    format!("no such name; there are: {}", known.join(", "))
                };
                errors.push(FieldError {
                    field: name.chars().take(64).collect(),
                    expected,
                });
            } else if pairs.iter().any(|(earlier, _)| *earlier == name) {
                errors.push(FieldError {
                    field: name,
                    expected: "each name once".into(),
                });
            } else {
                pairs.push((name, value));
            }
        }
        if errors.is_empty() {
            return Ok(Self { pairs });
        }
        errors.truncate(crate::limit::FIELD_ERRORS_MAX);
        let detail = "The query has a name that this call does not know, or one name twice.".into();
        Err(AskError::Malformed { detail, errors })
    }

    /// For calls without a query: any name is malformed.
    pub fn none(raw: &str) -> Result<(), AskError> {
        Self::parse(raw, &[]).map(|_| ())
    }

    /// The value as it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A value that may be left out. Outer `None`: it is there and wrong.
    #[allow(clippy::option_option, reason = "left out and wrong are two answers")]
    pub fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(text) = self.get(name) else { return Some(None) };
        let value = read(text);
        if value.is_none() {
            findings.invalid(name, expected);
        }
        value.map(Some)
    }

    /// A value that must be there.
    pub fn required<T>(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name).and_then(read);
        if value.is_none() {
            findings.invalid(name, expected);
        }
        value
    }

    /// `limit`: how many entries the answer may have.
    pub fn limit(&self, findings: &mut Findings) -> Option<usize> {
        let expected = format!("a whole number from 1 to {LIST_MAX}");
        self.optional("limit", &expected, findings, |text| whole(text, 1, LIST_MAX as u64))
            .map(|limit| limit.map_or(LIST_DEFAULT, |limit| limit as usize))
    }
}

/// Decimal digits, nothing else, within bounds.
pub fn whole(text: &str, min: u64, max: u64) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| text.parse::<u64>().ok())
        .flatten()
        .filter(|value| (min..=max).contains(value))
}

/// Percent-decoding with `+` for a space; `None` when an escape is cut short or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let escapes_whole = bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'%')
        .all(|(n, _)| bytes.len() > n + 2 && bytes[n + 1].is_ascii_hexdigit() && bytes[n + 2].is_ascii_hexdigit());
    if !escapes_whole {
        return None;
    }
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}
