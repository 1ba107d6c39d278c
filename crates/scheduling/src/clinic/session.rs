//! A session (FHIR Schedule): a clinic's day of one vaccine.

use super::split_mix::hash128;
use crate::rules::product::Cvx;
use base::id::{ClinicId, SessionId};
use base::time::{Date, Time};

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

/// The id of the session of a clinic that begins on a local date at a time of its wall clock.
pub fn session_id(clinic: ClinicId, date: Date, product: Cvx, start: Time) -> SessionId {
    let bits = clinic.bits();
    let day = (i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())) as u64;
    let minute = (i64::from(start.hour()) * 60 + i64::from(start.minute())) as u64;
    SessionId::from_bits(hash128(&[
        (bits >> 64) as u64,
        bits as u64,
        day,
        product.number() as u64,
        minute,
    ]))
}
