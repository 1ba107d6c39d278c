//! One attempt at one batch: one transaction, in which each command is looked up by its key, decided, and its effects
//! gathered; then everything is written and committed once.

use super::queue::Task;
use super::{Committer, appointment_seen, hold_seen, link, load, save};
use crate::cost;
use crate::engine::{Done, Reply, Verdict, count};
use crate::reconciler::message_delivery::sends_mail;
use crate::records::audit::{Head, Link};
use crate::records::outcome::{Outcome, SEALED};
use crate::records::relocation::State;
use crate::records::resident::Stored;
use crate::sealing;
use crate::{limit, move_pause, records};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, ResidentId, SlotId};
use bytes::Bytes;
use database::{Broken, CommitFailed, Connection};
use runtime::hook;
use scheduling::command::{Command, Proof};
use scheduling::decide::{self, Circumstances, decide};
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use scheduling::planted;
use scheduling::refusal::Refusal;
use scheduling::resident::personal_link::{HOLD_GENERATION, Purpose, code_counts};
use scheduling::rules::Rules;
use scheduling::working_set::WorkingSet;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why an attempt did not become a commit.
pub(crate) enum AttemptError {
    /// Deciding this command of the batch panicked.
    Panicked { task: usize },
    /// A constraint met another writer.
    Violation(String),
    /// Another writer was in the way: nothing was applied.
    Conflict(String),
    /// The jurisdiction moves to another database: nobody writes, and nothing is wrong with this one.
    Moving(State),
    /// Certainly not committed.
    Fault { fault: Fault, cause: String },
    /// Perhaps committed.
    InDoubt { cause: String, prepared: Prepared },
}

impl From<Broken> for AttemptError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Violation(cause) => Self::Violation(cause),
            Broken::Conflict(cause) => Self::Conflict(cause),
            Broken::Fault { fault, cause } => Self::Fault { fault, cause },
        }
    }
}

/// A batch that is decided, with its answers.
pub(crate) struct Prepared {
    pub replies: Vec<Reply>,
    /// Where the audit chain ends if the commit is there.
    pub head: Head,
    /// An answer that is there if the commit is: a batch of refusals alone leaves no event.
    pub outcome: Option<Box<Outcome>>,
    /// An event that is there if the commit is: the engine's own commands leave no answer.
    pub last_link: Option<Box<Link>>,
}

/// What gathers while the commands of a batch are decided.
#[derive(Default)]
pub(super) struct Gathered {
    pub set: WorkingSet,
    pub residents: Vec<(ResidentId, Stored)>,
    /// Whether any command of the batch changed anything.
    pub is_changed: bool,
    pub links: Vec<Link>,
    pub outcomes: Vec<Outcome>,
    pub messages: Vec<records::outbox::Stored>,
    /// The number of the next message; none where no mail goes out.
    pub next_message: Option<u64>,
    known: BTreeMap<Vec<u8>, Outcome>,
}

impl Committer {
    /// Decides and commits a batch; the replies are in its order.
    pub(super) fn attempt(&mut self, batch: &[Task]) -> Result<Vec<Reply>, AttemptError> {
        // Taken out for the time of the attempt: its transaction borrows it, deciding borrows the rest.
        let mut connection = self.connection.take().expect("the connection is here between attempts");
        let attempted = self.attempt_on(&mut connection, batch);
        self.connection = Some(connection);
        attempted
    }

