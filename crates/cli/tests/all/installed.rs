//! A folder with an installation that a test starts, talks to, kills and stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use serde_json::Value;

pub const SOON: Duration = Duration::from_secs(20);

/// The program under test.
pub fn evenkeel() -> Command {
    Command::new(env!("CARGO_BIN_EXE_evenkeel"))
}

pub struct Installed {
    folder: PathBuf,
    clock: Clock,
    /// What was started and not yet waited for.
    running: Vec<Child>,
}

impl Installed {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("evenkeel-test-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir(&folder).unwrap();
        Self {
            folder,
            clock: Clock::real(),
            running: Vec::new(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs a command to its end, which must come soon.
    pub fn call(&self, args: &[&str]) -> Output {
        let mut command = evenkeel();
        command.args(args).arg("--data").arg(self.data());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let started = self.clock.monotonic();
        while child.try_wait().unwrap().is_none() {
            if self.clock.monotonic().saturating_sub(started) > SOON {
                child.kill().unwrap();
            }
            self.clock.sleep_blocking(Duration::from_millis(2));
        }
        child.wait_with_output().unwrap()
    }

    /// Starts `up --empty --json` and waits for its ready line.
    pub fn up(&mut self, args: &[&str]) -> Value {
        self.up_with_demo(&[&["--empty"], args].concat())
    }

    /// The same with the demonstration's clinics.
    pub fn up_with_demo(&mut self, args: &[&str]) -> Value {
        let mut command = evenkeel();
        command.args(["up", "--json", "--data"]).arg(self.data()).args(args);
        let mut up = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(up.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.running.push(up);
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a ready line: {line:?}"))
    }

    /// Waits for the `up` that was started last; its exit code, or none when a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        let mut up = self.running.pop().unwrap();
        self.until("up has ended", || up.try_wait().unwrap().is_some());
        up.wait().unwrap().code()
    }

    pub fn processes(&self) -> Option<Value> {
        let text = std::fs::read_to_string(self.data().join("run/processes.json")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Polls a condition, for [`SOON`] at most.
    pub fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let started = self.clock.monotonic();
        while !condition() {
            assert!(self.clock.monotonic().saturating_sub(started) < SOON, "never: {what}");
            self.clock.sleep_blocking(Duration::from_millis(5));
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        for up in &mut self.running {
            let _ = kill(Pid::from_raw(up.id() as i32), Signal::SIGTERM);
            let _ = up.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn pid(of: &Value) -> u32 {
    u32::try_from(of.as_u64().unwrap()).unwrap()
}

pub fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid as i32), signal).unwrap();
}

pub fn lives(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; its parent has only not looked yet.
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

pub fn address(url: &Value) -> SocketAddr {
    url.as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
}

/// The status of `GET path`; the error tells a refused connection from one that was cut.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head[9..]).parse().unwrap_or(0))
}

pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The body of `GET path`.
pub fn body(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").unwrap_or_default().1.to_owned())
}
