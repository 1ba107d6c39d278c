//! Appointments: by id, never by a person. What can change of one is in one statement.

use super::id_at;
use base::id::AppointmentId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction};
use scheduling::resident::appointment::{Appointment, Status};
use scheduling::resident::code::CodeNumber;
use scheduling::resident::identity::{Fingerprint, Identity};
use scheduling::rules::product::Cvx;

fn read(row: &Row<'_>) -> Appointment {
    Appointment {
        id: id_at(row, 0),
        code: CodeNumber::from_stored(row.integer(1)),
        status: Status::from_code(&row.text(2)).expect("a stored appointment has a status of ours"),
        slot: id_at(row, 3),
        hold: id_at(row, 4),
        product: Cvx::from_number(row.integer(5)),
        series: row.text(6),
        dose: row.integer(7) as u8,
        resident: id_at(row, 8),
        identity: Identity {
            person: row.bytes(9),
            contacts: split_contacts(&row.blob(10)),
        },
        generation: row.integer(11) as u32,
        possible_duplicate: row.integer(12) != 0,
        booked_at: Timestamp::from_micros(row.integer(13)),
        changed_at: Timestamp::from_micros(row.integer(14)),
        sequence: sequence(row.optional_integer(15), row.integer(14)),
    }
}

/// A row that version 0.1 wrote has none, and calendars got the seconds of its last change instead: it goes on from
/// there, since an entry with a lower number would be taken for an older one.
fn sequence(stored: Option<i64>, changed_at: i64) -> u32 {
    stored.unwrap_or(changed_at / 1_000_000).clamp(0, i64::from(i32::MAX)) as u32
}

fn split_contacts(bytes: &[u8]) -> Vec<Fingerprint> {
    bytes
        .chunks_exact(8)
        .filter_map(|chunk| chunk.try_into().ok())
        .collect()
}

/// One appointment.
pub fn load(tx: &mut Transaction<'_>, id: AppointmentId) -> Result<Option<Appointment>, Broken> {
    tx.query_one(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence
         FROM appointment WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// The greatest number of a code that is given out.
pub fn last_code(tx: &mut Transaction<'_>) -> Result<Option<CodeNumber>, Broken> {
    let sql = "SELECT code FROM appointment ORDER BY code DESC LIMIT 1";
    tx.query_one(sql, &[], |row| CodeNumber::from_stored(row.integer(0)))
}

/// Adds an appointment.
pub fn insert(tx: &mut Transaction<'_>, appointment: &Appointment) -> Result<(), Broken> {
    let a = appointment;
    let (id, slot, hold, resident) = (
        a.id.to_bytes(),
        a.slot.to_bytes(),
        a.hold.to_bytes(),
        a.resident.to_bytes(),
    );
    let contacts = a.identity.contacts.concat();
    let values = [
        (&id).into(),
        a.code.stored().into(),
        a.status.code().into(),
        (&slot).into(),
        (&hold).into(),
        a.product.number().into(),
        (&a.series).into(),
        i64::from(a.dose).into(),
        (&resident).into(),
        (&a.identity.person).into(),
        (&contacts).into(),
        a.generation.into(),
        i64::from(a.possible_duplicate).into(),
        a.booked_at.micros().into(),
        a.changed_at.micros().into(),
        a.sequence.into(),
    ];
    let sql = "INSERT INTO appointment (id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    tx.execute(sql, &values).map(|_| ())
}

/// Writes what can change of an appointment.
pub fn save(tx: &mut Transaction<'_>, appointment: &Appointment) -> Result<(), Broken> {
    let a = appointment;
    let (id, slot, hold) = (a.id.to_bytes(), a.slot.to_bytes(), a.hold.to_bytes());
    let values = [
        (&id).into(),
        a.status.code().into(),
        (&slot).into(),
        a.product.number().into(),
        a.generation.into(),
        a.changed_at.micros().into(),
        (&hold).into(),
        a.sequence.into(),
    ];
    let sql = "UPDATE appointment SET status = $2, slot = $3, product = $4, generation = $5, changed_at = $6, hold = $7, sequence = $8 WHERE id = $1";
    tx.execute(sql, &values).map(|_| ())
}

/// Every appointment there is, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Appointment)) -> Result<(), Broken> {
    tx.query(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence
         FROM appointment ORDER BY id",
        &[],
        |row| each(read(row)),
    )
}
