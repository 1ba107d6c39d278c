//! Where the nodes are: all on loopback, or each in a network namespace of its own behind a bridge, so that one can be
//! cut off from everybody.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{postgres, program, tools};

/// What our bridges and namespaces are called, before the number of the process that made them.
const PREFIX: &str = "ek";

/// Where the nodes are.
pub(super) enum Network {
    /// On this machine's own.
    Loopback,
    /// Each apart.
    Apart(Apart),
}

/// A bridge of ours with a namespace for each node.
pub(super) struct Apart {
    name: String,
    /// The first three numbers of their addresses.
    net: String,
    nodes: usize,
}

impl Network {
    /// Makes namespaces for so many nodes.
    pub fn apart(nodes: usize) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "network namespaces need root");
        tools::debian("ip", "iproute2")?;
        let number = std::process::id();
        let apart = Apart {
            name: format!("{PREFIX}{number}"),
            net: format!("10.{}.{}", 64 + number % 128, number / 128 % 250),
            nodes,
        };
        Apart::remove_left();
        apart.make()?;
        Ok(Self::Apart(apart))
    }

    /// A node's address.
    pub fn host(&self, n: usize) -> String {
        match self {
            Self::Loopback => "127.0.0.1".to_owned(),
            Self::Apart(apart) => format!("{}.{}", apart.net, n + 11),
        }
    }

    /// A program, to be run there as PostgreSQL's user.
    pub fn command(&self, n: usize, program: &Path) -> Result<Command> {
        let bare = postgres::unprivileged(program)?;
        let Self::Apart(apart) = self else { return Ok(bare) };
        // `ip` and setpriv become the program: its pid is the one that was started.
        let mut command = Command::new(tools::debian("ip", "iproute2")?);
        command
            .args(["netns", "exec", &apart.space(n)])
            .arg(bare.get_program())
            .args(bare.get_args());
        Ok(command)
    }

    /// Cuts a node's wire, or mends it: what is sent is dropped, and nobody is told.
    pub fn cut(&self, n: usize, cut: bool) -> Result<()> {
        let Self::Apart(apart) = self else {
            anyhow::bail!("on loopback there is no wire to cut")
        };
        let state = if cut { "0" } else { "3" };
        let mut bridge = Command::new(program::find("bridge").context("iproute2 brought no `bridge`")?);
        program::output(bridge.args(["link", "set", "dev", &apart.space(n), "state", state]))?;
        Ok(())
    }
}

impl Apart {
    fn space(&self, n: usize) -> String {
        format!("{}-{}", self.name, n + 1)
    }

    fn make(&self) -> Result<()> {
        let (bridge, net) = (&self.name, &self.net);
        let ip = |words: &str| program::output(Command::new("ip").args(words.split(' '))).map(|_| ());
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add {net}.1/24 dev {bridge}"))?;
        ip(&format!("link set {bridge} up"))?;
        for n in 0..self.nodes {
            let space = self.space(n);
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add {space} type veth peer name eth0 netns {space}"))?;
            ip(&format!("link set {space} master {bridge} up"))?;
            ip(&format!("-n {space} link set lo up"))?;
            ip(&format!("-n {space} addr add {net}.{}/24 dev eth0", n + 11))?;
            ip(&format!("-n {space} link set eth0 up"))?;
        }
        Ok(())
    }

    /// Removes what runs have left that were killed.
    fn remove_left() {
        let said = program::output(Command::new("ip").args(["netns", "list"])).unwrap_or_default();
        let spaces = said.lines().filter_map(|line| line.split(' ').next());
        let makers = spaces.filter_map(|space| space.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        for maker in makers.filter(|maker| !Path::new(&format!("/proc/{maker}")).exists()) {
            let left = Self {
                name: format!("{PREFIX}{maker}"),
                net: String::new(),
                nodes: super::NODES,
            };
            drop(left);
        }
    }

    fn remove(&self) {
        for n in 0..self.nodes {
            let _ = program::output(Command::new("ip").args(["netns", "del", &self.space(n)]));
        }
        let _ = program::output(Command::new("ip").args(["link", "del", &self.name]));
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.remove();
    }
}
