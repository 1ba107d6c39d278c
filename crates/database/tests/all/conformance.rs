//! Begin, query, execute, commit: the same on a database in memory and in a file.

use base::answer::Fault;
use database::{Broken, Database, OpenError, Value};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Places {
    dir: PathBuf,
}

impl Places {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("evenkeel-conformance-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }
    /// A path of that name.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
    /// Runs a story on each engine.
    pub fn each(&self, story: impl Fn(&Database)) {
        let name = self.dir.file_name().unwrap().to_string_lossy().into_owned();
        let memory = Database::memory(&name);
        let _keep = memory.connect().unwrap();
        story(&memory);
        story(&Database::file(&self.dir.join("file.sqlite")));
        story(&postgres());
    }
    /// Runs a story where a writer is alone.
    pub fn each_alone(&self, story: impl Fn(&Database)) {
        let name = self.dir.file_name().unwrap().to_string_lossy().into_owned();
        let memory = Database::memory(&name);
        let _keep = memory.connect().unwrap();
        story(&memory);
        story(&Database::file(&self.dir.join("file.sqlite")));
    }
}

/// A new database on the PostgreSQL that the tests were given.
pub fn postgres() -> Database {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let url = std::env::var("EVENKEEL_POSTGRES").expect(
        "EVENKEEL_POSTGRES names no PostgreSQL: run `cargo xtask test unit`, or `cargo xtask postgres` beside this",
    );
    let name = format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Database::postgres(&database::postgres::make_rehearsal(&url, &name).unwrap()).unwrap()
}

impl Drop for Places {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn make_table(database: &Database) {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute(
        "CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT, c BYTEA, d DOUBLE PRECISION, CHECK (a < 100))",
        &[],
    )
    .unwrap();
    tx.commit().unwrap();
}

fn count(database: &Database) -> i64 {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin_read().unwrap();
    tx.query_one("SELECT count(*) FROM t", &[], |row| row.integer(0))
        .unwrap()
        .unwrap()
}

#[test]
fn values_come_back_as_they_went_and_parameters_are_numbered() {
    Places::new("values").each(|database| {
        make_table(database);
        let mut connection = database.connect().unwrap();
        let mut tx = connection.begin().unwrap();
        let values = [Value::Text("é"), Value::Integer(7), Value::Null, Value::Blob(&[0, 255])];
        tx.execute("INSERT INTO t (a, b, c, d) VALUES ($2, $1, $4, $3)", &values)
            .unwrap();
        tx.commit().unwrap();
        let mut tx = connection.begin_read().unwrap();
        let row = tx
            .query_one("SELECT a, b, c, d FROM t", &[], |row| {
                (row.integer(0), row.text(1), row.blob(2), row.optional_real(3))
            })
            .unwrap();
        assert_eq!(row, Some((7, "é".to_owned(), vec![0, 255], None)));
    });
}

#[test]
fn what_is_not_committed_never_was() {
    Places::new("rollback").each(|database| {
        make_table(database);
        let mut connection = database.connect().unwrap();
        let mut tx = connection.begin().unwrap();
        tx.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
        drop(tx);
        assert_eq!(count(database), 0);
        let mut tx = connection.begin().unwrap();
        tx.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
        tx.commit().unwrap();
        assert_eq!(count(database), 1);
    });
}

#[test]
fn a_constraint_is_a_violation_and_ends_the_transaction() {
    Places::new("violation").each(|database| {
        make_table(database);
        let mut connection = database.connect().unwrap();
        for sql in ["INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a) VALUES (100)"] {
            let mut tx = connection.begin().unwrap();
            tx.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
            assert!(matches!(tx.execute(sql, &[]), Err(Broken::Violation(_))), "{sql}");
        }
        assert_eq!(count(database), 0);
    });
}

#[test]
fn a_second_writer_waits_and_then_hears_busy() {
    Places::new("busy").each_alone(|database| {
        make_table(database);
        let (mut one, mut two) = (database.connect().unwrap(), database.connect().unwrap());
        let tx = one.begin().unwrap();
        let refused = two.begin().err().map(|broken| broken.fault());
        assert_eq!(refused, Some(Fault::Busy));
        drop(tx);
        assert!(two.begin().is_ok());
    });
}

#[test]
fn another_connections_commit_is_noticed() {
    Places::new("version").each_alone(|database| {
        make_table(database);
        let (mut one, mut two) = (database.connect().unwrap(), database.connect().unwrap());
        let before = two.data_version().unwrap();
        assert_eq!(two.data_version().unwrap(), before);
        let mut tx = one.begin().unwrap();
        tx.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
        tx.commit().unwrap();
        assert_ne!(two.data_version().unwrap(), before);
    });
}

#[test]
fn a_reader_keeps_its_view_beside_a_writer() {
    let places = Places::new("view");
    let database = Database::file(&places.dir.join("file.sqlite"));
    make_table(&database);
    let (mut reader, mut writer) = (database.connect().unwrap(), database.connect().unwrap());
    let mut view = reader.begin_read().unwrap();
    let count = "SELECT count(*) FROM t";
    assert_eq!(view.query_one(count, &[], |row| row.integer(0)).unwrap(), Some(0));
    let mut tx = writer.begin().unwrap();
    tx.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
    tx.commit().unwrap();
    assert_eq!(view.query_one(count, &[], |row| row.integer(0)).unwrap(), Some(0));
}

#[test]
fn what_is_no_database_is_refused_naming_the_file() {
    let places = Places::new("garbage");
    let file = places.dir.join("garbage.sqlite");
    std::fs::write(&file, vec![7u8; 8192]).unwrap();
    let error = Database::file(&file).connect().err().expect("garbage is no database");
    assert!(matches!(error, OpenError::Cannot { .. }));
    assert!(error.to_string().contains("garbage.sqlite"), "{error}");
}

#[test]
fn a_read_only_connection_cannot_write() {
    let places = Places::new("readonly");
    let database = Database::file(&places.dir.join("file.sqlite"));
    make_table(&database);
    let mut connection = database.connect_read_only().unwrap();
    let wrote = connection
        .begin()
        .and_then(|mut tx| tx.execute("INSERT INTO t (a) VALUES (1)", &[]));
    assert_eq!(wrote.err().map(|broken| broken.fault()), Some(Fault::ReadOnly));
}

#[test]
fn the_files_are_their_owners_alone_whatever_the_folder_allows() {
    let places = Places::new("modes");
    std::fs::set_permissions(&places.dir, PermissionsExt::from_mode(0o755)).unwrap();
    let database = Database::file(&places.dir.join("file.sqlite"));
    make_table(&database);
    // With the last connection that reads or writes the files beside the database go.
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin_read().unwrap();
    tx.query_one("SELECT count(*) FROM t", &[], |row| row.integer(0))
        .unwrap();
    let mut seen = Vec::new();
    for file in std::fs::read_dir(&places.dir).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        seen.push((file.file_name().into_string().unwrap(), mode));
    }
    seen.sort();
    let expected = ["file.sqlite", "file.sqlite-shm", "file.sqlite-wal"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(seen, expected);
}
