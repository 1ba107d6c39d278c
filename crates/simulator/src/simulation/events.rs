//! What happens next, in order of time; and everything that happens by itself: restarts, steps of the clock, a second
//! owner of a name, sessions published, reconcilers.

use super::{Simulation, broken};
use crate::chance::Chance;
use crate::checker::always::answers_are_kept;
use crate::checker::{Checked, require};
use crate::fault::Kind;
use crate::server::{Server, Waits};
use crate::world;
use base::time::Timestamp;
use booking::engine::Start;
use booking::stepwise::Stepwise;
use database::Database;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An actor acts, unless she was woken otherwise meanwhile.
    Wake(usize, u64),
    /// A server's committer takes a batch.
    Turn(usize),
    /// A server starts.
    Start(usize),
    /// A server's change feed looks.
    Follow(usize),
    /// A server's reconciler looks for due holds.
    Expire(usize),
    /// Some reconciler happens to look when a hold has just become due.
    ExpireNow,
    /// Some server forgets what is old.
    Housekeep,
    /// An operator publishes a session.
    Publish,
    /// An operator publishes again what may not have been written.
    PublishAgain(u32),
    /// The wall clock may be set.
    ClockStep,
    /// A server may be restarted, or get a second owner of its name.
    Trouble,
    /// A crowd of holds at once.
    Flood,
    /// A COMMIT that has not ended does, if it still has not.
    CommitEnds,
    /// Another server may take over from the primary.
    FailOver,
}

/// What is to happen, by time and then by the order in which it was said.
#[derive(Default)]
pub struct Events {
    queue: BTreeMap<(Duration, u64), Event>,
    said: u64,
}

impl Events {
    /// Says that something happens at a time of the monotone clock.
    pub fn add(&mut self, at: Duration, event: Event) {
        self.said += 1;
        self.queue.insert((at, self.said), event);
    }
    /// What happens next, and when.
    pub fn next(&mut self) -> Option<(Duration, Event)> {
        self.queue.pop_first().map(|((at, _), event)| (at, event))
    }
}

/// Most second owners in one run.
const TWINS_MAX: u32 = 2;
/// Requests in a flood: more than the smaller of the queues holds.
const FLOOD: u64 = 90;
/// How far a time server sets a clock, mostly and now and then.
const STEP_MOSTLY: Duration = Duration::from_secs(90);
const STEP_NOW_AND_THEN: Duration = Duration::from_hours(2);

impl Simulation {
    pub(super) fn happen(&mut self, event: Event) -> Checked {
        match event {
            Event::Wake(actor, wake) => self.act(actor, wake),
            Event::Turn(server) => self.turn(server),
            Event::Start(server) => self.start(server),
            Event::Follow(server) => {
                self.later(event, 200, 6_000);
                self.follow(server)
            }
            Event::Expire(server) => {
                self.later(event, 500, 15_000);
                self.expire(server)
            }
            Event::ExpireNow => {
                let (up, busy) = (self.up(), self.busy());
                let server = self.chance.pick(if busy.is_empty() { &up } else { &busy }).copied();
                server.map_or(Ok(()), |server| self.expire(server))
            }
            Event::Housekeep => {
                self.later(event, 60_000, 400_000);
                self.housekeep()
            }
            Event::Publish => {
                self.later(event, 150_000, 700_000);
                self.sessions += 1;
                self.publish(self.sessions, false)
            }
            Event::PublishAgain(n) => self.publish(n, true),
            Event::ClockStep => {
                self.later(event, 60_000, 300_000);
                self.step_clock();
                Ok(())
            }
            Event::Trouble => {
                self.later(event, 30_000, 200_000);
                self.trouble();
                Ok(())
            }
            Event::Flood => self.flood(FLOOD),
            Event::CommitEnds => {
                self.commit_ends();
                Ok(())
            }
            Event::FailOver => {
                self.later(event, 40_000, 300_000);
                self.fail_over()
            }
        }
    }

    pub(super) fn later(&mut self, event: Event, from_ms: u64, to_ms: u64) {
        let (from, to) = (Duration::from_millis(from_ms), Duration::from_millis(to_ms));
        let after = self.chance.span(from, to);
        self.events.add(self.clock.monotonic() + after, event);
    }

    /// Adds a server that is still down.
    pub(super) fn add_server(&mut self, name: &str, label: String) -> usize {
        self.servers.push(Server {
            name: name.to_owned(),
            label,
            below: self.new_below(),
            engine: None,
            waiting: BTreeMap::new(),
            turn_at: None,
            missing_since: None,
            late_seen: 0,
            is_retired: false,
        });
        let server = self.servers.len() - 1;
        self.events.add(self.clock.monotonic(), Event::Start(server));
        self.later(Event::Follow(server), 1_000, 2_000);
        self.later(Event::Expire(server), 1_000, 3_000);
        server
    }

