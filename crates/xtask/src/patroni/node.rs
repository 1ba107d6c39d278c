//! One node: its etcd, its Patroni, and the PostgreSQL that Patroni starts and lets go of.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::unistd::Pid;

use super::NODES;
use super::network::Network;
use crate::group::{Group, Within};
use crate::port;
use crate::postgres::give_away;

/// A program of ours, and its group.
type Running = (Group, Child);

/// One node.
pub(super) struct Node {
    /// What Patroni and etcd call it.
    pub name: String,
    host: String,
    ports: Ports,
    folder: PathBuf,
    etcd: Option<Running>,
    patroni: Option<Running>,
    /// Whoever was stopped with SIGSTOP.
    pub paused: Vec<Pid>,
}

#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    peers: u16,
    postgres: u16,
    rest: u16,
}

impl Node {
    /// Nodes with free ports and folders of their own.
    pub fn several(folder: &Path, network: &Network) -> Result<Vec<Self>> {
        let ports: Vec<u16> = (0..NODES * 4).map(|_| port::free()).collect::<Result<_>>()?;
        ports
            .chunks(4)
            .enumerate()
            .map(|(n, ports)| Self::new(folder, network.host(n), n, ports))
            .collect()
    }

    fn new(folder: &Path, host: String, n: usize, ports: &[u16]) -> Result<Self> {
        let name = format!("n{}", n + 1);
        let folder = folder.join(&name);
        std::fs::create_dir_all(&folder)?;
        give_away(&folder)?;
        let &[clients, peers, postgres, rest] = ports else {
            anyhow::bail!("four ports are wanted")
        };
        Ok(Self {
            name,
            host,
            ports: Ports {
                clients,
                peers,
                postgres,
                rest,
            },
            folder,
            etcd: None,
            patroni: None,
            paused: Vec::new(),
        })
    }

    pub fn host(&self) -> &str {
        &self.host
    }
    /// `HOST:PORT` of PostgreSQL.
    pub fn postgres(&self) -> String {
        format!("{}:{}", self.host, self.ports.postgres)
    }
    /// Of Patroni's HTTP.
    pub fn rest(&self) -> String {
        format!("{}:{}", self.host, self.ports.rest)
    }
    /// Of etcd, for Patroni.
    pub fn clients(&self) -> String {
        format!("{}:{}", self.host, self.ports.clients)
    }
    /// Of etcd, for the other two.
    pub fn peers(&self) -> String {
        format!("{}:{}", self.host, self.ports.peers)
    }
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("patroni.yml")
    }
    pub fn folder(&self) -> &Path {
        &self.folder
    }
    /// Where PostgreSQL's files are, and it works.
    pub fn data(&self) -> PathBuf {
        self.folder.join("pg")
    }
    pub fn etcd_log(&self) -> PathBuf {
        self.folder.join("etcd.log")
    }
    pub fn patroni_log(&self) -> PathBuf {
        self.folder.join("patroni.log")
    }

    pub fn run_etcd(&mut self, command: Command) -> Result<()> {
        if self.etcd.is_none() {
            self.etcd = Some(run(command, &self.folder, &self.etcd_log())?);
        }
        Ok(())
    }
    pub fn run_patroni(&mut self, command: Command) -> Result<()> {
        if self.patroni.is_none() {
            self.patroni = Some(run(command, &self.folder, &self.patroni_log())?);
        }
        Ok(())
    }

    /// PostgreSQL's first process and all its others.
    pub fn postgres_pids(&self) -> Vec<Pid> {
        Within::pids(&self.data())
    }
    pub fn patroni_pid(&self) -> Option<Pid> {
        self.patroni
            .as_ref()
            .map(|(_, process)| Pid::from_raw(process.id().cast_signed()))
    }
    pub fn is_paused(&self) -> bool {
        !self.paused.is_empty()
    }

    /// `kill -9`, and waits for the end.
    pub fn kill_patroni(&mut self) {
        end(&mut self.patroni);
    }
    pub fn kill_etcd(&mut self) {
        end(&mut self.etcd);
    }
    /// Both; PostgreSQL's processes are left to whoever keeps the folder.
    pub fn end(&mut self) {
        self.kill_patroni();
        self.kill_etcd();
    }
}

fn run(mut command: Command, folder: &Path, log: &Path) -> Result<Running> {
    let log = File::options().create(true).append(true).open(log)?;
    // Whoever it runs as has no home, and must not look into ours.
    command
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .current_dir(folder)
        .process_group(0);
    let process = command
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    Ok((Group::of(&process), process))
}

fn end(running: &mut Option<Running>) {
    if let Some((group, mut process)) = running.take() {
        drop(group);
        let _ = process.wait();
    }
}
