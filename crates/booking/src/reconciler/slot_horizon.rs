//! Keeps a demonstration's calendar filled: today and the thirteen days after it, by each clinic's own clock, at start
//! and whenever a local midnight has passed. Adds only: a day of a clinic that has sessions is left as it is, however
//! its rules or its plan have changed since. Several processes may do it at once; they would write the same rows.
//! A jurisdiction that is no demonstration publishes its sessions itself; so does who imports a clinic into one.

use crate::availability::change_feed::read_rules;
use crate::conflict::again;
use crate::engine::{Engine, StartError, connection};
use crate::move_pause;
use crate::records;
use crate::records::audit::Link;
use crate::records::change::Change;
use base::id::ClinicId;
use base::time::{Date, Timestamp, add_days};
use database::{Broken, CommitFailed, Connection, Database};
use runtime::clock::Clock;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::session_plan::{Offer, PlannedSession, plan_of};
use scheduling::clinic::slot::Slot;
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use scheduling::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Days that can be booked, today included.
const DAYS: i64 = 14;
/// How often it looks whether it is another day somewhere.
const EVERY: Duration = Duration::from_secs(1);
/// Slots in one transaction while nobody is served yet: few transactions, each well below the writers' wait of 2 s.
const AT_ONCE_BEFORE_READY: usize = 10_000;
/// Slots in one transaction while people book: they wait for it some tens of milliseconds at most.
const AT_ONCE_WHILE_SERVING: usize = 1_500;
/// Left between two transactions, because SQLite's lock is not fair.
const GAP: Duration = Duration::from_millis(10);
/// The audit chain of what is published in bulk.
const CHAIN: &str = "import";

/// What was added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filled {
    /// Sessions.
    pub sessions: u32,
    /// Their slots.
    pub slots: u32,
}

/// Fills the calendar once, and starts the thread that keeps it filled.
pub(crate) fn start(engine: &Engine, database: &Database) -> Result<(), StartError> {
    let mut horizon = Horizon {
        connection: connection(database)?,
        engine: engine.clone(),
        filled_for: None,
        failing: false,
    };
    horizon.turn(AT_ONCE_BEFORE_READY);
    let (clock, shutdown) = (engine.clock().clone(), engine.owner().shutdown().clone());
    engine.owner().thread("slot-horizon", move || {
        while clock.pause_blocking(EVERY, &shutdown) {
            horizon.turn(AT_ONCE_WHILE_SERVING);
        }
    })?;
    Ok(())
}

/// Fills the calendar before anybody is served.
pub(crate) fn fill_first(connection: &mut Connection, clock: &Clock) -> Result<Filled, Broken> {
    fill(connection, clock, AT_ONCE_BEFORE_READY, &|| false)
}

/// What it is filled for: the local dates of the demonstration's clinics, and how many clinics there are.
type FilledFor = (BTreeSet<Date>, usize);

struct Horizon {
    connection: Connection,
    engine: Engine,
    filled_for: Option<FilledFor>,
    failing: bool,
}

impl Horizon {
    fn turn(&mut self, at_once: usize) {
        let Some(due) = due(&self.engine).filter(|due| self.filled_for.as_ref() != Some(due)) else {
            return;
        };
        let shutdown = self.engine.owner().shutdown().clone();
        let done = fill(&mut self.connection, self.engine.clock(), at_once, &|| {
            shutdown.requested()
        })
        .and_then(|filled| {
            self.engine.inner().feed.catch_up(&mut self.connection)?;
            Ok(filled)
        });
        match done {
            Ok(filled) => {
                if filled.slots > 0 {
                    tracing::info!(
                        sessions = filled.sessions,
                        slots = filled.slots,
                        "days were added to the demonstration"
                    );
                }
                (self.filled_for, self.failing) = (Some(due), false);
            }
            Err(cause) => {
                if !self.failing {
                    tracing::error!(fault = cause.fault().code(), %cause, "the demonstration's days could not be added yet");
                }
                self.failing = true;
            }
        }
    }
}

/// Only then: somebody's own clinic has the sessions that were imported for it, and nothing made up between them.
fn sessions_are_made(clinic: &Clinic) -> bool {
    clinic.demonstration && clinic.made.iter().any(|field| field == "sessions")
}

fn due(engine: &Engine) -> Option<FilledFor> {
    engine.rules().jurisdiction().demonstration.as_ref()?;
    let (now, snapshot) = (engine.clock().now(), engine.snapshot());
    let clinics: Vec<_> = snapshot
        .clinics()
        .iter()
        .filter(|seen| sessions_are_made(&seen.clinic))
        .collect();
    Some((
        clinics.iter().map(|seen| now.date_in(&seen.clinic.zone)).collect(),
        clinics.len(),
    ))
}

