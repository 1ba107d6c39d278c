//! A running installation: `evenkeel up` on a data folder of its own, met only as an operator meets it, by its ready
//! line, its signals and its files. Whatever happens to the suite, nothing of it is left running.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::client::{Ask, Client};
use crate::group::Group;

/// Longest wait for the ready line: a first start imports the demonstration (30 s promised; a laden machine gets twice).
const READY_WITHIN: Duration = Duration::from_mins(1);
/// Longest wait for an end after SIGTERM.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// How to start a site.
pub struct Start<'a> {
    /// The product's binary.
    pub binary: &'a Path,
    /// Its data folder.
    pub data: &'a Path,
    /// Where it listens; port 0 picks one.
    pub listen: String,
    /// `up`, or `server` or `gateway` for one without a supervisor.
    pub command: &'static str,
    /// Arguments beyond those.
    pub more: Vec<String>,
    /// A program and its arguments that runs it (strace), if any.
    pub under: Vec<String>,
}

impl<'a> Start<'a> {
    /// On a free port, with nothing special.
    pub fn new(binary: &'a Path, data: &'a Path) -> Self {
        Self {
            binary,
            data,
            listen: "127.0.0.1:0".to_owned(),
            command: "up",
            more: Vec::new(),
            under: Vec::new(),
        }
    }
    /// One server without a supervisor, on this port.
    #[must_use]
    pub fn server(mut self, port: u16) -> Self {
        self.command = "server";
        self.listen = format!("127.0.0.1:{port}");
        self
    }
    /// One gateway without a supervisor, at this address.
    #[must_use]
    pub fn gateway(mut self, address: &str) -> Self {
        self.command = "gateway";
        address.clone_into(&mut self.listen);
        self
    }
    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.more.push(argument.into());
        self
    }
    /// Listens there.
    #[must_use]
    pub fn listen(mut self, at: impl Into<String>) -> Self {
        self.listen = at.into();
        self
    }
    /// Run by another program.
    #[must_use]
    pub fn under(mut self, words: &[&str]) -> Self {
        self.under = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }
    /// Starts it and waits for its ready line.
    pub fn up(self) -> Result<Site> {
        Site::start(&self)
    }
}

/// A running installation.
pub struct Site {
    child: Child,
    group: Option<Group>,
    /// The ready line.
    pub ready: Value,
    /// How long the ready line took.
    pub ready_after: Duration,
    data: PathBuf,
}

impl Site {
    fn start(start: &Start<'_>) -> Result<Self> {
        let mut words: Vec<String> = start.under.clone();
        words.push(start.binary.display().to_string());
        // It may be started again at the same address.
        let listen = match start.listen.strip_suffix(":0") {
            Some(host) => format!("{host}:{}", crate::port::free()?),
            None => start.listen.clone(),
        };
        words.extend([start.command, "--listen", &listen, "--data"].map(str::to_owned));
        words.push(start.data.display().to_string());
        words.extend((start.command == "up").then(|| "--json".to_owned()));
        words.extend(start.more.iter().cloned());
        std::fs::create_dir_all(start.data)?;
        let said = start.data.with_extension("stderr");
        let began = Instant::now();
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&said)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", words.join(" ")))?;
        let group = Some(Group::of(&child));
        let lines = read_lines(child.stdout.take().context("stdout is piped")?);
        let ready = wait_ready(&lines, &mut child, began);
        let mut site = Self {
            child,
            group,
            ready: Value::Null,
            ready_after: began.elapsed(),
            data: start.data.to_owned(),
        };
        site.ready = ready.with_context(|| format!("{}\nit said: {}", words.join(" "), tail(&said)))?;
        Ok(site)
    }

    /// The public URL.
    pub fn public(&self) -> String {
        self.ready["public"]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned()
    }
    /// `127.0.0.1:PORT` of the public door.
    pub fn address(&self) -> String {
        self.public().rsplit('/').next().unwrap_or_default().to_owned()
    }
    /// A client of the public door.
    pub fn client(&self) -> Client {
        Client::new(&self.public())
    }
    /// The supervisor's process.
    pub fn supervisor(&self) -> Result<Pid> {
        pid(&self.ready["pids"]["supervisor"]).context("the ready line names no supervisor")
    }
    /// What `DATA/run/processes.json` says now.
    pub fn processes(&self) -> Result<Value> {
        let path = self.data.join("run/processes.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}: {text}", path.display()))
    }
    /// The first server's process, now.
    pub fn server(&self) -> Result<Pid> {
        pid(&self.processes()?["pids"]["server"][0]).context("processes.json names no server")
    }
    /// The first server's internal URL, now.
    pub fn internal(&self) -> Result<String> {
        let now = self.processes()?;
        let url = now["internal"]["server"][0]
            .as_str()
            .context("processes.json names no internal listener")?;
        Ok(url.trim_end_matches('/').to_owned())
    }
    /// Sends a signal to the first server.
    pub fn signal_server(&self, signal: Signal) -> Result<Pid> {
        let server = self.server()?;
        kill(server, signal).with_context(|| format!("signalling the server {server}"))?;
        Ok(server)
    }
    /// Kills the supervisor with SIGKILL and waits for its end; its children see end of file and leave by themselves.
    /// What is given back sees to it that they are gone when it is dropped.
    pub fn kill_supervisor(mut self) -> Result<Option<Group>> {
        kill(self.supervisor()?, Signal::SIGKILL)?;
        self.child.wait()?;
        Ok(self.group.take())
    }
    /// SIGTERM, and waits for the end.
    pub fn stop(mut self) -> Result<ExitStatus> {
        match (self.supervisor(), &self.group) {
            (Ok(supervisor), _) => kill(supervisor, Signal::SIGTERM)?,
            (Err(_), Some(group)) => group.signal(Signal::SIGTERM)?,
            (Err(error), None) => return Err(error),
        }
        self.wait(STOPS_WITHIN)
    }
    /// Waits for the end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("still running {within:?} after it was told to stop");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    /// Waits until `/readyz` answers 200.
    pub async fn until_ready(&self, within: Duration) -> Result<()> {
        let until = Instant::now() + within;
        loop {
            let last = self.client().send(&Ask::get("/readyz")).await;
            match last {
                Ok(answer) if answer.status == 200 => return Ok(()),
                last if Instant::now() > until => bail!("not ready within {within:?}: {last:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.group.take());
        let _ = self.child.wait();
    }
}

/// The last lines of what a program said.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

fn pid(value: &Value) -> Option<Pid> {
    value.as_i64().map(|pid| Pid::from_raw(pid as i32))
}

/// Reads lines for as long as the program lives, so that it never waits for a full pipe.
fn read_lines(out: std::process::ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn wait_ready(lines: &mpsc::Receiver<String>, child: &mut Child, began: Instant) -> Result<Value> {
    loop {
        let left = READY_WITHIN
            .checked_sub(began.elapsed())
            .ok_or_else(|| anyhow!("no ready line in {READY_WITHIN:?}"))?;
        match lines.recv_timeout(left) {
            Ok(line) => {
                let value: Value = serde_json::from_str(&line).unwrap_or_default();
                if value["event"] == "ready" {
                    return Ok(value);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("no ready line in {READY_WITHIN:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("it ended with {} before it was ready", child.wait()?),
        }
    }
}
