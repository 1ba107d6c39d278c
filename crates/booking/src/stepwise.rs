//! The engine without its threads: the same committer, reconcilers, change feed and reads, each taken one step at a
//! time by whoever holds it. This is how the simulator runs the real engine in one thread and in an order of its own.
//! Decides nothing, and knows nothing that [`Engine`](crate::engine::Engine) does not.

use crate::availability::change_feed::ChangeFeed;
use crate::availability::snapshot::Snapshot;
use crate::committer::{Committer, Queue, Task, Waiting};
use crate::engine::{
    AppointmentSeen, Ask, Counters, FoundByCode, HoldSeen, Opened, Reply, Start, StartError, connection, count, open,
};
use crate::limit;
use crate::reconciler::{hold_expiry, housekeeping};
use crate::role::resident::{read_appointment, read_by_code, read_hold, task_of};
use crate::role::wanted::{Maker, Wanted};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId};
use base::limit::Settings;
use base::time::{Date, Timestamp};
use database::{Broken, Connection};
use runtime::clock::Clock;
use runtime::secret::KeyRing;
use scheduling::resident::code::Code;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A command that waits for its answer; greater for one that was sent later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// An engine that does nothing by itself. Dropped, it is a process that ended: whatever waited is lost.
pub struct Stepwise {
    committer: Committer,
    queue: Queue,
    waiting: Waiting,
    feed: Arc<ChangeFeed>,
    counters: Arc<Counters>,
    keys: KeyRing,
    clock: Clock,
    settings: Settings,
    maker: Maker,
    /// For reconcilers and reads.
    beside: Connection,
    /// For the change feed, and the version it last saw.
    follower: (Connection, Option<i64>),
    /// In the order in which they were sent.
    unanswered: Vec<(Ticket, oneshot::Receiver<Result<Reply, Fault>>)>,
    sent: u64,
}

impl Stepwise {
    /// Opens the database and brings its schema up to date, as [`Engine::start`](crate::engine::Engine::start) does;
    /// nothing is started.
    pub fn start(start: &Start) -> Result<Self, StartError> {
        let Opened {
            feed,
            counters,
            queue,
            waiting,
            committer,
            ..
        } = open(start, true)?;
        Ok(Self {
            committer,
            queue,
            waiting,
            feed,
            counters,
            keys: start.keys.clone(),
            clock: start.clock.clone(),
            settings: start.settings.clone(),
            maker: Maker::new(&start.keys, &start.clock, &start.entropy),
            beside: connection(&start.database)?,
            follower: (connection(&start.database)?, None),
            unanswered: Vec::new(),
            sent: 0,
        })
    }

    /// Makes commands.
    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// Queues a command: `Busy`, at once, when the queue is full.
    pub fn send(&mut self, wanted: Wanted, ask: Ask) -> Result<Ticket, Fault> {
        let task = task_of(wanted, ask, &self.clock);
        self.queue_task(task)
    }

    fn queue_task(&mut self, task: Task) -> Result<Ticket, Fault> {
        let answered = self.queue.send(task)?;
        self.sent += 1;
        let ticket = Ticket(self.sent);
        self.unanswered.push((ticket, answered));
        Ok(ticket)
    }

    /// How many commands wait.
    pub fn queue_len(&self) -> usize {
        self.queue.len()
    }

    /// The committer's step: one batch, taken from the queue in its order, decided, committed and answered. The answers
    /// are in the order of decision.
    pub fn turn(&mut self) -> Vec<(Ticket, Result<Reply, Fault>)> {
        let mut batch = Vec::new();
        self.waiting
            .drain_into(&mut batch, self.settings.get(&limit::BATCH) as usize);
        if batch.is_empty() {
            return Vec::new();
        }
        self.committer.turn(batch);
        let mut answers = Vec::new();
        self.unanswered
            .retain_mut(|(ticket, answered)| match answered.try_recv() {
                Ok(answer) => {
                    answers.push((*ticket, answer));
                    false
                }
                Err(oneshot::error::TryRecvError::Empty) => true,
                // As for a door: the committer ended with the command in its hands.
                Err(oneshot::error::TryRecvError::Closed) => {
                    answers.push((*ticket, Err(Fault::OutcomeUnknown)));
                    false
                }
            });
        answers
    }

    /// The reconciler's step: queues a command for each hold that is due. Its thread would wait for the answers now.
    pub fn queue_due_holds(&mut self) -> Result<Vec<(Ticket, HoldId)>, Broken> {
        let due = hold_expiry::due(&mut self.beside, &self.clock, &self.settings)?;
        let mut queued = Vec::with_capacity(due.len());
        for (hold, task) in due {
            queued.extend(self.queue_task(task).map(|ticket| (ticket, hold)));
        }
        count(&self.counters.expired_holds, queued.len() as u64);
        Ok(queued)
    }

    /// The housekeeper's step.
    pub fn forget_old(&mut self) -> Result<(), Broken> {
        housekeeping::forget(&mut self.beside, &self.clock, &self.settings)
    }

    /// The change feed's step.
    pub fn follow(&mut self) -> Result<(), Broken> {
        let (connection, seen) = &mut self.follower;
        self.feed.look(connection, seen)
    }

    /// An appointment; `None` for an unknown one and a wrong token alike.
    pub fn see_appointment(&mut self, id: AppointmentId, token: &str) -> Result<Option<AppointmentSeen>, Broken> {
        let until = (self.clock.now(), self.settings.duration(&limit::LINK_LASTS));
        read_appointment(&mut self.beside, &self.keys, (id, token.to_owned()), until)
    }

    /// An appointment found by its code and a birth date.
    pub fn find_by_code(&mut self, code: Code, born: Date) -> Result<Option<FoundByCode>, Broken> {
        let until = (self.clock.now(), self.settings.duration(&limit::LINK_LASTS));
        read_by_code(&mut self.beside, &self.keys, (code, born), until)
    }

    /// A hold; `None` for an unknown one and a wrong token alike.
    pub fn see_hold(&mut self, id: HoldId, token: &str) -> Result<Option<HoldSeen>, Broken> {
        read_hold(&mut self.beside, &self.keys, id, token)
    }

    /// The picture of what is free.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.feed.snapshot()
    }

    /// When that picture was last confirmed to be current.
    pub fn as_of(&self) -> Timestamp {
        self.feed.as_of()
    }

    /// What is counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether another live server has this one's name: its process would end now.
    pub fn has_lost_its_name(&self) -> bool {
        self.committer.has_lost_its_name()
    }
}