    fn attempt_on(&mut self, connection: &mut Connection, batch: &[Task]) -> Result<Vec<Reply>, AttemptError> {
        hook::reach("receive");
        let rules = self.parts.feed.rules();
        let now = self.parts.clock.now();
        let last_code = self.codes.take(connection, load::codes_wanted(batch), now)?;
        let mut tx = move_pause::begin_or_say(connection)?.map_err(AttemptError::Moving)?;
        sealing::agree(&mut tx, &self.parts.keys)?;
        let mut gathered = Gathered {
            set: load::load(&mut tx, batch, last_code, now, &self.parts.keys)?,
            ..Gathered::default()
        };
        if planted::is("capacity_not_reread") {
            load::count_by_snapshot(&mut gathered.set, &self.parts.feed.snapshot());
        }
        if sends_mail(&self.parts.settings, &rules) {
            gathered.next_message = Some(records::outbox::last_number(&mut tx)? + 1);
        }
        if !planted::is("skip_key_lookup") {
            let keys = batch.iter().filter_map(|task| task.key.as_ref());
            let keys: Vec<&[u8]> = keys.map(|(key, _)| key.as_slice()).collect();
            records::outcome::of(&mut tx, &keys, |outcome| {
                gathered.known.insert(outcome.key.clone(), outcome);
            })?;
        }
        let mut head = self.head;
        let mut replies = Vec::with_capacity(batch.len());
        for (n, task) in batch.iter().enumerate() {
            let decided = catch_unwind(AssertUnwindSafe(|| self.one(task, &rules, &mut gathered, &mut head)));
            replies.push(decided.map_err(|_| AttemptError::Panicked { task: n })?);
        }
        hook::reach("decide");
        if !gathered.is_changed && gathered.outcomes.is_empty() {
            return Ok(replies);
        }
        let saved = save::save(&mut tx, &gathered, self.parts.clock.now())?;
        hook::reach("before-commit");
        // Nobody else can commit before this commit is there: the picture that shows it is current as of now.
        let current_at = self.parts.clock.monotonic();
        let committed = {
            let _on_its_way = self.parts.feed.pause().committing();
            tx.commit()
        };
        match committed {
            Ok(()) => {}
            Err(CommitFailed::NotDone(broken)) => return Err(broken.into()),
            Err(CommitFailed::InDoubt(cause)) => {
                return Err(AttemptError::InDoubt {
                    cause,
                    prepared: Prepared {
                        replies,
                        head,
                        outcome: gathered.outcomes.into_iter().next().map(Box::new),
                        last_link: gathered.links.into_iter().next_back().map(Box::new),
                    },
                });
            }
        }
        hook::reach("after-commit");
        if planted::is("outcome_outside_transaction") {
            save::outcomes_afterwards(connection, &gathered);
        }
        self.head = head;
        count(&self.parts.counters.commits, 1);
        count(&self.parts.counters.commands, batch.len() as u64);
        if let Some(saved) = saved
            && let Err(cause) = self.parts.feed.committed(&saved, current_at, connection)
        {
            tracing::warn!(%cause, "the snapshot could not follow a commit at once; the change feed will");
        }
        Ok(replies)
    }

    /// Decides one command on what those before it left.
    fn one(&self, task: &Task, rules: &Rules, gathered: &mut Gathered, head: &mut Head) -> Reply {
        if let Some((key, body_hash)) = &task.key
            && let Some(outcome) = gathered.known.get(key)
        {
            return self.replay(task, outcome, body_hash);
        }
        let at = Circumstances {
            now: task.arrived,
            rules,
            limits: self.limits,
            sends_mail: gathered.next_message.is_some(),
        };
        let proof = self.proof(task, &gathered.set);
        let decision = decide(&task.command, proof, &gathered.set, &at);
        let events = gathered
            .set
            .apply(decision.effects)
            .expect("a decision never takes a place that is not free");
        self.forge(task, &events, gathered, head);
        self.gather_messages(&events, gathered);
        let done;
        let verdict = match &decision.outcome {
            decide::Outcome::Done(what) => {
                done = self.own_only(self.seen(what, &gathered.set), proof, task, &gathered.set);
                Verdict::Done(&done)
            }
            decide::Outcome::Refused(refusal) => Verdict::Refused(refusal),
            decide::Outcome::Invalid { field, expected } => Verdict::Invalid { field, expected },
            decide::Outcome::NotFound => Verdict::NotFound,
        };
        let rendered = (task.render)(&verdict);
        let code = match &decision.outcome {
            decide::Outcome::Refused(refusal) => Some(refusal.code()),
            _ => None,
        };
        let kept = matches!(decision.outcome, decide::Outcome::Done(_) | decide::Outcome::Refused(_));
        if let Some((key, body_hash)) = task.key.as_ref().filter(|_| kept) {
            let (table, column) = SEALED;
            let outcome = Outcome {
                key: key.clone(),
                body_hash: self.stored_hash(body_hash),
                status: rendered.status,
                code: code.map(str::to_owned),
                body: self
                    .parts
                    .keys
                    .seal(&self.parts.entropy, table, column, key, &rendered.body),
                subject: subject(&decision.outcome),
                at: task.arrived,
            };
            gathered.known.insert(key.clone(), outcome.clone());
            gathered.outcomes.push(outcome);
        }
        Reply {
            status: rendered.status,
            body: Bytes::from(rendered.body),
            replayed: false,
            code,
            bug: false,
        }
    }

