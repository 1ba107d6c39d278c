//! A committer's turn, and what came of each command in it: held against the model before anybody hears of it.

use super::{Simulation, broken};
use crate::actor::Heard;
use crate::checker::always::{
    Rows, answered_by_the_rules, answers_are_kept, faults_have_a_cause, helpers_learn_nothing, links_are_shared,
    messages_wait, one_effect_per_key, words,
};
use crate::checker::sometimes::{appointment_edge, hold_edge};
use crate::checker::{Checked, Found, require};
use crate::fault::Kind;
use crate::model::decide::Asked;
use crate::model::{Edit, Held, Kept, Verdict};
use crate::server::{Sent, Waits};
use crate::wish::{Opens, Wish};
use base::answer::Fault;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use booking::engine::Reply;
use booking::records;
use booking::stepwise::Ticket;
use scheduling::refusal::Refusal;
use scheduling::resident::hold::HoldStatus;
use std::collections::BTreeMap;
use std::time::Duration;

/// Turns between two looks at the stored answers, which cost most.
const ANSWERS_EVERY: u64 = 16;
/// How many holds in a hundred a reconciler meets in the very moment in which they become due.
const DUE_LOOKED_AT: u64 = 60;

/// What is known of a turn.
struct Turn {
    server: usize,
    /// On the monotone clock.
    started: Duration,
    /// The same. Commands that are decided again one by one may be late only then.
    ended: Duration,
    struck: String,
    /// The process ended in it: nobody heard a fault.
    is_dead: bool,
    /// Something may have made it fail.
    has_cause: bool,
}

impl Simulation {
    /// A server's committer takes a batch.
    pub(crate) fn turn(&mut self, n: usize) -> Checked {
        self.servers[n].turn_at = None;
        let (before, started) = (self.model.taken(), self.clock.monotonic());
        let Some(engine) = self.servers[n].engine.as_mut() else {
            return Ok(());
        };
        let answers = engine.turn();
        let has_lost_its_name = engine.has_lost_its_name();
        let kinds = self.servers[n].below.take_struck();
        let turn = Turn {
            server: n,
            started,
            ended: self.clock.monotonic(),
            struck: self.struck(&kinds),
            is_dead: self.servers[n].below.is_dead(),
            has_cause: !kinds.is_empty() || has_lost_its_name || self.has_second_owner(n),
        };
        if !turn.is_dead {
            self.doubts(&answers, &kinds);
        }
        for (ticket, answer) in answers {
            match self.servers[n].waiting.remove(&ticket) {
                Some(Waits::Expiry(hold, now)) => self.settle_expiry(&turn, (hold, now), answer)?,
                Some(Waits::Asked(sent)) => self.settle(&turn, &sent, answer)?,
                None => return Err(broken(format!("{ticket:?} was answered and never sent"))),
            }
        }
        self.look(n, &before, kinds.is_empty())?;
        if turn.is_dead {
            self.after_death(n);
            return Ok(());
        }
        if has_lost_its_name {
            self.sometimes.happened("server lost its name");
            self.note(&format!("{} lost its name and ends", self.servers[n].label));
            self.servers[n].is_retired = true;
            self.kill(n);
            return Ok(());
        }
        let still = self.servers[n]
            .engine
            .as_ref()
            .map_or(0, booking::stepwise::Stepwise::queue_len);
        if still > 0 {
            self.turn_soon(n);
        }
        Ok(())
    }

    fn has_second_owner(&self, n: usize) -> bool {
        let name = &self.servers[n].name;
        let owners = self
            .servers
            .iter()
            .filter(|server| server.name == *name && server.engine.is_some());
        owners.count() > 1
    }

    /// What became of commits whose answers were lost.
    fn doubts(&mut self, answers: &[(Ticket, Result<Reply, Fault>)], kinds: &[Kind]) {
        if !kinds.contains(&Kind::CommitLost) && !kinds.contains(&Kind::CommitAppliedAnswerLost) {
            return;
        }
        let is_unknown = answers
            .iter()
            .any(|(_, answer)| matches!(answer, Err(Fault::OutcomeUnknown)));
        let is_done = answers.iter().any(|(_, answer)| answer.is_ok());
        self.sometimes.happened(match (is_unknown, is_done) {
            (true, _) => "commit in doubt not looked up",
            (false, true) => "commit in doubt found done",
            (false, false) => "commit in doubt found not done",
        });
    }

