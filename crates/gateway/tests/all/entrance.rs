//! The PROXY protocol: from a proxy of ours whom it speaks for, from nobody else anything.

use std::io::Write;

use base::limit::Settings;
use gateway::limit::{PROXIES, PROXY_PROTOCOL};

use crate::gate::{Gate, rest};
use crate::misbehaving_server::Manner;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn behind(proxies: &str) -> Gate {
    let mut settings = Settings::default();
    settings.set_text(&PROXIES, proxies).unwrap();
    settings.set_text(&PROXY_PROTOCOL, "v2").unwrap();
    Gate::with(&[Manner::Well], settings)
}

fn say(gate: &Gate, header: &[u8]) -> String {
    let mut stream = gate.connect();
    let host = gate.public;
    let request =
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 198.51.100.1\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(&[header, request.as_bytes()].concat()); // it may be closed before it has written
    rest(&mut stream)
}

/// From 203.0.113.7, with a part behind the addresses that nobody here reads.
fn header() -> Vec<u8> {
    let addresses = [203, 0, 113, 7, 192, 0, 2, 1, 0x30, 0x39, 0x01, 0xBB];
    let more = [0x04, 0x00, 0x01, 0x00];
    let length = (addresses.len() + more.len()) as u8;
    [SIGNATURE, &[0x21, 0x11, 0, length], &addresses, &more].concat()
}

#[test]
fn whom_the_proxy_speaks_for_is_who_asks() {
    let gate = behind("127.0.0.1");
    assert!(say(&gate, &header()).starts_with("HTTP/1.1 200 "));
    let six: [u8; 36] = std::array::from_fn(|at| match at {
        0 => 0x20,
        1 => 0x01,
        2 => 0x0d,
        3 => 0xb8,
        15 => 9,
        _ => 0,
    });
    let six = [SIGNATURE, &[0x21, 0x21, 0, 36], &six].concat();
    assert!(say(&gate, &six).starts_with("HTTP/1.1 200 "));
    // The proxy itself, looking whether we are well.
    assert!(say(&gate, &[SIGNATURE, &[0x20, 0, 0, 0]].concat()).starts_with("HTTP/1.1 200 "));
    let heads = gate.servers[0].heads.lock().unwrap();
    let clients = heads
        .iter()
        .filter_map(|head| head.lines().find_map(|line| line.strip_prefix("evenkeel-edge: 1;")));
    let clients: Vec<_> = clients.filter_map(|edge| edge.split(';').nth(1)).collect();
    assert_eq!(clients, ["203.0.113.7", "2001:db8::9", "198.51.100.1"]);
    // Of the last one the proxy said nothing but in its own header: that counts, as it is a proxy of ours.
}

#[test]
fn without_the_header_or_from_somebody_else_nothing_is_read() {
    let gate = behind("127.0.0.1");
    assert_eq!(say(&gate, b""), "");
    assert_eq!(say(&gate, b"PROXY TCP4 203.0.113.7 192.0.2.1 12345 443\r\n"), "");
    assert_eq!(say(&gate, &[SIGNATURE, &[0x21, 0x11, 0, 4, 1, 2, 3, 4]].concat()), "");
    let gate = behind("10.0.0.0/8");
    assert_eq!(say(&gate, &header()), "");
    assert_eq!(gate.asked(0), 0);
}
