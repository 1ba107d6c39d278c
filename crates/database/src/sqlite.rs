//! SQLite: opening with the durability we promise and reading it back, its error codes in our words, its parameters.

use crate::connection::{Durability, Log, Place, WRITER_WAIT};
use crate::fault::{Broken, CommitFailed, OpenError};
use crate::value::Value;
use base::answer::Fault;
use runtime::clock::Clock;
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, Statement};
use std::borrow::Cow;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How long emptying the log waits for readers.
const EMPTY_LOG_WAIT: Duration = Duration::from_millis(50);
/// Between two tries to turn a new file to the write-ahead log.
const WAL_RETRY: Duration = Duration::from_millis(10);
/// Statements kept prepared on each connection: more than the engine has.
const PREPARED_STATEMENTS: usize = 128;
/// Page cache of the committer in KiB: holds the random leaves of a million bookings' key trees.
const CACHE_KIB: i64 = 32 * 1024;
/// Page cache of every other connection in KiB: a server has about eight, and 150 MB for everything.
const CACHE_BESIDE_KIB: i64 = 2 * 1024;

pub(crate) fn open(place: &Place, durability: Durability) -> Result<Connection, OpenError> {
    writing(place, durability, CACHE_KIB)
}

pub(crate) fn open_beside(place: &Place, durability: Durability) -> Result<Connection, OpenError> {
    writing(place, durability, CACHE_BESIDE_KIB)
}

fn writing(place: &Place, durability: Durability, cache_kib: i64) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    if let Place::File(path) = place {
        make_private(path);
    }
    let connection = connect(place, flags, cache_kib)?;
    // SQLite quietly opens for reading what it may not write, and such a connection never writes again.
    if connection.is_readonly("main").unwrap_or(false) {
        return Err(OpenError::ReadOnly { path: name(place) });
    }
    if let Place::File(_) = place {
        take_wal(&connection, place)?;
    }
    let synchronous = if durability == Durability::Full {
        "FULL"
    } else {
        "NORMAL"
    };
    set(&connection, place, &format!("PRAGMA synchronous = {synchronous}"))?;
    // The log is moved into the file by an owned thread of the engine, so that no booking waits for it.
    set(&connection, place, "PRAGMA wal_autocheckpoint = 0")?;
    // What is deleted or written over is gone from the file, not only from its tables.
    set(&connection, place, "PRAGMA secure_delete = ON")?;
    if durability == Durability::Full {
        read_back(&connection, place)?;
    }
    Ok(connection)
}

/// Makes the file, when there is none, for its owner alone, whatever the folder allows: it holds people's names. SQLite
/// gives the files beside it the same mode. One that exists must not be opened here: closing it again would drop the
/// locks that this process has on it. What goes wrong here, `connect` meets again and names.
fn make_private(path: &Path) {
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

pub(crate) fn open_read_only(place: &Place) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    connect(place, flags, CACHE_BESIDE_KIB)
}

/// Closing this connection leaves the log as it is.
pub(crate) fn leave_log(connection: &Connection, place: &Place) -> Result<(), OpenError> {
    let left = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    left.map(|_| ()).map_err(|error| OpenError::Cannot {
        path: name(place),
        cause: error.to_string(),
    })
}

fn connect(place: &Place, flags: OpenFlags, cache_kib: i64) -> Result<Connection, OpenError> {
    let cannot = |error: rusqlite::Error| OpenError::Cannot {
        path: name(place),
        cause: error.to_string(),
    };
    let connection = match place {
        Place::File(path) => Connection::open_with_flags(path, flags),
        // The memdb file system lets several connections share one database in memory, with ordinary locks.
        Place::Memory(shared) => Connection::open_with_flags(format!("file:/{shared}?vfs=memdb"), flags),
        Place::Postgres(_) => unreachable!("PostgreSQL is not opened as a file"),
    }
    .map_err(cannot)?;
    connection.busy_timeout(WRITER_WAIT).map_err(cannot)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    set(&connection, place, &format!("PRAGMA cache_size = -{cache_kib}"))?;
    set(&connection, place, "PRAGMA temp_store = MEMORY")?;
    Ok(connection)
}

/// Turns a new file to the write-ahead log. SQLite answers busy at once, without waiting, while another process that
/// starts at the same time is doing just that; so the waiting is done here.
fn take_wal(connection: &Connection, place: &Place) -> Result<(), OpenError> {
    let (clock, mut waited) = (Clock::real(), Duration::ZERO);
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        let busy = |error: &rusqlite::Error| {
            matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            )
        };
        match mode {
            Ok(_) => return Ok(()),
            Err(error) if busy(&error) && waited < WRITER_WAIT => {
                clock.sleep_blocking(WAL_RETRY);
                waited += WAL_RETRY;
            }
            Err(error) => {
                return Err(OpenError::Cannot {
                    path: name(place),
                    cause: error.to_string(),
                });
            }
        }
    }
}

