//! Clinics, keyed by their source's id so that an import can be repeated.

use super::id_at;
use base::id::ClinicId;
use base::time::{Timestamp, Zone};
use database::{Broken, Row, Transaction, Value};
use scheduling::clinic::location::Clinic;

fn read(row: &Row<'_>) -> Clinic {
    Clinic {
        id: id_at(row, 0),
        source_id: row.text(1),
        name: row.text(2),
        street: row.optional_text(3),
        city: row.optional_text(4),
        state: row.optional_text(5),
        zip: row.optional_text(6),
        county: row.optional_text(7),
        phone: row.optional_text(8),
        latitude: row.optional_real(9),
        longitude: row.optional_real(10),
        zone: Zone::named(&row.text(11)).expect("a stored zone was read before it was stored"),
        hours: row.optional_text(12),
        notes: row.optional_text(13),
        made: row
            .text(14)
            .split('|')
            .filter(|field| !field.is_empty())
            .map(str::to_owned)
            .collect(),
        demonstration: row.integer(15) != 0,
    }
}

/// Every clinic, by id.
pub fn all(tx: &mut Transaction<'_>) -> Result<Vec<Clinic>, Broken> {
    let mut clinics = Vec::new();
    tx.query(
        "SELECT id, source_id, name, street, city, state, zip, county, phone, latitude, longitude, zone, hours, notes, made, demonstration
         FROM clinic ORDER BY id",
        &[],
        |row| clinics.push(read(row)),
    )?;
    Ok(clinics)
}

/// One clinic.
pub fn load(tx: &mut Transaction<'_>, id: ClinicId) -> Result<Option<Clinic>, Broken> {
    tx.query_one(
        "SELECT id, source_id, name, street, city, state, zip, county, phone, latitude, longitude, zone, hours, notes, made, demonstration
         FROM clinic WHERE id = $1",
        &[(&id.to_bytes()).into()],
        read,
    )
}

/// Adds a clinic, or changes the one of the same id.
pub fn save(tx: &mut Transaction<'_>, clinic: &Clinic, now: Timestamp) -> Result<(), Broken> {
    let (id, made) = (clinic.id.to_bytes(), clinic.made.join("|"));
    let values = [
        (&id).into(),
        (&clinic.source_id).into(),
        (&clinic.name).into(),
        clinic.street.as_deref().into(),
        clinic.city.as_deref().into(),
        clinic.state.as_deref().into(),
        clinic.zip.as_deref().into(),
        clinic.county.as_deref().into(),
        clinic.phone.as_deref().into(),
        clinic.latitude.map_or(Value::Null, Value::Real),
        clinic.longitude.map_or(Value::Null, Value::Real),
        clinic.zone.name().into(),
        clinic.hours.as_deref().into(),
        clinic.notes.as_deref().into(),
        (&made).into(),
        i64::from(clinic.demonstration).into(),
        now.micros().into(),
    ];
    let sql = "INSERT INTO clinic (id, source_id, name, street, city, state, zip, county, phone, latitude, longitude, zone, hours, notes, made, demonstration, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, street = excluded.street, city = excluded.city, state = excluded.state,
           zip = excluded.zip, county = excluded.county, phone = excluded.phone, latitude = excluded.latitude, longitude = excluded.longitude,
           zone = excluded.zone, hours = excluded.hours, notes = excluded.notes, made = excluded.made,
           demonstration = excluded.demonstration, changed_at = excluded.changed_at";
    tx.execute(sql, &values).map(|_| ())
}