    /// A body's hash as it is stored: keyed, since a form's body is a person's details and nothing else, so that who has
    /// the file could try guesses against a plain hash.
    fn stored_hash(&self, body_hash: &[u8; 32]) -> [u8; 32] {
        self.parts.keys.keyed_hash("request-body", body_hash)
    }

    /// The stored answer again; or, where the body is another, that the key is used.
    fn replay(&self, task: &Task, outcome: &Outcome, body_hash: &[u8; 32]) -> Reply {
        // Of 0.1, until they are forgotten, the hash itself.
        if outcome.body_hash != self.stored_hash(body_hash) && outcome.body_hash != *body_hash {
            let rendered = (task.render)(&Verdict::Refused(&Refusal::KeyReused));
            let code = Some(Refusal::KeyReused.code());
            return Reply {
                status: rendered.status,
                body: rendered.body.into(),
                replayed: false,
                code,
                bug: false,
            };
        }
        let (table, column) = SEALED;
        match self.parts.keys.open(table, column, &outcome.key, &outcome.body) {
            Ok(body) => {
                let code = outcome.code.as_deref().and_then(Refusal::known_code);
                Reply {
                    status: outcome.status,
                    body: body.into(),
                    replayed: true,
                    code,
                    bug: false,
                }
            }
            Err(cause) => {
                tracing::error!(%cause, "a stored outcome cannot be opened");
                super::bug()
            }
        }
    }

    fn proof(&self, task: &Task, set: &WorkingSet) -> Proof {
        if task.tokens.own {
            return Proof {
                hold: true,
                appointment: true,
                own_link: true,
                by_code: false,
            };
        }
        let keys = &self.parts.keys;
        let (hold, appointment) = match &task.command {
            Command::PlaceHold { .. } => return Proof::default(),
            Command::ExtendHold { hold }
            | Command::GiveBackHold { hold }
            | Command::ExpireHold { hold }
            | Command::Book { hold, .. } => (Some(*hold), None),
            Command::Cancel { appointment }
            | Command::ShareLink { appointment }
            | Command::StopLink { appointment, .. }
            | Command::SendLinkAnew { appointment } => (None, Some(*appointment)),
            Command::Reschedule { appointment, hold } => (Some(*hold), Some(*appointment)),
        };
        let opens_hold = |id: HoldId| {
            let token = task.tokens.hold.as_deref().unwrap_or_default();
            keys.token_matches(token, Purpose::UseHold.word(), &id.to_bytes(), HOLD_GENERATION)
        };
        let row = appointment.and_then(|id| set.appointments.get(&id));
        let link = row.and_then(|row| {
            let token = task.tokens.appointment.as_deref()?;
            let shared = set.links.values().filter(|link| link.appointment == row.id);
            let on_their_way = set.links_on_their_way.get(&row.id).copied().unwrap_or_default();
            link::opened_by(token, row, on_their_way, shared, keys)
        });
        let lasts = self.parts.settings.duration(&limit::CODE_LASTS);
        Proof {
            hold: hold.is_some_and(opens_hold),
            appointment: link.is_some(),
            own_link: link == Some(link::Whose::Resident),
            by_code: appointment.is_some_and(|id| {
                let said = task.tokens.by_code.as_ref();
                said.is_some_and(|said| said.opens(id, keys) && code_counts(said.at, lasts, task.arrived))
            }),
        }
    }

