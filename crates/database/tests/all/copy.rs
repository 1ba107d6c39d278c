//! A copy is one moment of a database that others go on writing to.

use database::copy::CopyError;
use database::{Connection, Database, Value};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-copy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two hundred pages; each row says the same, and every write changes all that it touches to the next number.
fn filled(database: &Database) -> Connection {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute("CREATE TABLE t (a BIGINT PRIMARY KEY, said BIGINT, filler BYTEA)", &[])
        .unwrap();
    for a in 0..400 {
        let values = [Value::Integer(a), Value::Blob(&[7; 1_500])];
        tx.execute("INSERT INTO t (a, said, filler) VALUES ($1, 0, $2)", &values)
            .unwrap();
    }
    tx.commit().unwrap();
    connection
}

fn say(connection: &mut Connection, number: i64) {
    let mut tx = connection.begin().unwrap();
    tx.execute("UPDATE t SET said = $1", &[number.into()]).unwrap();
    tx.commit().unwrap();
}

fn said(database: &Database) -> (i64, i64, i64) {
    let mut connection = database.connect_read_only().unwrap();
    assert_eq!(connection.damage().unwrap(), Vec::<String>::new());
    let mut tx = connection.begin_read().unwrap();
    tx.query_one("SELECT count(*), min(said), max(said) FROM t", &[], |row| {
        (row.integer(0), row.integer(1), row.integer(2))
    })
    .unwrap()
    .unwrap()
}

#[test]
fn it_is_one_moment_and_ends_although_every_step_meets_a_write() {
    let folder = Folder::new("moment");
    let live = Database::file(&folder.0.join("live.sqlite"));
    let mut writer = filled(&live);
    say(&mut writer, 1);
    let (mut steps, mut last) = (0, 0);
    let copy = folder.0.join("copy.sqlite");
    let bytes = live
        .connect_read_only()
        .unwrap()
        .copy_to(&copy, 4, |copied| {
            steps += 1;
            assert!(copied.done > last && copied.done <= copied.total);
            last = copied.done;
            say(&mut writer, 1 + steps);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(steps > 20, "only {steps} steps");
    assert_eq!(bytes, copy.metadata().unwrap().len());
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(said(&Database::file(&copy)), (400, 1, 1));
    assert_eq!(said(&live).1, 1 + steps);
}

#[test]
fn it_ends_when_its_watcher_says_so() {
    let folder = Folder::new("stopped");
    let live = Database::file(&folder.0.join("live.sqlite"));
    let mut writer = filled(&live);
    let stopped = live
        .connect_read_only()
        .unwrap()
        .copy_to(&folder.0.join("copy.sqlite"), 4, |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(CopyError::Stopped)));
    // Nothing of it is left that a checkpoint would wait for.
    say(&mut writer, 2);
    assert_eq!(writer.checkpoint(true).unwrap().left(), 0);
}

#[test]
fn while_a_reader_stays_a_soft_checkpoint_says_what_is_left() {
    let folder = Folder::new("left");
    let live = Database::file(&folder.0.join("live.sqlite"));
    let mut writer = filled(&live);
    writer.checkpoint(false).unwrap();
    let mut reader = live.connect_read_only().unwrap();
    let mut view = reader.begin_read().unwrap();
    view.tables().unwrap();
    say(&mut writer, 3);
    assert!(writer.checkpoint(false).unwrap().left() > 0);
    writer.wait_at_most(std::time::Duration::from_millis(20)).unwrap();
    assert!(writer.checkpoint(true).unwrap().busy);
    drop(view);
    assert!(!writer.checkpoint(true).unwrap().busy);
    assert_eq!(writer.checkpoint(false).unwrap().left(), 0);
}
