//! Another program, run to its end: with a time-out, what it says kept up to a bound, ended when we are told to stop.
//! Never left behind: whoever stops waiting for it ends its whole process group.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::clock::Clock;
use crate::shutdown::Shutdown;
use crate::task::Owner;

/// What is kept of what a program says: its end, where errors stand.
const SAID_BYTES: usize = 4096;
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_millis(300);
/// After its end, how long its last words are waited for: a grandchild may hold its pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is run.
#[derive(Debug)]
pub struct Program {
    command: Command,
    time: Duration,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The end of what it said, stdout and stderr together.
    pub said: String,
}

/// It did not come to an end of its own.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("{program} was ended after {seconds} s; it said: {said}")]
    TimedOut {
        /// Which.
        program: String,
        /// How long it had.
        seconds: u64,
        /// The end of what it said.
        said: String,
    },
    /// We were told to stop, and ended it.
    #[error("{0} was ended because this process stops")]
    Stopped(String),
}

impl Ended {
    /// Whether it did what it was asked.
    pub fn is_done(&self) -> bool {
        self.code == Some(0)
    }
}

impl Program {
    /// A program with arguments, which may take so long.
    pub fn new(command: Command, time: Duration) -> Self {
        Self { command, time }
    }

    /// A line for the system's shell, where `{}` stands for a file's path (quoted whatever is in it); without one the
    /// file comes on its standard input.
    pub fn line(line: &str, file: &std::path::Path, time: Duration) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &line.replace("{}", "\"$EVENKEEL_FILE\"")])
            .env("EVENKEEL_FILE", file);
        if line.contains("{}") {
            command.stdin(Stdio::null());
        } else {
            command.stdin(File::open(file)?);
        }
        Ok(Self { command, time })
    }

    /// Runs it to its end. Blocks; for an owned thread or a command line.
    pub fn run(mut self, clock: &Clock, stop: &Shutdown) -> Result<Ended, ProgramError> {
        let name = self.command.get_program().to_string_lossy().into_owned();
        let started = |source| ProgramError::Start {
            program: name.clone(),
            source,
        };
        // One pipe for both, so that its words stay in order.
        let (reader, writer) = io::pipe().map_err(started)?;
        let second = writer.try_clone().map_err(started)?;
        self.command.stdout(writer).stderr(second).process_group(0);
        let mut child = self.command.spawn().map_err(started)?;
        drop(self.command); // it holds our ends of the pipe
        let said = listen(reader).map_err(started);
        let said = match said {
            Ok(said) => said,
            Err(error) => {
                end(&mut child, clock);
                return Err(error);
            }
        };
        let until = clock.monotonic() + self.time;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(ended(status, &said)),
                Ok(None) => {}
                Err(source) => return Err(started(source)),
            }
            if stop.requested() {
                end(&mut child, clock);
                return Err(ProgramError::Stopped(name));
            }
            if clock.monotonic() > until {
                end(&mut child, clock);
                return Err(ProgramError::TimedOut {
                    program: name,
                    seconds: self.time.as_secs(),
                    said: said.recv_timeout(LAST_WORDS).unwrap_or_default(),
                });
            }
            clock.pause_blocking(LOOK, stop);
        }
    }
}

fn ended(status: ExitStatus, said: &Receiver<String>) -> Ended {
    let mut said = said.recv_timeout(LAST_WORDS).unwrap_or_default();
    if let Some(signal) = status.signal() {
        let _ = write!(said, " (ended by signal {signal})");
    }
    Ended {
        code: status.code(),
        said,
    }
}

/// Reads to the end in a thread of its own, so that the program never waits for a full pipe; sends the last words.
fn listen(mut reader: impl Read + Send + 'static) -> io::Result<Receiver<String>> {
    let (sender, receiver) = sync_channel(1);
    Owner::new(Shutdown::new()).thread("program's words", move || {
        let (mut kept, mut buffer) = (Vec::new(), [0u8; 4096]);
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..n]);
            let over = kept.len().saturating_sub(SAID_BYTES);
            kept.drain(..over);
        }
        let _ = sender.send(String::from_utf8_lossy(&kept).trim().to_owned());
    })?;
    Ok(receiver)
}

/// Asks its group to end, then ends it.
fn end(child: &mut Child, clock: &Clock) {
    let group = Pid::from_raw(child.id().cast_signed());
    for (signal, wait) in [(Signal::SIGTERM, GRACE), (Signal::SIGKILL, GRACE)] {
        let _ = killpg(group, signal);
        let until = clock.monotonic() + wait;
        while clock.monotonic() < until && !matches!(child.try_wait(), Ok(Some(_))) {
            clock.sleep_blocking(Duration::from_millis(5));
        }
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}
