//! Three PostgreSQL servers that Patroni keeps one, with an etcd of three beside them: a cluster as an operator has it,
//! small, on loopback or in network namespaces of its own, to be hurt on purpose. Keeps that nothing of it is left when
//! it is dropped, or when we are told to stop.

mod configuration;
mod drill;
mod network;
mod node;
mod rest;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::group::Within;
use crate::postgres::{self, give_away};
use crate::{Checkout, program, tools};
use network::Network;
use node::Node;
use rest::ask;

/// Nodes: the fewest of which one may be lost.
pub const NODES: usize = 3;
/// The application's role, its password and its database, and everybody else's password: for the time of a test.
const ROLE: &str = "evenkeel";
const PASSWORD: &str = "evenkeel-test";
/// From nothing to three nodes of which each follows, on a laden machine.
const UP_WITHIN: Duration = Duration::from_secs(90);
/// One answer of a node; a stopped one gives none.
const ANSWERS_WITHIN: Duration = Duration::from_millis(700);
/// What is asked of Patroni to be done.
const DONE_WITHIN: Duration = Duration::from_mins(1);
/// Clusters of one process at once.
const FOLDERS_MAX: u32 = 16;
const PAUSE: Duration = Duration::from_millis(50);

/// A running cluster.
pub struct Cluster {
    nodes: Vec<Node>,
    programs: Programs,
    // After the nodes: what those let go of ends here.
    _within: Within,
    network: Network,
    /// How long it took until it was whole.
    pub up_after: Duration,
}

/// Where what runs is.
struct Programs {
    etcd: PathBuf,
    patroni: PathBuf,
    postgres: PathBuf,
}

impl Cluster {
    /// A whole cluster on loopback, with an empty database for the application.
    pub fn start(checkout: &Checkout) -> Result<Self> {
        Self::start_on(checkout, Network::Loopback)
    }

    /// The same, each node in a network namespace of its own, so that its wire can be cut. Needs root.
    pub fn start_apart(checkout: &Checkout) -> Result<Self> {
        Self::start_on(checkout, Network::apart(NODES)?)
    }

    fn start_on(checkout: &Checkout, network: Network) -> Result<Self> {
        let programs = Programs {
            etcd: tools::debian("etcd", "etcd-server")?,
            patroni: tools::patroni(checkout)?,
            postgres: tools::postgres(postgres::VERSION)?,
        };
        let began = Instant::now();
        let folder = std::env::temp_dir().join(format!("evenkeel-patroni-{}", std::process::id()));
        let folder = (0..FOLDERS_MAX)
            .map(|n| folder.with_extension(n.to_string()))
            .find(|f| !f.exists());
        let folder = folder.context("no folder is free")?;
        std::fs::create_dir_all(&folder)?;
        give_away(&folder)?;
        let mut cluster = Self {
            nodes: Node::several(&folder, &network)?,
            programs,
            _within: Within::new(&folder),
            network,
            up_after: Duration::ZERO,
        };
        cluster.bring_up(began).with_context(|| cluster.logs())?;
        cluster.up_after = began.elapsed();
        Ok(cluster)
    }

    fn bring_up(&mut self, began: Instant) -> Result<()> {
        ensure_runs(&self.programs.patroni.join("patroni"))?;
        for node in &self.nodes {
            let text = configuration::of(node, &self.nodes, &self.programs.postgres);
            std::fs::write(node.configuration(), text)?;
            give_away(&node.configuration())?;
        }
        for n in 0..NODES {
            self.start_etcd(n)?;
        }
        for n in 0..NODES {
            self.start_patroni(n)?;
        }
        self.ready_by(began + UP_WITHIN)?;
        let primary = self.primary().context("there is no primary")?;
        for sql in [
            format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"),
            format!("GRANT pg_monitor TO {ROLE}"),
            format!("CREATE DATABASE {ROLE} OWNER {ROLE} TEMPLATE template0"),
        ] {
            self.ask(primary, "postgres", &sql)?;
        }
        Ok(())
    }

