//! A gateway in this process before servers of this test, asked over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::limit::{Setting, Settings};
use gateway::process::{Start, run};
use gateway::upstream::Address;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::sync::mpsc;

use crate::misbehaving_server::{Manner, Misbehaving, start};

pub const KEY: &str = "Idempotency-Key: 0123456789abcdef\r\n";
/// Longest wait for anything.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Gate {
    pub public: SocketAddr,
    pub servers: Vec<Misbehaving>,
    pub folder: PathBuf,
    pub clock: Clock,
    pub reload: mpsc::Sender<Settings>,
    owner: Owner,
}

/// These settings, otherwise the defaults.
pub fn settings(given: &[(&Setting, u64)]) -> Settings {
    let mut settings = Settings::default();
    for (setting, value) in given {
        settings.set(setting, *value).unwrap();
    }
    settings
}

/// A folder of this test alone.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("evenkeel-gate-{:032x}", Entropy::real().bits128()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

impl Gate {
    pub fn before(manners: &[Manner]) -> Self {
        Self::with(manners, Settings::default())
    }

    pub fn with(manners: &[Manner], settings: Settings) -> Self {
        let (clock, owner) = (Clock::real(), Owner::new(Shutdown::new()));
        let servers: Vec<_> = manners.iter().map(|manner| start(*manner, &clock, &owner)).collect();
        let addresses = servers.iter().map(|server| server.address).collect();
        Self::of(servers, addresses, settings, (clock, owner))
    }

    pub fn of(
        servers: Vec<Misbehaving>,
        addresses: Vec<SocketAddr>,
        settings: Settings,
        clock_and_owner: (Clock, Owner),
    ) -> Self {
        Self::in_folder(folder(), servers, addresses, settings, clock_and_owner)
    }

    pub fn in_folder(
        folder: PathBuf,
        servers: Vec<Misbehaving>,
        addresses: Vec<SocketAddr>,
        settings: Settings,
        (clock, owner): (Clock, Owner),
    ) -> Self {
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
            clock: clock.clone(),
            entropy: Entropy::real(),
            settings,
            shutdown: owner.shutdown().clone(),
            released: owner.shutdown().clone(),
            notice: Duration::ZERO,
        };
        let (reload, reloads) = mpsc::channel(1);
        owner
            .thread("gateway", move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = runtime.enable_all().build().unwrap();
                runtime.block_on(run(what, reloads, |_| {})).unwrap();
            })
            .unwrap();
        Self {
            public,
            servers,
            folder,
            clock,
            reload,
            owner,
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.public).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }

    /// The status and the body.
    pub fn ask(&self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let host = self.public;
        let length = if method == "POST" {
            "Content-Length: 2\r\n\r\n{}"
        } else {
            "\r\n"
        };
        let answer = self.say(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}"
        ));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// All that comes back for these bytes, up to the end of the connection.
    pub fn say(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        rest(&mut stream)
    }

    pub fn asked(&self, server: usize) -> u64 {
        self.servers[server].asked.load(Ordering::Relaxed)
    }

    /// Looks again and again, until it is so or the test has failed.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        let until = self.clock.monotonic() + SOON;
        while !so() {
            assert!(self.clock.monotonic() < until, "not within {SOON:?}: {what}");
            self.clock.sleep_blocking(Duration::from_millis(10));
        }
    }
}

/// What still comes; an end by reset is an end.
pub fn rest(stream: &mut impl Read) -> String {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut some) {
        bytes.extend_from_slice(&some[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.owner.shutdown().request();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
