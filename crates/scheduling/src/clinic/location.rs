//! A clinic (FHIR Location): a place where vaccines are given. Where a fact is missing it stays missing.

use super::split_mix::hash128;
use base::id::ClinicId;
use base::time::Zone;

/// A clinic.
#[derive(Debug, Clone, PartialEq)]
pub struct Clinic {
    /// Its id.
    pub id: ClinicId,
    /// The id that its source knows it by; unique in a jurisdiction, so that an import can be repeated.
    pub source_id: String,
    /// As people know it.
    pub name: String,
    /// House number and street.
    pub street: Option<String>,
    /// City or town.
    pub city: Option<String>,
    /// Two letters.
    pub state: Option<String>,
    /// Five digits.
    pub zip: Option<String>,
    /// County.
    pub county: Option<String>,
    /// `ddd-ddd-dddd`.
    pub phone: Option<String>,
    /// Degrees north, WGS 84.
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    pub longitude: Option<f64>,
    /// Its wall clock.
    pub zone: Zone,
    /// Opening hours in words.
    pub hours: Option<String>,
    /// What visitors should know.
    pub notes: Option<String>,
    /// Names of the fields that were made up for a demonstration, because the source lacks them.
    pub made: Vec<String>,
    /// Part of a demonstration: not a place to go.
    pub demonstration: bool,
}

/// The id of the clinic that its source knows by `source_id`, so that importing twice is importing once. The
/// jurisdiction is not part of it: a cell has one, and its name may change.
pub fn clinic_id(source_id: &str) -> ClinicId {
    let words = source_id.as_bytes().chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_be_bytes(word)
    });
    // The length first: a text that ends in zero bytes is another one.
    let words: Vec<u64> = std::iter::once(source_id.len() as u64).chain(words).collect();
    ClinicId::from_bits(hash128(&words))
}
