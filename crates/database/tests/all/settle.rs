//! What is certain after a commit in doubt.

use crate::conformance::Places;
use database::{Broken, Connection, Database, OpenError};

fn put(connection: &mut Connection, number: i64) {
    let mut tx = connection.begin().unwrap();
    tx.execute("INSERT INTO t (a) VALUES ($1)", &[number.into()]).unwrap();
    tx.commit().unwrap();
}

fn numbers(connection: &mut Connection) -> Vec<i64> {
    let mut numbers = Vec::new();
    let mut tx = connection.begin_read().unwrap();
    tx.query("SELECT a FROM t ORDER BY a", &[], |row| numbers.push(row.integer(0)))
        .unwrap();
    numbers
}

fn with_table(database: &Database) -> Connection {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute("CREATE TABLE t (a BIGINT PRIMARY KEY)", &[]).unwrap();
    tx.commit().unwrap();
    connection
}

#[test]
fn settling_changes_nothing_that_is_committed() {
    Places::new("settle").each(|database| {
        let mut connection = with_table(database);
        for number in 0..3 {
            put(&mut connection, number);
            connection.settle().unwrap();
        }
        assert_eq!(numbers(&mut connection), [0, 1, 2]);
    });
}

/// The frames of a commit whose sync failed stand whole in the log behind the last commit, unknown to the index; here
/// they are put back there as they were after a commit that another one then replaces.
#[test]
fn what_was_not_there_when_settled_does_not_come_back() {
    let places = Places::new("tail");
    let (file, copy) = (places.file("one.sqlite"), places.file("two.sqlite"));
    let log = |of: &std::path::Path| of.with_extension("sqlite-wal");
    let database = Database::file(&file);
    let mut connection = with_table(&database);
    put(&mut connection, 1);
    let before = std::fs::read(log(&file)).unwrap();
    put(&mut connection, 2);
    let with_doubt = std::fs::read(log(&file)).unwrap();

    // As after a crash, with the doubtful commit's frames in the log: the next to open takes it for committed.
    let reopened = |log_bytes: &[u8], settled_over: Option<usize>| {
        std::fs::copy(&file, &copy).unwrap();
        std::fs::write(log(&copy), log_bytes).unwrap();
        let mut other = Database::file(&copy).connect().unwrap();
        if let Some(known) = settled_over {
            // The index knows the log only up to the commit before.
            std::fs::write(log(&copy), &log_bytes[..known]).unwrap();
            drop(other);
            other = Database::file(&copy).connect().unwrap();
            numbers(&mut other);
            std::fs::write(log(&copy), log_bytes).unwrap();
            other.settle().unwrap();
        }
        let bytes = std::fs::read(log(&copy)).unwrap();
        drop(other);
        std::fs::remove_file(copy.with_extension("sqlite-shm")).ok();
        std::fs::write(log(&copy), bytes).unwrap();
        numbers(&mut Database::file(&copy).connect().unwrap())
    };
    assert_eq!(reopened(&with_doubt, None), [1, 2]);
    assert_eq!(reopened(&with_doubt, Some(before.len())), [1]);
}

#[test]
fn nothing_moves_the_log_before_it_is_settled() {
    let places = Places::new("unsettled");
    let file = places.file("one.sqlite");
    let log = || std::fs::metadata(file.with_extension("sqlite-wal")).map_or(0, |log| log.len());
    let database = Database::file(&file);
    put(&mut with_table(&database), 1);
    assert!(log() > 0, "the last to close moved the log");
    let mut connection = database.connect().unwrap();
    connection.settle().unwrap();
    drop(connection);
    assert!(log() > 0, "this connection was made before");
    drop(database.connect().unwrap());
    assert_eq!(log(), 0);
    assert_eq!(numbers(&mut database.connect().unwrap()), [1]);
}

/// As root every file can be written, so the rights are taken away by the file system's own means: a folder in place of
/// the log, which nobody can open for writing.
#[test]
fn a_log_that_cannot_be_written_is_a_fault_and_the_connection_is_replaced_afterwards() {
    let places = Places::new("replaced");
    let file = places.file("one.sqlite");
    let log = file.with_extension("sqlite-wal");
    let database = Database::file(&file);
    drop(with_table(&database));
    std::fs::remove_file(&log).ok();
    std::fs::remove_file(file.with_extension("sqlite-shm")).ok();
    std::fs::create_dir(&log).unwrap();
    match database.connect() {
        Err(OpenError::Cannot { .. } | OpenError::ReadOnly { .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(mut connection) => {
            let broken = connection.settle().unwrap_err();
            assert!(matches!(broken, Broken::Fault { .. }), "{broken}");
        }
    }
    std::fs::remove_dir(&log).unwrap();
    database.connect().unwrap().settle().unwrap();
}