    /// Rows, snapshot and ages after a turn.
    fn look(&mut self, n: usize, before: &BTreeMap<SlotId, (u32, u32)>, nothing_struck: bool) -> Checked {
        self.turns += 1;
        let rows = Rows::read(&mut self.beside).map_err(broken)?;
        rows.check(&self.model)?;
        if self.turns.is_multiple_of(ANSWERS_EVERY) {
            answers_are_kept(&mut self.beside, &self.model).map_err(broken)??;
            links_are_shared(&mut self.beside, &self.model).map_err(broken)??;
            messages_wait(&mut self.beside, &self.model).map_err(broken)??;
        }
        let has_changed = *before != self.model.taken();
        if has_changed {
            self.others_are_behind(n);
        }
        let wrong = self.servers[n].shown_wrong(&self.model);
        if wrong.is_empty() {
            // Also where what came and went cancels out: a picture that is right lacks nothing.
            self.servers[n].missing_since = None;
        } else if has_changed {
            // The commit stands; reading what others changed may have failed, then the feed follows.
            require(!nothing_struck, "always_own_commits_are_shown", || wrong.join(", "))?;
            let now = self.clock.monotonic();
            self.servers[n].missing_since.get_or_insert(now);
        }
        self.ages_are_true()
    }

    fn settle_expiry(
        &mut self,
        turn: &Turn,
        (hold, now): (HoldId, Timestamp),
        answer: Result<Reply, Fault>,
    ) -> Checked {
        let edits = self.model.expire(hold, now);
        let is_booked = |held: &Held| held.status == HoldStatus::Booked;
        if answer.is_ok() && self.model.holds.get(&hold).is_some_and(is_booked) {
            self.sometimes.happened("hold booked while its expiry waited");
        }
        let is_done = match answer {
            Ok(reply) => {
                let is_well = !reply.bug && reply.status == 200;
                require(is_well, "always_no_bug", || format!("freeing {hold} panicked"))?;
                true
            }
            Err(fault) if turn.is_dead || fault == Fault::OutcomeUnknown => {
                let mut tx = self.beside.begin_read().map_err(broken)?;
                let row = records::hold::load(&mut tx, hold).map_err(broken)?;
                row.is_some_and(|row| row.status == HoldStatus::Expired)
            }
            Err(_) => false,
        };
        if is_done && !edits.is_empty() {
            self.sometimes
                .happened("hold freed by the reconciler although nobody asked");
            self.apply(turn.server, edits);
        }
        Ok(())
    }

    /// Holds an answer against the model, lets happen what happened, and lets the actor hear of it.
    fn settle(&mut self, turn: &Turn, sent: &Sent, answer: Result<Reply, Fault>) -> Checked {
        let is_dropped = matches!(answer, Err(Fault::TimedOut));
        require(
            is_dropped || turn.started < sent.deadline_at,
            "always_late_commands_are_dropped",
            || "a command that nobody waits for any more was decided".to_owned(),
        )?;
        let (verdict, edits, before) = self.expected(sent);
        let struck = &turn.struck;
        let heard = match answer {
            Ok(reply) => {
                self.log.command(format!("{} → {}{struck}", sent.line, short(&reply)));
                match &before {
                    Some(before) if before.body == sent.body => {
                        one_effect_per_key(&reply, before)?;
                        self.sometimes.happened("answer replayed");
                    }
                    _ => {
                        answered_by_the_rules(&reply, &verdict)?;
                        self.done(turn.server, sent, &verdict, edits, before.is_some());
                    }
                }
                if let Wish::Cancel { appointment, token }
                | Wish::Move { appointment, token, .. }
                | Wish::CancelByCode {
                    appointment,
                    said: token,
                }
                | Wish::SendAnew {
                    appointment,
                    said: token,
                } = &sent.wish
                {
                    let own = self.acknowledged.get(appointment).map(|told| told.token.text.as_str());
                    helpers_learn_nothing(&reply, token, own)?;
                }
                self.remember_whole(sent, &reply);
                Heard::Answer(reply.status, String::from_utf8_lossy(&reply.body).into_owned())
            }
            // What came too late was dropped, and told so, before anything else of its batch.
            Err(fault) if fault == Fault::OutcomeUnknown || turn.is_dead && fault != Fault::TimedOut => {
                let is_done = before.is_none() && self.is_done(sent, &verdict)?;
                let found = if is_done { "it was done" } else { "it was not done" };
                let word = if turn.is_dead { "no answer" } else { fault.code() };
                self.log.command(format!("{} → {word} ({found}){struck}", sent.line));
                if is_done {
                    self.done(turn.server, sent, &verdict, edits, false);
                }
                if turn.is_dead {
                    Heard::Nothing
                } else {
                    self.faulted(fault)
                }
            }
            Err(fault) => {
                self.log.command(format!("{} → {fault}{struck}", sent.line));
                let is_late = turn.ended >= sent.deadline_at;
                faults_have_a_cause(
                    fault,
                    if fault == Fault::TimedOut {
                        is_late
                    } else {
                        turn.has_cause
                    },
                )?;
                self.faulted(fault)
            }
        };
        self.tell(sent, heard);
        Ok(())
    }

