//! Slots and their counters.

use super::{by_ids, date_from, date_number, id_at};
use base::id::SlotId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction, Value};
use scheduling::clinic::slot::{Slot, first_slot_id_from};
use scheduling::rules::product::Cvx;

fn read(row: &Row<'_>) -> Slot {
    Slot {
        id: id_at(row, 0),
        clinic: id_at(row, 1),
        session: id_at(row, 2),
        product: Cvx::from_number(row.integer(3)),
        date: date_from(row.integer(4)),
        starts_at: Timestamp::from_micros(row.integer(5)),
        ends_at: Timestamp::from_micros(row.integer(6)),
        capacity: row.integer(7) as u32,
        held: row.integer(8) as u32,
        booked: row.integer(9) as u32,
    }
}

/// One slot.
pub fn load(tx: &mut Transaction<'_>, id: SlotId) -> Result<Option<Slot>, Broken> {
    tx.query_one(
        "SELECT id, clinic, session, product, date, starts_at, ends_at, capacity, held, booked FROM slot WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// Slots by id, in this order; locked where others write too.
pub fn lock<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a SlotId>,
    mut each: impl FnMut(Slot),
) -> Result<(), Broken> {
    let sql = "SELECT id, clinic, session, product, date, starts_at, ends_at, capacity, held, booked FROM slot
         WHERE id IN ($keys) ORDER BY id /* for update */";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Slots by id.
pub fn of<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a SlotId>,
    mut each: impl FnMut(Slot),
) -> Result<(), Broken> {
    let sql = "SELECT id, clinic, session, product, date, starts_at, ends_at, capacity, held, booked FROM slot
         WHERE id IN ($keys) ORDER BY id";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Every slot that starts at an instant or later, in order of start.
pub fn from(tx: &mut Transaction<'_>, instant: Timestamp, mut each: impl FnMut(Slot)) -> Result<(), Broken> {
    tx.query(
        "SELECT id, clinic, session, product, date, starts_at, ends_at, capacity, held, booked FROM slot WHERE id >= $1 ORDER BY id",
        &[(&first_slot_id_from(instant).to_bytes()).into()],
        |row| each(read(row)),
    )
}

/// Writes the counters; everything else of a slot never changes once written.
pub fn save_counters<'a>(tx: &mut Transaction<'_>, slots: impl IntoIterator<Item = &'a Slot>) -> Result<(), Broken> {
    let slots: Vec<_> = slots.into_iter().map(|slot| (slot.id.to_bytes(), slot)).collect();
    let values: Vec<[Value<'_>; 3]> = slots
        .iter()
        .map(|(id, slot)| [id.into(), slot.held.into(), slot.booked.into()])
        .collect();
    tx.execute_each("UPDATE slot SET held = $2, booked = $3 WHERE id = $1", &values)
        .map(|_| ())
}

/// Adds slots that are not there yet; answers how many were added.
pub fn insert_new<'a>(tx: &mut Transaction<'_>, slots: impl IntoIterator<Item = &'a Slot>) -> Result<u32, Broken> {
    let ids = |slot: &Slot| [slot.id.to_bytes(), slot.clinic.to_bytes(), slot.session.to_bytes()];
    let slots: Vec<_> = slots.into_iter().map(|slot| (ids(slot), slot)).collect();
    let values: Vec<[Value<'_>; 8]> = slots
        .iter()
        .map(|([id, clinic, session], slot)| {
            [
                id.into(),
                clinic.into(),
                session.into(),
                slot.product.number().into(),
                date_number(slot.date).into(),
                slot.starts_at.micros().into(),
                slot.ends_at.micros().into(),
                slot.capacity.into(),
            ]
        })
        .collect();
    let sql = "INSERT INTO slot (id, clinic, session, product, date, starts_at, ends_at, capacity, held, booked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0) ON CONFLICT (id) DO NOTHING";
    Ok(tx.execute_each(sql, &values)?.into_iter().sum::<usize>() as u32)
}

/// Every slot there is, for `verify`.
pub fn all(tx: &mut Transaction<'_>, each: impl FnMut(Slot)) -> Result<(), Broken> {
    from(tx, Timestamp::default(), each)
}
