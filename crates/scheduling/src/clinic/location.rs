//! A clinic (FHIR Location): a place where vaccines are given. Where a fact is missing it stays missing.

use super::chance::Chance;
use super::opening_hours::OpeningHours;
use base::id::ClinicId;
use base::time::Zone;

/// Keeps the stream of phone numbers apart from others of the same clinic.
const PHONE: u64 = 4;

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

impl Clinic {
    /// Fills in what a demonstration's source lacks, from the seed, and says so in `made`: hours, and a phone number of
    /// the range 555-0100 to 555-0199, which belongs to nobody (ATIS-0300115).
    #[must_use]
    pub fn with_made_facts(mut self, seed: u64) -> Self {
        if self.hours.is_none() {
            self.hours = Some(OpeningHours::made(seed, self.id).text());
            self.made.push("hours".to_owned());
        }
        if self.phone.is_none() {
            let mut chance = Chance::of(&[seed, (self.id.bits() >> 64) as u64, self.id.bits() as u64, PHONE]);
            let area = chance.one(&[413, 508, 617, 781, 978]).unwrap_or(617);
            self.phone = Some(format!("{area}-555-01{:02}", chance.below(100)));
            self.made.push("phone".to_owned());
        }
        self
    }
}
