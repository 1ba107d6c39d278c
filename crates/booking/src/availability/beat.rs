//! Beats: this server writes a *beat* to the primary now and then, and what is seen anywhere is as old as the newest beat
//! in it. Keeps that no clocks are compared: a replica that stands still shows no new beats, nor does a primary that was
//! replaced, which can commit nothing any more.

use crate::pause::Pause;
use crate::sealing::committed;
use crate::{move_pause, records};
use database::{Broken, Connection, Transaction};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
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

/// Writes one after the other until the end, and tells `pause` how it goes.
pub(super) fn write(beats: &Beats, primary: &mut Connection, pause: &Pause, clock: &Clock, shutdown: &Shutdown) {
    while !shutdown.requested() {
        pause.beats();
        match beats.beat(primary, clock) {
            Ok(()) => pause.beaten(),
            Err(cause) => tracing::debug!(%cause, "no beat was written"),
        }
        clock.sleep_blocking(BEAT);
    }
}
