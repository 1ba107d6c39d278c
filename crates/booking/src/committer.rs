//! The one writer of a server process: a bounded queue, drained into batches, each one transaction. Load, decide, save,
//! commit, answer. Keeps `acknowledged_is_stored` and `one_effect_per_key`.
//!
//! When a constraint refuses a batch it is decided again, then one command at a time; when deciding one command
//! panics, that one is answered as a bug and the others are decided without it; when a commit's answer is lost, what
//! happened is made certain and looked up before anyone is told anything (ADR 6).

mod batch;
mod codes;
mod link;
mod load;
mod message;
mod queue;
mod save;
mod see;

pub(crate) use batch::AttemptError;
pub use link::{SaidCode, Whose};
pub(crate) use link::{is_todays, opened_by, shared_token};
pub use queue::Queue;
pub(crate) use queue::{Task, Tokens, Waiting, queue, stored_key};
pub(crate) use save::Saved;
pub(crate) use see::{appointment_seen, hold_seen};

use crate::availability::change_feed::ChangeFeed;
use crate::engine::{Counters, Reply, StartError, count};
use crate::limit;
use crate::pause::Kept;
use crate::records;
use crate::records::audit::{Head, Link};
use crate::records::outcome::Outcome;
use base::answer::Fault;
use base::limit::Settings;
use base::time::Timestamp;
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::hook;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use scheduling::decide::Limits;
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use scheduling::planted;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often an idle committer looks whether it should stop.
const IDLE: Duration = Duration::from_millis(200);

/// How often a batch is decided again because another writer was in the way.
const CONFLICTS: u32 = 8;
/// Between two of those, at most.
const CONFLICT_REST: Duration = Duration::from_millis(20);

/// What a committer is made of.
pub(crate) struct Parts {
    pub database: Database,
    pub keys: KeyRing,
    pub clock: Clock,
    pub entropy: Entropy,
    pub settings: Settings,
    pub chain: String,
    pub feed: Arc<ChangeFeed>,
    pub counters: Arc<Counters>,
}

/// A commit of which nobody knows whether it is there.
struct Doubt {
    /// Who asks again under one of its keys is not told that nothing happened.
    keys: BTreeMap<Vec<u8>, Kept>,
    /// Rows that are there if it is.
    outcome: Option<Box<Outcome>>,
    last_link: Option<Box<Link>>,
}

/// The committer.
pub(crate) struct Committer {
    parts: Parts,
    /// Here between attempts; none after a fault, until a new one is had.
    connection: Option<Connection>,
    limits: Limits,
    /// The end of this server's audit chain, as of its last commit. Never read again while all is well, so that a
    /// second live owner of the name meets the index and is noticed.
    head: Head,
    /// Numbers of codes that it may give out.
    codes: codes::Codes,
    /// A commit in doubt that is not settled: before that nobody is answered.
    doubt: Option<Doubt>,
    /// Another process owns this server's name: nothing may be written any more.
    name_lost: bool,
}

impl Committer {
    pub(crate) fn new(parts: Parts, mut connection: Connection) -> Result<Self, StartError> {
        let head = records::audit::head(&mut connection.begin_read()?, &parts.chain)?;
        let settings = &parts.settings;
        let limits = Limits {
            hold_lifetime: settings.duration(&limit::HOLD_LIFETIME),
            hold_extensions: settings.get(&limit::HOLD_EXTENSIONS) as u32,
            hold_grace: settings.duration(&limit::HOLD_GRACE),
            link_lasts: settings.duration(&limit::LINK_LASTS),
            links_shared: settings.get(&limit::LINKS_SHARED) as u32,
            link_anew_every: settings.duration(&limit::LINK_ANEW),
        };
        Ok(Self {
            parts,
            connection: Some(connection),
            limits,
            head,
            codes: codes::Codes::default(),
            doubt: None,
            name_lost: false,
        })
    }

    /// Works until told to stop and nothing waits any more.
    pub(crate) fn run(mut self, waiting: &Waiting, shutdown: &Shutdown) {
        let most = self.parts.settings.get(&limit::BATCH) as usize;
        let gap = self.parts.settings.duration(&limit::GAP);
        let mut last_end = Duration::ZERO;
        loop {
            let Some(first) = waiting.next(IDLE) else {
                if shutdown.requested() || waiting.is_over() {
                    return;
                }
                self.try_again();
                continue;
            };
            // Others on the same file get their turn, and more commands gather for this one.
            let rest = (last_end + gap).saturating_sub(self.parts.clock.monotonic());
            if !rest.is_zero() {
                self.parts.clock.sleep_blocking(rest);
            }
            let mut batch = vec![first];
            waiting.drain_into(&mut batch, most);
            self.turn(batch);
            last_end = self.parts.clock.monotonic();
            if self.name_lost {
                tracing::error!(
                    chain = self.parts.chain,
                    "another live server has this name: this one stops"
                );
                shutdown.request();
                return;
            }
        }
    }

