//! A resident's details as given for a booking. Personal data: stored apart, never logged.

use base::time::Date;
use std::fmt;

/// Whom an appointment is for. `Debug` shows nothing of it, so that no log line can.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Date of birth.
    pub birth_date: Date,
    /// Telephone number as given; optional.
    pub phone: Option<String>,
    /// E-mail address as given; optional.
    pub email: Option<String>,
    /// Language tag (BCP 47) for letters and calls; optional.
    pub language: Option<String>,
    /// Codes of what they need at the clinic, such as `wheelchair`.
    pub needs: Vec<String>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}
