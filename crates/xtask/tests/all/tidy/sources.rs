//! Rules about the sources.

use super::check;
use xtask::tidy::sql::{is_statement, limit_without_order};

const HEAD: &str = "//! A file that only a test has seen.\n";

#[track_caller]
fn in_file(rule: &str, path: &str, body: &str, expected: &[&str]) {
    check(rule, &[(path, &format!("{HEAD}{body}"))], expected);
}

#[test]
fn clock_chance_tasks_and_threads_belong_to_runtime() {
    let file = "crates/booking/src/engine.rs";
    in_file("determinism", file, "fn f(now: u64) -> u64 { now }", &[]);
    in_file(
        "determinism",
        file,
        "fn f() { std::time::Instant::now(); }",
        &[&format!("{file}:2: `std::time::Instant::now`")],
    );
    in_file(
        "determinism",
        file,
        "use std::time::SystemTime;\nfn f() { SystemTime::now(); }",
        &[&format!("{file}:3:")],
    );
    in_file(
        "determinism",
        file,
        "fn f() { tokio::spawn(async {}); }",
        &[&format!("{file}:2:")],
    );
    in_file(
        "determinism",
        file,
        "use std::{fmt, thread};\nfn f() { thread::sleep(d); }",
        &[&format!("{file}:3:")],
    );
    in_file(
        "determinism",
        file,
        "use std::thread::{self, sleep, spawn};",
        &[&format!("{file}:2:"), &format!("{file}:2:")],
    );
    in_file("determinism", file, "use rand::Rng;", &[&format!("{file}:2:")]);
    in_file(
        "determinism",
        file,
        "fn f() { dbg(vec![rand::random::<u8>()]); }",
        &[&format!("{file}:2:")],
    );
    in_file(
        "determinism",
        "crates/runtime/src/clock.rs",
        "fn f() { std::time::Instant::now(); }",
        &[],
    );
    in_file(
        "determinism",
        file,
        "/// Not `Instant::now()`.\n#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }",
        &[],
    );
}

#[test]
fn a_file_that_says_it_is_pure_is_held_to_it() {
    let text = "//! Pure. What may be admitted.\nasync fn f() {}";
    check(
        "determinism",
        &[("crates/gateway/src/rule.rs", text)],
        &["crates/gateway/src/rule.rs:2: says it is pure"],
    );
}

#[test]
fn only_the_edge_names_arguments_and_environment() {
    let file = "crates/server/src/route.rs";
    in_file(
        "edges",
        file,
        "fn f() { std::env::var(\"X\").ok(); }",
        &[&format!("{file}:2: `std::env::var`")],
    );
    in_file("edges", file, "use anyhow::Result;", &[&format!("{file}:2:")]);
    in_file(
        "edges",
        file,
        "fn f() { std::process::exit(1); }",
        &[&format!("{file}:2:")],
    );
    in_file("edges", file, "const WHERE: &str = env!(\"CARGO_PKG_NAME\");", &[]);
    let edge = ("crates/cli/src/main.rs", "//! The command line.\nuse anyhow::Result;");
    check("edges", &[edge, (file, HEAD)], &[]);
}

#[test]
fn sql_text_belongs_under_records() {
    let select = "const Q: &str = \"SELECT id FROM hold\";";
    in_file("sql", "crates/booking/src/records/hold.rs", select, &[]);
    in_file(
        "sql",
        "crates/booking/src/engine.rs",
        select,
        &["crates/booking/src/engine.rs:2: SQL text belongs under records"],
    );
    in_file(
        "sql",
        "crates/booking/src/engine.rs",
        "fn f() { run(format!(\"DELETE FROM {t}\")); }",
        &["crates/booking/src/engine.rs:2:"],
    );
    let pragma = "const P: &str = \"PRAGMA synchronous = FULL\";";
    in_file("sql", "crates/database/src/sqlite.rs", pragma, &[]);
    in_file(
        "sql",
        "crates/database/src/fault.rs",
        pragma,
        &["crates/database/src/fault.rs:2:"],
    );
    let loose = ("crates/booking/src/loose.sql", "CREATE TABLE t (id INTEGER);");
    check(
        "sql",
        &[loose],
        &["crates/booking/src/loose.sql: SQL text belongs under records"],
    );
}

#[test]
fn sql_takes_no_time_and_no_chance_from_the_database() {
    let file = "crates/booking/src/records/hold.rs";
    let deleted = "const Q: &str = \"DELETE FROM hold WHERE at < CURRENT_TIMESTAMP\";";
    in_file(
        "sql",
        file,
        deleted,
        &["crates/booking/src/records/hold.rs:2: `current_timestamp`"],
    );
    in_file(
        "sql",
        file,
        "const Q: &str = \"INSERT INTO t VALUES (random())\";",
        &["crates/booking/src/records/hold.rs:2: `random()`"],
    );
    let migration = (
        "crates/booking/src/records/migrations/0001-first.sql",
        "CREATE TABLE t (at INTEGER DEFAULT (unixepoch()));",
    );
    check(
        "sql",
        &[migration],
        &["crates/booking/src/records/migrations/0001-first.sql: `unixepoch(`"],
    );
}

