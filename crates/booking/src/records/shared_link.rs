//! Links that residents shared, by appointment. The secrets are derived, so none lies here.

use base::id::AppointmentId;
use base::time::Timestamp;
use database::{Broken, Row, Transaction};
use scheduling::resident::personal_link::SharedLink;

use super::{by_ids, id_at};

fn read(row: &Row<'_>) -> SharedLink {
    SharedLink {
        appointment: id_at(row, 0),
        number: row.integer(1) as u32,
        made_at: Timestamp::from_micros(row.integer(2)),
        stopped_at: row.optional_integer(3).map(Timestamp::from_micros),
    }
}

/// All links of an appointment, stopped ones too.
pub fn of_appointment(tx: &mut Transaction<'_>, id: AppointmentId, each: impl FnMut(SharedLink)) -> Result<(), Broken> {
    of(tx, &[id], each)
}

/// All links of several appointments, stopped ones too.
pub fn of<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a AppointmentId>,
    mut each: impl FnMut(SharedLink),
) -> Result<(), Broken> {
    let sql = "SELECT appointment, number, made_at, stopped_at FROM shared_link
         WHERE appointment IN ($keys) ORDER BY appointment, number";
    by_ids(tx, sql, ids, |row| each(read(row)))
}

/// Adds a link.
pub fn insert(tx: &mut Transaction<'_>, link: &SharedLink) -> Result<(), Broken> {
    let id = link.appointment.to_bytes();
    let values = [
        (&id).into(),
        link.number.into(),
        link.made_at.micros().into(),
        link.stopped_at.map(Timestamp::micros).into(),
    ];
    let sql = "INSERT INTO shared_link (appointment, number, made_at, stopped_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &values).map(|_| ())
}

/// Writes that a link was stopped.
pub fn save(tx: &mut Transaction<'_>, link: &SharedLink) -> Result<(), Broken> {
    let id = link.appointment.to_bytes();
    let values = [
        (&id).into(),
        link.number.into(),
        link.stopped_at.map(Timestamp::micros).into(),
    ];
    tx.execute(
        "UPDATE shared_link SET stopped_at = $3 WHERE appointment = $1 AND number = $2",
        &values,
    )
    .map(|_| ())
}
