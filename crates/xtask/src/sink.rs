//! A mail server that misbehaves on request: real SMTP on a real socket, and it keeps what arrived. For the suite
//! `messages`, and for the tests of whoever speaks to mail servers.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest wait for a client that says nothing.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the door is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What it does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// Greets.
    Fine,
    /// 421: too busy.
    Busy,
    /// Takes the connection and never says a word.
    Silent,
}

/// What it does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it.
    Accept,
    /// Takes it, this much later.
    Slow(Duration),
    /// 450 to the recipient: later, perhaps.
    NotYet,
    /// 550 to the recipient.
    NoSuchAddress,
    /// 552 to the message.
    TooLarge,
    /// 451 to the message.
    NotNow,
    /// Closes in the middle of the message.
    DieInData,
    /// Takes the whole message, keeps it, and closes without a reply.
    DropBeforeReply,
    /// Takes the whole message, keeps it, and says nothing any more.
    HangBeforeReply,
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Whom for.
    pub to: String,
    /// Headers and body.
    pub data: String,
    /// Whether the sender was told.
    pub acknowledged: bool,
}

impl Arrived {
    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\n\n").next().unwrap_or_default();
        let mut value = String::new();
        let mut inside = false;
        for line in head.lines() {
            if line.starts_with([' ', '\t']) {
                if inside {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                continue;
            }
            inside = line
                .split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
            if inside {
                line.split_once(':')
                    .map_or("", |(_, rest)| rest)
                    .trim()
                    .clone_into(&mut value);
            }
        }
        value
    }
}

#[derive(Debug)]
struct State {
    greeting: Greeting,
    script: VecDeque<Behaviour>,
    otherwise: Behaviour,
    arrived: Vec<Arrived>,
    connections: usize,
    open: bool,
}

/// The server; gone when dropped.
pub struct Sink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    over: Arc<AtomicBool>,
}

fn held(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    /// Listens on a free port of loopback.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State {
            greeting: Greeting::Fine,
            script: VecDeque::new(),
            otherwise: Behaviour::Accept,
            arrived: Vec::new(),
            connections: 0,
            open: true,
        }));
        let over = Arc::new(AtomicBool::new(false));
        let (for_door, over_for_door) = (Arc::clone(&state), Arc::clone(&over));
        std::thread::spawn(move || door(listener, address, &for_door, &over_for_door));
        Ok(Self { address, state, over })
    }
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// For the setting `mail.smtp_url`.
    pub fn url(&self) -> String {
        format!("smtp+plain://{}", self.address)
    }
    /// What the next messages meet, in order.
    pub fn script(&self, behaviours: &[Behaviour]) {
        held(&self.state).script.extend(behaviours);
    }
    /// What messages meet when the script is over.
    pub fn otherwise(&self, behaviour: Behaviour) {
        held(&self.state).otherwise = behaviour;
    }
    /// What connections meet.
    pub fn greet(&self, greeting: Greeting) {
        held(&self.state).greeting = greeting;
    }
    /// Opens or closes the door: a closed one refuses connections.
    pub fn open(&self, open: bool) {
        held(&self.state).open = open;
    }
    /// What arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        held(&self.state).arrived.clone()
    }
    /// Connections so far.
    pub fn connections(&self) -> usize {
        held(&self.state).connections
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn door(listener: TcpListener, address: SocketAddr, state: &Arc<Mutex<State>>, over: &Arc<AtomicBool>) {
    let mut listener = Some(listener);
    while !over.load(Ordering::Relaxed) {
        let open = held(state).open;
        match (&listener, open) {
            (Some(_), false) => listener = None,
            (None, true) => listener = TcpListener::bind(address).ok(),
            (Some(socket), true) => {
                let _ = socket.set_nonblocking(true);
                if let Ok((stream, _)) = socket.accept() {
                    let _ = stream.set_nonblocking(false);
                    held(state).connections += 1;
                    let (state, over) = (Arc::clone(state), Arc::clone(over));
                    std::thread::spawn(move || {
                        let _ = converse(stream, &state, &over);
                    });
                    continue;
                }
            }
            (None, false) => {}
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until the sink is over or the time is.
fn linger(over: &AtomicBool, span: Duration) {
    let mut left = span;
    while !over.load(Ordering::Relaxed) && !left.is_zero() {
        let step = left.min(LOOK);
        std::thread::sleep(step);
        left -= step;
    }
}

fn converse(stream: TcpStream, state: &Mutex<State>, over: &AtomicBool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    match held(state).greeting {
        Greeting::Fine => {}
        Greeting::Busy => return out.write_all(b"421 too busy\r\n"),
        Greeting::Silent => {
            linger(over, PATIENCE);
            return Ok(());
        }
    }
    out.write_all(b"220 sink ready\r\n")?;
    let (mut to, mut behaviour) = (String::new(), Behaviour::Accept);
    let mut line = String::new();
    loop {
        line.clear();
        // A closed door also ends what is open: nobody is there any more.
        if lines.read_line(&mut line)? == 0 || !held(state).open {
            return Ok(());
        }
        let said = line.trim_end().to_owned();
        let verb = said.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => out.write_all(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")?,
            "MAIL" => {
                let mut state = held(state);
                behaviour = state.script.pop_front().unwrap_or(state.otherwise);
                drop(state);
                out.write_all(b"250 fine\r\n")?;
            }
            "RCPT" => match behaviour {
                Behaviour::NotYet => out.write_all(b"450 later\r\n")?,
                Behaviour::NoSuchAddress => out.write_all(b"550 nobody here\r\n")?,
                _ => {
                    said.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                    out.write_all(b"250 fine\r\n")?;
                }
            },
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                if !data(&mut lines, &mut out, &to, behaviour, state, over)? {
                    return Ok(());
                }
            }
            "RSET" | "NOOP" => out.write_all(b"250 fine\r\n")?,
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"502 what?\r\n")?,
        }
    }
}

/// The message; whether the conversation goes on.
fn data(
    lines: &mut BufReader<TcpStream>,
    out: &mut TcpStream,
    to: &str,
    behaviour: Behaviour,
    state: &Mutex<State>,
    over: &AtomicBool,
) -> std::io::Result<bool> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let text = line.trim_end_matches(['\r', '\n']);
        if text == "." {
            break;
        }
        if behaviour == Behaviour::DieInData {
            return Ok(false);
        }
        data.push_str(text.strip_prefix('.').unwrap_or(text));
        data.push('\n');
    }
    let keep = |acknowledged| {
        held(state).arrived.push(Arrived {
            to: to.to_owned(),
            data: data.clone(),
            acknowledged,
        });
    };
    match behaviour {
        Behaviour::TooLarge => out.write_all(b"552 too large\r\n")?,
        Behaviour::NotNow => out.write_all(b"451 not now\r\n")?,
        Behaviour::DropBeforeReply => {
            keep(false);
            return Ok(false);
        }
        Behaviour::HangBeforeReply => {
            keep(false);
            linger(over, PATIENCE);
            return Ok(false);
        }
        Behaviour::Slow(span) => {
            linger(over, span);
            keep(true);
            out.write_all(b"250 taken\r\n")?;
        }
        _ => {
            keep(true);
            out.write_all(b"250 taken\r\n")?;
        }
    }
    Ok(true)
}
