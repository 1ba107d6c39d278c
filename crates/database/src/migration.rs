//! Numbered migrations, run once and in order, each in its own transaction; a newer schema is refused. Expand,
//! migrate, contract: version N and N−1 of the program must run on one schema, so no migration renames or drops what
//! N−1 reads.

use crate::connection::{Connection, Driver};
use crate::fault::{Broken, OpenError};
use crate::value::Value;
use crate::{postgres, sqlite};
use base::time::Timestamp;

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

/// Brings the schema up to the last of `migrations`; answers how many were applied. Two programs may start together:
/// each step is decided inside the writers' lock.
pub fn migrate(connection: &mut Connection, migrations: &[Migration], now: Timestamp) -> Result<usize, OpenError> {
    let known = migrations.last().map_or(0, |m| m.version);
    let failed = |migration: &Migration, cause: Broken| OpenError::Migration {
        version: migration.version,
        name: migration.name,
        cause: cause.to_string(),
    };
    let mut applied = 0;
    for migration in migrations {
        let step = step(connection, migration, known, now);
        match step {
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

fn step(connection: &mut Connection, migration: &Migration, known: i64, now: Timestamp) -> Result<Step, Broken> {
    let alone = match connection.driver() {
        Driver::Sqlite(_) => "BEGIN IMMEDIATE",
        // Whoever starts at the same time waits here, at most the connection's `lock_timeout`.
        Driver::Postgres(_) => "BEGIN; SELECT pg_advisory_xact_lock(7310596104013374318)",
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
    let mut tx = connection.inside();
    let found = version(&mut tx)?;
    if found > known {
        return Ok(Step::Newer(found));
    }
    if found >= migration.version {
        return Ok(Step::Known);
    }
    let sql = match connection.driver() {
        Driver::Sqlite(_) => sqlite::own_schema(migration.sql),
        Driver::Postgres(_) => postgres::own_schema(migration.sql),
    };
    connection.batch(&sql)?;
    tx.execute(
        "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)",
        &[
            Value::Integer(migration.version),
            Value::Text(migration.name),
            Value::Integer(now.micros()),
        ],
    )?;
    Ok(Step::Applied)
}

fn version(tx: &mut crate::transaction::Transaction<'_>) -> Result<i64, Broken> {
    let found = tx.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[], |row| {
        row.integer(0)
    })?;
    Ok(found.unwrap_or(0))
}
