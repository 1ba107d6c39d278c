//! What holds after every step, whatever fails: read from the rows themselves, then compared with the model.

use super::{Checked, Found, require};
use crate::model::decide::text_of;
use crate::model::rules::series_of;
use crate::model::{Booked, Held, Kept, Model, Shared, Verdict};
use crate::wish::{Opens, Secret};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, SlotId};
use booking::engine::Reply;
use booking::records;
use database::{Broken, Connection};
use scheduling::clinic::slot::Slot;
use scheduling::resident::appointment::Appointment;
use scheduling::resident::hold::{Hold, HoldStatus};
use scheduling::working_set::{LiveDose, LiveDoseKey};
use std::collections::{BTreeMap, BTreeSet};

/// Every row that commands change.
#[derive(Default)]
pub struct Rows {
    slots: BTreeMap<SlotId, Slot>,
    holds: BTreeMap<HoldId, Hold>,
    appointments: BTreeMap<AppointmentId, Appointment>,
    doses: Vec<(LiveDoseKey, LiveDose)>,
}

impl Rows {
    /// Reads them, beside every fault.
    pub fn read(connection: &mut Connection) -> Result<Self, Broken> {
        let mut tx = connection.begin_read()?;
        let mut rows = Self::default();
        records::slot::all(&mut tx, |slot| {
            rows.slots.insert(slot.id, slot);
        })?;
        records::hold::all(&mut tx, |hold| {
            rows.holds.insert(hold.id, hold);
        })?;
        records::appointment::all(&mut tx, |appointment| {
            rows.appointments.insert(appointment.id, appointment);
        })?;
        records::live_dose::all(&mut tx, |key, dose| rows.doses.push((key, dose)))?;
        Ok(rows)
    }

    /// Slots that the model does not know yet.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    fn live(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.values().filter(|one| one.status.is_live())
    }

    /// Everything that holds for the rows.
    pub fn check(&self, model: &Model) -> Checked {
        let mut taken: BTreeMap<SlotId, (u32, u32)> = BTreeMap::new();
        for hold in self.holds.values().filter(|hold| hold.status == HoldStatus::Held) {
            for slot in &hold.entries {
                taken.entry(*slot).or_default().0 += 1;
            }
        }
        for appointment in self.live() {
            taken.entry(appointment.slot).or_default().1 += 1;
        }
        for slot in self.slots.values() {
            let (held, booked) = taken.get(&slot.id).copied().unwrap_or_default();
            require(held + booked <= slot.capacity, "always_never_over_capacity", || {
                format!("{}: {held} held and {booked} booked of {}", slot.id, slot.capacity)
            })?;
            require(
                (held, booked) == (slot.held, slot.booked),
                "always_counts_agree",
                || {
                    let counted = (slot.held, slot.booked);
                    format!("{}: counted {counted:?}, the rows say {:?}", slot.id, (held, booked))
                },
            )?;
        }
        self.one_live_appointment()?;
        self.as_the_model(model)
    }

    fn one_live_appointment(&self) -> Checked {
        const NAME: &str = "always_one_live_appointment_per_resident_and_dose";
        let mut standing: BTreeMap<LiveDoseKey, AppointmentId> = BTreeMap::new();
        for appointment in self.live() {
            for key in appointment.dose_keys() {
                if let Some(other) = standing.insert(key, appointment.id) {
                    return Err(Found::new(NAME, format!("{other} and {} are live", appointment.id)));
                }
            }
        }
        for (key, dose) in &self.doses {
            require(standing.remove(key) == Some(dose.appointment), NAME, || {
                format!("a dose stands for {}, which is not live for it", dose.appointment)
            })?;
        }
        require(standing.is_empty(), NAME, || {
            format!("nothing guards {:?}", standing.values())
        })
    }

    fn as_the_model(&self, model: &Model) -> Checked {
        const NAME: &str = "always_rows_are_as_the_rules_say";
        for (id, place) in &model.places {
            let is_so = self.slots.get(id).is_some_and(|row| {
                (row.starts_at, row.ends_at, row.date) == (place.starts_at, place.ends_at, place.date)
                    && (row.product.number(), row.capacity) == (place.product, place.capacity)
            });
            require(is_so, NAME, || {
                format!("{id} is {:?}, expected {place:?}", self.slots.get(id))
            })?;
        }
        for (id, expected) in &model.holds {
            let found = self.holds.get(id).map(held_of);
            require(found.as_ref() == Some(expected), NAME, || {
                format!("{id} is {found:?}, expected {expected:?}")
            })?;
        }
        for (id, expected) in &model.appointments {
            let is_so = self.appointments.get(id).is_some_and(|row| is_as(row, expected, model));
            require(is_so, NAME, || {
                let found = self.appointments.get(id);
                format!("{id} is {found:?}, expected {} ({expected:?})", text_of(*id, expected))
            })?;
        }
        let unknown = self.holds.keys().find(|id| !model.holds.contains_key(id));
        require(unknown.is_none(), NAME, || format!("{unknown:?} should not be there"))?;
        let unknown = self.appointments.keys().find(|id| !model.appointments.contains_key(id));
        require(unknown.is_none(), NAME, || format!("{unknown:?} should not be there"))?;
        let codes: BTreeSet<_> = self.appointments.values().map(|row| row.code).collect();
        require(
            codes.len() == self.appointments.len(),
            "always_codes_are_unique",
            || "two appointments have one code".to_owned(),
        )
    }
}

