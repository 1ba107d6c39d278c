//! Sessions: added once, never changed. Publishing twice is publishing once.

use super::{date_from, date_number, id_at};
use base::id::ClinicId;
use base::time::{Date, Timestamp};
use database::{Broken, Transaction};
use scheduling::clinic::session::Session;
use std::collections::BTreeSet;

/// Adds a session unless it is there; answers whether it was added.
pub fn insert_new(tx: &mut Transaction<'_>, session: &Session, now: Timestamp) -> Result<bool, Broken> {
    let (id, clinic) = (session.id.to_bytes(), session.clinic.to_bytes());
    let values = [
        (&id).into(),
        (&clinic).into(),
        date_number(session.date).into(),
        session.product.number().into(),
        now.micros().into(),
    ];
    let sql = "INSERT INTO session (id, clinic, date, product, published_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
    Ok(tx.execute(sql, &values)? > 0)
}

/// Ids of all sessions: for imports.
pub fn all_ids(tx: &mut Transaction<'_>) -> Result<std::collections::BTreeSet<base::id::SessionId>, Broken> {
    let mut ids = std::collections::BTreeSet::new();
    tx.query("SELECT id FROM session ORDER BY id", &[], |row| {
        ids.insert(super::id_at(row, 0));
    })?;
    Ok(ids)
}

/// Which clinics have sessions on which local dates, from a date on. Reads the whole table: for reconcilers and imports.
pub fn days_from(tx: &mut Transaction<'_>, date: Date) -> Result<BTreeSet<(ClinicId, Date)>, Broken> {
    let mut days = BTreeSet::new();
    tx.query(
        "SELECT clinic, date FROM session WHERE date >= $1",
        &[date_number(date).into()],
        |row| {
            days.insert((id_at(row, 0), date_from(row.integer(1))));
        },
    )?;
    Ok(days)
}
