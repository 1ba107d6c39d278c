//! Database, connection, transaction, row, value: the waist itself. Parameters are written `$1`, `$2`, … in SQL for
//! every engine. A transaction that is dropped is rolled back.

use crate::fault::{Broken, CommitFailed, OpenError};
use crate::fault_injection::{self, Faults, Injected, Step};
use crate::{settle, sqlite};
use base::answer::Fault;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a writer waits for another process that has the database (DESIGN §5).
pub const WRITER_WAIT: Duration = Duration::from_secs(2);

/// Where a database is, and how durable it must be.
#[derive(Debug, Clone)]
pub struct Database {
    place: Place,
    durability: Durability,
    /// Whether [`Connection::settle`] was done since this handle, or the one it was cloned from, was made.
    settled: Arc<AtomicBool>,
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
            settled: Arc::default(),
            faults: Injected::default(),
        }
    }
    /// A database in memory, shared by all connections that give the same name, gone with the last of them.
    pub fn memory(name: &str) -> Self {
        Self {
            place: Place::Memory(name.to_owned()),
            durability: Durability::Full,
            settled: Arc::default(),
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
        self.open(Use::Committer)
    }
    /// Opens a connection for work beside the committer: the same durability, and little memory of its own.
    pub fn connect_beside(&self) -> Result<Connection, OpenError> {
        self.open(Use::Beside)
    }
    /// Opens a connection that cannot write.
    pub fn connect_read_only(&self) -> Result<Connection, OpenError> {
        self.open(Use::Reading)
    }
    fn open(&self, to: Use) -> Result<Connection, OpenError> {
        Ok(Connection {
            inner: self.driver(to)?,
            home: (self.clone(), to),
            suspect: Cell::new(false),
        })
    }
    fn driver(&self, to: Use) -> Result<rusqlite::Connection, OpenError> {
        self.faults.before_connect()?;
        let driver = match to {
            Use::Committer => sqlite::open(&self.place, self.durability),
            Use::Beside => sqlite::open_beside(&self.place, self.durability),
            Use::Reading => sqlite::open_read_only(&self.place),
        }?;
        // The last to close moves the log into the file: not before it is certain what the log holds.
        if !self.settled.load(Ordering::Acquire) {
            sqlite::leave_log(&driver, &self.place)?;
        }
        Ok(driver)
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

/// The log after a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Writers or readers were in the way for longer than the connection waits: a hard checkpoint was not one.
    pub busy: bool,
    /// Pages it holds.
    pub pages: i64,
    /// Of those, what is in the database file already.
    pub moved: i64,
}

impl Log {
    /// Pages that could not be moved: somebody still reads what was before them.
    pub fn left(self) -> i64 {
        self.pages - self.moved
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
enum Use {
    Committer,
    Beside,
    Reading,
}

/// One connection; used by one thread at a time. One that met a fault of the disk is replaced before it is used again,
/// as soon as another can be had: its file may have been taken away and brought back.
pub struct Connection {
    inner: rusqlite::Connection,
    home: (Database, Use),
    /// A statement met a fault other than a busy database.
    suspect: Cell<bool>,
}

impl Connection {
    fn mend(&mut self) {
        if !self.suspect.replace(false) {
            return;
        }
        let (database, to) = &self.home;
        // Where none can be had, the old one may still do, or says why not.
        if let Ok(fresh) = database.driver(*to) {
            self.inner = fresh;
        }
    }
    /// Begins a writing transaction: at once exclusive among writers, after waiting at most [`WRITER_WAIT`].
    pub fn begin(&mut self) -> Result<Transaction<'_>, Broken> {
        self.mend();
        self.before(Step::Begin)?;
        Transaction::start(self, "BEGIN IMMEDIATE")
    }
    /// Begins a reading transaction: one unchanging view, beside any writer.
    pub fn begin_read(&mut self) -> Result<Transaction<'_>, Broken> {
        self.mend();
        self.before(Step::BeginRead)?;
        Transaction::start(self, "BEGIN DEFERRED")
    }
    /// A number that changes when *another* connection has committed. Cheap enough to ask every few milliseconds. Says
    /// nothing beside a number from before a fault.
    pub fn data_version(&mut self) -> Result<i64, Broken> {
        self.mend();
        self.before(Step::Query)?;
        sqlite::data_version(&self.inner).inspect_err(|broken| self.doubt(broken))
    }
    /// Waits at most this long for others, instead of [`WRITER_WAIT`].
    pub fn wait_at_most(&mut self, wait: Duration) -> Result<(), Broken> {
        self.inner.busy_timeout(wait).map_err(sqlite::broken)
    }
    /// Moves committed pages from the log to the database file. `hard` also waits for readers so that the log starts
    /// again from its beginning.
    pub fn checkpoint(&mut self, hard: bool) -> Result<Log, Broken> {
        self.mend();
        sqlite::checkpoint(&self.inner, hard).inspect_err(|broken| self.doubt(broken))
    }
    /// Makes certain what is in the database, after a commit in doubt or a start that may follow a crash: whatever can
    /// be read afterwards is on disk, and whatever cannot be read will not come back. An error leaves it uncertain.
    pub fn settle(&mut self) -> Result<(), Broken> {
        self.mend();
        self.before(Step::Begin)?;
        self.before(Step::Execute)?;
        settle::settle(&self.inner, self.home.0.path()).inspect_err(|broken| self.doubt(broken))?;
        self.home.0.settled.store(true, Ordering::Release);
        Ok(())
    }
    fn before(&self, step: Step) -> Result<(), Broken> {
        let faults = &self.home.0.faults;
        faults.before(step).inspect_err(|broken| self.doubt(broken))
    }
    fn doubt(&self, broken: &Broken) {
        let disk = matches!(broken, Broken::Fault { fault, .. } if *fault != Fault::Busy);
        self.suspect.set(self.suspect.get() || disk);
    }
    fn doubt_commit(&self, failed: &CommitFailed) {
        match failed {
            CommitFailed::NotDone(broken) => self.doubt(broken),
            CommitFailed::InDoubt(_) => self.suspect.set(true),
        }
    }
    /// Moves every committed page to the database file and cuts the log to nothing, so that no older page stays in it.
    /// Waits for readers for a moment only, since writers wait meanwhile; whether it was done.
    pub fn empty_log(&mut self) -> Result<bool, Broken> {
        sqlite::empty_log(&self.inner)
    }
    /// What is wrong with the file itself, page by page and index by index; nothing when all is well. Reads everything.
    pub fn damage(&mut self) -> Result<Vec<String>, Broken> {
        sqlite::damage(&self.inner)
    }
    pub(crate) fn inner(&self) -> &rusqlite::Connection {
        &self.inner
    }
    /// A view into a transaction that the caller began by hand and will end by hand.
    pub(crate) fn inside(&self) -> Transaction<'_> {
        Transaction {
            connection: self,
            open: false,
        }
    }
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Broken> {
        self.inner.execute_batch(sql).map_err(sqlite::broken)
    }
}

