//! Documents: the jurisdiction itself, its products, rules and questions, as versioned data.

use base::time::Timestamp;
use database::{Broken, Transaction};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `jurisdiction`, `rules`, `questions`, …
    pub kind: String,
    /// Its name among its kind, such as the authority.
    pub name: String,
    /// Its version.
    pub version: String,
    /// JSON.
    pub body: String,
}

/// Every document, by kind, name and version.
pub fn all(tx: &mut Transaction<'_>) -> Result<Vec<Document>, Broken> {
    let mut documents = Vec::new();
    tx.query(
        "SELECT kind, name, version, body FROM document ORDER BY kind, name, version",
        &[],
        |row| {
            documents.push(Document {
                kind: row.text(0),
                name: row.text(1),
                version: row.text(2),
                body: row.text(3),
            });
        },
    )?;
    Ok(documents)
}

/// Adds a document, or replaces the one of the same kind, name and version.
pub fn save(tx: &mut Transaction<'_>, document: &Document, now: Timestamp) -> Result<(), Broken> {
    let d = document;
    let values = [
        (&d.kind).into(),
        (&d.name).into(),
        (&d.version).into(),
        (&d.body).into(),
        now.micros().into(),
    ];
    let sql = "INSERT INTO document (kind, name, version, body, imported_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, name, version) DO UPDATE SET body = excluded.body, imported_at = excluded.imported_at";
    tx.execute(sql, &values).map(|_| ())
}
