//! What is so: one file per table, each with the only SQL that touches it. Rows in, rows out; nothing is decided here.

pub mod appointment;
pub mod audit;
pub mod beat;
pub mod census;
pub mod change;
pub mod clinic;
pub mod copy;
pub mod document;
pub mod hold;
pub mod identity;
pub mod live_dose;
pub mod outbox;
pub mod outcome;
pub mod relocation;
pub mod resident;
pub mod sealing;
pub mod session;
pub mod shared_link;
pub mod slot;
pub mod zip;

use base::id::Id;
use base::time::Date;
use database::migration::Migration;
use database::{Broken, Row, Transaction};

/// The schema, step by step.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "first",
        sql: include_str!("records/migrations/0001-first.sql"),
    },
    Migration {
        version: 2,
        name: "secrecy",
        sql: include_str!("records/migrations/0002-secrecy.sql"),
    },
    Migration {
        version: 3,
        name: "messages",
        sql: include_str!("records/migrations/0003-messages.sql"),
    },
    Migration {
        version: 4,
        name: "links",
        sql: include_str!("records/migrations/0004-links.sql"),
    },
    Migration {
        version: 5,
        name: "scale-out",
        sql: include_str!("records/migrations/0005-scale-out.sql"),
    },
    Migration {
        version: 6,
        name: "relocation",
        sql: include_str!("records/migrations/0006-relocation.sql"),
    },
    Migration {
        version: 7,
        name: "beat",
        sql: include_str!("records/migrations/0007-beat.sql"),
    },
    Migration {
        version: 8,
        name: "identity",
        sql: include_str!("records/migrations/0008-identity.sql"),
    },
];

/// A local date as stored: yyyymmdd.
pub fn date_number(date: Date) -> i64 {
    i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())
}

/// A local date from its stored form.
pub fn date_from(number: i64) -> Date {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    Date::new(year as i16, month as i8, day as i8).unwrap_or_else(|_| panic!("a stored date of ours: {number}"))
}

/// Rows of several ids, by a query with `IN ($keys)`.
fn by_ids<'a, Of: 'a>(
    tx: &mut Transaction<'_>,
    sql: &str,
    ids: impl IntoIterator<Item = &'a Id<Of>>,
    each: impl FnMut(&Row<'_>),
) -> Result<(), Broken> {
    let ids: Vec<[u8; 16]> = ids.into_iter().map(|id| id.to_bytes()).collect();
    let keys: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
    tx.query_in(sql, &keys, each)
}

fn id_at<Of>(row: &database::Row<'_>, column: usize) -> Id<Of> {
    Id::from_bits(u128::from_be_bytes(row.bytes(column)))
}

/// Ids one after the other.
pub fn join_ids<Of>(ids: impl IntoIterator<Item = Id<Of>>) -> Vec<u8> {
    ids.into_iter().flat_map(Id::to_bytes).collect()
}

/// Ids from their joined form; what does not fill an id is dropped.
pub fn split_ids<Of>(bytes: &[u8]) -> Vec<Id<Of>> {
    bytes.chunks_exact(16).filter_map(Id::from_bytes).collect()
}