fn fill(connection: &mut Connection, clock: &Clock, at_once: usize, stop: &dyn Fn() -> bool) -> Result<Filled, Broken> {
    let now = clock.now();
    let mut tx = connection.begin_read()?;
    let rules = read_rules(&mut tx)?;
    let Some(seed) = rules
        .jurisdiction()
        .demonstration
        .as_ref()
        .map(|demonstration| demonstration.seed)
    else {
        return Ok(Filled::default());
    };
    let clinics: Vec<_> = records::clinic::all(&mut tx)?
        .into_iter()
        .filter(sessions_are_made)
        .collect();
    let Some(first) = clinics.iter().map(|clinic| now.date_in(&clinic.zone)).min() else {
        return Ok(Filled::default());
    };
    let taken = records::session::days_from(&mut tx, first)?;
    drop(tx);
    let mut planner = Planner {
        seed,
        now,
        rules: &rules,
        taken,
        offers: BTreeMap::new(),
    };
    let (mut total, mut pending, mut waiting) = (Filled::default(), Vec::new(), 0);
    // Day by day, so that what is needed first is there first, and rows come nearly in the order of their keys.
    for n in 0..DAYS {
        for clinic in &clinics {
            let planned = planner.day(clinic, n);
            waiting += planned.iter().map(|one| one.slots.len()).sum::<usize>();
            pending.extend(planned);
            if waiting >= at_once {
                add(&mut total, again(|| publish(connection, clock, &pending))?);
                pending.clear();
                waiting = 0;
                if stop() {
                    return Ok(total);
                }
                clock.sleep_blocking(GAP);
            }
        }
    }
    add(&mut total, again(|| publish(connection, clock, &pending))?);
    Ok(total)
}

fn add(total: &mut Filled, more: Filled) {
    total.sessions += more.sessions;
    total.slots += more.slots;
}

struct Planner<'r> {
    seed: u64,
    now: Timestamp,
    rules: &'r Rules,
    taken: BTreeSet<(ClinicId, Date)>,
    offers: BTreeMap<Date, Offer>,
}

impl Planner<'_> {
    /// The sessions of a clinic on the day so many days after its today; none when the day has some already.
    fn day(&mut self, clinic: &Clinic, n: i64) -> Vec<PlannedSession> {
        let on = add_days(self.now.date_in(&clinic.zone), n);
        if self.taken.contains(&(clinic.id, on)) {
            return Vec::new();
        }
        let offer = self.offers.entry(on).or_insert_with(|| Offer::of(self.rules, on));
        plan_of(self.seed, clinic.id, on, &clinic.zone, offer)
    }
}

/// Writes sessions, their slots, one AuditEvent and one change row in one transaction; what is there stays.
fn publish(connection: &mut Connection, clock: &Clock, planned: &[PlannedSession]) -> Result<Filled, Broken> {
    if planned.is_empty() {
        return Ok(Filled::default());
    }
    let now = clock.now();
    let mut filled = Filled::default();
    let mut tx = move_pause::begin(connection)?;
    for one in planned {
        filled.sessions += u32::from(records::session::insert_new(&mut tx, &one.session, now)?);
    }
    let mut slots: Vec<&Slot> = planned.iter().flat_map(|one| &one.slots).collect();
    slots.sort_unstable_by_key(|slot| slot.id);
    filled.slots += records::slot::insert_new(&mut tx, slots)?;
    if filled == Filled::default() {
        return Ok(filled);
    }
    let event = AuditEvent {
        kind: AuditKind::SessionsPublished,
        subject: Subject::Jurisdiction,
        slot: None,
        at: now,
        count: filled.sessions,
    };
    let mut head = records::audit::shared_head(&mut tx, CHAIN)?;
    records::audit::insert(&mut tx, [&Link::forge(CHAIN, &mut head, &event, None, 0, None)])?;
    let clinics: BTreeSet<ClinicId> = planned.iter().map(|one| one.session.clinic).collect();
    let sequence = records::change::position(&mut tx)?;
    let change = Change {
        sequence,
        slots: Vec::new(),
        clinics: clinics.into_iter().collect(),
    };
    records::change::insert(&mut tx, &change, now)?;
    // In doubt: the next turn sees which days are there.
    tx.commit().map_err(CommitFailed::of_a_try)?;
    Ok(filled)
}