    /// Starts a server's process on the bytes that are there.
    pub(crate) fn start(&mut self, n: usize) -> Checked {
        if self.servers[n].engine.is_some() || self.servers[n].is_retired {
            return Ok(());
        }
        let below = self.new_below();
        let start = Start {
            database: Database::in_simulation(&self.memory, below.clone()),
            keys: Self::keys(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            settings: self.settings.clone(),
            name: self.servers[n].name.clone(),
            owner: Owner::new(Shutdown::new()),
        };
        let started = Stepwise::start(&start);
        self.unended_is_over();
        let struck = self.struck(&below.take_struck());
        self.servers[n].below = below;
        let label = self.servers[n].label.clone();
        match started {
            Ok(engine) => {
                self.servers[n].engine = Some(engine);
                self.servers[n].missing_since = None;
                self.note(&format!("{label} starts"));
                let wrong = self.servers[n].shown_wrong(&self.model);
                require(wrong.is_empty(), "always_snapshot_shows_what_is_free", || {
                    wrong.join(", ")
                })
            }
            Err(cause) => {
                self.note(&format!("{label} cannot start: {cause}{struck}"));
                self.later(Event::Start(n), 500, 4_000);
                require(!struck.is_empty(), "always_starts", || format!("{label}: {cause}"))
            }
        }
    }

    /// The process ends; what waited in it is lost undecided.
    pub(crate) fn kill(&mut self, n: usize) {
        self.servers[n].engine = None;
        let waiting = std::mem::take(&mut self.servers[n].waiting);
        if !self.servers[n].is_retired {
            self.later(Event::Start(n), 100, 5_000);
        }
        for (_, waits) in waiting {
            if let Waits::Asked(sent) = waits {
                self.lost(&sent);
            }
        }
    }

    fn trouble(&mut self) {
        let up = self.up();
        let Some(n) = self.chance.pick(&up).copied() else {
            return;
        };
        if self.strikes(Kind::Restart) {
            self.struck(&[Kind::Restart]);
            self.note(&format!("{} ends and starts again", self.servers[n].label));
            self.kill(n);
        } else if self.twins < TWINS_MAX && self.strikes(Kind::SecondOwner) {
            self.twins += 1;
            self.struck(&[Kind::SecondOwner]);
            let name = self.servers[n].name.clone();
            let label = format!("{name}{}", "'".repeat(self.twins as usize));
            self.note(&format!("{label} takes the name of {name}"));
            self.add_server(&name, label);
        }
    }

    fn step_clock(&mut self) {
        let now = self.clock.now();
        let longest = if self.chance.percent(35) {
            STEP_NOW_AND_THEN
        } else {
            STEP_MOSTLY
        };
        let by = self.chance.span(Duration::from_secs(1), longest);
        if self.strikes(Kind::ClockForward) {
            self.struck(&[Kind::ClockForward]);
            self.clock.step_wall(now + by);
            self.note(&format!("the clock jumps {by:?} ahead"));
        } else if self.strikes(Kind::ClockBack) {
            self.struck(&[Kind::ClockBack]);
            self.clock.step_wall(now - by);
            self.keys_may_return = true;
            self.note(&format!("the clock jumps {by:?} back"));
        }
    }

    /// The change feed's step, and what it shows afterwards.
    pub(crate) fn follow(&mut self, n: usize) -> Checked {
        let Some(engine) = self.servers[n].engine.as_mut() else {
            return Ok(());
        };
        let followed = engine.follow();
        let struck = self.struck_below(n);
        match followed {
            Ok(()) => {
                if self.servers[n].missing_since.take().is_some() {
                    self.sometimes.happened("snapshot behind another server");
                }
                self.late_commits_are_seen(n);
                let wrong = self.servers[n].shown_wrong(&self.model);
                require(wrong.is_empty(), "always_snapshot_shows_what_is_free", || {
                    wrong.join(", ")
                })?;
            }
            Err(cause) => require(!struck.is_empty(), "always_faults_have_a_cause", || cause.to_string())?,
        }
        self.ages_are_true()
    }

    /// No server says that its picture is younger than it is.
    pub(crate) fn ages_are_true(&self) -> Checked {
        for server in &self.servers {
            let (Some(engine), Some(missing)) = (&server.engine, server.missing_since) else {
                continue;
            };
            let said = self.clock.now().since(engine.as_of());
            let least = self.clock.monotonic().saturating_sub(missing);
            // What is right all the same, because it changed back or was just read, is as young as it says.
            let is_so = said >= least || server.shown_wrong(&self.model).is_empty();
            require(is_so, "always_age_is_true", || {
                let label = &server.label;
                format!("{label} says that its picture is {said:?} old; a commit of {least:?} ago is missing in it")
            })?;
        }
        Ok(())
    }

    /// Some reconciler looks when this hold has just become due, perhaps while its booking waits.
    pub(super) fn look_when_due(&mut self, expires_at: Timestamp) {
        let due = (expires_at + self.model.numbers.hold_grace).since(self.clock.now());
        let after = due + self.chance.span(Duration::ZERO, Duration::from_millis(30));
        self.events.add(self.clock.monotonic() + after, Event::ExpireNow);
    }

    /// Servers with commands that wait.
    fn busy(&self) -> Vec<usize> {
        let is_busy = |n: &usize| !self.servers[*n].waiting.is_empty();
        self.up().into_iter().filter(is_busy).collect()
    }

    /// The reconciler's step; none while it waits for the answers of the last.
    pub(crate) fn expire(&mut self, n: usize) -> Checked {
        let is_waiting = |waits: &Waits| matches!(waits, Waits::Expiry(..));
        if self.servers[n].waiting.values().any(is_waiting) {
            return Ok(());
        }
        let now = self.clock.now();
        let Some(engine) = self.servers[n].engine.as_mut() else {
            return Ok(());
        };
        let queued = engine.queue_due_holds();
        let struck = self.struck_below(n);
        match queued {
            Ok(queued) => {
                let is_idle = queued.is_empty();
                let waits = queued
                    .into_iter()
                    .map(|(ticket, hold)| (ticket, Waits::Expiry(hold, now)));
                self.servers[n].waiting.extend(waits);
                if !is_idle {
                    self.turn_soon(n);
                }
                Ok(())
            }
            Err(cause) => require(!struck.is_empty(), "always_faults_have_a_cause", || cause.to_string()),
        }
    }

    fn housekeep(&mut self) -> Checked {
        let up = self.up();
        let Some(n) = self.chance.pick(&up).copied() else {
            return Ok(());
        };
        let now = self.clock.now();
        let Some(engine) = self.servers[n].engine.as_mut() else {
            return Ok(());
        };
        let forgot = engine.forget_old();
        self.unended_is_over();
        let struck = self.struck_below(n);
        if let Err(cause) = &forgot {
            require(!struck.is_empty(), "always_faults_have_a_cause", || cause.to_string())?;
        }
        // A commit whose answer was lost has forgotten all the same.
        let kept = answers_are_kept(&mut self.beside, &self.model).map_err(broken)?;
        if kept.is_err() || forgot.is_ok() {
            for _ in 0..self.model.forget_old(now) {
                self.sometimes.happened("key forgotten after its time");
            }
        }
        answers_are_kept(&mut self.beside, &self.model).map_err(broken)??;
        self.after_death(n);
        Ok(())
    }

    /// A process that died at a commit is gone.
    pub(super) fn after_death(&mut self, n: usize) {
        if self.servers[n].below.is_dead() {
            self.note(&format!("{} died at a commit", self.servers[n].label));
            self.kill(n);
        }
    }

    /// An operator publishes a session through the import, and again until it is certain.
    fn publish(&mut self, n: u32, again: bool) -> Checked {
        let row = world::later_session(n, &Chance::new(u64::from(n)));
        self.operator = self.new_below();
        let database = Database::in_simulation(&self.memory, self.operator.clone());
        let clock = self.clock.clone();
        let published = database
            .connect()
            .map_err(|cause| cause.to_string())
            .and_then(|mut connection| {
                world::publish(&mut connection, &clock, vec![row]).map_err(|cause| cause.to_string())
            });
        self.unended_is_over();
        let struck = self.operator.take_struck();
        let struck = self.struck(&struck);
        let added = self.learn_slots()?;
        if added > 0 {
            self.others_are_behind(usize::MAX);
        }
        match published {
            Ok(()) => {
                self.sometimes.happened("sessions published while people book");
                if again {
                    self.sometimes.happened("sessions published twice after a fault");
                }
                self.note(&format!("an operator publishes {added} slots"));
                Ok(())
            }
            Err(cause) => {
                self.note(&format!("an operator cannot publish: {cause}{struck}"));
                self.later(Event::PublishAgain(n), 1_000, 20_000);
                require(!struck.is_empty(), "always_faults_have_a_cause", || cause)
            }
        }
    }

    /// A commit happened by now that other servers do not show yet.
    pub(super) fn others_are_behind(&mut self, committer: usize) {
        let now = self.clock.monotonic();
        for (n, server) in self.servers.iter_mut().enumerate() {
            if n != committer {
                server.missing_since.get_or_insert(now);
            }
        }
    }

    fn struck_below(&mut self, n: usize) -> String {
        let struck = self.servers[n].below.take_struck();
        self.struck(&struck)
    }

    /// Counts what has struck, and says it in brackets.
    pub(super) fn struck(&mut self, struck: &[Kind]) -> String {
        for kind in struck {
            self.sometimes.happened(format!("injected {}", kind.name()));
        }
        let names: Vec<&str> = struck.iter().map(|kind| kind.name()).collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(" [{}]", names.join(" "))
        }
    }

    /// The time for the log: seconds since the run began.
    pub(super) fn time(&self) -> String {
        let now = self.clock.monotonic();
        format!("+{}.{:06}", now.as_secs(), now.subsec_micros())
    }

    pub(super) fn note(&mut self, text: &str) {
        self.log.note(&format!("{} {text}", self.time()));
    }

    pub(super) fn end_of_faults(&mut self) {
        self.is_calm = true;
        self.commit_ends();
        self.operator.end();
        for server in &self.servers {
            server.below.end();
        }
        self.note("nothing fails any more");
    }
}
