//! Vaccine products by CVX code (CDC; `http://hl7.org/fhir/sid/cvx`).

use std::fmt;

/// A CVX code: written with at least two digits, `03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cvx(u16);

impl Cvx {
    /// Reads two or three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let shape = (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        // One spelling each: three digits only from 100 on.
        let number: u16 = shape.then(|| text.parse().ok()).flatten()?;
        (text.len() == 2 || number >= 100).then_some(Self(number))
    }
    /// As stored.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }
    /// From its stored form.
    pub fn from_number(number: i64) -> Self {
        Self(number.clamp(0, 999) as u16)
    }
}

impl fmt::Display for Cvx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// A product that may be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vaccine {
    /// Its code.
    pub cvx: Cvx,
    /// As residents know it.
    pub name: String,
    /// The vaccine group (CDC), which is also its dose series.
    pub group: String,
    /// The group as residents know it.
    pub group_name: String,
}
