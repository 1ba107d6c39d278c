//! ZIP codes and where they are.

use database::{Broken, Transaction, Value};

/// A ZIP code.
#[derive(Debug, Clone, PartialEq)]
pub struct Zip {
    /// Five digits.
    pub zip: String,
    /// Its place.
    pub city: String,
    /// Two letters.
    pub state: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Every ZIP code.
pub fn all(tx: &mut Transaction<'_>) -> Result<Vec<Zip>, Broken> {
    let mut zips = Vec::new();
    tx.query(
        "SELECT zip, city, state, latitude, longitude FROM zip ORDER BY zip",
        &[],
        |row| {
            if let (Some(latitude), Some(longitude)) = (row.optional_real(3), row.optional_real(4)) {
                zips.push(Zip {
                    zip: row.text(0),
                    city: row.text(1),
                    state: row.text(2),
                    latitude,
                    longitude,
                });
            }
        },
    )?;
    Ok(zips)
}

/// Adds or replaces ZIP codes.
pub fn save<'a>(tx: &mut Transaction<'_>, zips: impl IntoIterator<Item = &'a Zip>) -> Result<(), Broken> {
    let values: Vec<[Value<'_>; 5]> = zips
        .into_iter()
        .map(|zip| {
            [
                (&zip.zip).into(),
                (&zip.city).into(),
                (&zip.state).into(),
                Value::Real(zip.latitude),
                Value::Real(zip.longitude),
            ]
        })
        .collect();
    let sql = "INSERT INTO zip (zip, city, state, latitude, longitude) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (zip) DO UPDATE SET city = excluded.city, state = excluded.state, latitude = excluded.latitude, longitude = excluded.longitude";
    tx.execute_each(sql, &values).map(|_| ())
}
