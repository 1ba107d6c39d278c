//! Finding from a read replica: the change feed looks there, and the primary is asked only for decisions. Keeps that what
//! is shown says how old it is, whoever is asked: it is dated by beats.

use super::beat::{self, Beats};
use super::change_feed::ChangeFeed;
use crate::engine::{Counters, StartError, count};
use crate::limit;
use crate::pause::Pause;
use base::limit::Settings;
use database::postgres::Cluster;
use database::{Connection, Database};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::sync::Arc;
use std::time::Duration;

/// What follows the commits of all servers.
pub(crate) struct Following {
    pub database: Database,
    pub feed: Arc<ChangeFeed>,
    pub beats: Option<Arc<Beats>>,
    pub counters: Arc<Counters>,
    pub pause: Arc<Pause>,
    pub clock: Clock,
}

impl Following {
    /// Whether what is seen is dated by beats: where it may be a replica's, or a primary's that was replaced.
    pub(crate) fn needs_beats(database: &Database) -> bool {
        database.has_replica() || database.cluster().is_some_and(Cluster::has_several)
    }

    /// Starts the threads that look, and the one that beats where that is needed.
    pub(crate) fn start(self, settings: &Settings, owner: &Owner) -> Result<(), StartError> {
        let every = settings.duration(&limit::FOLLOW);
        let mut rests_below = None;
        if let Some(beats) = &self.beats {
            let mut primary = self.database.connect_beside()?;
            let (beats, pause, clock) = (Arc::clone(beats), Arc::clone(&self.pause), self.clock.clone());
            let shutdown = owner.shutdown().clone();
            owner.thread("beats", move || {
                beat::write(&beats, &mut primary, &pause, &clock, &shutdown);
            })?;
        }
        if let Some(beats) = self.beats.clone().filter(|_| self.database.has_replica()) {
            let replica = Replica {
                database: self.database.clone(),
                feed: Arc::clone(&self.feed),
                beats,
                counters: self.counters,
                clock: self.clock,
            };
            let most = settings.duration(&limit::REPLICA_AGE);
            let shutdown = owner.shutdown().clone();
            owner.thread("replica", move || replica.follow(every, most, &shutdown))?;
            rests_below = Some(most);
        }
        let (follower, shutdown) = (self.database.connect_beside()?, owner.shutdown().clone());
        owner.thread("change-feed", move || {
            self.feed.follow(follower, every, rests_below, &shutdown);
        })?;
        Ok(())
    }
}

/// A replica, and whoever looks there.
struct Replica {
    database: Database,
    feed: Arc<ChangeFeed>,
    beats: Arc<Beats>,
    counters: Arc<Counters>,
    clock: Clock,
}

impl Replica {
    fn follow(&self, every: Duration, most: Duration, shutdown: &Shutdown) {
        let mut connection = None;
        let mut served = None;
        while !shutdown.requested() {
            let serves = match self.look(&mut connection) {
                Ok(at) => {
                    let current = at.is_some_and(|at| self.clock.monotonic().saturating_sub(at) < most);
                    let counter = if current {
                        &self.counters.replica_current
                    } else {
                        &self.counters.replica_behind
                    };
                    count(counter, 1);
                    current.then_some(()).ok_or_else(|| "it is behind".to_owned())
                }
                Err(cause) => {
                    count(&self.counters.replica_failed, 1);
                    Err(cause)
                }
            };
            if served.replace(serves.is_ok()) != Some(serves.is_ok()) {
                match &serves {
                    Ok(()) => tracing::info!("what is free is read from the replica"),
                    Err(cause) => tracing::warn!(cause, "the replica does not do: the primary is asked what is free"),
                }
            }
            self.clock.sleep_blocking(every);
        }
    }

    fn look(&self, connection: &mut Option<Connection>) -> Result<Option<Duration>, String> {
        let replica = match connection {
            Some(replica) => replica,
            None => connection.insert(self.database.connect_replica().map_err(|error| error.to_string())?),
        };
        let looked = self.feed.catch_up_from_replica(&self.beats, replica);
        looked.map_err(|broken| {
            *connection = None;
            broken.to_string()
        })
    }
}
