//! The limits of a connection, each met on purpose: what takes too long is ended, what is too many is closed, and others
//! are served meanwhile.

use std::io::Write;
use std::time::Duration;

use gateway::limit::{BODY_GRACE, BODY_RATE, NETWORK_CONNECTIONS, TARGET_BYTES};
use runtime::http::listener::{CONNECTION_REQUESTS, HEADER_TIME, IDLE_TIME};

use crate::gate::{Gate, rest, settings};
use crate::misbehaving_server::Manner;

/// A limit of one second is kept within this: the listener looks once in that time.
const KEPT_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_body_of_single_bytes_is_answered_408() {
    let gate = Gate::with(&[Manner::Well], settings(&[(&BODY_GRACE, 1), (&BODY_RATE, 500)]));
    let mut stream = gate.connect();
    let (host, began) = (gate.public, gate.clock.monotonic());
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n"
    )
    .unwrap();
    let mut drips = stream.try_clone().unwrap();
    // It goes on for longer than it is listened to.
    while gate.clock.monotonic() < began + Duration::from_millis(1_500) && drips.write_all(b"x").is_ok() {
        gate.clock.sleep_blocking(Duration::from_millis(100));
    }
    let said = rest(&mut stream);
    let took = gate.clock.monotonic().saturating_sub(began);
    assert!(
        said.starts_with("HTTP/1.1 408 ") && said.contains("connection: close"),
        "{said}"
    );
    assert!(took < KEPT_WITHIN, "{took:?}");
    assert_eq!(gate.asked(0), 0);
}

#[test]
fn a_connection_that_says_nothing_half_a_head_or_nothing_more_is_closed() {
    let gate = Gate::with(&[Manner::Well], settings(&[(&HEADER_TIME, 1), (&IDLE_TIME, 1)]));
    let host = gate.public;
    for (said, answers) in [
        (String::new(), 0),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow"), 0),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 1),
    ] {
        let began = gate.clock.monotonic();
        let answer = gate.say(&said);
        let took = gate.clock.monotonic().saturating_sub(began);
        assert_eq!(answer.matches("HTTP/1.1 200").count(), answers, "{said}");
        assert!(took < KEPT_WITHIN, "{said:?}: {took:?}");
    }
}

#[test]
fn the_last_request_of_a_connection_is_told_so() {
    let gate = Gate::with(&[Manner::Well], settings(&[(&CONNECTION_REQUESTS, 3)]));
    let one = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", gate.public);
    let said = gate.say(&one.repeat(5));
    let answers: Vec<_> = said.split("HTTP/1.1 200").skip(1).collect();
    assert_eq!(answers.len(), 3, "{said}");
    let closes: Vec<_> = answers
        .iter()
        .map(|answer| answer.contains("connection: close"))
        .collect();
    assert_eq!(closes, [false, false, true]);
}

#[test]
fn one_network_has_so_many_connections_and_not_one_more() {
    let gate = Gate::with(&[Manner::Well], settings(&[(&NETWORK_CONNECTIONS, 8)]));
    let mut open: Vec<_> = (0..8).map(|_| gate.connect()).collect();
    // They are let in when they are accepted: one that has its answer certainly was.
    for stream in &mut open {
        let host = gate.public;
        write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut some = [0; 12];
        std::io::Read::read_exact(stream, &mut some).unwrap();
        assert_eq!(&some, b"HTTP/1.1 200");
    }
    let one = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gate.public);
    let try_one = || {
        let mut stream = gate.connect();
        let _ = stream.write_all(one.as_bytes()); // it may be closed before it has written
        rest(&mut stream)
    };
    assert_eq!(try_one(), "");
    open.pop();
    gate.until("a place is free again", || try_one().starts_with("HTTP/1.1 200"));
}

#[test]
fn settings_that_are_read_again_count_from_then_on_and_no_connection_is_lost() {
    let gate = Gate::before(&[Manner::Well]);
    let long = format!("/?{}", "x".repeat(600));
    assert_eq!(gate.ask("GET", &long, "").0, 200);
    let mut kept = gate.connect();
    gate.reload.blocking_send(settings(&[(&TARGET_BYTES, 512)])).unwrap();
    gate.until("the new limit counts", || gate.ask("GET", &long, "").0 == 414);
    let host = gate.public;
    write!(kept, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(&mut kept).starts_with("HTTP/1.1 200 "));
}
