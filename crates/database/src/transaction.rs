//! Database, connection, transaction, row, value: the waist itself. Parameters are written `$1`, `$2`, … in SQL for
//! every engine. A transaction that is dropped is rolled back.

use crate::fault::{Broken, CommitFailed, OpenError};
use crate::fault_injection::{self, Faults, Injected, Step};
use crate::sqlite;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a writer waits for another process that has the database (DESIGN §5).
pub const WRITER_WAIT: Duration = Duration::from_secs(2);

/// Where a database is, and how durable it must be.
#[derive(Debug, Clone)]
pub struct Database {
    place: Place,
    durability: Durability,
    faults: Injected,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Memory(String),
}

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Each commit is synced before it is answered: the only mode the product runs in.
    Full,
    /// Commits may be lost with the machine. Exists so that a test can prove that it would notice.
    UnsafeForRehearsal,
}

impl Database {
    /// A file, made when it does not exist.
    pub fn file(path: &Path) -> Self {
        Self {
            place: Place::File(path.to_owned()),
            durability: Durability::Full,
            faults: Injected::default(),
        }
    }
    /// A database in memory, shared by all connections that give the same name, gone with the last of them.
    pub fn memory(name: &str) -> Self {
        Self {
            place: Place::Memory(name.to_owned()),
            durability: Durability::Full,
            faults: Injected::default(),
        }
    }
    /// As [`Database::memory`], with faults put between the engine and it: for simulation only.
    pub fn in_simulation(name: &str, faults: Arc<dyn Faults>) -> Self {
        Self {
            faults: Injected::from(faults),
            ..Self::memory(name)
        }
    }
    /// The same place with another durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
    /// Opens a connection and reads back the settings that durability rests on.
    pub fn connect(&self) -> Result<Connection, OpenError> {
        self.opened(|place| sqlite::open(place, self.durability))
    }
    /// Opens a connection for work beside the committer: the same durability, and little memory of its own.
    pub fn connect_beside(&self) -> Result<Connection, OpenError> {
        self.opened(|place| sqlite::open_beside(place, self.durability))
    }
    /// Opens a connection that cannot write.
    pub fn connect_read_only(&self) -> Result<Connection, OpenError> {
        self.opened(sqlite::open_read_only)
    }
    fn opened(
        &self,
        open: impl FnOnce(&Place) -> Result<rusqlite::Connection, OpenError>,
    ) -> Result<Connection, OpenError> {
        self.faults.before_connect()?;
        Ok(Connection {
            inner: open(&self.place)?,
            faults: self.faults.clone(),
        })
    }
    /// Its file, when it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory(_) => None,
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number; instants are microseconds.
    Integer(i64),
    /// A number with a fraction; only for coordinates.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes: ids, hashes, sealed values.
    Blob(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}
impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(value)
    }
}
impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of an answer; columns are counted from 0. A column of an unexpected type is a bug of ours and panics.
pub struct Row<'r>(pub(crate) &'r rusqlite::Row<'r>);

impl Row<'_> {
    fn get<T: rusqlite::types::FromSql>(&self, column: usize) -> T {
        self.0
            .get(column)
            .unwrap_or_else(|error| panic!("column {column} of a row of ours: {error}"))
    }
    /// A whole number.
    pub fn integer(&self, column: usize) -> i64 {
        self.get(column)
    }
    /// A whole number or nothing.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        self.get(column)
    }
    /// A number with a fraction, or nothing.
    pub fn optional_real(&self, column: usize) -> Option<f64> {
        self.get(column)
    }
    /// Text.
    pub fn text(&self, column: usize) -> String {
        self.get(column)
    }
    /// Text or nothing.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        self.get(column)
    }
    /// Bytes.
    pub fn blob(&self, column: usize) -> Vec<u8> {
        self.get(column)
    }
    /// Bytes or nothing.
    pub fn optional_blob(&self, column: usize) -> Option<Vec<u8>> {
        self.get(column)
    }
    /// Bytes of a known length, such as an id.
    pub fn bytes<const N: usize>(&self, column: usize) -> [u8; N] {
        let bytes = self.blob(column);
        bytes
            .as_slice()
            .try_into()
            .unwrap_or_else(|_| panic!("column {column}: {} bytes instead of {N}", bytes.len()))
    }
}

