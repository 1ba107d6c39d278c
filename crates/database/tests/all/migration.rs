//! Migrations run once, in order, whoever starts; a newer schema is refused.

use crate::conformance::postgres;
use base::time::Timestamp;
use database::migration::{Migration, migrate, require_current};
use database::{Broken, Database, OpenError, Transaction};
use std::time::{Duration, Instant};

const ONE: Migration = Migration {
    version: 1,
    name: "one",
    sql: "CREATE TABLE a (x BIGINT PRIMARY KEY) /* clustered */;",
};
const TWO: Migration = Migration {
    version: 2,
    name: "two",
    sql: "ALTER TABLE a ADD COLUMN y TEXT;",
};
const BROKEN: Migration = Migration {
    version: 2,
    name: "broken",
    sql: "CREATE TABLE b (x BIGINT); CREATE TABLE a (x BIGINT);",
};

fn now() -> Timestamp {
    Timestamp::from_seconds(1)
}

#[test]
fn each_step_runs_once() {
    let database = Database::memory("migration-once");
    let mut connection = database.connect().unwrap();
    assert_eq!(migrate(&mut connection, &[ONE], now()).unwrap(), 1);
    assert_eq!(migrate(&mut connection, &[ONE, TWO], now()).unwrap(), 1);
    assert_eq!(migrate(&mut connection, &[ONE, TWO], now()).unwrap(), 0);
    assert!(require_current(&mut connection, &[ONE, TWO]).is_ok());
}

#[test]
fn a_newer_schema_is_refused_saying_both_versions() {
    let database = Database::memory("migration-newer");
    let mut connection = database.connect().unwrap();
    migrate(&mut connection, &[ONE, TWO], now()).unwrap();
    let refused = migrate(&mut connection, &[ONE], now()).unwrap_err();
    assert!(
        matches!(refused, OpenError::NewerSchema { found: 2, known: 1 }),
        "{refused}"
    );
    assert!(matches!(
        require_current(&mut connection, &[ONE]),
        Err(OpenError::NewerSchema { .. })
    ));
}

#[test]
fn a_step_that_fails_leaves_nothing() {
    let database = Database::memory("migration-fails");
    let mut connection = database.connect().unwrap();
    let failed = migrate(&mut connection, &[ONE, BROKEN], now()).unwrap_err();
    assert!(failed.to_string().contains("migration 2 (broken)"), "{failed}");
    let mut tx = connection.begin_read().unwrap();
    assert!(
        tx.query_one("SELECT count(*) FROM b", &[], |row| row.integer(0))
            .is_err()
    );
}

#[test]
fn two_that_start_together_migrate_once() {
    let dir = std::env::temp_dir().join(format!("evenkeel-migration-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    // Many times: turning a new file to the write-ahead log is where two of them rarely met.
    for round in 0..30 {
        together(&Database::file(&dir.join(format!("{round}.sqlite"))));
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn two_that_start_together_on_postgres_migrate_once() {
    for _ in 0..5 {
        together(&postgres());
    }
}

const THREE: Migration = Migration {
    version: 3,
    name: "three",
    sql: "CREATE UNIQUE INDEX /* concurrently */ a_y ON a (y);",
};

/// As [`TWO`] left it, with so many rows.
fn filled(rows: i64) -> Database {
    let database = postgres();
    let mut connection = database.connect().unwrap();
    migrate(&mut connection, &[ONE, TWO], now()).unwrap();
    let mut tx = connection.begin().unwrap();
    for x in 0..rows {
        insert(&mut tx, x).unwrap();
    }
    tx.commit().unwrap();
    database
}

fn insert(tx: &mut Transaction<'_>, x: i64) -> Result<usize, Broken> {
    let y = x.to_string();
    tx.execute("INSERT INTO a (x, y) VALUES ($1, $2)", &[x.into(), (&y).into()])
}

#[test]
fn an_index_is_made_while_others_write() {
    let database = filled(3);
    let (mut before, mut beside) = (database.connect().unwrap(), database.connect().unwrap());
    let mut long = before.begin().unwrap();
    insert(&mut long, 10).unwrap();
    let building = std::thread::spawn({
        let database = database.clone();
        move || migrate(&mut database.connect().unwrap(), &[ONE, TWO, THREE], now()).unwrap()
    });
    // The index is there, and waits for the one that began before it: meanwhile others write.
    let began = Instant::now();
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass('a_y')";
    while beside
        .begin_read()
        .unwrap()
        .query_one(invalid, &[], |row| row.integer(0))
        .unwrap()
        != Some(1)
    {
        assert!(began.elapsed() < Duration::from_secs(10), "no index is being made");
    }
    let mut short = beside.begin().unwrap();
    insert(&mut short, 11).unwrap();
    short.commit().unwrap();
    assert!(!building.is_finished());
    long.commit().unwrap();
    assert_eq!(building.join().unwrap(), 1);
    let twice = beside
        .begin()
        .unwrap()
        .execute("INSERT INTO a (x, y) VALUES (12, '11')", &[]);
    assert!(matches!(twice, Err(Broken::Violation(_))), "{twice:?}");
}

#[test]
fn an_index_that_was_left_half_made_is_made_anew() {
    let database = filled(3);
    let mut connection = database.connect().unwrap();
    let set = |connection: &mut database::Connection, y: &str| {
        let mut tx = connection.begin().unwrap();
        tx.execute("UPDATE a SET y = $1 WHERE x = 1", &[y.into()]).unwrap();
        tx.commit().unwrap();
    };
    set(&mut connection, "0");
    migrate(&mut connection, &[ONE, TWO, THREE], now()).unwrap_err();
    set(&mut connection, "1");
    assert_eq!(migrate(&mut connection, &[ONE, TWO, THREE], now()).unwrap(), 1);
    require_current(&mut connection, &[ONE, TWO, THREE]).unwrap();
}

const COLUMN: Migration = Migration {
    version: 3,
    name: "column",
    sql: "ALTER TABLE a ADD COLUMN z BIGINT;",
};

#[test]
fn a_step_that_cannot_have_its_locks_lets_others_pass_and_tries_again() {
    let database = filled(3);
    let (mut reader, mut migrator) = (database.connect().unwrap(), database.connect().unwrap());
    migrator.wait_at_most(Duration::from_millis(100)).unwrap();
    let mut long = reader.begin_read().unwrap();
    long.query_one("SELECT count(*) FROM a", &[], |row| row.integer(0))
        .unwrap();
    let migrating = std::thread::spawn(move || migrate(&mut migrator, &[ONE, TWO, COLUMN], now()).unwrap());
    // It has given up at least once when this one is let in: who waits for its lock keeps all others out.
    let mut others = database.connect().unwrap();
    for x in 20..25 {
        let mut tx = others.begin().unwrap();
        insert(&mut tx, x).unwrap();
        tx.commit().unwrap();
    }
    assert!(!migrating.is_finished());
    drop(long);
    assert_eq!(migrating.join().unwrap(), 1);
}

fn together(database: &Database) {
    let applied: usize = std::thread::scope(|scope| {
        let start = || {
            let mut connection = database.connect().unwrap();
            migrate(&mut connection, &[ONE, TWO], now()).unwrap()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(applied, 2);
}
