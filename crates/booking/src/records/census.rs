//! How many rows each table has, where each audit chain ends, and what a chain says at one place: what two copies of the
//! data are compared by.

use super::audit::{self, Head};
use base::time::Timestamp;
use database::{Broken, Transaction};
use std::collections::BTreeMap;

/// Rows of every table, by its name.
pub fn rows(tx: &mut Transaction<'_>) -> Result<BTreeMap<String, u64>, Broken> {
    let mut rows = BTreeMap::new();
    for table in tx.tables()? {
        let count = count(tx, &table)?;
        rows.insert(table, count);
    }
    Ok(rows)
}

/// Rows of one table.
pub fn count(tx: &mut Transaction<'_>, table: &str) -> Result<u64, Broken> {
    // Names of our own making, from the schema itself.
    let count = tx.query_one(&format!("SELECT count(*) FROM {table}"), &[], |row| row.integer(0))?;
    Ok(count.unwrap_or_default() as u64)
}

/// Where each chain ends, by its name.
pub fn heads(tx: &mut Transaction<'_>) -> Result<BTreeMap<String, Head>, Broken> {
    let mut heads = BTreeMap::new();
    let mut after = String::new();
    // From name to name along the key: a chain's million events are not looked at.
    let next = "SELECT min(chain) FROM audit_event WHERE chain > $1";
    while let Some(chain) = tx
        .query_one(next, &[(&after).into()], |row| row.optional_text(0))?
        .flatten()
    {
        heads.insert(chain.clone(), audit::head(tx, &chain)?);
        after = chain;
    }
    Ok(heads)
}

/// The hash of one event of a chain, and when it happened.
pub fn event(tx: &mut Transaction<'_>, chain: &str, sequence: i64) -> Result<Option<([u8; 32], Timestamp)>, Broken> {
    tx.query_one(
        "SELECT hash, at FROM audit_event WHERE chain = $1 AND sequence = $2",
        &[chain.into(), sequence.into()],
        |row| (row.bytes(0), Timestamp::from_micros(row.integer(1))),
    )
}