fn name(place: &Place) -> String {
    match place {
        Place::File(path) => path.display().to_string(),
        Place::Memory(name) => format!("memory:{name}"),
        Place::Postgres(cluster) => cluster.to_string(),
    }
}

fn set(connection: &Connection, place: &Place, pragma: &str) -> Result<(), OpenError> {
    connection
        .prepare(pragma)
        .and_then(|mut statement| statement.query([]).and_then(|mut rows| rows.next().map(|_| ())))
        .map_err(|error| OpenError::Cannot {
            path: name(place),
            cause: error.to_string(),
        })
}

/// Asked for is not the same as taken: a file system without shared memory silently refuses WAL.
fn read_back(connection: &Connection, place: &Place) -> Result<(), OpenError> {
    let cannot = |error: rusqlite::Error| OpenError::Cannot {
        path: name(place),
        cause: error.to_string(),
    };
    if let Place::File(_) = place {
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .map_err(cannot)?;
        if mode != "wal" {
            return Err(OpenError::NotDurable {
                path: name(place),
                pragma: "journal_mode",
                found: mode,
                expected: "wal",
            });
        }
    }
    let level: i64 = connection
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .map_err(cannot)?;
    if level != 2 {
        return Err(OpenError::NotDurable {
            path: name(place),
            pragma: "synchronous",
            found: level.to_string(),
            expected: "2 (FULL)",
        });
    }
    Ok(())
}

/// A new file that a copy is written to. Nobody reads it before it is whole, so that nothing of it waits for the disk;
/// whoever keeps it syncs it.
pub(crate) fn open_target(path: &Path) -> Result<Connection, Broken> {
    make_private(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let target = Connection::open_with_flags(path, flags).map_err(broken)?;
    for pragma in ["PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF"] {
        let mut statement = target.prepare(pragma).map_err(broken)?;
        statement
            .query([])
            .and_then(|mut rows| rows.next().map(|_| ()))
            .map_err(broken)?;
    }
    Ok(target)
}

/// Makes a transaction that has just begun see its view: SQLite takes it with the first read.
pub(crate) fn take_view(connection: &Connection) -> Result<(), Broken> {
    tables(connection).map(|_| ())
}

pub(crate) fn page_bytes(connection: &Connection) -> Result<u64, Broken> {
    let bytes: i64 = connection
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .map_err(broken)?;
    Ok(bytes as u64)
}

pub(crate) fn tables(connection: &Connection) -> Result<Vec<String>, Broken> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = connection.prepare_cached(sql).map_err(broken)?;
    let names = statement.query_map([], |row| row.get(0)).map_err(broken)?;
    names.collect::<Result<_, _>>().map_err(broken)
}

/// The first twenty lines tell the kind.
pub(crate) fn damage(connection: &Connection) -> Result<Vec<String>, Broken> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)").map_err(broken)?;
    let lines = statement.query_map([], |row| row.get(0)).map_err(broken)?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(broken)?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

pub(crate) fn data_version(connection: &Connection) -> Result<i64, Broken> {
    let mut statement = connection.prepare_cached("PRAGMA data_version").map_err(broken)?;
    statement.query_row([], |row| row.get(0)).map_err(broken)
}

pub(crate) fn checkpoint(connection: &Connection, hard: bool) -> Result<Log, Broken> {
    let sql = if hard {
        "PRAGMA wal_checkpoint(RESTART)"
    } else {
        "PRAGMA wal_checkpoint(PASSIVE)"
    };
    let mut statement = connection.prepare_cached(sql).map_err(broken)?;
    let log = statement.query_row([], |row| {
        Ok(Log {
            busy: row.get::<_, i64>(0)? != 0,
            pages: row.get(1)?,
            moved: row.get(2)?,
        })
    });
    log.map_err(broken)
}

