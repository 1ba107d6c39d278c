//! Follows the key file, declares a new key, and seals anew what is sealed with an older one, or lies in clear since
//! 0.1. Small transactions at a measured pace; where it stands is in the database, so that any process goes on with it.

use crate::engine::{Engine, StartError, connection, count};
use crate::move_pause;
use crate::records::resident::is_clear;
use crate::records::sealing::{self, COLUMNS, Progress, SealedColumn, Value};
use crate::sealing::{agree, committed, declare};
use database::{Broken, Connection, Database};
use runtime::secret::{KeyError, KeyRing};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the key file is looked at: a new key is in use everywhere within this.
const EVERY: Duration = Duration::from_secs(1);
/// Between two transactions: with [`AT_ONCE`] a million values take a quarter of an hour, and bookings notice nothing.
const PACE: Duration = Duration::from_millis(200);
/// Until the log is emptied again, where readers were in the way: each try makes writers wait for a moment.
const EMPTY_LOG_AGAIN: Duration = Duration::from_secs(10);
/// Where several write at once: whoever has looked which key is in force takes a number within this, or has none left to
/// take it in: an idle transaction is ended after 15 s.
const NUMBERED_WITHIN: Duration = Duration::from_secs(16);
/// Values in one transaction: some milliseconds of the writers' lock.
const AT_ONCE: u32 = 250;

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut resealing = Resealing {
        engine: engine.clone(),
        connection: connection(database)?,
        left: BTreeMap::new(),
        finished: BTreeMap::new(),
        empty_log_at: None,
        before: None,
    };
    let shutdown = engine.owner().shutdown().clone();
    engine.owner().thread("resealing", move || {
        let (mut failing, mut pause) = (false, EVERY);
        while resealing.engine.clock().pause_blocking(pause, &shutdown) {
            let done = resealing.turn();
            if let Err(cause) = &done
                && !failing
            {
                tracing::error!(%cause, "keys could not be followed, or values not be sealed anew");
            }
            failing = done.is_err();
            pause = if done.unwrap_or(false) { PACE } else { EVERY };
        }
    })?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Broken(#[from] Broken),
}

struct Resealing {
    engine: Engine,
    connection: Connection,
    /// Values still to be looked at, by column.
    left: BTreeMap<String, u64>,
    /// The key that each column was done with.
    finished: BTreeMap<String, u32>,
    /// A value in clear was sealed since the log was emptied last: when to empty it, on the clock's monotone time.
    empty_log_at: Option<Duration>,
    /// Where several write at once: the key in force, since when it is so for all who begin (on the clock's monotone
    /// time), and the number behind those who began before, once it is certain that they have theirs.
    before: Option<(u32, Duration, Option<i64>)>,
}

impl Resealing {
    /// One look and one small step; whether there is more to do.
    fn turn(&mut self) -> Result<bool, Stopped> {
        let (engine, now) = (self.engine.clone(), self.engine.clock().now());
        let keys = engine.keys();
        if keys.refresh()? {
            tracing::info!(key = keys.key_id(), "the key file has changed");
        }
        declare(&mut self.connection, keys, now)?;
        // A rehearsal that leaves values in clear leaves them all so.
        if !keys.seals() {
            return Ok(false);
        }
        let mut more = false;
        for column in COLUMNS {
            more |= self.step(column, keys)?;
        }
        let left = self.left.values().sum();
        engine.counters().to_reseal.store(left, Ordering::Relaxed);
        if !more && self.empty_log_at.is_some_and(|at| at <= engine.clock().monotonic()) {
            self.empty_log();
        }
        Ok(more)
    }

