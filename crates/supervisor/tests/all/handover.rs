//! The socket reaches the child as file 3.

use std::process::Command;

use supervisor::handover::{bind, lend, reachable};

#[test]
fn a_child_finds_the_socket_where_systemd_would_put_it() {
    let socket = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut command = Command::new("/bin/sh");
    command.env("LISTEN_PID", "1").args([
        "-c",
        "readlink /proc/$$/fd/3; echo $LISTEN_FDS; echo ${LISTEN_PID:-none}",
    ]);
    lend(&mut command, &socket).unwrap();
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("socket:["), "{said}");
    assert_eq!(lines[1..], ["1", "none"]);
}

#[test]
fn all_addresses_are_reached_by_loopback() {
    assert_eq!(reachable("0.0.0.0:80".parse().unwrap()).to_string(), "127.0.0.1:80");
    assert_eq!(reachable("[::]:80".parse().unwrap()).to_string(), "[::1]:80");
    assert_eq!(reachable("192.0.2.1:80".parse().unwrap()).to_string(), "192.0.2.1:80");
}
