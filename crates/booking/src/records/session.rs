//! Sessions.

use super::date_number;
use base::time::Timestamp;
use database::{Broken, Transaction};
use scheduling::clinic::session::Session;

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

/// The last local date on which any clinic has a session (yyyymmdd); `None` before the first.
pub fn last_date(tx: &mut Transaction<'_>) -> Result<Option<i64>, Broken> {
    Ok(tx.query_one("SELECT max(date) FROM session", &[], |row| row.optional_integer(0))?.flatten())
}
