//! Numbered migrations, run once and in order, each in its own transaction; a newer schema is refused. Expand,
//! migrate, contract: version N and N−1 of the program must run on one schema, so no migration renames or drops what
//! N−1 reads.
//!
//! People book meanwhile: a step that cannot have its locks gives up after [`WRITER_WAIT`], lets those behind it pass and
//! tries again; an index on a table that has rows is a step of its own, made `/* concurrently */`, which locks nobody out.

use crate::connection::{Connection, Driver, WRITER_WAIT};
use crate::fault::{Broken, OpenError};
use crate::value::Value;
use crate::{postgres, sqlite};
use base::answer::Fault;
use base::time::Timestamp;
use runtime::clock::Clock;
use std::time::Duration;

/// What PostgreSQL knows our turn by: a number that nobody else has a reason to take.
const TURN: i64 = 7_310_596_104_013_374_318;
/// How often a step is tried that others are in the way of.
const TRIES: u32 = 20;
/// How often our turn is asked for: another program may be building an index of millions of rows.
const TURN_TRIES: u32 = 7_200;
/// Between two of either.
const REST: Duration = Duration::from_millis(250);
/// Marks an index that is made while others write.
const CONCURRENTLY: &str = "/* concurrently */";

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Counted from 1, without gaps.
    pub version: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// Brings the schema up to the last of `migrations`; answers how many were applied. Two programs may start together: one
/// waits until the other is done.
pub fn migrate(connection: &mut Connection, migrations: &[Migration], now: Timestamp) -> Result<usize, OpenError> {
    let known = migrations.last().map_or(0, |m| m.version);
    if !matches!(connection.driver(), Driver::Postgres(_)) {
        return steps(connection, migrations, now);
    }
    if schema_version(connection).is_ok_and(|found| found == known) {
        return Ok(0);
    }
    take_turn(connection)?;
    let done = steps(connection, migrations, now);
    // Where this fails the connection is gone, and the turn with it.
    let _ = connection.batch(&format!("SELECT pg_advisory_unlock({TURN})"));
    done
}

/// Waits until nobody else migrates. Asked for now and then: a statement that waits would hold a view, for whose end an
/// index that is made concurrently waits in turn.
fn take_turn(connection: &mut Connection) -> Result<(), OpenError> {
    let cannot = |cause: String| OpenError::Cannot {
        path: "the database".to_owned(),
        cause,
    };
    let sql = format!("SELECT pg_try_advisory_lock({TURN})::int::bigint");
    for turn in 0..TURN_TRIES {
        let asked = connection.inside().query_one(&sql, &[], |row| row.integer(0));
        if asked.map_err(|broken| cannot(broken.to_string()))? == Some(1) {
            return Ok(());
        }
        if turn == 0 {
            tracing::info!("waiting for another program that brings the schema up to date");
        }
        Clock::real().sleep_blocking(REST);
    }
    let waited = REST * TURN_TRIES;
    Err(cannot(format!(
        "another program has been bringing its schema up to date for {waited:?}"
    )))
}

fn steps(connection: &mut Connection, migrations: &[Migration], now: Timestamp) -> Result<usize, OpenError> {
    let known = migrations.last().map_or(0, |m| m.version);
    let failed = |migration: &Migration, cause: Broken| OpenError::Migration {
        version: migration.version,
        name: migration.name,
        cause: cause.to_string(),
    };
    let mut applied = 0;
    for migration in migrations {
        match patiently(connection, |connection| step(connection, migration, known, now)) {
            Ok(Step::Applied) => applied += 1,
            Ok(Step::Known) => {}
            Ok(Step::Newer(found)) => return Err(OpenError::NewerSchema { found, known }),
            Err(cause) => return Err(failed(migration, cause)),
        }
    }
    Ok(applied)
}

