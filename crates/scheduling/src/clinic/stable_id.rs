//! Ids that follow from what they name, so that importing or publishing twice is doing it once. Pure.

use super::chance::mix;
use crate::rules::product::Cvx;
use base::id::{ClinicId, SessionId};
use base::time::{Date, Time, date_text};

/// FNV-1a of 128 bits (Fowler, Noll, Vo; draft-eastlake-fnv), fields apart by their length, then mixed so that any
/// half of the bits will do. Guards against accident, not against somebody who seeks a collision.
fn hash(fields: &[&[u8]]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            state = (state ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for field in fields {
        feed(&(field.len() as u64).to_be_bytes());
        feed(field);
    }
    let (high, low) = ((state >> 64) as u64, state as u64);
    let (high, low) = (mix(high ^ mix(low)), mix(low.wrapping_add(high)));
    (u128::from(high) << 64) | u128::from(low)
}

/// The id of the clinic that its source knows by `source_id`. The jurisdiction is not part of it: a cell has one, and
/// its name may change.
pub fn clinic_id(source_id: &str) -> ClinicId {
    ClinicId::from_bits(hash(&[b"clinic", source_id.as_bytes()]))
}

/// The id of the session that begins at a wall-clock time of a clinic's local date.
pub fn session_id(clinic: ClinicId, date: Date, product: Cvx, start: Time) -> SessionId {
    let minute = i64::from(start.hour()) * 60 + i64::from(start.minute());
    let (clinic, date, product) = (clinic.to_bytes(), date_text(date), product.number().to_be_bytes());
    SessionId::from_bits(hash(&[b"session", &clinic, date.as_bytes(), &product, &minute.to_be_bytes()]))
}
