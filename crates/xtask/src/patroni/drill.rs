//! What is done to a cluster on purpose, and undone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

use super::rest::ask;
use super::{ANSWERS_WITHIN, Cluster, DONE_WITHIN, NODES};

impl Cluster {
    /// `kill -9` of a node's PostgreSQL, all its processes; Patroni is left to notice.
    pub fn kill_postgres(&self, node: usize) -> Result<()> {
        let pids = self.nodes[node].postgres_pids();
        ensure!(!pids.is_empty(), "{} runs no PostgreSQL", self.name(node));
        Self::signal(&pids, Signal::SIGKILL);
        Ok(())
    }

    /// `kill -9` of a node's Patroni; PostgreSQL goes on without it.
    pub fn kill_patroni(&mut self, node: usize) {
        self.nodes[node].kill_patroni();
    }

    /// `kill -9` of a node's Patroni and PostgreSQL; its etcd as well, where the whole machine is meant.
    pub fn kill_node(&mut self, node: usize, etcd: bool) -> Result<()> {
        self.kill_patroni(node);
        self.kill_postgres(node)?;
        if etcd {
            self.nodes[node].kill_etcd();
        }
        Ok(())
    }

    /// Starts whatever of a node does not run.
    pub fn start_node(&mut self, node: usize) -> Result<()> {
        self.start_etcd(node)?;
        self.start_patroni(node)
    }

    /// Stops a node as a pausing machine does, in the middle of everything (SIGSTOP): who speaks to it hears nothing.
    pub fn pause(&mut self, node: usize) -> Result<()> {
        let mut pids: Vec<_> = self.nodes[node].patroni_pid().into_iter().collect();
        pids.extend(self.nodes[node].postgres_pids());
        ensure!(!pids.is_empty(), "{} does not run", self.name(node));
        Self::signal(&pids, Signal::SIGSTOP);
        self.nodes[node].paused = pids;
        Ok(())
    }

    /// Lets it go on where it was (SIGCONT).
    pub fn resume(&mut self, node: usize) {
        let pids = std::mem::take(&mut self.nodes[node].paused);
        Self::signal(&pids, Signal::SIGCONT);
    }

    /// A standby goes on receiving what the primary writes, and shows nothing of it, or does again. (By its process:
    /// Patroni lets replay go on that was paused by SQL.)
    pub fn show_nothing_new(&self, node: usize, nothing: bool) -> Result<()> {
        let replays = |pid: &Pid| {
            let says = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
            says.is_ok_and(|says| says.contains("startup"))
        };
        let pids = self.nodes[node].postgres_pids();
        let pids: Vec<Pid> = pids.into_iter().filter(replays).collect();
        ensure!(!pids.is_empty(), "{} follows nobody", self.name(node));
        let signal = if nothing { Signal::SIGSTOP } else { Signal::SIGCONT };
        Self::signal(&pids, signal);
        Ok(())
    }

    /// A standby shows each commit so much later than it has it. (In a file of its own, which Patroni leaves alone.)
    pub fn lag(&self, node: usize, by: Duration) -> Result<()> {
        let delay = format!("ALTER SYSTEM SET recovery_min_apply_delay = {}", by.as_millis());
        self.ask(node, "postgres", &delay)?;
        self.ask(node, "postgres", "SELECT pg_reload_conf()")?;
        Ok(())
    }

    /// Cuts a node's wire, or mends it. Only where each is apart.
    pub fn cut(&self, node: usize, cut: bool) -> Result<()> {
        self.network.cut(node, cut)
    }

    /// Asks Patroni to hand over to a standby, and waits until that was done.
    pub fn switch_over(&self) -> Result<usize> {
        let primary = self.primary().context("there is no primary")?;
        let candidate = self.standby().context("no standby may take over")?;
        let wish = serde_json::json!({ "leader": self.name(primary), "candidate": self.name(candidate) });
        self.post(primary, "/switchover", &wish)?;
        Ok(candidate)
    }

    /// Tells Patroni who shall be the primary, where it does not find one by itself: what the runbook does by `patronictl`.
    pub fn fail_over(&self, candidate: usize) -> Result<()> {
        let wish = serde_json::json!({ "candidate": self.name(candidate) });
        self.post(candidate, "/failover", &wish)
    }

    /// For whom a node's PostgreSQL waits at each commit.
    pub fn waits_for(&self, node: usize) -> Result<String> {
        self.ask(node, "postgres", "SHOW synchronous_standby_names")
    }

    /// How much a standby has received, in bytes of the log.
    pub fn received(&self, node: usize) -> Result<u64> {
        let sql = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint";
        Ok(self.ask(node, "postgres", sql)?.parse()?)
    }

    /// Restarts a node's PostgreSQL through Patroni.
    pub fn restart(&self, node: usize) -> Result<()> {
        self.post(node, "/restart", &serde_json::json!({}))
    }

    fn post(&self, node: usize, path: &str, wish: &Value) -> Result<()> {
        let (code, said) = ask(&self.nodes[node].rest(), "POST", path, &wish.to_string(), DONE_WITHIN)?;
        ensure!(code == 200, "{path} on {}: {code}: {said}", self.name(node));
        Ok(())
    }

    /// The node whose etcd leads the three.
    pub fn etcd_leader(&self) -> Option<usize> {
        let leads = |n: &usize| {
            let said = ask(
                &self.nodes[*n].clients(),
                "POST",
                "/v3/maintenance/status",
                "{}",
                ANSWERS_WITHIN,
            );
            let status: Value = said
                .ok()
                .and_then(|(_, text)| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            status["leader"].is_string() && status["leader"] == status["header"]["member_id"]
        };
        (0..NODES).find(leads)
    }

    /// `kill -9` of a node's etcd.
    pub fn kill_etcd(&mut self, node: usize) {
        self.nodes[node].kill_etcd();
    }

    /// Waits until a node other than this one leads; how long that took.
    pub fn wait_for_successor(&self, of: usize, within: Duration) -> Result<Duration> {
        let began = Instant::now();
        while self.primary().is_none_or(|n| n == of) {
            ensure!(
                began.elapsed() < within,
                "nobody followed {} within {within:?}",
                self.name(of)
            );
            std::thread::sleep(super::PAUSE);
        }
        Ok(began.elapsed())
    }
}
