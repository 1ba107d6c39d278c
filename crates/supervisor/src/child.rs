//! One child process: started with a pipe whose end tells it to stop, heard on its stdout, waited for.
//!
//! It stays in our session but is its own process group, so that Ctrl-C in the terminal reaches us alone and the child
//! drains when we say so. When we die, however we die, the kernel closes the pipe and the child goes within two seconds.

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command as StdCommand, ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};

use crate::handover;

/// A child has two seconds from the end of its pipe to its own end; then it is ended.
pub const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What is started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it finds in its environment beside ours.
    pub environment: Vec<(OsString, OsString)>,
}

/// A running child.
pub struct Child {
    process: Process,
    pid: u32,
    /// Its end is the child's sign to stop.
    pipe: Option<ChildStdin>,
    said: Option<Lines<BufReader<ChildStdout>>>,
}

/// What a child says of itself, a JSON object a line on its stdout.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Said {
    /// It answers, and its internal listener is there.
    Ready {
        /// Such as `http://127.0.0.1:40123`.
        internal: String,
    },
    /// It was asked to end, by somebody else than us, and does so: what it keeps of ours another may have.
    Draining,
    /// A long start goes on.
    Progress {
        /// What is being done, for a person.
        what: String,
        /// Of `total`.
        done: u64,
        /// How many there are; 0 when that is not known.
        total: u64,
    },
}

/// What happened to a child.
#[derive(Debug)]
pub enum News {
    /// It said something.
    Said(Said),
    /// It is gone.
    Ended(ExitStatus),
}

impl Child {
    /// Starts the program, with the socket as its file 3 where it is lent one. Needs the tokio runtime.
    pub fn start(program: &Program, socket: Option<&TcpListener>) -> io::Result<Self> {
        let mut command = StdCommand::new(&program.path);
        command
            .args(&program.args)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        match socket {
            Some(socket) => handover::lend(&mut command, socket)?,
            None => handover::lend_nothing(&mut command),
        }
        let mut process = Command::from(command).spawn()?;
        let pid = process
            .id()
            .ok_or_else(|| io::Error::other("a process that was just started has no id"))?;
        let pipe = process.stdin.take();
        let said = process.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Ok(Self {
            process,
            pid,
            pipe,
            said,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the next thing it says, or its end. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> io::Result<News> {
        loop {
            let Some(said) = &mut self.said else {
                return self.process.wait().await.map(News::Ended);
            };
            tokio::select! {
                biased;
                line = said.next_line() => match line {
                    Ok(Some(line)) => {
                        if let Ok(said) = serde_json::from_str(&line) {
                            return Ok(News::Said(said));
                        }
                        tracing::debug!(pid = self.pid, "the child said something that is not for us");
                    }
                    // It closed its stdout, or says what is not text: from now on only its end is news.
                    Ok(None) | Err(_) => self.said = None,
                },
                status = self.process.wait() => return status.map(News::Ended),
            }
        }
    }

    /// Tells it to stop, waits, and ends it when it takes too long. Returns whether it stopped by itself.
    pub async fn stop(mut self) -> io::Result<bool> {
        self.pipe = None;
        let ended = async {
            while !matches!(self.next().await?, News::Ended(_)) {}
            io::Result::Ok(())
        };
        if let Ok(ended) = tokio::time::timeout(DRAIN_TIME, ended).await {
            return ended.map(|()| true);
        }
        tracing::warn!(pid = self.pid, "the child did not stop in time and is ended");
        self.kill()?;
        self.process.wait().await.map(|_| false)
    }

    /// Ends it at once: also one that is stopped, or that has nobody left who would hear its pipe end. [`Child::next`]
    /// tells when it is gone.
    pub fn kill(&mut self) -> io::Result<()> {
        match self.process.start_kill() {
            // It ended by itself in this instant, which `next` is about to tell.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            killed => killed,
        }
    }
}