    fn faulted(&mut self, fault: Fault) -> Heard {
        self.sometimes.happened(format!("fault {fault}"));
        Heard::Fault(fault)
    }

    /// What a request must be answered as things stand, what must change, and what was answered under its key before.
    fn expected(&self, sent: &Sent) -> (Verdict, Vec<Edit>, Option<Kept>) {
        if let Some(before) = sent.key.as_ref().and_then(|key| self.model.kept.get(key)) {
            return (Verdict::Refused(Refusal::KeyReused), Vec::new(), Some(before.clone()));
        }
        let asked = Asked {
            wish: &sent.wish,
            new_hold: sent.new_hold,
            new_appointments: &sent.new_appointments,
            arrived: sent.arrived,
        };
        let (verdict, edits) = self.model.decide(&asked);
        (verdict, edits, None)
    }

    fn done(&mut self, n: usize, sent: &Sent, verdict: &Verdict, edits: Vec<Edit>, was_kept: bool) {
        match verdict {
            Verdict::Refused(refusal) => self.sometimes.happened(format!("refusal {}", refusal.code())),
            Verdict::Invalid(_) => self.sometimes.happened("answer invalid"),
            Verdict::NotFound => self.sometimes.happened("answer not-found"),
            Verdict::Done { .. } => {}
        }
        if let Some(key) = sent.key.as_ref().filter(|_| verdict.is_kept() && !was_kept) {
            let kept = Kept {
                body: sent.body,
                status: verdict.status(),
                text: verdict.text(),
                whole: None,
                code: verdict.code(),
                at: sent.arrived,
            };
            self.model.kept.insert(key.clone(), kept);
        }
        let by_code = match &sent.wish {
            Wish::CancelByCode { .. } => Some("appointment cancelled by its code"),
            Wish::SendAnew { .. } => Some("link sent anew"),
            _ => None,
        };
        if let Some(what) = by_code.filter(|_| !edits.is_empty()) {
            self.sometimes.happened(what);
        }
        if let Wish::Cancel { token, .. } | Wish::Move { token, .. } = &sent.wish
            && matches!((token.opens, verdict), (Opens::Helped(..), Verdict::Done { .. }))
        {
            self.sometimes.happened("link used by somebody who helps");
        }
        if let (Wish::Book { bookings, .. }, Verdict::Done { .. }) = (&sent.wish, verdict)
            && bookings.len() > 1
        {
            if bookings.len() > 3 {
                self.sometimes.happened("booking of four and more");
            }
            let first = bookings[0].who.number;
            let is_one = bookings.iter().all(|named| named.who.number == first);
            self.sometimes.happened(if is_one {
                "booking of two doses"
            } else {
                "booking of a family"
            });
        }
        self.apply(n, edits);
    }