    /// Puts a command's events at the end of the chain; a booking's with the commitment to its resident's details.
    fn forge(&self, task: &Task, events: &[AuditEvent], gathered: &mut Gathered, head: &mut Head) {
        for (part, event) in events.iter().enumerate() {
            if planted::is("audit_dropped") && event.kind == AuditKind::AppointmentCancelled {
                continue;
            }
            let booked = match (event.kind, event.subject) {
                (AuditKind::AppointmentBooked, Subject::Appointment(id)) => gathered.set.appointments.get(&id),
                _ => None,
            };
            let commitment = booked.and_then(|appointment| {
                let id = appointment.resident;
                let details = gathered.set.residents.get(&id)?;
                let stored = Stored::new(id, details, &self.parts.keys, &self.parts.entropy);
                let commitment = stored.commitment();
                gathered.residents.push((id, stored));
                Some(commitment)
            });
            gathered.is_changed = true;
            if cost::is_left_out(cost::Part::Audit) {
                continue;
            }
            let key = task.key.as_ref().map(|(key, _)| key.as_slice());
            gathered.links.push(Link::forge(
                &self.parts.chain,
                head,
                event,
                key,
                part as u32,
                commitment,
            ));
        }
    }

    fn seen(&self, done: &decide::Done, set: &WorkingSet) -> Done {
        let keys = &self.parts.keys;
        let slot_of = |id: SlotId| set.slots.get(&id);
        let appointment = |id: &AppointmentId| {
            let row = &set.appointments[id];
            appointment_seen(row, &set.slots[&row.slot], set.residents.get(&row.resident), keys)
        };
        match done {
            decide::Done::Held(id) => Done::Held(hold_seen(&set.holds[id], slot_of, keys)),
            decide::Done::GivenBack(_) => Done::GivenBack,
            decide::Done::Expired(_) => Done::Nothing,
            decide::Done::Booked(ids) => Done::Booked(ids.iter().map(appointment).collect()),
            decide::Done::Cancelled(id) | decide::Done::Moved(id) | decide::Done::Linked(id) => {
                Done::Seen(Box::new(appointment(id)))
            }
        }
    }

    /// Whoever came by a link is told no other secret than theirs, whoever came by a code none.
    fn own_only(&self, mut done: Done, proof: Proof, task: &Task, set: &WorkingSet) -> Done {
        if let Done::Seen(seen) = &mut done {
            let given = task.tokens.appointment.clone().unwrap_or_default();
            let row = set.appointments.get(&seen.id);
            let is_todays = proof.own_link && row.is_some_and(|row| link::is_todays(&given, row, &self.parts.keys));
            if !(is_todays || task.tokens.own) {
                seen.manage_token = given;
            }
        }
        done
    }
}

/// Ids of what an outcome made or changed; a refusal has none.
fn subject(outcome: &decide::Outcome) -> Vec<u8> {
    match outcome {
        decide::Outcome::Done(decide::Done::Held(id) | decide::Done::GivenBack(id) | decide::Done::Expired(id)) => {
            id.to_bytes().to_vec()
        }
        decide::Outcome::Done(decide::Done::Booked(ids)) => records::join_ids(ids.iter().copied()),
        decide::Outcome::Done(decide::Done::Cancelled(id) | decide::Done::Moved(id) | decide::Done::Linked(id)) => {
            id.to_bytes().to_vec()
        }
        _ => Vec::new(),
    }
}