    fn step(&mut self, column: &SealedColumn, keys: &KeyRing) -> Result<bool, Broken> {
        let (place, key) = (column.place(), keys.key_id());
        if self.finished.get(&place) == Some(&key) {
            return Ok(false);
        }
        let now = self.engine.clock().now();
        let begun = sealing::progress(&mut self.connection.begin_read()?, &place)?.filter(|p| p.key == key);
        if begun.is_none() && !self.others_have_ended(key)? {
            return Ok(true);
        }
        let new = match &begun {
            Some(_) => None,
            // Counted outside of the writers' lock: it reads every row.
            None => Some(begin(column, &mut self.connection, key)?),
        };
        let mut tx = move_pause::begin(&mut self.connection)?;
        agree(&mut tx, keys)?;
        // Another process may have gone on meanwhile.
        let stored = sealing::progress_to_go_on(&mut tx, &place)?.filter(|p| p.key == key);
        let Some(mut progress) = stored.or(new) else {
            return Ok(true);
        };
        if progress.finished_at.is_none() {
            let values = column.page(&mut tx, &progress.reached, &progress.until, AT_ONCE)?;
            let entropy = self.engine.entropy();
            for value in &values {
                if let Some(plain) = stale(column, value, keys) {
                    if is_clear(&value.bytes) {
                        self.empty_log_at = Some(Duration::ZERO);
                    }
                    let sealed = keys.seal(entropy, column.table, column.column, &value.row, &plain);
                    let written = column.save(&mut tx, value, &sealed)?;
                    count(&self.engine.counters().resealed, u64::from(written));
                }
            }
            progress.done += values.len() as i64;
            match values.last() {
                Some(last) if values.len() == AT_ONCE as usize => progress.reached.clone_from(&last.row),
                _ => progress.finished_at = Some(now),
            }
            sealing::save_progress(&mut tx, &progress)?;
            committed(tx)?;
        }
        let is_finished = progress.finished_at.is_some();
        if is_finished {
            self.finished.insert(place.clone(), key);
            tracing::info!(place, key, "all values are sealed with the key in force");
        }
        let left = if is_finished { 0 } else { progress.total - progress.done };
        self.left.insert(place, left.max(0) as u64);
        Ok(!is_finished)
    }

    /// Whether everybody who may still seal with the key before has ended: what they write is looked at, or was never
    /// written. Who writes alone has ended before the key was declared.
    fn others_have_ended(&mut self, key: u32) -> Result<bool, Broken> {
        if !self.connection.is_shared() {
            return Ok(true);
        }
        let now = self.engine.clock().monotonic();
        let (_, since, behind) = self
            .before
            .filter(|(known, ..)| *known == key)
            .unwrap_or((key, now, None));
        let behind = match behind {
            Some(number) => Some(number),
            None if now >= since + NUMBERED_WITHIN => self.connection.begin()?.horizon(true)?,
            None => None,
        };
        self.before = Some((key, since, behind));
        let Some(number) = behind else { return Ok(false) };
        let running = self.connection.begin_read()?.horizon(false)?;
        Ok(running.is_none_or(|running| running > number))
    }

    /// What was in clear must not stay in the write-ahead log, which keeps old pages until they are written over.
    fn empty_log(&mut self) {
        let emptied = self.connection.empty_log().unwrap_or_else(|cause| {
            tracing::warn!(fault = cause.fault().code(), %cause, "the log could not be emptied yet");
            false
        });
        self.empty_log_at = (!emptied).then(|| self.engine.clock().monotonic() + EMPTY_LOG_AGAIN);
    }
}

fn begin(column: &SealedColumn, connection: &mut Connection, key: u32) -> Result<Progress, Broken> {
    let mut tx = connection.begin_read()?;
    let until = column.last(&mut tx)?.unwrap_or_default();
    let total = column.count(&mut tx, &until)?;
    Ok(Progress {
        place: column.place(),
        key,
        reached: Vec::new(),
        until,
        total,
        done: 0,
        finished_at: None,
    })
}

/// What to seal anew, in clear; nothing for a value that is as it should be, is erased, or does not open.
fn stale(column: &SealedColumn, value: &Value, keys: &KeyRing) -> Option<Vec<u8>> {
    if value.bytes.is_empty() || KeyRing::sealed_with(&value.bytes) == Some(keys.key_id()) {
        return None;
    }
    if is_clear(&value.bytes) {
        return Some([&value.salt[..], &value.bytes].concat());
    }
    match keys.open(column.table, column.column, &value.row, &value.bytes) {
        Ok(plain) => Some(plain),
        Err(cause) => {
            tracing::error!(place = column.place(), %cause, "a value does not open and stays as it is");
            None
        }
    }
}