    fn apply(&mut self, n: usize, edits: Vec<Edit>) {
        for edit in &edits {
            match edit {
                Edit::Hold(id, hold) => {
                    let from = self.model.holds.get(id).map(|before| before.status);
                    self.sometimes.happened(hold_edge(from, hold.status));
                    if hold.status == HoldStatus::Held && self.chance.percent(DUE_LOOKED_AT) {
                        self.look_when_due(hold.expires_at);
                    }
                }
                Edit::Appointment(id, booked) => {
                    let from = self.model.appointments.get(id).map(|before| before.status);
                    self.sometimes.happened(appointment_edge(from, booked.status));
                    if self.is_same_day_move(*id, booked.slot) {
                        self.sometimes.happened("move to another product on the same day");
                    }
                    if booked.possible_duplicate && from.is_none() {
                        self.sometimes.happened("appointment a possible duplicate");
                    }
                }
                Edit::Link(_, _, link) => {
                    let what = if link.stopped_at.is_some() {
                        "link stopped"
                    } else {
                        "link shared"
                    };
                    self.sometimes.happened(what);
                }
                Edit::Messages(0) | Edit::Event(_) => {}
                Edit::Messages(_) => self.sometimes.happened("message due"),
            }
        }
        let chain = self.servers[n].name.clone();
        self.model.apply(&chain, edits);
    }

    fn is_same_day_move(&self, id: AppointmentId, to: SlotId) -> bool {
        let from = self.model.appointments.get(&id).map(|booked| booked.slot);
        let places = from.map(|from| (&self.model.places[&from], &self.model.places[&to]));
        places.is_some_and(|(from, to)| from.date == to.date && from.product != to.product)
    }

    fn remember_whole(&mut self, sent: &Sent, reply: &Reply) {
        if let Some(kept) = sent.key.as_ref().and_then(|key| self.model.kept.get_mut(key))
            && kept.body == sent.body
        {
            kept.whole.get_or_insert_with(|| reply.body.to_vec());
        }
    }

    /// Whether a request whose answer is not known was done, by the rows alone.
    fn is_done(&mut self, sent: &Sent, verdict: &Verdict) -> Result<bool, Found> {
        let mut tx = self.beside.begin_read().map_err(broken)?;
        if let Some(key) = &sent.key {
            let Some(row) = records::outcome::load(&mut tx, key).map_err(broken)? else {
                return Ok(false);
            };
            let (found, wanted) = ((row.status, row.code.as_deref()), (verdict.status(), verdict.code()));
            require(found == wanted, "always_answers_as_the_rules_say", || {
                format!("kept, though not answered: {found:?}, expected {wanted:?}")
            })?;
            return Ok(true);
        }
        if !matches!(verdict, Verdict::Done { .. }) {
            return Ok(false);
        }
        let hold = match &sent.wish {
            Wish::Hold { .. } => sent.new_hold,
            Wish::Extend { hold, .. } | Wish::GiveBack { hold, .. } => Some(*hold),
            _ => None,
        };
        let appointment = match &sent.wish {
            Wish::Book { .. } => sent.new_appointments.first().copied(),
            Wish::Cancel { appointment, .. }
            | Wish::Move { appointment, .. }
            | Wish::CancelByCode { appointment, .. }
            | Wish::SendAnew { appointment, .. } => Some(*appointment),
            _ => None,
        };
        if let Wish::Share { appointment, .. } | Wish::StopLink { appointment, .. } = &sent.wish {
            let mut rows = Vec::new();
            records::shared_link::of_appointment(&mut tx, *appointment, |link| rows.push(link.is_live()))
                .map_err(broken)?;
            let known = self.model.links.iter().filter(|((of, _), _)| of == appointment);
            let known: Vec<bool> = known.map(|(_, link)| link.stopped_at.is_none()).collect();
            return Ok(rows != known);
        }
        if let Some(id) = hold {
            let row = records::hold::load(&mut tx, id).map_err(broken)?;
            let before = self
                .model
                .holds
                .get(&id)
                .map(|held| (held.status, held.extensions_left));
            return Ok(row.map(|row| (row.status, row.extensions_left)) != before);
        }
        if let Some(id) = appointment {
            let row = records::appointment::load(&mut tx, id).map_err(broken)?;
            let before = self
                .model
                .appointments
                .get(&id)
                .map(|booked| (booked.status, booked.hold, booked.links_sent));
            return Ok(row.map(|row| (row.status, row.hold, row.generation)) != before);
        }
        Ok(false)
    }
}

/// An answer in a few words, without secrets and names.
fn short(reply: &Reply) -> String {
    let again = if reply.replayed { " (again)" } else { "" };
    let text: Vec<String> = words(reply)
        .split("; ")
        .map(|text| text.split(" \"").next().unwrap_or_default().to_owned())
        .collect();
    format!("{} {}{again}", reply.status, text.join("; "))
}
