//! A server that hangs is replaced, and whoever waited in its socket is answered by the next one. With the supervisor
//! in this process, where it can be given little patience.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use runtime::shutdown::Shutdown;
use supervisor::installation::{Event, Installation, Kind, Plan, Role, prepare};
use supervisor::pulse::Patience;

use crate::installed::{Installed, SOON, get, lives, signal};

const LITTLE: Patience = Patience {
    start: Duration::from_mins(2),
    pause: Duration::from_millis(50),
    answer: Duration::from_secs(1),
    misses: 2,
};
/// Time for the next server's start and for a busy machine, beyond what the patience promises.
const START: Duration = Duration::from_secs(5);

fn plan(installed: &Installed) -> Plan {
    let words = |_, url: &str| ["--name", "a", "--public-url", url].map(Into::into).to_vec();
    Plan {
        data: prepare(&installed.data()).unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        program: env!("CARGO_BIN_EXE_evenkeel").into(),
        roles: vec![Role {
            kind: Kind::Server,
            arguments: Box::new(words),
            own: None,
            waits: false,
        }],
        environment: Vec::new(),
        patience: LITTLE,
    }
}

/// A visitor whose request lies in the socket of a server that does not run: begins now, ends with an answer.
fn visit(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let request = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_stopped_server_is_replaced_and_who_waits_in_its_socket_is_answered() {
    let installed = Installed::new();
    let (stop, pids, seen) = (Shutdown::new(), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let tell = |event: Event<'_>| match event {
        Event::Ready(processes) => pids.lock().unwrap().push(processes.pids.server[0]),
        Event::Ended { how, .. } => {
            let table = String::from_utf8(installed.call(&["ps"]).stdout).unwrap();
            let named = installed.processes().unwrap()["pids"]["server"].clone();
            seen.lock().unwrap().push((how.to_owned(), named, table));
        }
        _ => {}
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let started = Installation::start(plan(&installed), installed.clock().clone(), |_| {});
    let up = runtime.block_on(started).unwrap();
    let address = up.socket().local_addr().unwrap();
    std::thread::scope(|scope| {
        let stop_at_the_end = StopAtTheEnd(&stop);
        let running = scope.spawn(|| runtime.block_on(up.run(&stop, tell)).unwrap());
        installed.until("the first is ready", || pids.lock().unwrap().len() == 1);
        let first = pids.lock().unwrap()[0];
        signal(first, Signal::SIGSTOP);
        let stopped = installed.clock().monotonic();
        let mut visitor = visit(address);
        installed.until("another is ready", || pids.lock().unwrap().len() == 2);
        let took = installed.clock().monotonic().saturating_sub(stopped);
        assert!(took < LITTLE.pause + LITTLE.answer * LITTLE.misses + START, "{took:?}");
        let mut head = [0; 12];
        visitor.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        assert_eq!(get(address, "/readyz").unwrap(), 200);
        assert!(!lives(first));
        drop(stop_at_the_end);
        running.join().unwrap();
    });
    let seen = seen.into_inner().unwrap();
    let [(how, named, table)] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert!(how.starts_with("it did not answer for "), "{how}");
    assert_eq!(named, &serde_json::json!([]));
    assert!(table.contains("it is being started again"), "{table}");
}

/// Lets the supervisor end also when the test fails: its scope waits for it.
struct StopAtTheEnd<'a>(&'a Shutdown);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}
