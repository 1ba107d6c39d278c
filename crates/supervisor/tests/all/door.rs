//! Stands in for a listener of a server: answers connections with statuses in turn, after a while, or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;

pub struct Door {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    statuses: Mutex<Vec<u16>>,
    delay_ms: AtomicU64,
    hangs: AtomicBool,
    answered: AtomicUsize,
}

impl Door {
    /// One of its own.
    pub fn new() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// On a socket that somebody else has bound.
    pub fn on(socket: TcpListener) -> Self {
        let address = socket.local_addr().unwrap();
        let inner = Arc::new(Inner {
            statuses: Mutex::new(vec![200]),
            ..Inner::default()
        });
        let (shared, clock) = (Arc::clone(&inner), Clock::real());
        let answering = move || {
            let mut hung = Vec::new();
            while let Ok((mut stream, _)) = socket.accept() {
                if shared.hangs.load(Ordering::SeqCst) {
                    // Open, and nothing comes.
                    hung.push(stream);
                    continue;
                }
                let _ = stream.read(&mut [0; 512]);
                clock.sleep_blocking(Duration::from_millis(shared.delay_ms.load(Ordering::SeqCst)));
                let statuses = shared.statuses.lock().unwrap().clone();
                let status = statuses[shared.answered.load(Ordering::SeqCst) % statuses.len()];
                let _ = stream.write_all(format!("HTTP/1.1 {status} \r\ncontent-length: 0\r\n\r\n").as_bytes());
                shared.answered.fetch_add(1, Ordering::SeqCst);
            }
        };
        Owner::new(Shutdown::new()).thread("door", answering).unwrap();
        Self { address, inner }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers these, one after the other, again and again.
    pub fn says(&self, statuses: &[u16]) {
        *self.inner.statuses.lock().unwrap() = statuses.to_vec();
    }

    /// From now on an answer takes this long.
    pub fn takes(&self, delay: Duration) {
        self.inner.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    /// From now on it accepts and does not answer, or does again.
    pub fn hangs(&self, hangs: bool) {
        self.inner.hangs.store(hangs, Ordering::SeqCst);
    }

    /// How many have been answered.
    pub fn answered(&self) -> usize {
        self.inner.answered.load(Ordering::SeqCst)
    }
}
