//! The one writer of a server process: a bounded queue, drained into batches, each one transaction. Load, decide, save,
//! commit, answer. Keeps `acknowledged_is_stored` and `one_effect_per_key`.
//!
//! When a constraint refuses a batch it is decided again, then one command at a time; when deciding one command
//! panics, that one is answered as a bug and the others are decided without it; when a commit's answer is lost, what
//! happened is looked up before anyone is told anything.

mod batch;
mod load;
mod queue;
mod save;
mod see;

pub(crate) use batch::AttemptError;
pub use queue::Queue;
pub(crate) use queue::{Task, Tokens, Waiting, queue, stored_key};
pub(crate) use see::{appointment_seen, hold_seen};

use crate::availability::change_feed::ChangeFeed;
use crate::engine::{Counters, Reply, StartError, count};
use crate::limit;
use crate::records;
use crate::records::audit::Head;
use base::answer::Fault;
use base::limit::Settings;
use database::{Connection, Database};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::hook;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use scheduling::decide::Limits;
use std::sync::Arc;
use std::time::Duration;

/// How often an idle committer looks whether it should stop.
const IDLE: Duration = Duration::from_millis(200);

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

/// The committer.
pub(crate) struct Committer {
    parts: Parts,
    /// Here between attempts; none only where a new one could not be had after a commit in doubt.
    connection: Option<Connection>,
    limits: Limits,
    /// The end of this server's audit chain, as of its last commit. Never read again while all is well, so that a
    /// second live owner of the name meets the index and is noticed.
    head: Head,
    /// A commit was in doubt and could not be looked up: the end must be read again before anything is written.
    head_unsure: bool,
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
        };
        Ok(Self {
            parts,
            connection: Some(connection),
            limits,
            head,
            head_unsure: false,
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
        if let Err(fault) = self.ready() {
            return fail_all(batch, fault);
        }
        let mut violated = false;
        while !batch.is_empty() {
            match self.attempt(&batch) {
                Ok(replies) => return answer_all(batch, replies.into_iter().map(Ok)),
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
                Err(AttemptError::Fault { fault, cause }) => {
                    tracing::error!(
                        fault = fault.code(),
                        cause,
                        commands = batch.len(),
                        "a batch was not committed"
                    );
                    return fail_all(batch, fault);
                }
                Err(AttemptError::InDoubt { cause, prepared }) => {
                    count(&self.parts.counters.in_doubt, 1);
                    tracing::error!(cause, commands = batch.len(), "a commit is in doubt");
                    return match self.look_up(&prepared) {
                        Ok(true) => answer_all(batch, prepared.replies.into_iter().map(Ok)),
                        Ok(false) => fail_all(batch, Fault::Unreachable),
                        Err(fault) => fail_all(batch, fault),
                    };
                }
            }
        }
    }

    /// Where this server's chain ends in the database.
    fn stored_head(&mut self) -> Result<Head, Fault> {
        if self.connection.is_none() {
            self.connection = Some(self.parts.database.connect().map_err(|_| Fault::OutcomeUnknown)?);
        }
        let connection = self.connection.as_mut().ok_or(Fault::OutcomeUnknown)?;
        let head = connection
            .begin_read()
            .and_then(|mut tx| records::audit::head(&mut tx, &self.parts.chain));
        head.map_err(|_| Fault::OutcomeUnknown)
    }

    /// Whether somebody else has written to this server's chain.
    fn is_name_lost(&mut self) -> bool {
        let before = self.head.sequence;
        self.stored_head().is_ok_and(|head| head.sequence > before)
    }

    /// After a lost answer: on a new connection, whether the commit is there. Its events and one of its answers are the
    /// proof.
    fn look_up(&mut self, prepared: &batch::Prepared) -> Result<bool, Fault> {
        self.connection = None;
        self.head_unsure = true;
        let head = self.stored_head()?;
        let is_answer_there = match (&prepared.key, &mut self.connection) {
            (Some(key), Some(connection)) => connection
                .begin_read()
                .and_then(|mut tx| records::outcome::load(&mut tx, key))
                .map_err(|_| Fault::OutcomeUnknown)?
                .is_some(),
            _ => true,
        };
        self.head = head;
        self.head_unsure = false;
        Ok(head == prepared.head && is_answer_there)
    }

    /// Whether another process owns this server's name: nothing may be written any more.
    pub(crate) fn has_lost_its_name(&self) -> bool {
        self.name_lost
    }

    /// Makes sure that there is a connection, and that the end of the chain is known.
    fn ready(&mut self) -> Result<(), Fault> {
        if self.connection.is_none() || self.head_unsure {
            self.head = self.stored_head().map_err(|_| Fault::Unreachable)?;
            self.head_unsure = false;
        }
        Ok(())
    }
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
