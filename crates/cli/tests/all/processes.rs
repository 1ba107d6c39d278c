//! Who owns what: the supervisor keeps the socket, a dead server is replaced, a dead supervisor leaves nobody behind.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::installed::{Installed, address, get, lives, pid, signal, text};

const FREE_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn the_ready_line_says_all_there_is_and_stop_ends_it() {
    let mut installed = Installed::new();
    let ready = installed.up(&FREE_PORT);
    assert_eq!(Some(&ready), installed.processes().as_ref());
    for empty in ["/internal/watch", "/pids/watch"] {
        assert_eq!(ready.pointer(empty).unwrap().as_array().unwrap().len(), 0, "{empty}");
    }
    for null in ["/watch", "/status", "/sign_in"] {
        assert!(ready.pointer(null).unwrap().is_null(), "{null}");
    }
    assert_eq!(get(address(&ready["public"]), "/readyz").unwrap(), 200);
    let internal = address(&ready["internal"]["server"][0]);
    assert_eq!(get(internal, "/livez").unwrap(), 200);
    assert_eq!(get(internal, "/metrics").unwrap(), 200);
    let gateway = address(&ready["internal"]["gateway"][0]);
    assert_eq!(get(gateway, "/livez").unwrap(), 200);
    assert_eq!(get(gateway, "/metrics").unwrap(), 200);
    // Past the gateway nobody is let in.
    assert_eq!(get(address(&ready["servers"][0]), "/").unwrap(), 421);
    for secret in ["operator.token", "edge.key", "keys/master.key"] {
        let mode = installed.data().join(secret).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let server = pid(&ready["pids"]["server"][0]);
    let arguments = text(format!("/proc/{server}/cmdline").as_ref()).replace('\0', " ");
    assert!(arguments.contains("evenkeel server "), "{arguments}");

    let table = String::from_utf8(installed.call(&["ps"]).stdout).unwrap();
    assert!(
        table.contains(ready["public"].as_str().unwrap()) && table.contains(&server.to_string()),
        "{table}"
    );
    let same: Value = serde_json::from_slice(&installed.call(&["ps", "--json"]).stdout).unwrap();
    assert_eq!(same, ready);

    let stopped = installed.call(&["stop"]);
    assert!(stopped.status.success());
    assert_eq!(installed.ended(), Some(0));
    assert!(!lives(server) && installed.processes().is_none());
    assert!(
        String::from_utf8(installed.call(&["ps"]).stdout)
            .unwrap()
            .starts_with("Nothing runs")
    );
}

#[test]
fn a_second_up_refuses_and_names_the_holder() {
    let mut installed = Installed::new();
    let ready = installed.up(&FREE_PORT);
    let second = installed.call(&["up", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        said.contains(&format!("process {}, since 20", ready["pids"]["supervisor"])),
        "{said}"
    );
    assert_eq!(get(address(&ready["public"]), "/readyz").unwrap(), 200);
}

#[test]
fn a_taken_port_says_by_whom_and_offers_another() {
    let installed = Installed::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = other.local_addr().unwrap().to_string();
    let refused = installed.call(&["up", "--listen", &wanted]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
    assert!(said.contains("evenkeel up --listen 127.0.0.1:"), "{said}");
}

#[test]
fn while_a_process_is_killed_no_connection_is_refused() {
    for role in ["server", "gateway"] {
        kill_again_and_again(role);
    }
}

fn kill_again_and_again(role: &str) {
    let mut installed = Installed::new();
    let ready = installed.up(&FREE_PORT);
    let public = address(&ready["public"]);
    let (over, mut last) = (AtomicBool::new(false), pid(&ready["pids"][role][0]));
    std::thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let (mut answered, mut refused) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                match get(public, "/livez") {
                    Ok(200) => answered += 1,
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => refused += 1,
                    // In flight when the server was killed: cut, as it must be.
                    _ => {}
                }
            }
            (answered, refused)
        });
        for _ in 0..5 {
            signal(last, Signal::SIGKILL);
            installed.until("another is ready", || {
                let now = installed.processes().and_then(|now| now["pids"][role][0].as_u64());
                now.is_some_and(|now| std::mem::replace(&mut last, now as u32) != now as u32)
            });
        }
        over.store(true, Ordering::Relaxed);
        let (answered, refused) = visitor.join().unwrap();
        assert!(answered > 0 && refused == 0, "{answered} answered, {refused} refused");
    });
}