/// A transaction; dropped without commit it is rolled back.
pub struct Transaction<'c> {
    connection: &'c Connection,
    open: bool,
}

impl<'c> Transaction<'c> {
    pub(crate) fn start(connection: &'c Connection, begin: &str) -> Result<Self, Broken> {
        let open = true;
        let begun = connection
            .inner
            .prepare_cached(begin)
            .and_then(|mut statement| statement.execute([]));
        match begun {
            Ok(_) => Ok(Self { connection, open }),
            Err(error) => Err(Self {
                connection,
                open: false,
            }
            .broken(error)),
        }
    }

    fn inner(&self) -> &'c rusqlite::Connection {
        &self.connection.inner
    }

    fn broken(&self, error: rusqlite::Error) -> Broken {
        let broken = sqlite::broken(error);
        self.connection.doubt(&broken);
        broken
    }

    /// Runs a query and hands each row to `each`.
    pub fn query(&mut self, sql: &str, values: &[Value<'_>], mut each: impl FnMut(&Row<'_>)) -> Result<(), Broken> {
        self.connection.before(Step::Query)?;
        let mut statement = self.prepared(sql)?;
        sqlite::bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.broken(error))? {
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
        self.connection.before(Step::Query)?;
        let mut statement = self.prepared(sql)?;
        sqlite::bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        let row = rows.next().map_err(|error| self.broken(error))?;
        Ok(row.map(|row| read(&Row(row))))
    }

    /// Runs a statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, Broken> {
        self.connection.before(Step::Execute)?;
        let mut statement = self.prepared(sql)?;
        sqlite::bind(&mut statement, values)?;
        statement.raw_execute().map_err(|error| self.broken(error))
    }

    fn prepared(&self, sql: &str) -> Result<rusqlite::CachedStatement<'c>, Broken> {
        self.inner()
            .prepare_cached(&sqlite::own_parameters(sql))
            .map_err(|error| self.broken(error))
    }

    /// The names of all tables, sorted.
    pub fn tables(&mut self) -> Result<Vec<String>, Broken> {
        sqlite::tables(self.inner())
    }

    /// Makes everything since the beginning lasting, or says what is known of it.
    pub fn commit(mut self) -> Result<(), CommitFailed> {
        let answer_is_lost = self.connection.home.0.faults.at_commit();
        let answer_is_lost = answer_is_lost.inspect_err(|failed| self.connection.doubt_commit(failed))?;
        self.open = false;
        let done = self
            .inner()
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]));
        match done {
            Ok(_) if answer_is_lost => {
                let failed = fault_injection::lost();
                self.connection.doubt_commit(&failed);
                Err(failed)
            }
            Ok(_) => Ok(()),
            Err(error) => {
                let failed = sqlite::commit_failed(error);
                // Still inside: the commit was refused as a whole, so nothing of it may stay half open.
                if !self.inner().is_autocommit() {
                    let _ = self.inner().execute_batch("ROLLBACK");
                }
                self.connection.doubt_commit(&failed);
                Err(failed)
            }
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open && !self.inner().is_autocommit() {
            let _ = self.inner().execute_batch("ROLLBACK");
        }
    }
}
