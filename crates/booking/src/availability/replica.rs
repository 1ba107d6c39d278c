//! Finding from a read replica: the change feed looks there, and the primary is asked only for decisions. Keeps that what
//! is shown says how old it is, whatever the replica does: this server writes a *beat* to the primary now and then, and
//! what a replica shows is as old as the newest beat in it (no clocks are compared, and a replica that stands still, or
//! follows a primary that is none any more, shows no new beats).

use super::change_feed::ChangeFeed;
use crate::engine::{Counters, StartError, count};
use crate::pause::Pause;
use crate::{limit, move_pause, records};
use base::limit::Settings;
use database::{Broken, CommitFailed, Connection, Database, Transaction};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two beats: well below the second within which what is shown must be current.
const BEAT: Duration = Duration::from_millis(250);
/// Beats that are remembered: what is older than all of them has no age that anybody would want to know.
const REMEMBERED: usize = 240;

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
        tx.commit().map_err(|failed| match failed {
            CommitFailed::NotDone(broken) => broken,
            CommitFailed::InDoubt(cause) => Broken::Fault {
                fault: base::answer::Fault::Unreachable,
                cause,
            },
        })
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

/// A replica, and how it is used.
pub(crate) struct Replica {
    pub database: Database,
    pub feed: Arc<ChangeFeed>,
    pub beats: Arc<Beats>,
    pub counters: Arc<Counters>,
    pub pause: Arc<Pause>,
    pub clock: Clock,
}

impl Replica {
    /// Starts the threads that beat and look, where there is a replica. How old what is shown must be for the primary to be
    /// asked instead.
    pub(crate) fn start(self, settings: &Settings, owner: &Owner) -> Result<Option<Duration>, StartError> {
        if !self.database.has_replica() {
            return Ok(None);
        }
        let every = settings.duration(&limit::FOLLOW);
        let most = settings.duration(&limit::REPLICA_AGE);
        let mut primary = self.database.connect_beside()?;
        let (beats, pause, clock) = (Arc::clone(&self.beats), Arc::clone(&self.pause), self.clock.clone());
        let shutdown = owner.shutdown().clone();
        owner.thread("beat", move || {
            while !shutdown.requested() {
                // The change feed asks the primary nothing now: whether it answers is found out here.
                pause.looks();
                match beats.beat(&mut primary, &clock) {
                    Ok(()) => pause.looked(),
                    Err(cause) => tracing::debug!(%cause, "no beat was written"),
                }
                clock.sleep_blocking(BEAT);
            }
        })?;
        let shutdown = owner.shutdown().clone();
        owner.thread("replica", move || self.follow(every, most, &shutdown))?;
        Ok(Some(most))
    }

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
