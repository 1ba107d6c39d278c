//! Many seeds on several threads: the fixed ones of the gate, fresh ones for a while, and those that hunt a planted bug.

use crate::checker::Found;
use crate::checker::sometimes::Sometimes;
use crate::seed;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seeds run.
    pub seeds: u64,
    /// Commands in them.
    pub commands: u64,
    /// What happened how often.
    pub sometimes: Sometimes,
    /// Seeds that found something, with what and their logs, by seed.
    pub failed: Vec<(u64, Found, Vec<String>)>,
}

/// The order in which seeds are drawn, and when to stop.
#[derive(Debug, Clone, Copy)]
pub enum Seeds {
    /// So many from a first one on.
    Fixed {
        /// The first.
        first: u64,
        /// How many.
        count: u64,
    },
    /// New ones for a while of real time.
    Fresh(Duration),
}

/// Runs seeds on so many threads. With a bug, until the first seed in order that finds something is certain.
pub fn run(seeds: Seeds, commands: u64, threads: u64, bug: Option<&'static str>) -> io::Result<Tally> {
    let owner = Owner::new(Shutdown::new());
    let (next, clock, entropy) = (Arc::new(AtomicU64::new(0)), Clock::real(), Entropy::real());
    let enough = Arc::new(AtomicU64::new(u64::MAX));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..threads {
        let (next, clock, entropy, sender) = (Arc::clone(&next), clock.clone(), entropy.clone(), sender.clone());
        let enough = Arc::clone(&enough);
        owner.thread("seeds", move || {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let seed = match seeds {
                    Seeds::Fixed { first, count } if n < count => first + n,
                    Seeds::Fresh(most) if clock.monotonic() < most => entropy.below(1 << 48),
                    Seeds::Fixed { .. } | Seeds::Fresh(_) => return,
                };
                if bug.is_some() && n > enough.load(Ordering::Relaxed) {
                    return;
                }
                let run = seed::run(seed, commands, bug);
                if run.as_ref().is_ok_and(|run| run.found.is_some()) {
                    enough.fetch_min(n, Ordering::Relaxed);
                }
                if sender.send((seed, run)).is_err() {
                    return;
                }
            }
        })?;
    }
    drop(sender);
    let mut tally = Tally::default();
    for (seed, run) in receiver {
        let run = run.map_err(io::Error::other)?;
        tally.seeds += 1;
        tally.commands += run.commands;
        tally.sometimes.add(&run.sometimes);
        if let Some(found) = run.found {
            tally.failed.push((seed, found, run.log.lines().to_vec()));
        }
    }
    tally.failed.sort_by_key(|(seed, _, _)| *seed);
    Ok(tally)
}
