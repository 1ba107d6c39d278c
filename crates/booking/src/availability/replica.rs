//! Beats, and finding from a read replica: the change feed looks there, and the primary is asked only for decisions. Keeps
//! that what is shown says how old it is, whoever is asked: this server writes a *beat* to the primary now and then, and
//! what is seen anywhere is as old as the newest beat in it (no clocks are compared; a replica that stands still shows no
//! new beats, nor does a primary that was replaced, which can commit nothing any more).

use super::change_feed::ChangeFeed;
use crate::engine::{Counters, StartError, count};
use crate::pause::Pause;
use crate::sealing::committed;
use crate::{limit, move_pause, records};
use base::limit::Settings;
use database::postgres::Cluster;
use database::{Broken, Connection, Database, Transaction};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two beats: well below the second within which what is shown must be current.
/// With `booking.pause.after` it is also within a second that a primary is found to take nothing.
const BEAT: Duration = Duration::from_millis(150);
/// Beats that are remembered: what is older than all of them has no age that anybody would want to know.
const REMEMBERED: usize = 400;

/// The beats of this server.
pub struct Beats {
    server: String,
    sent: Mutex<VecDeque<(i64, Duration)>>,
}

impl Beats {
    /// None yet.
    pub fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            sent: Mutex::default(),
        }
    }

    /// Writes one: whoever sees it sees whatever was committed before `clock` said what it says now.
    pub fn beat(&self, connection: &mut Connection, clock: &Clock) -> Result<(), Broken> {
        let at = clock.monotonic();
        // While the jurisdiction moves nobody writes: the age of what a replica shows is not known.
        let Ok(mut tx) = move_pause::begin_or_say(connection)? else {
            return Ok(());
        };
        let before = records::beat::last(&mut tx, &self.server)?.unwrap_or(0);
        let beat = clock.now().micros().max(before + 1);
        records::beat::set(&mut tx, &self.server, beat)?;
        // Known before it can be seen.
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push_back((beat, at));
        if sent.len() > REMEMBERED {
            sent.pop_front();
        }
        drop(sent);
        committed(tx)
    }

    /// As of when a view is current; none where it shows no beat of ours since we started.
    pub(super) fn seen(&self, tx: &mut Transaction<'_>) -> Result<Option<Duration>, Broken> {
        let Some(beat) = records::beat::last(tx, &self.server)? else {
            return Ok(None);
        };
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(sent.iter().find(|(sent, _)| *sent == beat).map(|(_, at)| *at))
    }
}

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
                write_beats(&beats, &mut primary, &pause, &clock, &shutdown);
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

fn write_beats(beats: &Beats, primary: &mut Connection, pause: &Pause, clock: &Clock, shutdown: &Shutdown) {
    while !shutdown.requested() {
        pause.beats();
        match beats.beat(primary, clock) {
            Ok(()) => pause.beaten(),
            Err(cause) => tracing::debug!(%cause, "no beat was written"),
        }
        clock.sleep_blocking(BEAT);
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