/// One connection; used by one thread at a time.
pub struct Connection {
    inner: rusqlite::Connection,
    faults: Injected,
}

impl Connection {
    /// Begins a writing transaction: at once exclusive among writers, after waiting at most [`WRITER_WAIT`].
    pub fn begin(&mut self) -> Result<Transaction<'_>, Broken> {
        self.faults.before(Step::Begin)?;
        Transaction::start(self, "BEGIN IMMEDIATE")
    }
    /// Begins a reading transaction: one unchanging view, beside any writer.
    pub fn begin_read(&mut self) -> Result<Transaction<'_>, Broken> {
        self.faults.before(Step::BeginRead)?;
        Transaction::start(self, "BEGIN DEFERRED")
    }
    /// A number that changes when *another* connection has committed. Cheap enough to ask every few milliseconds.
    pub fn data_version(&mut self) -> Result<i64, Broken> {
        self.faults.before(Step::Query)?;
        sqlite::data_version(&self.inner)
    }
    /// Moves committed pages from the log to the database file. `hard` also waits for readers so that the log starts
    /// again from its beginning. Answers how many pages the log holds.
    pub fn checkpoint(&mut self, hard: bool) -> Result<i64, Broken> {
        sqlite::checkpoint(&self.inner, hard)
    }
    /// A view into a transaction that the caller began by hand and will end by hand.
    pub(crate) fn inside(&self) -> Transaction<'_> {
        Transaction {
            inner: &self.inner,
            faults: &self.faults,
            open: false,
        }
    }
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Broken> {
        self.inner.execute_batch(sql).map_err(sqlite::broken)
    }
}

/// A transaction; dropped without commit it is rolled back.
pub struct Transaction<'c> {
    inner: &'c rusqlite::Connection,
    faults: &'c Injected,
    open: bool,
}

impl<'c> Transaction<'c> {
    fn start(connection: &'c Connection, begin: &str) -> Result<Self, Broken> {
        connection
            .inner
            .prepare_cached(begin)
            .and_then(|mut statement| statement.execute([]))
            .map_err(sqlite::broken)?;
        Ok(Self {
            inner: &connection.inner,
            faults: &connection.faults,
            open: true,
        })
    }

    /// Runs a query and hands each row to `each`.
    pub fn query(&mut self, sql: &str, values: &[Value<'_>], mut each: impl FnMut(&Row<'_>)) -> Result<(), Broken> {
        self.faults.before(Step::Query)?;
        let mut statement = self
            .inner
            .prepare_cached(&sqlite::own_parameters(sql))
            .map_err(sqlite::broken)?;
        sqlite::bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(sqlite::broken)? {
            each(&Row(row));
        }
        Ok(())
    }

    /// Runs a query of which at most the first row matters.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Result<Option<T>, Broken> {
        self.faults.before(Step::Query)?;
        let mut statement = self
            .inner
            .prepare_cached(&sqlite::own_parameters(sql))
            .map_err(sqlite::broken)?;
        sqlite::bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        Ok(rows.next().map_err(sqlite::broken)?.map(|row| read(&Row(row))))
    }

    /// Runs a statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, Broken> {
        self.faults.before(Step::Execute)?;
        let mut statement = self
            .inner
            .prepare_cached(&sqlite::own_parameters(sql))
            .map_err(sqlite::broken)?;
        sqlite::bind(&mut statement, values)?;
        statement.raw_execute().map_err(sqlite::broken)
    }

    /// Makes everything since the beginning lasting, or says what is known of it.
    pub fn commit(mut self) -> Result<(), CommitFailed> {
        let answer_is_lost = self.faults.at_commit()?;
        self.open = false;
        let done = self
            .inner
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]));
        match done {
            Ok(_) if answer_is_lost => Err(fault_injection::lost()),
            Ok(_) => Ok(()),
            Err(error) => {
                let failed = sqlite::commit_failed(error);
                // Still inside: the commit was refused as a whole, so nothing of it may stay half open.
                if !self.inner.is_autocommit() {
                    let _ = self.inner.execute_batch("ROLLBACK");
                }
                Err(failed)
            }
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open && !self.inner.is_autocommit() {
            let _ = self.inner.execute_batch("ROLLBACK");
        }
    }
}
