//! A session (FHIR Schedule): a clinic's day of one vaccine.

use crate::rules::product::Cvx;
use base::id::{ClinicId, SessionId};
use base::time::Date;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id: a hash of clinic, date, vaccine and start, so that publishing twice is publishing once.
    pub id: SessionId,
    /// Where.
    pub clinic: ClinicId,
    /// On which local date.
    pub date: Date,
    /// What is given.
    pub product: Cvx,
}
