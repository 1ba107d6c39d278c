//! `evenkeel keys` beside a running server, what `up` says of them, and what happens without them.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::installed::{Installed, address, body, evenkeel, pid, signal, text};

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

#[test]
fn a_rotation_reaches_a_running_server_and_nothing_secret_is_printed() {
    let mut installed = Installed::new();
    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    let internal = address(&ready["internal"]["server"][0]);
    let seals_with = |key: u32| {
        body(internal, "/metrics")
            .unwrap()
            .contains(&format!("evenkeel_sealing_key {key}.0\n"))
    };
    assert!(seals_with(1));
    let rotated = installed.call(&["keys", "rotate"]);
    assert_eq!(rotated.status.code(), Some(0), "{}", said(&rotated));
    assert!(said(&rotated).contains("Key 2 seals everything new from now on."));
    assert!(said(&rotated).contains("off this machine again"));
    installed.until("the server seals with key 2", || seals_with(2));
    let retired = installed.call(&["keys", "retire", "1"]);
    assert_eq!(retired.status.code(), Some(0), "{}", said(&retired));
    let refused = installed.call(&["keys", "retire", "2"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));

    let listed = installed.call(&["keys", "list", "--json"]);
    let table = installed.call(&["keys", "list"]);
    let told = lines(&listed);
    let key = |n: usize, name: &str| told[n][name].clone();
    assert_eq!((key(0, "key"), key(0, "retired")), (1.into(), true.into()));
    assert_eq!((key(1, "key"), key(1, "seals_new_values")), (2.into(), true.into()));
    assert_eq!((key(2, "event"), key(2, "in_clear")), ("listed".into(), 0.into()));
    let file = text(&installed.data().join("keys/master.key"));
    let secrets: Vec<&str> = file.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    let printed = [said(&rotated), said(&listed), said(&table)].concat();
    let long: Vec<&&str> = secrets.iter().filter(|secret| secret.len() == 64).collect();
    assert_eq!(long.len(), 2);
    assert!(long.iter().all(|secret| !printed.contains(**secret)), "{printed}");
}

#[test]
fn without_its_keys_an_installation_does_not_start_and_makes_no_others() {
    let mut installed = Installed::new();
    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    signal(pid(&ready["pids"]["supervisor"]), Signal::SIGTERM);
    assert_eq!(installed.ended(), Some(0));
    let (keys, kept) = (installed.data().join("keys"), installed.data().join("kept"));
    std::fs::rename(&keys, &kept).unwrap();
    for args in [
        &["up", "--empty", "--listen", "127.0.0.1:0"][..],
        &["server"],
        &["keys", "rotate"],
    ] {
        let output = installed.call(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains("put back the copy"), "{args:?}: {text}");
        assert!(!keys.join("master.key").exists(), "{args:?}");
    }
    let _ = std::fs::remove_dir_all(&keys);
    std::fs::rename(&kept, &keys).unwrap();
    installed.up(&["--listen", "127.0.0.1:0"]);
}

/// What `up` says to a person once everything answers.
fn welcome(installed: &Installed) -> String {
    let mut up = evenkeel()
        .args(["up", "--empty", "--listen", "127.0.0.1:0", "--data"])
        .arg(installed.data())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut out = BufReader::new(up.stdout.take().unwrap());
    while !told.contains("Stop with Ctrl-C") && out.read_line(&mut told).unwrap() > 0 {}
    signal(up.id(), Signal::SIGTERM);
    installed.until("up has ended", || up.try_wait().unwrap().is_some());
    told
}

#[test]
fn up_says_once_for_each_key_that_it_must_be_kept_elsewhere() {
    let installed = Installed::new();
    let copy = format!("Copy {}/keys off this machine", installed.data().display());
    let first = welcome(&installed);
    assert!(first.contains(&copy), "{first}");
    let second = welcome(&installed);
    assert!(
        second.contains("Evenkeel is running.") && !second.contains(&copy),
        "{second}"
    );
    assert_eq!(installed.call(&["keys", "rotate"]).status.code(), Some(0));
    assert!(welcome(&installed).contains(&copy));
}

#[test]
fn a_log_that_lost_its_end_is_told_at_start_and_by_verify() {
    let mut installed = Installed::new();
    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    signal(pid(&ready["pids"]["supervisor"]), Signal::SIGTERM);
    assert_eq!(installed.ended(), Some(0));
    assert_eq!(installed.call(&["verify"]).status.code(), Some(0));
    let head = format!("7 {} 2026-11-24T09:00:00Z\n", "ab".repeat(32));
    std::fs::create_dir_all(installed.data().join("heads")).unwrap();
    std::fs::write(installed.data().join("heads/a"), head).unwrap();
    let found = installed.call(&["verify"]);
    assert_eq!(found.status.code(), Some(3));
    assert!(
        said(&found).contains("chain a: events 1 to 7 are missing"),
        "{}",
        said(&found)
    );

    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    let metrics = body(address(&ready["internal"]["server"][0]), "/metrics").unwrap();
    assert!(metrics.contains("evenkeel_audit_events_missing 7.0\n"), "{metrics}");
    let log = installed.data().join("log/server-a.log");
    installed.until("the log says so", || {
        text(&log).contains("acknowledged changes are gone")
    });
    assert_eq!(installed.call(&["verify"]).status.code(), Some(3));
}