#[test]
fn a_migration_keeps_nobody_from_a_table_with_rows() {
    let path = "crates/booking/src/records/migrations/0008-more.sql";
    let says = format!("{path}: an index on a table with rows");
    let migration = |text: &str, expected: &[&str]| check("sql", &[(path, text)], expected);
    migration("CREATE TABLE t (a BIGINT);\nCREATE INDEX t_a ON t (a);", &[]);
    migration("CREATE INDEX /* concurrently */ hold_x ON hold (x);", &[]);
    migration("CREATE UNIQUE INDEX hold_x ON hold (x);", &[&says]);
    migration(
        "CREATE INDEX /* concurrently */ hold_x ON hold (x); ALTER TABLE hold ADD COLUMN y BIGINT;",
        &[&says],
    );
    let other = format!("{path}: another type");
    migration("ALTER TABLE hold ALTER COLUMN x TYPE TEXT;", &[&other]);
    let first = "crates/booking/src/records/migrations/0002-early.sql";
    check("sql", &[(first, "CREATE INDEX hold_x ON hold (x);")], &[]);
}

#[test]
fn sql_never_cuts_a_list_without_ordering_it() {
    let file = "crates/booking/src/records/hold.rs";
    in_file(
        "sql",
        file,
        "const Q: &str = \"SELECT id FROM hold LIMIT 5\";",
        &["crates/booking/src/records/hold.rs:2: LIMIT without"],
    );
    in_file(
        "sql",
        file,
        "const Q: &str = \"SELECT id FROM hold ORDER BY id LIMIT 5\";",
        &[],
    );
    assert!(limit_without_order(
        "select a from (select b from t order by b) limit 3"
    ));
    assert!(limit_without_order(
        "select a from (select b from t limit 3) order by a"
    ));
    assert!(!limit_without_order(
        "select a from (select b from t order by b limit 3) order by a limit 1"
    ));
}

#[test]
fn a_sentence_is_no_statement() {
    assert!(!is_statement("Select a time"));
    assert!(!is_statement("update of the list"));
    assert!(!is_statement("select one of these"));
    assert!(is_statement("select id from hold"));
    assert!(is_statement("  WITH live AS (SELECT 1) SELECT * FROM live"));
}

#[test]
fn drivers_are_named_in_database_alone() {
    let uses = "use rusqlite::Connection;";
    in_file(
        "drivers",
        "crates/booking/tests/all/damage.rs",
        uses,
        &["crates/booking/tests/all/damage.rs:2: `rusqlite::Connection`"],
    );
    check(
        "drivers",
        &[("crates/database/src/sqlite.rs", uses), ("crates/base/src/id.rs", HEAD)],
        &[],
    );
}

#[test]
fn hyper_and_axum_stand_at_the_doors() {
    let uses = "use axum::Router;";
    in_file("http", "crates/server/src/route.rs", uses, &[]);
    in_file("http", "crates/runtime/src/http/listener.rs", uses, &[]);
    in_file(
        "http",
        "crates/runtime/src/clock.rs",
        uses,
        &["crates/runtime/src/clock.rs:2: `axum::Router`"],
    );
    in_file(
        "http",
        "crates/booking/src/engine.rs",
        "fn f() -> hyper::Uri { todo!() }",
        &["crates/booking/src/engine.rs:2:"],
    );
}

#[test]
fn the_engine_has_no_default_hasher() {
    let map = "use std::collections::HashMap;";
    in_file(
        "hashing",
        "crates/scheduling/src/decide.rs",
        map,
        &["crates/scheduling/src/decide.rs:2: a BTreeMap"],
    );
    check(
        "hashing",
        &[
            ("crates/server/src/route.rs", map),
            ("crates/booking/src/engine.rs", HEAD),
        ],
        &[],
    );
}

#[test]
fn files_and_functions_are_short() {
    let lines = |count: usize| "    f();\n".repeat(count);
    let path = "crates/base/src/id.rs";
    in_file("sizes", path, &format!("fn long() {{\n{}}}\n", lines(70)), &[]);
    in_file(
        "sizes",
        path,
        &format!("fn long() {{\n{}}}\n", lines(71)),
        &["crates/base/src/id.rs:2: fn long has 71 lines"],
    );
    let commented = "    // why\n\n    f();\n".repeat(70);
    in_file("sizes", path, &format!("fn long() {{\n{commented}}}\n"), &[]);
    let consts = |count: usize| "const A: u8 = 1;\n".repeat(count);
    in_file("sizes", path, &consts(500), &[]);
    in_file(
        "sizes",
        path,
        &consts(501),
        &["crates/base/src/id.rs: 501 lines of code, at most 500"],
    );
    in_file("sizes", "crates/base/tests/all/id.rs", &consts(501), &[]);
    in_file(
        "sizes",
        "crates/base/tests/all/id.rs",
        &consts(801),
        &["crates/base/tests/all/id.rs: 801 lines"],
    );
    in_file(
        "sizes",
        path,
        &format!("const T: &str = \"\n{}\";\n", "x\n".repeat(500)),
        &["crates/base/src/id.rs: 502 lines"],
    );
}

#[test]
fn every_file_says_what_lives_there() {
    check(
        "headers",
        &[("crates/base/src/id.rs", "use std::fmt;\n")],
        &["crates/base/src/id.rs:1: opens without"],
    );
    check(
        "headers",
        &[("crates/base/src/id.rs", "//! Ids.\n")],
        &["crates/base/src/id.rs:1: its header says next"],
    );
    check("headers", &[("crates/base/src/id.rs", HEAD)], &[]);
    let bare = (
        "crates/booking/src/records/migrations/0001-first.sql",
        "CREATE TABLE t (id INTEGER);",
    );
    check(
        "headers",
        &[bare],
        &["crates/booking/src/records/migrations/0001-first.sql:1: opens without a comment"],
    );
}