#[test]
fn one_of_two_servers_is_killed_and_nobody_notices_all_are_and_everybody_is_told() {
    let mut installed = Installed::new();
    let ready = installed.up(&["--zones", "2", "--listen", "127.0.0.1:0"]);
    let public = address(&ready["public"]);
    let over = AtomicBool::new(false);
    let servers = || {
        let now = installed.processes().unwrap();
        now["pids"]["server"]
            .as_array()
            .unwrap()
            .iter()
            .map(pid)
            .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let visit = || {
            let mut answers = Vec::new();
            while !over.load(Ordering::Relaxed) {
                answers.push(get(public, "/api/v1/clinics").map_err(|error| error.kind()));
            }
            answers
        };
        let visitors: Vec<_> = (0..8).map(|_| scope.spawn(visit)).collect();
        for round in 0..4 {
            let before = servers();
            signal(before[round % 2], Signal::SIGKILL);
            installed.until("another is ready", || {
                let now = servers();
                now.len() == 2 && now != before
            });
        }
        over.store(true, Ordering::Relaxed);
        for answers in visitors.into_iter().map(|visitor| visitor.join().unwrap()) {
            assert!(
                answers.len() > 10 && answers.iter().all(|answer| *answer == Ok(200)),
                "{answers:?}"
            );
        }
    });
    for server in servers() {
        signal(server, Signal::SIGSTOP);
    }
    // A promise of one second, with slack for a busy machine.
    let asked = installed.clock().monotonic();
    assert_eq!(get(public, "/").unwrap(), 503);
    assert!(installed.clock().monotonic().saturating_sub(asked) < Duration::from_millis(2_500));
    let page = crate::installed::body(public, "/?lang=es").unwrap();
    assert!(page.contains("Esta página sencilla sí funciona"), "{page}");
    for server in servers() {
        signal(server, Signal::SIGCONT);
    }
    installed.until("they answer again", || get(public, "/").unwrap() == 200);
}

#[test]
fn a_killed_supervisor_leaves_nobody_behind_and_a_new_one_goes_on() {
    let mut installed = Installed::new();
    let first = installed.up(&FREE_PORT);
    let port = address(&first["public"]).to_string();
    for _ in 0..3 {
        let running = installed.processes().unwrap();
        let server = pid(&running["pids"]["server"][0]);
        signal(pid(&running["pids"]["supervisor"]), Signal::SIGKILL);
        assert_eq!(installed.ended(), None);
        // At once, while its child may still hold the port.
        let again = installed.up(&["--listen", &port]);
        assert!(!lives(server));
        assert_eq!(again["public"], first["public"]);
        assert_eq!(get(address(&again["public"]), "/readyz").unwrap(), 200);
    }
    let running = installed.processes().unwrap();
    let server = pid(&running["pids"]["server"][0]);
    signal(pid(&running["pids"]["supervisor"]), Signal::SIGKILL);
    let killed = installed.clock().monotonic();
    installed.until("the orphan is gone", || !lives(server));
    assert!(installed.clock().monotonic() < killed + Duration::from_millis(2_500));
    installed.ended();
}

#[test]
fn ctrl_c_and_sigterm_end_it_in_order() {
    for by in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut installed = Installed::new();
        let ready = installed.up(&FREE_PORT);
        signal(pid(&ready["pids"]["supervisor"]), by);
        assert_eq!(installed.ended(), Some(0), "{by}");
        assert!(!lives(pid(&ready["pids"]["server"][0])), "{by}");
        let log = text(&installed.data().join("log/server-a.log"));
        assert!(log.contains("the server has stopped"), "{by}: {log}");
    }
}

#[test]
fn a_server_that_gets_ctrl_c_itself_leaves_it_to_its_supervisor() {
    let mut installed = Installed::new();
    let ready = installed.up(&FREE_PORT);
    let server = pid(&ready["pids"]["server"][0]);
    signal(server, Signal::SIGINT);
    assert_eq!(get(address(&ready["public"]), "/readyz").unwrap(), 200);
    assert!(lives(server));
}
