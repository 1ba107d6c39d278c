//! Rows of any table of ours as they are, whatever they say: read in the order of their key, added, written over,
//! removed. Names of tables and columns come from the schema itself. The order of keys is that of their bytes and
//! numbers, the same in every engine.

use database::{Broken, Owned, Row, Transaction, Value};
use std::cmp::Ordering;

/// Every table whose rows a copy takes along: all but what a database has for itself, which are its schema's versions,
/// what its followers look at, which codes its servers have taken, and whether it moves. (A follower of the copy begins
/// by reading everything.)
pub const TABLES: [&str; 17] = [
    "appointment",
    "audit_event",
    "clinic",
    "document",
    "hold",
    "identity",
    "live_dose",
    "outbox",
    "outbox_copy",
    "outcome",
    "resealing",
    "resident",
    "sealing_key",
    "session",
    "shared_link",
    "slot",
    "zip",
];
/// Those.
pub const OWN: [&str; 5] = ["beat", "change", "code_block", "relocation", "schema_version"];

/// A row: its values in the order of [`Table::columns`].
pub type Cells = Vec<Owned>;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns' names, sorted.
    pub columns: Vec<String>,
    /// Where its key's columns are among them, in the key's order.
    key: Vec<usize>,
}

impl Table {
    /// What the schema says of it; one without a primary key is none of ours.
    pub fn read(tx: &mut Transaction<'_>, name: &str) -> Result<Option<Self>, Broken> {
        let mut columns = tx.columns(name)?;
        columns.sort_unstable();
        let key = tx.key(name)?;
        let key: Vec<usize> = key
            .iter()
            .filter_map(|column| columns.iter().position(|other| other == column))
            .collect();
        let name = name.to_owned();
        Ok((!key.is_empty()).then_some(Self { name, columns, key }))
    }

    /// A row's key.
    pub fn key(&self, row: &[Owned]) -> Cells {
        self.key.iter().map(|at| row[*at].clone()).collect()
    }

    /// Which of two rows comes first.
    pub fn order(&self, a: &[Owned], b: &[Owned]) -> Ordering {
        let each = self.key.iter().map(|at| order(&a[*at], &b[*at]));
        each.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    fn names(&self) -> String {
        self.columns.join(", ")
    }

    fn key_names(&self) -> String {
        let names: Vec<&str> = self.key.iter().map(|at| self.columns[*at].as_str()).collect();
        names.join(", ")
    }

    /// Rows behind a key, the first ones.
    pub fn page(&self, tx: &mut Transaction<'_>, after: Option<&Cells>, limit: u32) -> Result<Vec<Cells>, Broken> {
        let (names, key, table) = (self.names(), self.key_names(), &self.name);
        let count = after.map_or(0, Vec::len);
        let behind = if count == 0 {
            String::new()
        } else {
            format!("WHERE ({key}) > ({})", marks(1, count))
        };
        let limit_mark = count + 1;
        let sql = format!("SELECT {names} FROM {table} {behind} ORDER BY {key} LIMIT ${limit_mark}");
        let mut values: Vec<Value<'_>> = after.into_iter().flatten().map(Owned::as_value).collect();
        values.push(limit.into());
        self.rows(tx, &sql, &values)
    }

    /// Rows behind one key, up to another; without that, to the end.
    pub fn between(
        &self,
        tx: &mut Transaction<'_>,
        after: Option<&Cells>,
        until: Option<&Cells>,
    ) -> Result<Vec<Cells>, Broken> {
        let (names, key, table) = (self.names(), self.key_names(), &self.name);
        let count = self.key.len();
        let mut bounds = Vec::new();
        if after.is_some() {
            bounds.push(format!("({key}) > ({})", marks(1, count)));
        }
        if until.is_some() {
            let first = after.map_or(0, Vec::len) + 1;
            bounds.push(format!("({key}) <= ({})", marks(first, count)));
        }
        let bounds = if bounds.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", bounds.join(" AND "))
        };
        let sql = format!("SELECT {names} FROM {table} {bounds} ORDER BY {key}");
        let values = after.into_iter().chain(until).flatten();
        let values: Vec<Value<'_>> = values.map(Owned::as_value).collect();
        self.rows(tx, &sql, &values)
    }

    fn rows(&self, tx: &mut Transaction<'_>, sql: &str, values: &[Value<'_>]) -> Result<Vec<Cells>, Broken> {
        let columns = self.columns.len();
        let read = |row: &Row<'_>| (0..columns).map(|column| row.owned(column)).collect();
        let mut rows = Vec::new();
        tx.query(sql, values, |row| rows.push(read(row)))?;
        Ok(rows)
    }

    /// Adds rows that are not there, or writes over those that are.
    pub fn save(&self, tx: &mut Transaction<'_>, rows: &[&Cells]) -> Result<(), Broken> {
        let (names, key, table) = (self.names(), self.key_names(), &self.name);
        let all = marks(1, self.columns.len());
        let others = self.columns.iter().enumerate().filter(|(at, _)| !self.key.contains(at));
        let set: Vec<String> = others.map(|(_, name)| format!("{name} = excluded.{name}")).collect();
        let meets = if set.is_empty() {
            "DO NOTHING".to_owned()
        } else {
            format!("DO UPDATE SET {}", set.join(", "))
        };
        let sql = format!("INSERT INTO {table} ({names}) VALUES ({all}) ON CONFLICT ({key}) {meets}");
        let lists: Vec<Vec<Value<'_>>> = rows
            .iter()
            .map(|row| row.iter().map(Owned::as_value).collect())
            .collect();
        tx.insert_each(&sql, &lists)
    }

    /// Removes rows.
    pub fn remove(&self, tx: &mut Transaction<'_>, rows: &[&Cells]) -> Result<(), Broken> {
        let (table, key) = (&self.name, self.key_names());
        let sql = format!("DELETE FROM {table} WHERE ({key}) = ({})", marks(1, self.key.len()));
        let keys: Vec<Cells> = rows.iter().map(|row| self.key(row)).collect();
        let lists: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| key.iter().map(Owned::as_value).collect())
            .collect();
        tx.execute_each(&sql, &lists).map(|_| ())
    }
}

/// `$1, $2, $3`.
fn marks(first: usize, count: usize) -> String {
    let marks: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    marks.join(", ")
}

/// As both engines order what a key may hold.
fn order(a: &Owned, b: &Owned) -> Ordering {
    match (a, b) {
        (Owned::Integer(a), Owned::Integer(b)) => a.cmp(b),
        (Owned::Text(a), Owned::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Owned::Blob(a), Owned::Blob(b)) => a.cmp(b),
        (a, b) => panic!("a key of ours is a number, text or bytes: {a:?}, {b:?}"),
    }
}
