//! A PostgreSQL server of our own: Debian's, in a folder made for it, on a free port of loopback, as a user without
//! rights. Keeps that it ends with whoever started it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::group::Group;
use crate::{program, tools};

/// The version that Debian 12 has, and the oldest that the product takes.
pub(crate) const VERSION: u32 = 15;
/// The only role, and its password: on loopback, for the time of a test.
const ROLE: &str = "evenkeel";
const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPS_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// A running server.
pub struct Postgres {
    folder: PathBuf,
    process: Option<(Child, Group)>,
    /// Of loopback.
    pub port: u16,
    settings: Vec<String>,
    standby: Option<Box<Self>>,
}

impl Postgres {
    /// Makes one in a new folder under `parent`, and starts it with these settings beside its own (`name=value`).
    pub fn start(parent: &Path, settings: &[&str]) -> Result<Self> {
        let bin = tools::postgres(VERSION)?;
        let folder = parent.join(format!("evenkeel-postgres-{}", std::process::id()));
        let folder = (0..1_000)
            .map(|n| folder.with_extension(n.to_string()))
            .find(|f| !f.exists());
        let folder = folder.context("no folder is free")?;
        std::fs::create_dir_all(&folder)?;
        give_away(&folder)?;
        let word = folder.join("password");
        std::fs::write(&word, ROLE)?;
        give_away(&word)?;
        let mut init = unprivileged(&bin.join("initdb"))?;
        init.arg("-D").arg(folder.join("data")).arg("--pwfile").arg(&word);
        init.args([
            "-U",
            ROLE,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-k",
        ]);
        program::output(init.current_dir(&folder))?;
        let mut server = Self {
            folder,
            process: None,
            port: crate::port::free()?,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            standby: None,
        };
        server.run()?;
        Ok(server)
    }

    /// Starts it, again.
    pub fn run(&mut self) -> Result<()> {
        let mut command = unprivileged(&tools::postgres(VERSION)?.join("postgres"))?;
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-p")
            .arg(self.port.to_string());
        let own = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=400",
            "log_line_prefix=%m [%p] %a ",
        ];
        for setting in own.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.arg("-c").arg(setting);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .current_dir(&self.folder);
        command.process_group(0);
        let began = Instant::now();
        while !self.is_ready() {
            // After a kill it refuses to start as long as a process of the former one has not noticed.
            let ended = match &mut self.process {
                Some((process, _)) => process.try_wait()?.is_some(),
                None => true,
            };
            if ended {
                let process = command.spawn().context("starting postgres")?;
                let group = Group::of(&process);
                self.process = Some((process, group));
            }
            ensure!(
                began.elapsed() < READY_WITHIN,
                "PostgreSQL is not ready:\n{}",
                self.log()
            );
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Adds a standby, which every commit waits for from now on.
    pub fn add_standby(&mut self) -> Result<()> {
        let hba = self.folder.join("data/pg_hba.conf");
        let mut rules = std::fs::read_to_string(&hba)?;
        rules.push_str("host replication all 127.0.0.1/32 scram-sha-256\n");
        std::fs::write(&hba, rules)?;
        self.ask("postgres", "SELECT pg_reload_conf()")?;
        let folder = self.folder.join("standby");
        let mut copy = unprivileged(&tools::postgres(VERSION)?.join("pg_basebackup"))?;
        copy.arg("-D")
            .arg(folder.join("data"))
            .args(["-R", "-X", "stream", "-c", "fast", "-d"])
            .arg(self.url("postgres"));
        std::fs::create_dir_all(&folder)?;
        give_away(&folder)?;
        program::output(copy.current_dir(&folder))?;
        let mut standby = Self {
            folder,
            process: None,
            port: crate::port::free()?,
            settings: self.settings.clone(),
            standby: None,
        };
        standby.run()?;
        self.standby = Some(Box::new(standby));
        self.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.ask("postgres", "SELECT pg_reload_conf()")?;
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let Ok(bin) = tools::postgres(VERSION) else {
            return false;
        };
        let mut ask = Command::new(bin.join("pg_isready"));
        ask.args([
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            ROLE,
            "-d",
            "postgres",
        ]);
        ask.status().is_ok_and(|status| status.success())
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{ROLE}:{ROLE}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// The same of its standby.
    pub fn standby_url(&self, database: &str) -> Option<String> {
        self.standby.as_ref().map(|standby| standby.url(database))
    }

    /// Runs SQL by Debian's own client.
    pub fn ask(&self, database: &str, sql: &str) -> Result<String> {
        let bin = tools::postgres(VERSION)?;
        let mut ask = Command::new(bin.join("psql"));
        ask.arg(self.url(database))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        Ok(program::output(&mut ask)?.trim().to_owned())
    }

    /// Makes a database, and answers its URL.
    pub fn database(&self, name: &str) -> Result<String> {
        self.ask("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(self.url(name))
    }

    /// Of the first process.
    pub fn pid(&self) -> Result<Pid> {
        let (process, _) = self.process.as_ref().context("it does not run")?;
        Ok(Pid::from_raw(process.id().cast_signed()))
    }

    /// `kill -9` of the first process; its others end when they notice.
    pub fn kill(&mut self) -> Result<()> {
        kill(self.pid()?, Signal::SIGKILL)?;
        if let Some((mut process, _)) = self.process.take() {
            process.wait()?;
        }
        Ok(())
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.standby.take());
        if let (Ok(pid), Some((mut process, _group))) = (self.pid(), self.process.take()) {
            let _ = kill(pid, Signal::SIGQUIT);
            let began = Instant::now();
            while began.elapsed() < STOPS_WITHIN && matches!(process.try_wait(), Ok(None)) {
                std::thread::sleep(PAUSE);
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL refuses root. (setpriv becomes the program, so that its pid is the one to signal.)
pub(crate) fn unprivileged(program: &Path) -> Result<Command> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(Command::new(program));
    }
    let setpriv = tools::debian("setpriv", "util-linux")?;
    let mut command = Command::new(setpriv);
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
        .arg(program);
    Ok(command)
}

/// Makes it the property of that user.
pub(crate) fn give_away(path: &Path) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let user = nix::unistd::User::from_name("postgres")?.context("there is no user `postgres`")?;
    Ok(nix::unistd::chown(path, Some(user.uid), Some(user.gid))?)
}

/// `cargo xtask postgres`: one to try things with, until it is told to stop.
pub fn serve() -> Result<()> {
    let server = Postgres::start(&std::env::temp_dir(), &["fsync=off"])?;
    println!("{}", server.url("postgres"));
    let stop = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    stop.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}
