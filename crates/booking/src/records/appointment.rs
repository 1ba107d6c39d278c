//! Appointments: by id, never by a person. What can change of one is in one statement.

use super::{by_ids, id_at};
use base::id::AppointmentId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction, Value};
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
        link_sent_at: row.optional_integer(16).map(Timestamp::from_micros),
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
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// Appointments by id, in this order. Not locked: to know what they are about.
pub fn of<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a AppointmentId>,
    mut each: impl FnMut(Appointment),
) -> Result<(), Broken> {
    let sql = "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE id IN ($keys) ORDER BY id";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Appointments by id, in this order; locked where others write too.
pub fn lock<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a AppointmentId>,
    mut each: impl FnMut(Appointment),
) -> Result<(), Broken> {
    let sql = "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE id IN ($keys) ORDER BY id /* for update */";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Takes so many numbers of codes that nobody else takes, none before `first`; answers the one before them.
pub fn take_codes(tx: &mut Transaction<'_>, first: CodeNumber, many: u32) -> Result<CodeNumber, Broken> {
    let many = i64::from(many);
    let known = tx.query_one("SELECT next FROM code_block WHERE one = 1", &[], |row| row.integer(0))?;
    if known.is_none() {
        // Before the first taking a writer that was alone may have given out some, by a clock that ran ahead.
        let first = last_code(tx)?.map_or(first, |last| last.after(1).max(first));
        let sql = "INSERT INTO code_block (one, next) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
        tx.execute(sql, &[first.stored().into()])?;
    }
    let sql =
        "UPDATE code_block SET next = CASE WHEN next < $1 THEN $1 ELSE next END + $2 WHERE one = 1 RETURNING next";
    let next = tx.query_one(sql, &[first.stored().into(), many.into()], |row| row.integer(0))?;
    let next = next.ok_or_else(|| Broken::Conflict("no codes were given".to_owned()))?;
    Ok(CodeNumber::from_stored(next - many - 1))
}

/// The next number of a code that no server has taken, once several write.
pub fn next_code(tx: &mut Transaction<'_>) -> Result<Option<CodeNumber>, Broken> {
    let sql = "SELECT next FROM code_block WHERE one = 1";
    tx.query_one(sql, &[], |row| CodeNumber::from_stored(row.integer(0)))
}

/// From now on no server takes a number before this one.
pub fn take_no_code_before(tx: &mut Transaction<'_>, next: CodeNumber) -> Result<(), Broken> {
    let sql = "INSERT INTO code_block (one, next) VALUES (1, $1) ON CONFLICT (one) DO UPDATE
         SET next = CASE WHEN code_block.next < excluded.next THEN excluded.next ELSE code_block.next END";
    tx.execute(sql, &[next.stored().into()]).map(|_| ())
}

/// The appointment that a code is of.
pub fn by_code(tx: &mut Transaction<'_>, code: CodeNumber) -> Result<Option<Appointment>, Broken> {
    tx.query_one(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE code = $1",
        &[code.stored().into()],
        read,
    )
}

/// The greatest number of a code that is given out.
pub fn last_code(tx: &mut Transaction<'_>) -> Result<Option<CodeNumber>, Broken> {
    let sql = "SELECT code FROM appointment ORDER BY code DESC LIMIT 1";
    tx.query_one(sql, &[], |row| CodeNumber::from_stored(row.integer(0)))
}

/// Which appointment a code's number is of.
pub fn of_code(tx: &mut Transaction<'_>, code: CodeNumber) -> Result<Option<AppointmentId>, Broken> {
    let sql = "SELECT id FROM appointment WHERE code = $1";
    tx.query_one(sql, &[code.stored().into()], |row| id_at(row, 0))
}

/// Appointments behind one and before another, in the order they were booked, at most `limit`.
pub fn page(
    tx: &mut Transaction<'_>,
    behind: AppointmentId,
    before: AppointmentId,
    limit: u32,
) -> Result<Vec<Appointment>, Broken> {
    let mut page = Vec::new();
    tx.query(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3",
        &[(&behind.to_bytes()).into(), (&before.to_bytes()).into(), limit.into()],
        |row| page.push(read(row)),
    )?;
    Ok(page)
}

/// Every appointment of whoever has these names and birth date. Reads the whole table: only for an operator's question.
pub fn of_person(
    tx: &mut Transaction<'_>,
    person: Fingerprint,
    mut each: impl FnMut(Appointment),
) -> Result<(), Broken> {
    tx.query(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment WHERE person = $1 ORDER BY id",
        &[(&person).into()],
        |row| each(read(row)),
    )
}

/// Takes away what a person could be recognised by.
pub fn forget_person(tx: &mut Transaction<'_>, id: AppointmentId) -> Result<(), Broken> {
    let (nobody, nothing) = (Fingerprint::default(), [0_u8; 0]);
    tx.execute(
        "UPDATE appointment SET person = $2, contacts = $3, possible_duplicate = 0 WHERE id = $1",
        &[(&id.to_bytes()).into(), (&nobody).into(), (&nothing).into()],
    )
    .map(|_| ())
}

/// Adds appointments.
pub fn insert<'a>(
    tx: &mut Transaction<'_>,
    appointments: impl IntoIterator<Item = &'a Appointment>,
) -> Result<(), Broken> {
    let ids = |a: &Appointment| {
        [
            a.id.to_bytes(),
            a.slot.to_bytes(),
            a.hold.to_bytes(),
            a.resident.to_bytes(),
        ]
    };
    let owned = |a: &'a Appointment| (ids(a), a.identity.contacts.concat(), a);
    let appointments: Vec<_> = appointments.into_iter().map(owned).collect();
    let values: Vec<[Value<'_>; 17]> = appointments
        .iter()
        .map(|([id, slot, hold, resident], contacts, a)| {
            [
                id.into(),
                a.code.stored().into(),
                a.status.code().into(),
                slot.into(),
                hold.into(),
                a.product.number().into(),
                (&a.series).into(),
                i64::from(a.dose).into(),
                resident.into(),
                (&a.identity.person).into(),
                contacts.into(),
                a.generation.into(),
                i64::from(a.possible_duplicate).into(),
                a.booked_at.micros().into(),
                a.changed_at.micros().into(),
                a.sequence.into(),
                a.link_sent_at.map(Timestamp::micros).into(),
            ]
        })
        .collect();
    let sql = "INSERT INTO appointment (id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    tx.insert_each(sql, &values)
}

/// Writes what can change of appointments.
pub fn save<'a>(
    tx: &mut Transaction<'_>,
    appointments: impl IntoIterator<Item = &'a Appointment>,
) -> Result<(), Broken> {
    let owned = |a: &'a Appointment| ([a.id.to_bytes(), a.slot.to_bytes(), a.hold.to_bytes()], a);
    let appointments: Vec<_> = appointments.into_iter().map(owned).collect();
    let values: Vec<[Value<'_>; 9]> = appointments
        .iter()
        .map(|([id, slot, hold], a)| {
            [
                id.into(),
                a.status.code().into(),
                slot.into(),
                a.product.number().into(),
                a.generation.into(),
                a.changed_at.micros().into(),
                hold.into(),
                a.sequence.into(),
                a.link_sent_at.map(Timestamp::micros).into(),
            ]
        })
        .collect();
    let sql = "UPDATE appointment SET status = $2, slot = $3, product = $4, generation = $5, changed_at = $6, hold = $7, sequence = $8, link_sent_at = $9 WHERE id = $1";
    tx.execute_each(sql, &values).map(|_| ())
}

/// Every appointment there is, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Appointment)) -> Result<(), Broken> {
    tx.query(
        "SELECT id, code, status, slot, hold, product, series, dose, resident, person, contacts, generation, possible_duplicate, booked_at, changed_at, sequence, link_sent_at
         FROM appointment ORDER BY id",
        &[],
        |row| each(read(row)),
    )
}
