//! A server that answers probes, and does with all else what a test wants to see the gateway live with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::clock::Clock;
use runtime::task::Owner;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Answers.
    Well,
    /// Answers after this many milliseconds.
    Slow(u64),
    /// Reads, and hangs up.
    HangsUp,
    /// Says half of what it promised.
    Half,
    /// Says what is not HTTP.
    Garbage,
    /// Answers in this manner to keep it for a second, so often; from then on it hangs up.
    Public(&'static str, u64),
    /// Says what is open to the gateway that looks it up, and hangs up on visitors.
    Known,
}

const CLINICS: &str = r#"{"clinics":[
{"id":"cln-1","name":"Mill Clinic","address":{"street":"1 Mill Lane","city":"Boston"},"phone":null,"free":38},
{"id":"cln-2","name":"Lake Clinic","address":{},"phone":null,"free":0},
{"id":"cln-3","name":"Hill Clinic","address":{},"phone":null,"free":null}],"as_of":"2026-11-25T09:00:00Z","next":null}"#;
const JURISDICTION: &str = r#"{"name":"Massachusetts","phone":"617-555-0142","demo_as_of":null}"#;

fn said(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A server, and how many requests of visitors it has read.
pub struct Misbehaving {
    pub address: SocketAddr,
    pub asked: Arc<AtomicU64>,
    /// The heads of those requests.
    pub heads: Arc<Mutex<Vec<String>>>,
}

pub fn start(manner: Manner, clock: &Clock, owner: &Owner) -> Misbehaving {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (socket.local_addr().unwrap(), Arc::<AtomicU64>::default());
    let (count, clock, inner) = (Arc::clone(&asked), clock.clone(), owner.clone());
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&heads);
    owner
        .thread("misbehaving server", move || {
            for stream in socket.incoming() {
                let Ok(stream) = stream else { return };
                let (count, seen, clock) = (Arc::clone(&count), Arc::clone(&seen), clock.clone());
                let serve = move || serve(stream, manner, (&count, &seen), &clock);
                inner.thread("connection", serve).unwrap();
            }
        })
        .unwrap();
    Misbehaving { address, asked, heads }
}

fn serve(mut stream: TcpStream, manner: Manner, (count, seen): (&AtomicU64, &Mutex<Vec<String>>), clock: &Clock) {
    while let Some(head) = head(&mut stream) {
        let is_probe = head.starts_with("GET /readyz ");
        // The gateway's own look at what is open comes when it likes.
        let looks = ["GET /api/v1/clinics?limit=200 ", "GET /jurisdiction.json "].map(|look| head.starts_with(look));
        if !is_probe && looks == [false; 2] {
            count.fetch_add(1, Ordering::Relaxed);
            seen.lock().unwrap().push(head.clone());
        }
        let (clinics, jurisdiction) = (said(CLINICS), said(JURISDICTION));
        let kept = match manner {
            Manner::Public(headers, _) => format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 4\r\n\r\nwell"),
            _ => String::new(),
        };
        let answer: &[u8] = match manner {
            _ if is_probe => b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            Manner::Known if looks[0] => clinics.as_bytes(),
            Manner::Known if looks[1] => jurisdiction.as_bytes(),
            Manner::Public(_, most) if count.load(Ordering::Relaxed) > most => return,
            Manner::Public(..) => kept.as_bytes(),
            Manner::HangsUp | Manner::Known => return,
            Manner::Half => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            Manner::Garbage => b"\0\x01 what?\r\n\r\n",
            Manner::Well | Manner::Slow(_) => b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell",
        };
        if let (Manner::Slow(millis), false) = (manner, is_probe) {
            clock.sleep_blocking(Duration::from_millis(millis));
        }
        if stream.write_all(answer).is_err() || matches!(manner, Manner::Half | Manner::Garbage) {
            return;
        }
    }
}

/// A request's head; its body, if any, is short and comes with it.
fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut some).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
