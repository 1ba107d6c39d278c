//! A small crowd at a real site, and at what is none.

use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;

use crate::installed::{Installed, evenkeel};

fn loadtest(args: &[&str]) -> Output {
    evenkeel().arg("loadtest").args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_crowd_books_at_the_demonstration_and_everybody_is_accounted_for() {
    let mut installed = Installed::new();
    let ready = installed.up_with_demo(&["--listen", "127.0.0.1:0"]);
    let url = ready["public"].as_str().unwrap();
    let file = installed.data().with_extension("load.json");
    let plan = ["--rate", "40", "--for", "3s", "--mix", "page=1,refresh=1,book=2"];
    let output = loadtest(&[&[url, "--json", "--report", file.to_str().unwrap()], &plan[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // A busy machine voids the run, and says so; what was counted is counted all the same.
    let expected = if report["void"].is_null() { 0 } else { 4 };
    assert_eq!(output.status.code(), Some(expected), "{report}");
    assert_eq!((&report["event"], &report["seed"]), (&"loadtest".into(), &1.into()));
    let due = report["starts"]["due"].as_u64().unwrap();
    assert!((80..170).contains(&due), "{due}");
    assert_eq!(
        (&report["served"], &report["unfinished"]),
        (&due.into(), &0.into()),
        "{report}"
    );
    let count = |what: &str| {
        let rows = report["rows"].as_array().unwrap();
        let of = |row: &&Value| row["what"] == what && row["ended"] == "all";
        rows.iter().find(of).map_or(0, |row| row["count"].as_u64().unwrap())
    };
    assert_eq!(count("visit"), due);
    assert_eq!(count("page") + count("refresh") + count("find"), due, "{report}");
    assert!(count("hold") > 20 && count("book") > 10, "{report}");
    let seconds = report["seconds"].as_array().unwrap();
    assert_eq!(
        seconds.iter().filter_map(|second| second["due"].as_u64()).sum::<u64>(),
        due
    );

    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(!written["rows"][0]["waits_us"].as_array().unwrap().is_empty());
    assert_eq!(written["starts"], report["starts"]);

    let output = loadtest(&[&[url], &["--rate", "20", "--for", "1s"][..]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("p99.9") && table.contains("visits served, ─ visits due"),
        "{table}"
    );
    assert!(table.contains("refresh  all"), "{table}");
}

#[test]
fn it_does_not_aim_at_another_machine_and_does_not_begin_without_clinics() {
    let check = |args: &[&str], code: i32, word: &str| {
        let output = loadtest(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(word), "{args:?}: {}", said(&output));
    };
    let plan = ["--rate", "10", "--for", "1s"];
    let at = |url: &'static str| [&[url], &plan[..]].concat();
    check(&at("http://192.0.2.1"), 2, "--i-own-this-site 192.0.2.1");
    check(&at("https://127.0.0.1"), 2, "only http");
    check(&at("127.0.0.1:80"), 2, "http://127.0.0.1:8080");
    check(&["http://127.0.0.1:1"], 2, "--profile");
    check(&["http://127.0.0.1:1", "--rate", "0"], 2, "visits a second");
    check(
        &["http://127.0.0.1:1", "--profile", "atlantis"],
        2,
        "massachusetts-2021",
    );
    check(
        &["http://127.0.0.1:1", "--rate", "1", "--for", "1h"],
        2,
        "60s, 2m or 500ms",
    );
    check(
        &["http://127.0.0.1:1", "--rate", "1", "--mix", "books=1"],
        2,
        "refresh=30,book=1",
    );

    // Bound and given back: nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    check(&[&[url.as_str()], &plan[..]].concat(), 4, "connection-refused");
    // A site that is gone is no reason not to count those who found it so.
    let output = loadtest(&[&[url.as_str(), "--mix", "page=1"], &plan[..]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("visit    error connection-refused"), "{table}");
    assert!(table.contains(", 0 served (0.0 %)"), "{table}");
}