    /// One batch to its end: every command of it is answered.
    pub(crate) fn turn(&mut self, batch: Vec<Task>) {
        let now = self.parts.clock.monotonic();
        let (mut batch, late): (Vec<_>, Vec<_>) = batch.into_iter().partition(|task| now < task.deadline_at);
        count(&self.parts.counters.timed_out, late.len() as u64);
        fail_all(late, Fault::TimedOut);
        // Those who were let in before it was known do not wait for a server that is gone: see `try_again`.
        let gone = self.connection.is_none() && self.parts.feed.pause().is_faulted();
        if let Err(fault) = if gone { Err(Fault::Unreachable) } else { self.ready() } {
            return self.fail_unready(batch, fault);
        }
        let (mut violated, mut conflicts) = (false, 0);
        while !batch.is_empty() {
            match self.attempt(&batch) {
                Ok(replies) => {
                    self.parts.feed.pause().over();
                    return answer_all(batch, replies.into_iter().map(Ok));
                }
                Err(AttemptError::Panicked { task }) => {
                    count(&self.parts.counters.panics, 1);
                    batch.remove(task).answer(Ok(bug()));
                }
                Err(AttemptError::Violation(cause)) => {
                    count(&self.parts.counters.violations, 1);
                    if self.is_name_lost() {
                        self.name_lost = true;
                        return fail_all(batch, Fault::Unreachable);
                    }
                    if violated && batch.len() > 1 {
                        return batch.into_iter().for_each(|task| self.turn(vec![task]));
                    }
                    if violated {
                        tracing::error!(cause, "a command alone met a constraint twice");
                        return fail_all(batch, Fault::Busy);
                    }
                    violated = true;
                }
                Err(AttemptError::Conflict(cause)) => {
                    count(&self.parts.counters.conflicts, 1);
                    conflicts += 1;
                    if conflicts > CONFLICTS {
                        tracing::error!(cause, commands = batch.len(), "other writers were in the way too often");
                        return fail_all(batch, Fault::Busy);
                    }
                    // Not in step with whoever was in the way.
                    let rest = self.parts.entropy.below(CONFLICT_REST.as_micros() as u64);
                    self.parts.clock.sleep_blocking(Duration::from_micros(rest));
                }
                Err(AttemptError::Moving(state)) => {
                    tracing::debug!(state = state.word(), "booking is paused: the jurisdiction moves");
                    return fail_all(batch, Fault::ReadOnly);
                }
                Err(AttemptError::Fault { fault, cause }) => {
                    return self.fail(batch, fault, &cause);
                }
                Err(AttemptError::InDoubt { cause, prepared }) => {
                    count(&self.parts.counters.in_doubt, 1);
                    tracing::error!(cause, commands = batch.len(), "a commit is in doubt");
                    self.parts.feed.pause().fault();
                    return match self.look_up(&batch, &prepared) {
                        Ok(true) => answer_all(batch, prepared.replies.into_iter().map(Ok)),
                        Ok(false) => fail_all(batch, Fault::Unreachable),
                        Err(fault) => fail_all(batch, fault),
                    };
                }
            }
        }
    }

    /// Certainly nothing was committed.
    fn fail(&mut self, batch: Vec<Task>, fault: Fault, cause: &str) {
        let commands = batch.len();
        tracing::error!(fault = fault.code(), cause, commands, "a batch was not committed");
        if fault != Fault::Busy {
            self.connection = None;
            self.parts.feed.pause().fault();
        }
        fail_all(batch, fault);
    }

    /// Whether somebody else has written to this server's chain.
    fn is_name_lost(&mut self) -> bool {
        let before = self.head.sequence;
        let chain = &self.parts.chain;
        let head = self
            .connection
            .as_mut()
            .map(|connection| stored_head(connection, chain));
        head.is_some_and(|head| head.is_ok_and(|head| head.sequence > before))
    }

    /// After a lost answer: on a new connection, whether the commit is there.
    fn look_up(&mut self, batch: &[Task], prepared: &batch::Prepared) -> Result<bool, Fault> {
        self.connection = None;
        self.doubt = Some(self.doubt_of(batch, prepared));
        self.ready().map_err(|_| Fault::OutcomeUnknown)?;
        let found = self.is_there(prepared).map_err(|cause| {
            tracing::error!(%cause, "what became of a commit in doubt cannot be looked up");
            (self.connection, self.doubt) = (None, Some(self.doubt_of(batch, prepared)));
            Fault::OutcomeUnknown
        })?;
        self.parts.feed.pause().over();
        Ok(found)
    }

    fn doubt_of(&self, batch: &[Task], prepared: &batch::Prepared) -> Doubt {
        let keys = batch.iter().filter_map(|task| task.key.as_ref());
        let in_hand = self.parts.feed.pause().in_hand();
        Doubt {
            keys: keys.map(|(key, _)| (key.clone(), in_hand.keep(key))).collect(),
            outcome: prepared.outcome.clone(),
            last_link: prepared.last_link.clone(),
        }
    }

