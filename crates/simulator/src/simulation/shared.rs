//! What happens only where servers share a database: COMMITs that end later than anybody waits, fail-overs, others in the
//! way, numbers in another order than commits.

use super::events::Event;
use super::{Acknowledged, Simulation, broken};
use crate::checker::always::acknowledged_is_stored;
use crate::checker::{Checked, require};
use crate::fault::Kind;
use crate::server::{Sent, Waits};
use crate::wish::Wish;
use base::answer::Fault;
use base::id::AppointmentId;
use booking::engine::Reply;
use booking::records;
use booking::stepwise::Ticket;
use database::Database;
use scheduling::planted;
use std::collections::BTreeMap;

/// How often the committer tries again, by its own account.
const TRIES: u64 = 8;

type Answers = [(Ticket, Result<Reply, Fault>)];

impl Simulation {
    /// Whether a command's answer is not known because its COMMIT has not ended.
    pub(super) fn is_undecided(&self, waits: &Waits, answer: &Result<Reply, Fault>) -> bool {
        let Some(primary) = self.primary.as_ref().filter(|primary| primary.has_unended()) else {
            return false;
        };
        matches!(answer, Err(Fault::OutcomeUnknown)) && ids(waits).iter().any(|id| primary.unended_mentions(id))
    }

    /// She hears that nobody knows; what became of it is held against the model as soon as it is certain.
    pub(super) fn decide_later(&mut self, n: usize, waits: Waits, answer: Result<Reply, Fault>) {
        self.sometimes.happened("commit in doubt not ended");
        self.later(Event::CommitEnds, 10, 9_000);
        if let (Waits::Asked(sent), Err(fault)) = (&waits, answer) {
            self.log.command(format!("{} → {fault} (not ended)", sent.line));
            let heard = self.faulted(fault);
            self.tell(sent, heard);
        }
        self.undecided.push((n, waits));
    }

    /// Nobody waited for it: it ends by itself.
    pub(super) fn commit_ends(&mut self) {
        if let Some(primary) = self.primary.as_ref().filter(|primary| primary.has_unended()) {
            primary.end(self.chance.percent(60));
        }
    }

    /// What was in a COMMIT that has ended by now happened then, before anything else that was written since.
    pub(crate) fn unended_is_over(&mut self) {
        let ended = self
            .primary
            .as_ref()
            .map(|primary| primary.take_ended())
            .unwrap_or_default();
        let Some(is_done) = ended.first().copied().filter(|_| !self.undecided.is_empty()) else {
            return;
        };
        let found = if is_done { "was done" } else { "was not done" };
        self.note(&format!("the commit in doubt {found}"));
        for (n, waits) in std::mem::take(&mut self.undecided) {
            match waits {
                _ if !is_done => {}
                Waits::Expiry(hold, now) => {
                    let edits = self.model.expire(hold, now);
                    self.apply(n, edits);
                }
                Waits::Asked(sent) => {
                    let (verdict, edits, before) = self.expected(&sent);
                    if before.is_none() {
                        self.done(n, &sent, &verdict, edits, false);
                    }
                }
            }
        }
        if is_done {
            self.others_are_behind(usize::MAX);
        }
    }

    /// What became of COMMITs that did not end at once.
    pub(super) fn shared_doubts(&mut self, n: usize, answers: &Answers, kinds: &[Kind], was_undecided: bool) {
        let has_unended = self.primary.as_ref().is_some_and(|primary| primary.has_unended());
        if kinds.contains(&Kind::CommitUnended) && !has_unended {
            self.sometimes.happened("commit in doubt waited for");
        }
        if was_undecided && has_unended && answers.iter().any(|(_, answer)| answer.is_err()) {
            self.sometimes.happened("commit in doubt once more");
        }
        for _ in 0..self.servers[n].below.take_late_numbers() {
            self.sometimes.happened(format!("injected {}", Kind::LateNumber.name()));
        }
    }

    /// What came of it that others were in the way.
    pub(super) fn conflicts(&mut self, conflicts: u64, answers: &Answers) {
        if conflicts > 0 && answers.iter().any(|(_, answer)| answer.is_ok()) {
            self.sometimes.happened("conflict decided again");
        }
        if conflicts > TRIES && answers.iter().any(|(_, answer)| matches!(answer, Err(Fault::Busy))) {
            self.sometimes.happened("conflict too often");
        }
    }

    /// A server's change feed has looked.
    pub(super) fn late_commits_are_seen(&mut self, n: usize) {
        let late = self.primary.as_ref().map_or(0, |primary| primary.late());
        if late > self.servers[n].late_seen {
            self.sometimes.happened("late commit seen");
            self.servers[n].late_seen = late;
        }
    }

    /// A server takes its end for another owner's only where there is, or was, one.
    pub(super) fn name_is_lost_to_another(&self, n: usize, is_lost: bool) -> Checked {
        let name = &self.servers[n].name;
        let owners = self.servers.iter().filter(|server| server.name == *name).count();
        require(!is_lost || owners > 1, "always_a_name_is_lost_to_another", || {
            format!("{} says that another owner has its name", self.servers[n].label)
        })
    }

    /// Another server takes over from the primary. It has everything that was acknowledged.
    pub(super) fn fail_over(&mut self) -> Checked {
        let Some(primary) = self.primary.clone() else {
            return Ok(());
        };
        if !self.strikes(Kind::FailOver) {
            return self.standby_follows();
        }
        self.struck(&[Kind::FailOver]);
        primary.end(self.chance.percent(50));
        self.unended_is_over();
        if let Some(standby) = &self.standby {
            self.beside.become_like(standby).map_err(broken)?;
        }
        let lasting = records::change::last(&mut self.beside.begin_read().map_err(broken)?).map_err(broken)?;
        primary.fail_over(lasting);
        for server in &self.servers {
            server.below.fail_over();
        }
        self.note("another server takes over from the primary");
        let told: BTreeMap<AppointmentId, Acknowledged> = std::mem::take(&mut self.acknowledged);
        let checked = acknowledged_is_stored(&mut self.beside, told.keys()).map_err(broken);
        self.acknowledged = told;
        checked?
    }

    /// The bug `standby_asynchronous`: it follows now and then, and nobody waits for it.
    fn standby_follows(&mut self) -> Checked {
        if !planted::is("standby_asynchronous") {
            return Ok(());
        }
        let name = format!("{}-standby", self.memory);
        let mut standby = match self.standby.take() {
            Some(standby) => standby,
            None => Database::memory(&name).connect().map_err(broken)?,
        };
        standby.become_like(&self.beside).map_err(broken)?;
        self.standby = Some(standby);
        Ok(())
    }
}

/// What a command would write, as bytes that stand in its rows.
fn ids(waits: &Waits) -> Vec<Vec<u8>> {
    let sent: &Sent = match waits {
        Waits::Expiry(hold, _) => return vec![hold.to_bytes().to_vec()],
        Waits::Asked(sent) => sent,
    };
    if let Some(key) = &sent.key {
        return vec![key.clone()];
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
        | Wish::SendAnew { appointment, .. }
        | Wish::Share { appointment, .. }
        | Wish::StopLink { appointment, .. } => Some(*appointment),
        _ => None,
    };
    let hold = hold.map(|id| id.to_bytes().to_vec());
    hold.into_iter()
        .chain(appointment.map(|id| id.to_bytes().to_vec()))
        .collect()
}
