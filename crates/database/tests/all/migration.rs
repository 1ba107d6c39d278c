//! Migrations run once, in order, whoever starts; a newer schema is refused.

use base::time::Timestamp;
use database::migration::{Migration, migrate, require_current};
use database::{Database, OpenError};

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
