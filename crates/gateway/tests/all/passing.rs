//! What comes through, what goes to another server, and what people are told when nothing does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::limit::Settings;
use gateway::process::{Start, run};
use gateway::upstream::Address;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;

use crate::misbehaving_server::{Manner, Misbehaving, start};

const KEY: &str = "Idempotency-Key: 0123456789abcdef\r\n";

struct Gate {
    public: SocketAddr,
    servers: Vec<Misbehaving>,
    folder: PathBuf,
    owner: Owner,
}

impl Gate {
    fn before(manners: &[Manner]) -> Self {
        let (clock, owner) = (Clock::real(), Owner::new(Shutdown::new()));
        let servers: Vec<_> = manners.iter().map(|manner| start(*manner, &clock, &owner)).collect();
        let addresses = servers.iter().map(|server| server.address).collect();
        Self::of(servers, addresses, clock, owner)
    }

    fn of(servers: Vec<Misbehaving>, addresses: Vec<SocketAddr>, clock: Clock, owner: Owner) -> Self {
        let folder = std::env::temp_dir().join(format!("evenkeel-gate-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir(&folder).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let public = socket.local_addr().unwrap();
        let address = |at: SocketAddr| Address {
            authority: at.to_string().parse().unwrap(),
            is_near: true,
        };
        let what = Start {
            data: folder.clone(),
            public: socket,
            host: public.to_string(),
            servers: addresses.into_iter().map(address).collect(),
            clock,
            entropy: Entropy::real(),
            settings: Settings::default(),
            shutdown: owner.shutdown().clone(),
            released: owner.shutdown().clone(),
            notice: Duration::ZERO,
        };
        owner
            .thread("gateway", move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                runtime
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(run(what, |_| {}))
                    .unwrap();
            })
            .unwrap();
        Self {
            public,
            servers,
            folder,
            owner,
        }
    }

    /// The status and the body.
    fn ask(&self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.public).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let host = self.public;
        let length = if method == "POST" {
            "Content-Length: 2\r\n\r\n{}"
        } else {
            "\r\n"
        };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn asked(&self, server: usize) -> u64 {
        self.servers[server].asked.load(Ordering::Relaxed)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.owner.shutdown().request();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn safe_and_keyed_requests_go_to_another_server_and_others_are_told_that_nobody_knows() {
    for manner in [Manner::HangsUp, Manner::Half, Manner::Garbage] {
        let gate = Gate::before(&[manner, Manner::Well]);
        for _ in 0..20 {
            assert_eq!(gate.ask("GET", "/", ""), (200, "well".to_owned()), "{manner:?}");
            assert_eq!(gate.ask("POST", "/api/v1/holds", KEY).0, 200, "{manner:?}");
        }
        let gate = Gate::before(&[manner, manner]);
        let (status, body) = gate.ask("POST", "/api/v1/holds", "");
        assert!(
            status == 503 && body.contains("\"outcome-unknown\""),
            "{manner:?}: {body}"
        );
        // To one server only: done twice would be worse than not known.
        assert_eq!(gate.asked(0) + gate.asked(1), 1, "{manner:?}");
        let (status, body) = gate.ask("GET", "/api/v1/clinics", "");
        assert!(status == 503 && body.contains("\"unreachable\""), "{manner:?}: {body}");
    }
}

#[test]
fn a_slow_server_is_avoided() {
    let gate = Gate::before(&[Manner::Slow(100), Manner::Well]);
    for _ in 0..60 {
        assert_eq!(gate.ask("GET", "/", "").0, 200);
    }
    assert!(gate.asked(0) < 10, "{} of 60", gate.asked(0));
}

#[test]
fn with_nobody_there_people_get_a_page_and_programs_a_problem() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Gate::of(Vec::new(), vec![nowhere], Clock::real(), Owner::new(Shutdown::new()));
    let (status, page) = gate.ask("GET", "/appointments", "Accept-Language: es-PR\r\n");
    assert!(
        status == 503 && page.contains("lang=\"es\"") && page.contains("Sigue en pie"),
        "{page}"
    );
    // Nothing was ever known: that is not "none left".
    assert!(page.contains("Puede que todavía haya horarios libres"), "{page}");
    let (status, problem) = gate.ask("POST", "/api/v1/appointments", KEY);
    assert!(status == 503 && problem.contains("\"unreachable\""), "{problem}");
    assert_eq!(gate.ask("GET", "/livez", "").0, 200);
    assert_eq!(
        gate.ask("GET", "/readyz", ""),
        (503, "{\"failing\":[\"servers\"]}".to_owned())
    );
    assert_eq!(gate.ask("GET", &html::style::sheet_path(), "").0, 200);
}

#[test]
fn what_two_readers_could_take_differently_is_refused() {
    let gate = Gate::before(&[Manner::Well]);
    for headers in [
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +2\r\n",
    ] {
        assert_eq!(gate.ask("GET", "/", headers).0, 400, "{headers}");
    }
    assert_eq!(gate.ask("GET", "/../x", "").0, 400);
    assert_eq!(gate.ask("GET", &format!("/?{}", "x".repeat(5_000)), "").0, 414);
    let many = (0..70).fold(String::new(), |all, n| format!("{all}X-{n}: y\r\n"));
    assert_eq!(gate.ask("GET", "/", &many).0, 431);
    assert_eq!(gate.asked(0), 0);
}