    /// While booking is paused no command comes to show that it is over: a commit of our own does.
    fn try_again(&mut self) {
        if !self.parts.feed.pause().is_faulted() || self.ready().is_err() {
            return;
        }
        let took = {
            let _on_its_way = self.parts.feed.pause().committing();
            self.connection.as_mut().map(Connection::settle)
        };
        match took {
            Some(Ok(())) => {
                tracing::info!("the database takes what is written again");
                self.parts.feed.pause().over();
            }
            Some(Err(_)) | None => self.connection = None,
        }
    }

    /// One of its answers is the proof, sealed as nobody else can have sealed it: under the same key another server may
    /// have answered meanwhile. A batch that keeps no answer is known by its events.
    fn is_there(&mut self, prepared: &batch::Prepared) -> Result<bool, Broken> {
        let (Some(outcome), Some(connection)) = (&prepared.outcome, &mut self.connection) else {
            return Ok(self.head == prepared.head);
        };
        let stored = records::outcome::load(&mut connection.begin_read()?, &outcome.key)?;
        Ok(stored.is_some_and(|stored| stored.body == outcome.body))
    }

    /// Whether another process owns this server's name: nothing may be written any more.
    pub(crate) fn has_lost_its_name(&self) -> bool {
        self.name_lost
    }

    /// Makes sure that there is a connection, that nothing is in doubt, and that the end of the chain is known.
    fn ready(&mut self) -> Result<(), Fault> {
        if self.connection.is_some() {
            return Ok(());
        }
        let pause = self.parts.feed.pause();
        let known = pause.is_faulted();
        pause.fault();
        let mut connection = self.parts.database.connect().map_err(|error| {
            if !known {
                tracing::error!(%error, "the database does not open");
            }
            error.fault()
        })?;
        let settled = match &self.doubt {
            Some(doubt) => settle(&mut connection, doubt),
            None => Ok(()),
        };
        let head = settled.and_then(|()| stored_head(&mut connection, &self.parts.chain));
        let head = head.map_err(|cause| {
            tracing::error!(fault = cause.fault().code(), %cause, "the database opens but does not answer");
            cause.fault()
        })?;
        if self.doubt.is_none() && head.sequence > self.head.sequence {
            self.name_lost = true;
            return Err(Fault::Unreachable);
        }
        (self.head, self.doubt, self.connection) = (head, None, Some(connection));
        Ok(())
    }

    /// Nothing was tried. What was in doubt before is in doubt still.
    fn fail_unready(&self, batch: Vec<Task>, fault: Fault) {
        for task in batch {
            let key = task.key.as_ref().map(|(key, _)| key);
            let doubtful = key.is_some_and(|key| self.doubt.as_ref().is_some_and(|doubt| doubt.keys.contains_key(key)));
            task.answer(Err(if doubtful { Fault::OutcomeUnknown } else { fault }));
        }
    }
}

/// Makes certain what became of a commit in doubt.
fn settle(connection: &mut Connection, doubt: &Doubt) -> Result<(), Broken> {
    if connection.is_shared() && !planted::is("fence_skipped") {
        wait_for_its_end(connection, doubt)?;
    }
    connection.settle()
}

/// A commit whose answer was lost may still wait for its standby, on a server that has it and shows it to nobody. Its
/// rows stand in the indexes: whoever adds one of the same key waits until it has ended. What is added here is undone.
fn wait_for_its_end(connection: &mut Connection, doubt: &Doubt) -> Result<(), Broken> {
    let mut tx = connection.begin()?;
    let met = match (&doubt.outcome, &doubt.last_link) {
        (Some(outcome), _) => records::outcome::insert(&mut tx, [&**outcome]),
        (None, Some(link)) => records::audit::insert(&mut tx, [&**link]),
        (None, None) => Ok(()),
    };
    match met {
        Ok(()) | Err(Broken::Violation(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Whoever had this name before may have been killed with a commit under way, which ends without it: a server that did
/// not wait for that would take its end for another owner's. Its first event would stand where this one is tried.
pub(crate) fn wait_for_former_owner(connection: &mut Connection, chain: &str, now: Timestamp) -> Result<(), Broken> {
    if !connection.is_shared() {
        return Ok(());
    }
    let mut tx = connection.begin()?;
    let mut head = records::audit::head(&mut tx, chain)?;
    let event = AuditEvent {
        kind: AuditKind::HoldExpired,
        subject: Subject::Jurisdiction,
        slot: None,
        at: now,
        count: 0,
    };
    match records::audit::insert(&mut tx, [&Link::forge(chain, &mut head, &event, None, 0, None)]) {
        Ok(()) | Err(Broken::Violation(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Where a chain ends in the database.
fn stored_head(connection: &mut Connection, chain: &str) -> Result<Head, Broken> {
    records::audit::head(&mut connection.begin_read()?, chain)
}

fn answer_all(batch: Vec<Task>, replies: impl Iterator<Item = Result<Reply, Fault>>) {
    for (task, reply) in batch.into_iter().zip(replies) {
        hook::reach("answer");
        task.answer(reply);
    }
}

fn fail_all(batch: Vec<Task>, fault: Fault) {
    for task in batch {
        task.answer(Err(fault));
    }
}

fn bug() -> Reply {
    Reply {
        status: 500,
        body: bytes::Bytes::new(),
        replayed: false,
        code: None,
        bug: true,
    }
}