/// Whether the schema is exactly the one this program knows; for programs that only read.
pub fn require_current(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenError> {
    let known = migrations.last().map_or(0, |m| m.version);
    let found = connection.begin_read().and_then(|mut tx| version(&mut tx)).unwrap_or(0);
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    if found < known {
        let cause = format!("its schema is version {found}, {known} is needed: start the server once, it migrates");
        return Err(OpenError::Cannot {
            path: "the database".to_owned(),
            cause,
        });
    }
    Ok(())
}

/// Which version the schema has; 0 when there is none of ours.
pub fn schema_version(connection: &mut Connection) -> Result<i64, Broken> {
    let mut tx = connection.begin_read()?;
    if tx.tables()?.iter().any(|table| table == "schema_version") {
        version(&mut tx)
    } else {
        Ok(0)
    }
}

enum Step {
    Applied,
    Known,
    Newer(i64),
}

/// Tries again while others are in the way.
fn patiently(
    connection: &mut Connection,
    step: impl Fn(&mut Connection) -> Result<Step, Broken>,
) -> Result<Step, Broken> {
    let mut tries = 1;
    loop {
        let done = step(connection);
        let in_the_way = match &done {
            Err(Broken::Fault { fault, .. }) => *fault == Fault::Busy,
            Err(Broken::Conflict(_)) => true,
            _ => false,
        };
        if !in_the_way || tries == TRIES {
            return done;
        }
        tries += 1;
        Clock::real().sleep_blocking(REST);
    }
}

fn step(connection: &mut Connection, migration: &Migration, known: i64, now: Timestamp) -> Result<Step, Broken> {
    let alone = match connection.driver() {
        Driver::Sqlite(_) => "BEGIN IMMEDIATE",
        Driver::Postgres(_) if migration.sql.contains(CONCURRENTLY) => {
            return concurrently(connection, migration, known, now);
        }
        Driver::Postgres(_) => "BEGIN",
    };
    let done = connection
        .batch(alone)
        .and_then(|()| inside(connection, migration, known, now));
    match &done {
        Ok(Step::Applied) => connection.batch("COMMIT")?,
        Ok(_) => connection.batch("ROLLBACK")?,
        Err(_) => {
            let _ = connection.batch("ROLLBACK");
        }
    }
    done
}

fn inside(connection: &Connection, migration: &Migration, known: i64, now: Timestamp) -> Result<Step, Broken> {
    connection.batch(
        "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
    )?;
    if let Some(step) = needless(connection, migration, known)? {
        return Ok(step);
    }
    let sql = match connection.driver() {
        Driver::Sqlite(_) => sqlite::own_schema(migration.sql),
        Driver::Postgres(_) => postgres::own_schema(migration.sql),
    };
    connection.batch(&sql)?;
    note(connection, migration, now)?;
    Ok(Step::Applied)
}

fn needless(connection: &Connection, migration: &Migration, known: i64) -> Result<Option<Step>, Broken> {
    let found = version(&mut connection.inside())?;
    Ok(if found > known {
        Some(Step::Newer(found))
    } else {
        (found >= migration.version).then_some(Step::Known)
    })
}

/// An index, outside of any transaction. What one that was interrupted left is of no use and is made anew.
fn concurrently(
    connection: &mut Connection,
    migration: &Migration,
    known: i64,
    now: Timestamp,
) -> Result<Step, Broken> {
    if let Some(step) = needless(connection, migration, known)? {
        return Ok(step);
    }
    let sql = postgres::own_schema(migration.sql);
    let name = index_name(migration.sql).ok_or_else(|| Broken::Fault {
        fault: Fault::Unreachable,
        cause: format!("expected one index, `CREATE INDEX {CONCURRENTLY} name ON …`"),
    })?;
    // It waits for whoever began before it, and nobody waits for it.
    connection.wait_at_most(Duration::ZERO)?;
    let made = connection
        .batch(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"))
        .and_then(|()| connection.batch(&sql));
    connection.wait_at_most(WRITER_WAIT)?;
    made?;
    note(connection, migration, now)?;
    Ok(Step::Applied)
}

fn index_name(sql: &str) -> Option<&str> {
    let (_, behind) = sql.split_once(CONCURRENTLY)?;
    behind.split_whitespace().next()
}

fn note(connection: &Connection, migration: &Migration, now: Timestamp) -> Result<(), Broken> {
    connection.inside().execute(
        "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)",
        &[
            Value::Integer(migration.version),
            Value::Text(migration.name),
            Value::Integer(now.micros()),
        ],
    )?;
    Ok(())
}

fn version(tx: &mut crate::transaction::Transaction<'_>) -> Result<i64, Broken> {
    let found = tx.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[], |row| {
        row.integer(0)
    })?;
    Ok(found.unwrap_or(0))
}
