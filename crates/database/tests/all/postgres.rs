//! Each row of what PostgreSQL says when it does not do what it was asked, provoked on a real one: what it means in our
//! words, and that whoever comes next is served.

use crate::conformance::postgres;
use crate::own_server::{OwnServer, ask};
use base::answer::Fault;
use database::{Broken, CommitFailed, Connection, Database, OpenError};
use std::net::TcpListener;
use std::time::{Duration, Instant};

fn server() -> String {
    std::env::var("EVENKEEL_POSTGRES").expect("EVENKEEL_POSTGRES names a PostgreSQL")
}

fn with_rows(database: &Database) -> Connection {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute("CREATE TABLE t (a BIGINT PRIMARY KEY, n BIGINT NOT NULL)", &[])
        .unwrap();
    tx.execute("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)", &[]).unwrap();
    tx.commit().unwrap();
    connection
}

/// The number of the server's process behind it.
fn pid(connection: &mut Connection) -> i64 {
    let mut tx = connection.begin_read().unwrap();
    tx.query_one("SELECT pg_backend_pid()::bigint", &[], |row| row.integer(0))
        .unwrap()
        .unwrap()
}

#[track_caller]
fn is_fault<T: std::fmt::Debug>(done: &Result<T, Broken>, wanted: Fault) {
    assert!(
        matches!(done, Err(Broken::Fault { fault, .. }) if *fault == wanted),
        "{done:?}"
    );
}

const ADD: &str = "UPDATE t SET n = n + 1 WHERE a = $1";

#[test]
fn terminated_while_idle_costs_one_try() {
    let mut connection = with_rows(&postgres());
    let before = pid(&mut connection);
    ask(&server(), &format!("SELECT pg_terminate_backend({before})"));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        if let Ok(mut tx) = connection.begin() {
            tx.execute(ADD, &[1_i64.into()]).unwrap();
            tx.commit().unwrap();
            break;
        }
    }
    assert_ne!(pid(&mut connection), before);
}

#[test]
fn terminated_amid_a_transaction_nothing_of_it_is_done() {
    let database = postgres();
    let mut connection = with_rows(&database);
    let before = pid(&mut connection);
    let mut tx = connection.begin().unwrap();
    tx.execute(ADD, &[1_i64.into()]).unwrap();
    ask(&server(), &format!("SELECT pg_terminate_backend({before}, 5000)"));
    is_fault(&tx.execute(ADD, &[2_i64.into()]), Fault::Unreachable);
    assert!(matches!(tx.commit(), Err(CommitFailed::NotDone(_))));
    let mut tx = connection.begin_read().unwrap();
    let sum = tx
        .query_one("SELECT sum(n)::bigint FROM t", &[], |row| row.integer(0))
        .unwrap();
    assert_eq!(sum, Some(0));
}

#[test]
fn a_row_that_moved_is_a_conflict() {
    let database = postgres();
    let (mut one, mut other) = (with_rows(&database), database.connect().unwrap());
    let mut tx = one.begin().unwrap();
    tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", &[])
        .unwrap();
    tx.query("SELECT n FROM t WHERE a = 1", &[], |_| {}).unwrap();
    let mut between = other.begin().unwrap();
    between.execute(ADD, &[1_i64.into()]).unwrap();
    between.commit().unwrap();
    let done = tx.execute(ADD, &[1_i64.into()]);
    assert!(matches!(done, Err(Broken::Conflict(_))), "{done:?}");
}

#[test]
fn of_two_in_a_deadlock_one_meets_a_conflict() {
    let database = postgres();
    let (mut one, mut other) = (with_rows(&database), database.connect().unwrap());
    one.wait_at_most(Duration::from_secs(4)).unwrap();
    other.wait_at_most(Duration::from_secs(4)).unwrap();
    let mut first = one.begin().unwrap();
    first.execute(ADD, &[1_i64.into()]).unwrap();
    let (met, locked) = std::sync::mpsc::channel();
    let theirs = std::thread::spawn(move || {
        let mut second = other.begin().unwrap();
        second.execute(ADD, &[2_i64.into()]).unwrap();
        met.send(()).unwrap();
        second.execute(ADD, &[1_i64.into()])
    });
    locked.recv().unwrap();
    let ours = first.execute(ADD, &[2_i64.into()]);
    drop(first);
    let both = [ours, theirs.join().unwrap()];
    let conflicts = both
        .iter()
        .filter(|done| matches!(done, Err(Broken::Conflict(_))))
        .count();
    assert_eq!(
        (conflicts, both.iter().filter(|done| done.is_ok()).count()),
        (1, 1),
        "{both:?}"
    );
}

#[test]
fn a_row_that_another_keeps_and_a_statement_out_of_time_are_busy() {
    let database = postgres();
    let (mut one, mut other) = (with_rows(&database), database.connect().unwrap());
    let mut keeps = one.begin().unwrap();
    keeps.execute(ADD, &[1_i64.into()]).unwrap();
    other.wait_at_most(Duration::from_millis(50)).unwrap();
    is_fault(&other.begin().unwrap().execute(ADD, &[1_i64.into()]), Fault::Busy);
    let mut tx = other.begin().unwrap();
    tx.execute("SET LOCAL statement_timeout = 50", &[]).unwrap();
    is_fault(&tx.query("SELECT pg_sleep(3)::text", &[], |_| {}), Fault::Busy);
    drop(tx);
    let mut tx = other.begin().unwrap();
    tx.execute(ADD, &[2_i64.into()]).unwrap();
    tx.commit().unwrap();
}

