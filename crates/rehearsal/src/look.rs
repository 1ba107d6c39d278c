//! Finding: the open times of a site, and every page of a list.

use crate::client::{Client, SendError};

/// Entries of one page: the most that the contract allows.
pub const PAGE: usize = 200;

/// A clinic and one of its times.
#[derive(Debug, Clone)]
pub struct Time {
    /// The slot's id.
    pub slot: String,
    /// The clinic's id.
    pub clinic: String,
    /// CVX code.
    pub vaccine: String,
    /// Places in all.
    pub capacity: u64,
    /// Free places when it was looked up.
    pub free: u64,
}

/// Times with a place left: of at most so many clinics, the nearest to a ZIP where one is given. One page of times a
/// clinic.
pub async fn open_times(client: &Client, near: Option<&str>, clinics: usize) -> Result<Vec<Time>, SendError> {
    let near = near.map_or_else(String::new, |zip| format!("near={zip}&within_km=80&"));
    let found = client
        .json(&format!("/api/v1/clinics?{near}limit={}", clinics.min(PAGE)))
        .await?;
    let mut times = Vec::new();
    for clinic in found["clinics"].as_array().into_iter().flatten() {
        let id = clinic["id"].as_str().unwrap_or_default();
        let slots = client.json(&times_of(id)).await?;
        for slot in slots["slots"].as_array().into_iter().flatten() {
            let free = slot["free"].as_u64().unwrap_or_default();
            if let Some(slot_id) = slot["id"].as_str().filter(|_| free > 0) {
                times.push(Time {
                    slot: slot_id.to_owned(),
                    clinic: id.to_owned(),
                    vaccine: slot["vaccine"].as_str().unwrap_or_default().to_owned(),
                    capacity: slot["capacity"].as_u64().unwrap_or_default(),
                    free,
                });
            }
        }
    }
    Ok(times)
}

/// The path of a clinic's times.
pub fn times_of(clinic: &str) -> String {
    format!("/api/v1/slots?clinic={clinic}&limit={PAGE}")
}