    /// The URL of the application's database: every host, and whoever connects finds the primary.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(Node::postgres).collect();
        format!(
            "postgres://{ROLE}:{PASSWORD}@{}/{ROLE}?sslmode=disable",
            hosts.join(",")
        )
    }

    /// The node that is the primary, as Patroni says.
    pub fn primary(&self) -> Option<usize> {
        let leads =
            |node: &Node| ask(&node.rest(), "GET", "/primary", "", ANSWERS_WITHIN).is_ok_and(|(code, _)| code == 200);
        (0..NODES).find(|&n| !self.nodes[n].is_paused() && leads(&self.nodes[n]))
    }

    /// A node that may take over.
    pub fn standby(&self) -> Option<usize> {
        let follows =
            |node: &Node| ask(&node.rest(), "GET", "/quorum", "", ANSWERS_WITHIN).is_ok_and(|(code, _)| code == 200);
        (0..NODES).find(|&n| !self.nodes[n].is_paused() && follows(&self.nodes[n]))
    }

    /// How Patroni's programs call a node.
    pub fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// What is known to Patroni of every node.
    pub fn members(&self) -> Vec<Value> {
        let asked = self.nodes.iter().filter(|node| !node.is_paused());
        let mut said = asked.filter_map(|node| ask(&node.rest(), "GET", "/cluster", "", ANSWERS_WITHIN).ok());
        let text = said.find(|(code, _)| *code == 200).map(|(_, text)| text);
        let all: Value = text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        all["members"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the cluster can lose any node: one leads, the others stream, and etcd has it in writing that each of
    /// them may take over. (PostgreSQL knows that a moment earlier, when it is not true yet.)
    pub fn ready(&self) -> Result<Duration> {
        let began = Instant::now();
        self.ready_by(began + UP_WITHIN)?;
        Ok(began.elapsed())
    }

    fn ready_by(&self, until: Instant) -> Result<()> {
        let whole = |members: &[Value]| {
            let count = |role: &str, state: &str| {
                let fits = |member: &&Value| member["role"] == role && member["state"] == state;
                members.iter().filter(fits).count()
            };
            count("leader", "running") == 1 && count("quorum_standby", "streaming") == NODES - 1
        };
        loop {
            let members = self.members();
            if whole(&members) && self.primary().is_some_and(|n| self.waits_for_each(n)) {
                return Ok(());
            }
            ensure!(Instant::now() < until, "the cluster is not whole: {members:?}");
            std::thread::sleep(PAUSE);
        }
    }

    fn waits_for_each(&self, primary: usize) -> bool {
        let names = self
            .ask(primary, "postgres", "SHOW synchronous_standby_names")
            .unwrap_or_default();
        let others = self.nodes.iter().enumerate().filter(|(n, _)| *n != primary);
        names.starts_with("ANY 1")
            && others
                .map(|(_, node)| &node.name)
                .all(|name| names.contains(name.as_str()))
    }

    /// Runs SQL on one node as its superuser, by Debian's own client.
    pub fn ask(&self, node: usize, database: &str, sql: &str) -> Result<String> {
        let mut client = Command::new(self.programs.postgres.join("psql"));
        let url = format!(
            "postgres://postgres:{PASSWORD}@{}/{database}?sslmode=disable",
            self.nodes[node].postgres()
        );
        client
            .env("PGCONNECT_TIMEOUT", "2")
            .arg(url)
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        Ok(program::output(&mut client)?.trim().to_owned())
    }

    fn start_etcd(&mut self, n: usize) -> Result<()> {
        let mut command = self.network.command(n, &self.programs.etcd)?;
        command.args(configuration::etcd(&self.nodes[n], &self.nodes));
        self.nodes[n].run_etcd(command)
    }

    fn start_patroni(&mut self, n: usize) -> Result<()> {
        let mut command = self.network.command(n, &self.programs.patroni.join("patroni"))?;
        command.arg(self.nodes[n].configuration()).env("LANG", "C.UTF-8");
        self.nodes[n].run_patroni(command)
    }

    fn signal(pids: &[Pid], signal: Signal) {
        for pid in pids {
            let _ = kill(*pid, signal); // one that has ended meanwhile
        }
    }

    /// The end of what each of them wrote.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            for log in [node.etcd_log(), node.patroni_log()] {
                text.push_str("── ");
                text.push_str(&log.display().to_string());
                text.push('\n');
                text.push_str(&crate::site::tail(&log));
                text.push('\n');
            }
        }
        text
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(Node::end); // Patroni first, or it starts PostgreSQL again
    }
}

/// Whether PostgreSQL's user can run it: a checkout in somebody's home may be closed to others.
fn ensure_runs(patroni: &Path) -> Result<()> {
    let mut version = postgres::unprivileged(patroni)?;
    let said = program::output(version.arg("--version")).with_context(|| {
        format!(
            "user `postgres` cannot run {}: each folder above must be open to others (o+x)",
            patroni.display()
        )
    })?;
    if !said.trim().starts_with("patroni 4.") {
        bail!("Patroni 4 is wanted, {} is {said}", patroni.display());
    }
    Ok(())
}

/// `cargo xtask patroni`: one to try things with, until it is told to stop.
pub fn serve(checkout: &Checkout) -> Result<()> {
    let cluster = Cluster::start(checkout)?;
    println!("{}", cluster.url());
    eprintln!(
        "up after {:.1} s; patronictl -c {}",
        cluster.up_after.as_secs_f64(),
        cluster.nodes[0].configuration().display()
    );
    let stop = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    stop.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}
