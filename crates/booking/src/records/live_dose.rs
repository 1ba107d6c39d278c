//! Live doses: who stands for which dose, by keyed hashes. Its primary key is the guard against two live appointments
//! of one person for one dose.

use super::{date_from, date_number, id_at};
use database::{Broken, Row, Transaction, Value};
use scheduling::resident::identity::Fingerprint;
use scheduling::rules::product::Cvx;
use scheduling::working_set::{LiveDose, LiveDoseKey};

fn read(row: &Row<'_>) -> (LiveDoseKey, LiveDose) {
    let key = LiveDoseKey {
        person: row.bytes(0),
        contact: row.bytes(1),
        series: row.text(2),
        dose: row.integer(3) as u8,
    };
    let dose = LiveDose {
        appointment: id_at(row, 4),
        product: Cvx::from_number(row.integer(5)),
        on: date_from(row.integer(6)),
    };
    (key, dose)
}

/// All live doses of those who have one of these combinations of names and birth date.
pub fn of_persons<'a>(
    tx: &mut Transaction<'_>,
    persons: impl IntoIterator<Item = &'a Fingerprint>,
    mut each: impl FnMut(LiveDoseKey, LiveDose),
) -> Result<(), Broken> {
    let persons: Vec<&[u8]> = persons.into_iter().map(<[u8; 8]>::as_slice).collect();
    let sql = "SELECT person, contact, series, dose, appointment, product, date FROM live_dose
         WHERE person IN ($keys) ORDER BY person, contact";
    tx.query_in(sql, &persons, |row| {
        let (key, dose) = read(row);
        each(key, dose);
    })
}

/// Doses of appointments that are new. One that stands already is a violation.
pub fn stand_new<'a>(
    tx: &mut Transaction<'_>,
    doses: impl IntoIterator<Item = (&'a LiveDoseKey, &'a LiveDose)>,
) -> Result<(), Broken> {
    let doses: Vec<_> = doses
        .into_iter()
        .map(|(key, dose)| (dose.appointment.to_bytes(), key, dose))
        .collect();
    let values: Vec<[Value<'_>; 7]> = doses.iter().map(|(id, key, dose)| values(id, key, dose)).collect();
    tx.insert_each(INSERT, &values)
}

const INSERT: &str = "INSERT INTO live_dose (person, contact, series, dose, appointment, product, date)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

fn values<'v>(appointment: &'v [u8; 16], key: &'v LiveDoseKey, dose: &LiveDose) -> [Value<'v>; 7] {
    [
        (&key.person).into(),
        (&key.contact).into(),
        (&key.series).into(),
        i64::from(key.dose).into(),
        appointment.into(),
        dose.product.number().into(),
        date_number(dose.on).into(),
    ]
}

/// A dose stands. One that stands there for another appointment is a violation; for the same one it is moved.
pub fn stand(tx: &mut Transaction<'_>, key: &LiveDoseKey, dose: &LiveDose) -> Result<(), Broken> {
    let appointment = dose.appointment.to_bytes();
    let values = values(&appointment, key, dose);
    let moved = tx.execute(
        "UPDATE live_dose SET product = $6, date = $7 WHERE person = $1 AND contact = $2 AND series = $3 AND dose = $4 AND appointment = $5",
        &values,
    )?;
    if moved == 0 {
        tx.execute(INSERT, &values)?;
    }
    Ok(())
}

/// A dose stands no more.
pub fn fall(tx: &mut Transaction<'_>, key: &LiveDoseKey) -> Result<(), Broken> {
    let values = [
        (&key.person).into(),
        (&key.contact).into(),
        (&key.series).into(),
        i64::from(key.dose).into(),
    ];
    tx.execute(
        "DELETE FROM live_dose WHERE person = $1 AND contact = $2 AND series = $3 AND dose = $4",
        &values,
    )
    .map(|_| ())
}

/// Every live dose, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(LiveDoseKey, LiveDose)) -> Result<(), Broken> {
    tx.query(
        "SELECT person, contact, series, dose, appointment, product, date FROM live_dose ORDER BY person, contact, series, dose",
        &[],
        |row| {
            let (key, dose) = read(row);
            each(key, dose);
        },
    )
}
