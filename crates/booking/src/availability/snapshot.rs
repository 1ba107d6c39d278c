//! An immutable picture of clinics and their coming slots. Readers hold it as long as they like; a change makes a new
//! one that shares whatever did not change. Doesn't know where its rows come from, nor what time it is.

use base::id::{ClinicId, SlotId};
use base::time::Timestamp;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::slot::Slot;
use scheduling::rules::product::Cvx;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A coming slot and its free places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSlot {
    /// Its id.
    pub id: SlotId,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// What is given.
    pub vaccine: Cvx,
    /// How many can come.
    pub capacity: u16,
    /// Places that anybody may take.
    pub free: u16,
}

impl From<&Slot> for OpenSlot {
    fn from(slot: &Slot) -> Self {
        let small = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        Self {
            id: slot.id,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            vaccine: slot.product,
            capacity: small(slot.capacity),
            free: small(slot.free()),
        }
    }
}

/// A clinic and its slots.
#[derive(Debug, Clone)]
pub struct ClinicAvailability {
    /// The clinic.
    pub clinic: Arc<Clinic>,
    /// Slots that had not begun when they were read, by start, then id.
    pub slots: Vec<OpenSlot>,
    /// Changes whenever anything of this clinic does.
    pub version: u64,
}

/// The picture.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    clinics: Vec<Arc<ClinicAvailability>>,
    /// Slot → position of its clinic; by slot id. Shared until slots come or go.
    places: Arc<Vec<(SlotId, u32)>>,
    version: u64,
}

impl Snapshot {
    /// A picture of these rows.
    pub fn new(clinics: Vec<Clinic>, slots: impl IntoIterator<Item = Slot>, version: u64) -> Self {
        let mut by_clinic: BTreeMap<ClinicId, Vec<OpenSlot>> = BTreeMap::new();
        for slot in slots {
            by_clinic.entry(slot.clinic).or_default().push(OpenSlot::from(&slot));
        }
        let mut clinics: Vec<_> = clinics
            .into_iter()
            .map(|clinic| {
                let mut slots = by_clinic.remove(&clinic.id).unwrap_or_default();
                slots.sort_unstable_by_key(|slot| (slot.starts_at, slot.id));
                slots.shrink_to_fit();
                Arc::new(ClinicAvailability {
                    clinic: Arc::new(clinic),
                    slots,
                    version,
                })
            })
            .collect();
        clinics.sort_unstable_by_key(|availability| availability.clinic.id);
        let mut places: Vec<(SlotId, u32)> = clinics
            .iter()
            .enumerate()
            .flat_map(|(n, availability)| availability.slots.iter().map(move |slot| (slot.id, n as u32)))
            .collect();
        places.sort_unstable();
        Self {
            clinics,
            places: Arc::new(places),
            version,
        }
    }

    /// Every clinic, by id.
    pub fn clinics(&self) -> &[Arc<ClinicAvailability>] {
        &self.clinics
    }

    /// One clinic.
    pub fn clinic(&self, id: ClinicId) -> Option<&Arc<ClinicAvailability>> {
        let place = self
            .clinics
            .binary_search_by_key(&id, |availability| availability.clinic.id)
            .ok()?;
        Some(&self.clinics[place])
    }

    /// One slot, with its clinic.
    pub fn slot(&self, id: SlotId) -> Option<(&Arc<ClinicAvailability>, &OpenSlot)> {
        let place = self.places.binary_search_by_key(&id, |(slot, _)| *slot).ok()?;
        let availability = &self.clinics[self.places[place].1 as usize];
        // Ids grow with start, so the clinic's slots are in the order of their ids.
        let slot = availability.slots.binary_search_by_key(&id, |slot| slot.id).ok()?;
        Some((availability, &availability.slots[slot]))
    }

    /// Grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many slots it shows.
    pub fn slots_len(&self) -> usize {
        self.places.len()
    }

    /// The picture after these slots' free places changed. Slots that it does not show are left out.
    #[must_use]
    pub fn with_free(&self, changed: &[(SlotId, u32)], version: u64) -> Self {
        let mut by_clinic: BTreeMap<u32, Vec<(SlotId, u32)>> = BTreeMap::new();
        for (id, free) in changed {
            if let Ok(place) = self.places.binary_search_by_key(id, |(slot, _)| *slot) {
                by_clinic.entry(self.places[place].1).or_default().push((*id, *free));
            }
        }
        let mut next = Self {
            clinics: self.clinics.clone(),
            places: Arc::clone(&self.places),
            version,
        };
        for (place, changed) in by_clinic {
            let mut availability = ClinicAvailability::clone(&next.clinics[place as usize]);
            availability.version = version;
            for (id, free) in changed {
                if let Ok(n) = availability.slots.binary_search_by_key(&id, |slot| slot.id) {
                    availability.slots[n].free = u16::try_from(free).unwrap_or(u16::MAX);
                }
            }
            next.clinics[place as usize] = Arc::new(availability);
        }
        next
    }
}
