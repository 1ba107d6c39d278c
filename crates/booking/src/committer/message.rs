//! Messages of a batch: what follows from a command's events is sealed and lies in the outbox with the change itself, or
//! not at all.

use super::Committer;
use super::batch::Gathered;
use crate::records::outbox::{About, Payload, SEALED, State, Stored, id_of};
use base::id::AppointmentId;
use runtime::secret::KeyRing;
use scheduling::jurisdiction::audit::AuditEvent;
use scheduling::resident::message::{Message, address_text, due};
use scheduling::working_set::WorkingSet;

/// What the hash of an address is for; half of it tells addresses apart (128 bits).
const ADDRESS: &str = "mail-address";

impl Committer {
    /// Adds the messages that follow from one command's events.
    pub(super) fn gather_messages(&self, events: &[AuditEvent], gathered: &mut Gathered) {
        let Some(number) = &mut gathered.next_message else {
            return;
        };
        for message in due(events, &gathered.set) {
            let Some(payload) = payload(&message, &gathered.set) else {
                continue;
            };
            let id = id_of(*number, self.parts.entropy.bits128() as u64);
            *number += 1;
            let plain = serde_json::to_vec(&payload).expect("a payload is plain values");
            let (table, column) = SEALED;
            let (keys, now) = (&self.parts.keys, self.parts.clock.now());
            gathered.messages.push(Stored {
                id,
                occasion: message.occasion,
                state: State::Waiting,
                address: address_hash(keys, &message.to),
                appointments: message.about,
                payload: keys.seal(&self.parts.entropy, table, column, &id.to_bytes(), &plain),
                made_at: now,
                due_at: now,
                attempts: 0,
                tried_at: None,
                last: None,
                ended_at: None,
            });
        }
    }
}

/// An address as messages are ordered and counted by it.
fn address_hash(keys: &KeyRing, to: &str) -> [u8; 16] {
    let hash = keys.keyed_hash(ADDRESS, address_text(to).as_bytes());
    *hash.first_chunk().expect("a hash has 32 bytes")
}

/// What a message says, as the set is now.
fn payload(message: &Message, set: &WorkingSet) -> Option<Payload> {
    let about: Option<Vec<About>> = message.about.iter().map(|id| about(*id, set)).collect();
    Some(Payload {
        to: message.to.clone(),
        language: message.language.clone(),
        about: about?,
    })
}

fn about(id: AppointmentId, set: &WorkingSet) -> Option<About> {
    let row = set.appointments.get(&id)?;
    let slot = set.slots.get(&row.slot)?;
    let person = &set.residents.get(&row.resident)?.person;
    Some(About {
        appointment: id.bits(),
        given_name: person.given_name.clone(),
        code: row.code.stored(),
        sequence: row.sequence,
        slot: slot.id.bits(),
        clinic: slot.clinic.bits(),
        starts_at: slot.starts_at.micros(),
        ends_at: slot.ends_at.micros(),
        product: slot.product.number(),
    })
}
