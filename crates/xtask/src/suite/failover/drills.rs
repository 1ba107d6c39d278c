//! What is done to the cluster, and how long writes may be away.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::replica;
use super::stage::Stage;
use crate::patroni::NODES;

/// Patroni's lease: a primary that is not heard of for so long has lost it.
const LEASE: Duration = Duration::from_secs(20);
/// A crashed PostgreSQL, or a role handed over.
const PROCESS: Duration = Duration::from_secs(15);
/// A machine that is gone: its lease must end first.
const MACHINE: Duration = Duration::from_secs(25);
/// One that takes its etcd with it, which may have led: a new leader of etcd begins every lease anew.
const WITH_ETCD: Duration = Duration::from_secs(30);
/// Where nobody needs to take over.
const BARELY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// One drill.
pub struct Drill {
    /// What it is called.
    pub name: &'static str,
    /// What is done, for a table.
    pub says: &'static str,
    /// How long writes may be away.
    pub within: Duration,
    /// Does it, and undoes it.
    pub run: fn(&mut Stage) -> Result<()>,
}

/// On every change.
pub const GATE: &[Drill] = &[
    Drill {
        name: "postgres-killed",
        says: "`kill -9` of the primary's PostgreSQL",
        within: PROCESS,
        run: |stage| stage.cluster.kill_postgres(primary(stage)?),
    },
    Drill {
        name: "primary-paused",
        says: "the primary's machine paused (SIGSTOP) past its lease, then woken",
        within: MACHINE,
        run: |stage| {
            let node = primary(stage)?;
            stage.cluster.pause(node)?;
            let until = Instant::now() + LEASE + PROCESS;
            let came = stage
                .cluster
                .wait_for_successor(node, MACHINE)
                .and_then(|_| stage.until_writes_flow());
            while came.is_ok() && Instant::now() < until {
                std::thread::sleep(PAUSE);
            }
            stage.cluster.resume(node);
            came
        },
    },
    Drill {
        name: "switched-over",
        says: "switchover",
        within: PROCESS,
        run: |stage| stage.cluster.switch_over().map(|_| ()),
    },
    Drill {
        name: "replica-behind",
        says: "both standbys show nothing new for a while (their replay stopped), and a server finds from them",
        within: BARELY,
        run: replica::finds,
    },
];

/// In the soak.
pub const LATER: &[Drill] = &[
    Drill {
        name: "patroni-killed",
        says: "`kill -9` of the primary's Patroni: PostgreSQL goes on, and still says that it may be written",
        within: MACHINE,
        run: |stage| {
            let node = primary(stage)?;
            stage.cluster.kill_patroni(node);
            stage.cluster.wait_for_successor(node, MACHINE * 2)?;
            stage.until_writes_flow()?;
            stage.cluster.start_node(node)
        },
    },
    Drill {
        name: "node-killed",
        says: "`kill -9` of the primary's PostgreSQL, Patroni and etcd",
        within: WITH_ETCD,
        run: |stage| {
            let node = primary(stage)?;
            stage.cluster.kill_node(node, true)?;
            stage.cluster.wait_for_successor(node, MACHINE * 2)?;
            stage.until_writes_flow()?;
            stage.cluster.start_node(node)
        },
    },
    Drill {
        name: "wire-cut",
        says: "the primary's machine cut off from everybody, then joined again",
        within: WITH_ETCD,
        run: |stage| {
            let node = primary(stage)?;
            stage.cluster.cut(node, true)?;
            let came = stage
                .cluster
                .wait_for_successor(node, MACHINE * 2)
                .and_then(|_| stage.until_writes_flow());
            stage.cluster.cut(node, false)?;
            came
        },
    },
    Drill {
        name: "etcd-leader-killed",
        says: "`kill -9` of the etcd that leads",
        within: BARELY,
        run: |stage| {
            let node = stage.cluster.etcd_leader().context("no etcd leads")?;
            stage.cluster.kill_etcd(node);
            stage.until_writes_flow()?;
            stage.cluster.start_node(node)
        },
    },
    Drill {
        name: "one-standby-lost",
        says: "one standby lost",
        within: BARELY,
        run: |stage| {
            let node = stage.cluster.standby().context("there is no standby")?;
            stage.cluster.kill_node(node, false)?;
            stage.until_writes_flow()?;
            stage.cluster.start_node(node)
        },
    },
    Drill {
        name: "two-standbys-lost",
        says: "both standbys lost (writes stop, finding goes on): from the start of one of them",
        within: MACHINE,
        run: |stage| {
            let lost = lose_standbys(stage)?;
            let until = Instant::now() + PROCESS;
            while Instant::now() < until {
                std::thread::sleep(PAUSE);
            }
            stage.cluster.start_node(lost[0])?;
            stage.mark();
            stage.until_writes_flow()?;
            stage.cluster.start_node(lost[1])
        },
    },
    Drill {
        name: "leaderless",
        says: "the primary's machine lost while its standbys are only just back: nobody may follow until a person says who; \
               from that word on",
        within: PROCESS,
        run: leaderless,
    },
    Drill {
        name: "rolling-restart",
        says: "every PostgreSQL restarted in turn, the primary last",
        within: PROCESS,
        run: |stage| {
            let primary = primary(stage)?;
            for node in (0..NODES).filter(|node| *node != primary).chain([primary]) {
                stage.cluster.restart(node)?;
                stage.cluster.ready()?;
            }
            Ok(())
        },
    },
];

fn primary(stage: &Stage) -> Result<usize> {
    stage.cluster.primary().context("there is no primary")
}

/// PostgreSQL waits for a standby that is back; that it may follow is written down in etcd a loop later. A primary that is
/// lost between the two has no successor by itself.
fn leaderless(stage: &mut Stage) -> Result<()> {
    let former = primary(stage)?;
    let lost = lose_standbys(stage)?;
    // Nobody follows: it waits for anybody.
    let gone = until(|| Ok(stage.cluster.waits_for(former)?.contains('*')));
    for node in &lost {
        stage.cluster.start_node(*node)?;
    }
    gone.and_then(|()| until(|| Ok(!stage.cluster.waits_for(former)?.contains('*'))))?;
    stage.cluster.kill_node(former, false)?;
    if let Ok(after) = stage.cluster.wait_for_successor(former, MACHINE) {
        println!("  somebody followed by himself after {after:.1?}");
    } else {
        println!("  nobody followed within {MACHINE:?}; somebody says who");
        stage.mark();
        let received: Result<Vec<_>> = lost
            .iter()
            .map(|node| Ok((stage.cluster.received(*node)?, *node)))
            .collect();
        let (_, most) = received?.into_iter().max().context("there is no standby")?;
        stage.cluster.fail_over(most)?;
    }
    stage.until_writes_flow()?;
    stage.cluster.start_node(former)
}

/// Waits until something is so.
fn until(is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !is_so()? {
        ensure!(began.elapsed() < MACHINE, "not within {MACHINE:?}");
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn lose_standbys(stage: &mut Stage) -> Result<Vec<usize>> {
    let primary = primary(stage)?;
    let lost: Vec<usize> = (0..NODES).filter(|node| *node != primary).collect();
    for node in &lost {
        stage.cluster.kill_node(*node, false)?;
    }
    Ok(lost)
}