fn held_of(row: &Hold) -> Held {
    Held {
        status: row.status,
        entries: row.entries.clone(),
        placed_at: row.placed_at,
        expires_at: row.expires_at,
        extensions_left: row.extensions_left,
    }
}

fn is_as(row: &Appointment, expected: &Booked, model: &Model) -> bool {
    let product = model.places.get(&row.slot).map_or(0, |place| place.product);
    (row.status, row.slot, row.hold) == (expected.status, expected.slot, expected.hold)
        && (row.series.as_str(), row.dose) == (expected.series, expected.dose)
        && (row.product.number(), series_of(product)) == (product, expected.series)
        && row.possible_duplicate == expected.possible_duplicate
        && (row.booked_at, row.changed_at) == (expected.booked_at, expected.changed_at)
        && (row.generation, row.sequence) == (expected.links_sent, expected.sequence)
        && row.link_sent_at == expected.link_sent_at
        && row.identity.contacts.len() == expected.who.contacts.each().len()
}

/// The stored answers are those of the model, and no others.
pub fn answers_are_kept(connection: &mut Connection, model: &Model) -> Result<Checked, Broken> {
    const NAME: &str = "always_answers_are_kept";
    let mut tx = connection.begin_read()?;
    let (mut count, mut checked) = (0, Ok(()));
    records::outcome::all(&mut tx, |row| {
        count += 1;
        let expected = model.kept.get(&row.key);
        let is_so =
            expected.is_some_and(|kept| (row.status, row.code.as_deref(), row.at) == (kept.status, kept.code, kept.at));
        if !is_so && checked.is_ok() {
            let found = (row.status, row.code, row.at);
            checked = Err(Found::new(NAME, format!("{found:?} is kept, expected {expected:?}")));
        }
    })?;
    Ok(checked.and_then(|()| {
        require(count == model.kept.len(), NAME, || {
            format!("{count} answers are kept, {} should be", model.kept.len())
        })
    }))
}

/// The shared links are those of the model.
pub fn links_are_shared(connection: &mut Connection, model: &Model) -> Result<Checked, Broken> {
    const NAME: &str = "always_links_are_as_the_rules_say";
    let mut tx = connection.begin_read()?;
    let mut found: BTreeMap<(AppointmentId, u32), Shared> = BTreeMap::new();
    for id in model.appointments.keys() {
        records::shared_link::of_appointment(&mut tx, *id, |link| {
            let (made_at, stopped_at) = (link.made_at, link.stopped_at);
            found.insert((link.appointment, link.number), Shared { made_at, stopped_at });
        })?;
    }
    Ok(require(found == model.links, NAME, || {
        format!("{found:?}, expected {:?}", model.links)
    }))
}

/// As many messages wait as changes made due: each was written with its change, or neither was.
pub fn messages_wait(connection: &mut Connection, model: &Model) -> Result<Checked, Broken> {
    let waiting = records::outbox::counts(&mut connection.begin_read()?)?.waiting;
    Ok(require(
        waiting == model.messages,
        "always_messages_follow_changes",
        || format!("{waiting} messages wait, {} are due", model.messages),
    ))
}

/// A code and its birth date find their appointment until its links are over.
pub fn codes_find(found: bool, expected: bool, id: AppointmentId) -> Checked {
    require(found == expected, "always_codes_find_their_appointment", || {
        format!("{id}: found {found}, expected {expected}")
    })
}

/// Whoever came by somebody's shared link, or by a code, is told no secret of the resident's.
pub fn helpers_learn_nothing(reply: &Reply, token: &Secret, own: Option<&str>) -> Checked {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let tells = matches!(token.opens, Opens::Helped(..) | Opens::Said(..)) && own.is_some_and(|own| body.contains(own));
    require(!tells, "always_helpers_learn_no_secret", || {
        "an answer to a shared link or a code holds the resident's own secret".to_owned()
    })
}

/// The words of an answer, without its secrets.
pub fn words(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    body.split('|').next().unwrap_or_default().to_owned()
}

/// An answer is what the rules say.
pub fn answered_by_the_rules(reply: &Reply, expected: &Verdict) -> Checked {
    require(!reply.bug, "always_no_bug", || {
        format!("deciding panicked; expected {} {}", expected.status(), expected.text())
    })?;
    let found = (reply.status, words(reply), reply.code);
    let wanted = (expected.status(), expected.text(), expected.code());
    require(
        found == wanted && !reply.replayed,
        "always_answers_as_the_rules_say",
        || format!("answered {found:?} (replayed {}), expected {wanted:?}", reply.replayed),
    )
}

/// A request that was answered before is answered so again, and says so.
pub fn one_effect_per_key(reply: &Reply, before: &Kept) -> Checked {
    let found = (reply.status, words(reply), reply.replayed);
    let expected = (before.status, before.text.clone(), true);
    let same_bytes = before.whole.as_ref().is_none_or(|whole| *whole == reply.body);
    require(found == expected && same_bytes, "always_one_effect_per_key", || {
        format!("answered {found:?}, before it was {expected:?}; the same bytes: {same_bytes}")
    })
}

/// A fault has a cause in the world: nobody hears one because of a mistake of ours.
pub fn faults_have_a_cause(fault: Fault, has_cause: bool) -> Checked {
    require(has_cause, "always_faults_have_a_cause", || {
        format!("`{fault}` was answered although nothing had failed")
    })
}