#[test]
fn a_server_that_may_only_be_read_is_left() {
    let database = postgres();
    let (mut one, mut other) = (with_rows(&database), database.connect().unwrap());
    let before = (pid(&mut one), pid(&mut other));
    let mut tx = one.begin().unwrap();
    tx.execute("SET TRANSACTION READ ONLY", &[]).unwrap();
    is_fault(&tx.execute(ADD, &[1_i64.into()]), Fault::ReadOnly);
    drop(tx);
    assert_ne!(pid(&mut one), before.0);
    assert_ne!(
        pid(&mut other),
        before.1,
        "every connection to a server that was demoted goes"
    );
}

#[test]
fn what_keeps_us_out_is_said_plainly() {
    let url = server();
    let name = format!("full_{}", std::process::id());
    ask(
        &url,
        &format!("CREATE ROLE {name} LOGIN PASSWORD 'x' CONNECTION LIMIT 1"),
    );
    let place = url.split_once('@').unwrap().1;
    let as_them = |word: &str| Database::postgres(&format!("postgres://{name}:{word}@{place}")).unwrap();
    let kept = as_them("x").connect().unwrap();
    for (database, wanted) in [
        (as_them("x"), "too many connections"),
        (as_them("wrong"), "password authentication failed"),
        (
            Database::postgres(&url.replace("/postgres?", "/no_such?")).unwrap(),
            "\"no_such\" does not exist",
        ),
    ] {
        let Err(error) = database.connect() else {
            panic!("{wanted}: it opened")
        };
        assert!(
            matches!(error, OpenError::Cannot { .. }) && error.to_string().contains(wanted),
            "{error}"
        );
        assert_eq!(error.fault(), Fault::Unreachable);
    }
    drop(kept);
}

#[test]
fn hosts_that_refuse_or_say_nothing_are_passed_over_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let refuses = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = server();
    let (before, place) = url.split_once('@').unwrap();
    let url = format!("{before}@{},{refuses},{place}", silent.local_addr().unwrap());
    let began = Instant::now();
    let database = Database::postgres(&url).unwrap();
    database.connect().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let began = Instant::now();
    database.connect().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "the second time it is known who answers"
    );
}

#[test]
fn one_that_follows_is_passed_over_and_a_former_primary_is_refused() {
    let (former, mut later) = (OwnServer::start(false), OwnServer::start(true));
    let both = format!(
        "postgres://evenkeel@127.0.0.1:{},127.0.0.1:{}/postgres?sslmode=disable",
        later.port, former.port
    );
    let database = Database::postgres(&both).unwrap();
    let mut connection = with_rows(&database);
    let port = |connection: &mut Connection| {
        let mut tx = connection.begin_read().unwrap();
        let sql = "SELECT inet_server_port()::bigint";
        tx.query_one(sql, &[], |row| row.integer(0)).unwrap().unwrap()
    };
    assert_eq!(port(&mut connection), i64::from(former.port));
    let Err(error) = Database::postgres(&later.url()).unwrap().connect() else {
        panic!("it follows")
    };
    assert!(error.to_string().contains("follows another"), "{error}");

    later.promote();
    database.cluster().unwrap().look_out();
    assert_eq!(
        port(&mut connection),
        i64::from(later.port),
        "whoever only reads moves on too"
    );
    later.stop();
    let Err(error) = database.connect() else {
        panic!("the former primary was taken")
    };
    assert!(
        error
            .to_string()
            .contains("a former primary, of timeline 1 where 2 was seen"),
        "{error}"
    );
}

/// A commit that waits for a standby that is not there: as on a primary that was cut off.
#[test]
fn a_commit_that_waits_for_its_standby_is_in_doubt_however_it_ends() {
    let server = OwnServer::start(false);
    let database = Database::postgres(&server.url()).unwrap();
    drop(with_rows(&database));
    server.set("synchronous_standby_names", "nobody");
    for (row, end, said) in [
        (1_i64, None, "no answer within"),
        (2, Some("pg_terminate_backend"), ""),
        // Answered with success, though nobody else has it.
        (3, Some("pg_cancel_backend"), "before a standby had it"),
    ] {
        let mut connection = database.connect().unwrap();
        let process = pid(&mut connection);
        let mut tx = connection.begin().unwrap();
        tx.execute(ADD, &[row.into()]).unwrap();
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                let waits =
                    format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {process} AND wait_event = 'SyncRep'");
                let began = Instant::now();
                while server.ask(&waits) != "1" && began.elapsed() < Duration::from_secs(2) {}
                end.map(|end| server.ask(&format!("SELECT {end}({process})")))
            });
            tx.commit()
        });
        let Err(CommitFailed::InDoubt(cause)) = ended else {
            panic!("{end:?}: {ended:?}")
        };
        assert!(cause.contains(said), "{end:?}: {cause}");
        // Nothing is certain before the standby is back.
        assert!(end.is_none() || connection.settle().is_err());
    }
    server.set("synchronous_standby_names", "");
    let mut connection = database.connect().unwrap();
    connection.settle().unwrap();
    let mut tx = connection.begin_read().unwrap();
    let n = tx
        .query_one("SELECT sum(n)::bigint FROM t", &[], |row| row.integer(0))
        .unwrap();
    assert_eq!(n, Some(3), "all three were done: in doubt is not failed");
}
