//! Outcomes: the stored answer of each idempotency key. Keeps `one_effect_per_key`. Bodies come and go sealed.

use base::time::Timestamp;
use database::{Broken, Transaction, Value};

/// Table and column that bodies are sealed for.
pub const SEALED: (&str, &str) = ("outcome", "body");

/// What was answered under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The key as stored (see the committer).
    pub key: Vec<u8>,
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// The refusal's code, if it was one.
    pub code: Option<String>,
    /// Body bytes, sealed.
    pub body: Vec<u8>,
    /// Ids of what was made or changed: a hold's or appointments', one after the other.
    pub subject: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

fn read(row: &database::Row<'_>) -> Outcome {
    Outcome {
        key: row.blob(0),
        body_hash: row.bytes(1),
        status: row.integer(2) as u16,
        code: row.optional_text(3),
        body: row.blob(4),
        subject: row.blob(5),
        at: Timestamp::from_micros(row.integer(6)),
    }
}

/// The outcome of a key.
pub fn load(tx: &mut Transaction<'_>, key: &[u8]) -> Result<Option<Outcome>, Broken> {
    tx.query_one(
        "SELECT key, body_hash, status, code, body, subject, at FROM outcome WHERE key = $1",
        &[key.into()],
        read,
    )
}

/// Outcomes of several keys.
pub fn of(tx: &mut Transaction<'_>, keys: &[&[u8]], mut each: impl FnMut(Outcome)) -> Result<(), Broken> {
    let sql = "SELECT key, body_hash, status, code, body, subject, at FROM outcome WHERE key IN ($keys) ORDER BY key";
    tx.query_in(sql, keys, |row| each(read(row)))
}

/// Keeps outcomes; a second one for the same key is a violation. While another transaction that keeps one is not ended,
/// this waits for it.
pub fn insert<'a>(tx: &mut Transaction<'_>, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Result<(), Broken> {
    let values: Vec<[Value<'_>; 7]> = outcomes
        .into_iter()
        .map(|o| {
            [
                (&o.key).into(),
                (&o.body_hash).into(),
                i64::from(o.status).into(),
                o.code.as_deref().into(),
                (&o.body).into(),
                (&o.subject).into(),
                o.at.micros().into(),
            ]
        })
        .collect();
    let sql =
        "INSERT INTO outcome (key, body_hash, status, code, body, subject, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.insert_each(sql, &values)
}

/// Keys and subjects of outcomes kept since an instant.
pub fn subjects_since(
    tx: &mut Transaction<'_>,
    since: Timestamp,
    mut each: impl FnMut(Vec<u8>, &[u8]),
) -> Result<(), Broken> {
    tx.query(
        "SELECT key, subject FROM outcome WHERE at >= $1 ORDER BY at",
        &[since.micros().into()],
        |row| each(row.blob(0), &row.blob(1)),
    )
}

/// Forgets one outcome; answers how many there were.
pub fn forget(tx: &mut Transaction<'_>, key: &[u8]) -> Result<usize, Broken> {
    tx.execute("DELETE FROM outcome WHERE key = $1", &[key.into()])
}

/// Forgets outcomes kept before an instant, at most `limit` of them; answers how many.
pub fn forget_before(tx: &mut Transaction<'_>, instant: Timestamp, limit: u32) -> Result<usize, Broken> {
    tx.execute(
        "DELETE FROM outcome WHERE key IN (SELECT key FROM outcome WHERE at < $1 ORDER BY at LIMIT $2)",
        &[instant.micros().into(), limit.into()],
    )
}

/// Every outcome, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Outcome)) -> Result<(), Broken> {
    tx.query(
        "SELECT key, body_hash, status, code, body, subject, at FROM outcome ORDER BY key",
        &[],
        |row| each(read(row)),
    )
}
