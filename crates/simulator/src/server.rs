//! One server process: the engine without threads, the faults below it, and the requests that wait for its answers.

use crate::fault::Below;
use crate::model::Model;
use crate::wish::Wish;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use booking::stepwise::{Stepwise, Ticket};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A request on its way through a server.
pub struct Sent {
    /// Which actor asks; `None` for a flood that nobody waits for.
    pub actor: Option<usize>,
    /// What.
    pub wish: Wish,
    /// Its key as stored.
    pub key: Option<Vec<u8>>,
    /// Number of its body.
    pub body: u64,
    /// Ids minted for what it would make.
    pub new_hold: Option<HoldId>,
    /// The same, of appointments.
    pub new_appointments: Vec<AppointmentId>,
    /// When it arrived.
    pub arrived: Timestamp,
    /// After this nobody waits for it, on the monotone clock.
    pub deadline_at: Duration,
    /// The first half of its line in the log.
    pub line: String,
}

/// What waits for an answer.
pub enum Waits {
    /// A request.
    Asked(Box<Sent>),
    /// A hold that the reconciler found due at an instant.
    Expiry(HoldId, Timestamp),
}

/// A server.
pub struct Server {
    /// Names its audit chain.
    pub name: String,
    /// For the log: the name, and which of its owners.
    pub label: String,
    /// Faults below this process.
    pub below: Arc<Below>,
    /// None while the process is down.
    pub engine: Option<Stepwise>,
    /// What waits, in order.
    pub waiting: BTreeMap<Ticket, Waits>,
    /// When its committer takes the next batch, on the monotone clock, if anything waits.
    pub turn_at: Option<Duration>,
    /// Since when a commit of others is missing in its snapshot, on the monotone clock.
    pub missing_since: Option<Duration>,
    /// Late commits there were when its change feed looked last.
    pub late_seen: u64,
    /// Another owner has its name: it never comes back.
    pub is_retired: bool,
}

impl Server {
    /// The slots that its snapshot shows otherwise than the model says.
    pub fn shown_wrong(&self, model: &Model) -> Vec<String> {
        self.shown_wrong_of(model, |_| true)
    }

    /// The same of some slots.
    pub fn shown_wrong_of(&self, model: &Model, of: impl Fn(&SlotId) -> bool) -> Vec<String> {
        let Some(engine) = &self.engine else { return Vec::new() };
        let (snapshot, taken) = (engine.snapshot(), model.taken());
        let shown = snapshot.clinics().iter().flat_map(|clinic| clinic.slots.iter());
        let wrong = shown.filter(|slot| of(&slot.id)).filter_map(|slot| {
            let (held, booked) = taken.get(&slot.id).copied().unwrap_or_default();
            let free = model.places.get(&slot.id)?.capacity.saturating_sub(held + booked);
            (u32::from(slot.free) != free).then(|| format!("{} shows {} free, {free} are", slot.id, slot.free))
        });
        wrong.collect()
    }
}