/// Whether the log holds nothing any more; not while others read. Writers wait while it waits for them, so it waits
/// for a moment only.
pub(crate) fn empty_log(connection: &Connection) -> Result<bool, Broken> {
    connection.busy_timeout(EMPTY_LOG_WAIT).map_err(broken)?;
    let emptied = connection
        .prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
    connection.busy_timeout(WRITER_WAIT).map_err(broken)?;
    match emptied.map_err(broken) {
        Ok(busy) => Ok(busy == 0),
        Err(Broken::Fault { fault: Fault::Busy, .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Begins a transaction; a writing one alone among writers.
pub(crate) fn begin(connection: &Connection, writes: bool) -> Result<(), Broken> {
    let sql = if writes { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" };
    let begun = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]));
    begun.map(|_| ()).map_err(broken)
}

pub(crate) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
}

pub(crate) fn commit(connection: &Connection) -> Result<(), CommitFailed> {
    let done = connection
        .prepare_cached("COMMIT")
        .and_then(|mut statement| statement.execute([]));
    done.map(|_| ()).map_err(|error| {
        // Still inside: the commit was refused as a whole, so nothing of it may stay half open.
        roll_back(connection);
        commit_failed(error)
    })
}

fn prepared<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, Broken> {
    connection.prepare_cached(&own_parameters(sql)).map_err(broken)
}

pub(crate) fn query_each<'v>(
    connection: &Connection,
    sql: &str,
    lists: &[impl AsRef<[Value<'v>]>],
    mut each: impl FnMut(usize, &rusqlite::Row<'_>),
) -> Result<(), Broken> {
    let mut statement = prepared(connection, sql)?;
    for (n, values) in lists.iter().enumerate() {
        bind(&mut statement, values.as_ref())?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(broken)? {
            each(n, row);
        }
    }
    Ok(())
}

pub(crate) fn query_one(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    first: impl FnOnce(&rusqlite::Row<'_>),
) -> Result<(), Broken> {
    let mut statement = prepared(connection, sql)?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    if let Some(row) = rows.next().map_err(broken)? {
        first(row);
    }
    Ok(())
}

pub(crate) fn execute_each<'v>(
    connection: &Connection,
    sql: &str,
    lists: &[impl AsRef<[Value<'v>]>],
) -> Result<Vec<usize>, Broken> {
    let mut statement = prepared(connection, sql)?;
    let mut changed = Vec::with_capacity(lists.len());
    for values in lists {
        bind(&mut statement, values.as_ref())?;
        changed.push(statement.raw_execute().map_err(broken)?);
    }
    Ok(changed)
}

pub(crate) fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, Broken> {
    let sql = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";
    let mut statement = connection.prepare_cached(sql).map_err(broken)?;
    let names = statement.query_map([table], |row| row.get(0)).map_err(broken)?;
    names.collect::<Result<_, _>>().map_err(broken)
}

pub(crate) fn key(connection: &Connection, table: &str) -> Result<Vec<String>, Broken> {
    let sql = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";
    let mut statement = connection.prepare_cached(sql).map_err(broken)?;
    let names = statement.query_map([table], |row| row.get(0)).map_err(broken)?;
    names.collect::<Result<_, _>>().map_err(broken)
}

pub(crate) fn empty(connection: &Connection, tables: &[String]) -> Result<(), Broken> {
    let each = tables.iter().map(|table| format!("DELETE FROM {table};"));
    connection.execute_batch(&each.collect::<String>()).map_err(broken)
}

/// Of the pages, whether they are in use or not.
pub(crate) fn bytes(connection: &Connection) -> Result<u64, Broken> {
    let pages: i64 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .map_err(broken)?;
    Ok(pages as u64 * page_bytes(connection)?)
}

/// `$1` in our SQL is `?1` here: SQLite numbers `$`-parameters by first appearance, not by their digits.
pub(crate) fn own_parameters(sql: &str) -> Cow<'_, str> {
    if sql.contains('$') {
        Cow::Owned(sql.replace('$', "?"))
    } else {
        Cow::Borrowed(sql)
    }
}

pub(crate) fn bind(statement: &mut Statement<'_>, values: &[Value<'_>]) -> Result<(), Broken> {
    for (n, value) in values.iter().enumerate() {
        let place = n + 1;
        match value {
            Value::Null => statement.raw_bind_parameter(place, rusqlite::types::Null),
            Value::Integer(v) => statement.raw_bind_parameter(place, v),
            Value::Real(v) => statement.raw_bind_parameter(place, v),
            Value::Text(v) => statement.raw_bind_parameter(place, v),
            Value::Blob(v) => statement.raw_bind_parameter(place, v),
        }
        .map_err(broken)?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "used as the function of map_err")]
pub(crate) fn broken(error: rusqlite::Error) -> Broken {
    let cause = error.to_string();
    let fault = match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => return Broken::Violation(cause),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::DiskFull) => Fault::ReadOnly,
        _ => Fault::Unreachable,
    };
    Broken::Fault { fault, cause }
}

/// Busy at COMMIT is certain (nothing was written), and so is a full disk: it takes a write, and the frame that makes a
/// commit is written last and not whole then. Anything else that touched the disk is in doubt until settled.
pub(crate) fn commit_failed(error: rusqlite::Error) -> CommitFailed {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::ConstraintViolation
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull,
        ) => CommitFailed::NotDone(broken(error)),
        _ => CommitFailed::InDoubt(error.to_string()),
    }
}

/// Tables that are marked to lie in the order of their key do so here by having no row ids.
pub(crate) fn own_schema(sql: &str) -> String {
    sql.replace("/* clustered */", "WITHOUT ROWID")
}
