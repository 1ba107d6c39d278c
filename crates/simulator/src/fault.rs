//! What goes wrong, how often in this run, and how it strikes below the engine. The rates are drawn per seed, and for
//! about half of the kinds they are nothing: a run with everything at once hides what a run with one fault shows.

use crate::chance::Chance;
use crate::primary::Primary;
use base::answer::Fault;
use database::Broken;
use database::fault_injection::{Fate, Faults, Shared, Step, Unended};
use runtime::clock::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A kind of fault, and how often it strikes, in ten thousand chances, when it does at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "said by `says`")]
pub enum Kind {
    Busy,
    BusyAtCommit,
    Slow,
    FailsBeforeCommit,
    Constraint,
    ReadOnly,
    Away,
    CommitLost,
    CommitAppliedAnswerLost,
    CrashBeforeCommit,
    CrashAfterCommit,
    Restart,
    Stall,
    AnswerLostOnTheWay,
    ClockForward,
    ClockBack,
    SecondOwner,
    Conflict,
    LateNumber,
    CommitUnended,
    LockTimeout,
    StalePrimary,
    FailOver,
}

impl Kind {
    /// Every kind; from `Conflict` on those that only a database has that servers share.
    pub const ALL: [Self; 23] = [
        Self::Busy,
        Self::BusyAtCommit,
        Self::Slow,
        Self::FailsBeforeCommit,
        Self::Constraint,
        Self::ReadOnly,
        Self::Away,
        Self::CommitLost,
        Self::CommitAppliedAnswerLost,
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::Restart,
        Self::Stall,
        Self::AnswerLostOnTheWay,
        Self::ClockForward,
        Self::ClockBack,
        Self::SecondOwner,
        Self::Conflict,
        Self::LateNumber,
        Self::CommitUnended,
        Self::LockTimeout,
        Self::StalePrimary,
        Self::FailOver,
    ];

    /// Its name, and how often it strikes in ten thousand chances where it does as often as it ever will.
    fn of(self) -> (&'static str, u64) {
        match self {
            Self::Busy => ("busy", 600),
            Self::BusyAtCommit => ("busy-at-commit", 500),
            Self::Slow => ("slow", 800),
            Self::FailsBeforeCommit => ("fails-before-commit", 30),
            Self::Constraint => ("constraint", 80),
            Self::ReadOnly => ("read-only", 40),
            Self::Away => ("away", 100),
            Self::CommitLost => ("commit-lost", 500),
            Self::CommitAppliedAnswerLost => ("commit-applied-answer-lost", 500),
            Self::CrashBeforeCommit => ("crash-before-commit", 200),
            Self::CrashAfterCommit => ("crash-after-commit", 200),
            Self::Restart => ("restart", 2_000),
            Self::Stall => ("stall", 1_000),
            Self::AnswerLostOnTheWay => ("answer-lost-on-the-way", 800),
            Self::ClockForward => ("clock-forward", 2_500),
            Self::ClockBack => ("clock-back", 1_500),
            Self::SecondOwner => ("second-owner", 2_500),
            Self::Conflict => ("conflict", 150),
            Self::LateNumber => ("late-number", 3_000),
            Self::CommitUnended => ("commit-unended", 500),
            Self::LockTimeout => ("lock-timeout", 5_000),
            Self::StalePrimary => ("stale-primary", 5_000),
            Self::FailOver => ("fail-over", 5_000),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.of().0
    }
}

/// How often each kind strikes in a run.
#[derive(Debug, Clone)]
pub struct Rates(BTreeMap<Kind, u64>);

impl Rates {
    /// As drawn: half of the kinds never, the others rarely or often; those of a shared database only there.
    pub fn drawn(chance: &Chance, is_shared: bool) -> Self {
        let rate = |kind: Kind| match chance.below(6) {
            _ if kind >= Kind::Conflict && !is_shared => 0,
            0 => kind.of().1,
            1 => kind.of().1 / 2,
            2 => kind.of().1 / 5,
            _ => 0,
        };
        Self(Kind::ALL.into_iter().map(|kind| (kind, rate(kind))).collect())
    }

    /// Whether a kind strikes at this chance.
    pub fn strikes(&self, kind: Kind, chance: &Chance) -> bool {
        chance.in_ten_thousand(self.0[&kind])
    }

    /// Those that may strike, in words.
    pub fn text(&self) -> String {
        let kinds = self.0.iter().filter(|(_, rate)| **rate > 0);
        kinds
            .map(|(kind, rate)| format!("{}={rate}", kind.name()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The faults below one server.
pub struct Below {
    chance: Chance,
    clock: Clock,
    rates: Rates,
    primary: Option<Arc<Primary>>,
    state: Mutex<State>,
}

/// How a server meets a primary that is one no more.
#[derive(Clone, Copy)]
enum Stale {
    /// Its connections break.
    Gone,
    /// It takes what is written, and its COMMIT waits for standbys that have left it.
    Hangs,
}

/// How long a COMMIT is waited for.
const COMMIT_WAIT: Duration = Duration::from_secs(3);
/// How many times in a row others are in the way, at most: more than the committer tries.
const CONFLICTS_MAX: u64 = 14;

#[derive(Default)]
struct State {
    is_off: bool,
    /// The process has ended: nothing it does reaches the database any more.
    is_dead: bool,
    read_only_until: Duration,
    away_until: Duration,
    struck: Vec<Kind>,
    /// The transaction under way may write.
    writes: bool,
    /// So often others are still in the way.
    conflicts: u64,
    stale: Option<Stale>,
    late_numbers: u64,
    /// A COMMIT may be left without an end: whoever looks knows whose it is.
    may_leave: bool,
}

impl Below {
    /// No fault yet.
    pub fn new(chance: Chance, clock: Clock, rates: Rates, primary: Option<Arc<Primary>>) -> Self {
        Self {
            chance,
            clock,
            rates,
            primary,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing fails any more.
    pub fn end(&self) {
        *self.state() = State {
            is_off: true,
            ..State::default()
        };
    }

    /// How many late numbers were taken since this was last asked.
    pub fn take_late_numbers(&self) -> u64 {
        std::mem::take(&mut self.state().late_numbers)
    }

    /// Whether a COMMIT may be left without an end from now on.
    pub fn may_leave(&self, may: bool) {
        self.state().may_leave = may;
    }

    /// Another server took over: connections are to one that is a primary no more.
    pub fn fail_over(&self) {
        let mut state = self.state();
        if !state.is_off && self.rates.strikes(Kind::StalePrimary, &self.chance) {
            let hangs = self.chance.percent(50);
            state.stale = Some(if hangs { Stale::Hangs } else { Stale::Gone });
        }
    }

    /// Whether the process ended in the middle of its work.
    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// What has struck since this was last asked.
    pub fn take_struck(&self) -> Vec<Kind> {
        std::mem::take(&mut self.state().struck)
    }

    fn roll(&self, state: &mut State, kind: Kind) -> bool {
        let strikes = self.rates.strikes(kind, &self.chance);
        if strikes {
            state.struck.push(kind);
        }
        strikes
    }

    fn opening(&self, state: &mut State) -> Result<(), Broken> {
        let now = self.clock.monotonic();
        if now < state.away_until {
            state.struck.push(Kind::Away);
            return Err(failed());
        }
        if self.roll(state, Kind::Away) {
            state.away_until = now + self.chance.span(Duration::from_millis(500), Duration::from_secs(30));
            return Err(failed());
        }
        Ok(())
    }

    fn writing(&self, state: &mut State) -> Result<(), Broken> {
        let now = self.clock.monotonic();
        if now >= state.read_only_until && self.roll(state, Kind::ReadOnly) {
            state.read_only_until = now + self.chance.span(Duration::from_secs(1), Duration::from_mins(2));
        }
        if now < state.read_only_until {
            state.struck.push(Kind::ReadOnly);
            return Err(fault(Fault::ReadOnly, "attempt to write a readonly database"));
        }
        if self.roll(state, Kind::Constraint) {
            return Err(Broken::Violation("UNIQUE constraint failed".to_owned()));
        }
        if self.roll(state, Kind::FailsBeforeCommit) {
            return Err(failed());
        }
        Ok(())
    }
}

fn fault(fault: Fault, cause: &str) -> Broken {
    Broken::Fault {
        fault,
        cause: cause.to_owned(),
    }
}

fn failed() -> Broken {
    fault(Fault::Unreachable, "disk I/O error")
}

impl Faults for Below {
    fn before(&self, step: Step) -> Result<(), Broken> {
        let mut state = self.state();
        if state.is_dead {
            return Err(failed());
        }
        if state.is_off {
            return Ok(());
        }
        match step {
            Step::Connect => {
                state.stale = None;
                self.opening(&mut state)
            }
            Step::BeginRead | Step::Settle => {
                state.writes = false;
                gone(&mut state)?;
                self.opening(&mut state)
            }
            Step::Begin => {
                state.writes = true;
                gone(&mut state)?;
                self.opening(&mut state)?;
                self.waiting(&mut state)?;
                if self.roll(&mut state, Kind::Slow) {
                    self.clock
                        .advance(self.chance.span(Duration::from_millis(10), Duration::from_secs(12)));
                }
                if self.roll(&mut state, Kind::Busy) {
                    self.clock.advance(database::connection::WRITER_WAIT);
                    return Err(fault(Fault::Busy, "database is locked"));
                }
                Ok(())
            }
            Step::Query if self.roll(&mut state, Kind::FailsBeforeCommit) => Err(failed()),
            Step::Query => self.in_the_way(&mut state),
            Step::Execute => {
                self.in_the_way(&mut state)?;
                self.writing(&mut state)
            }
        }
    }

    fn shared(&self) -> Option<&dyn Shared> {
        self.primary.is_some().then_some(self as &dyn Shared)
    }

    fn at_commit(&self) -> Fate {
        let mut state = self.state();
        if state.is_dead {
            return Fate::NotDone(failed());
        }
        if state.is_off {
            return Fate::Done;
        }
        if self.roll(&mut state, Kind::Slow) {
            self.clock
                .advance(self.chance.span(Duration::from_millis(10), Duration::from_secs(12)));
        }
        if let Some(Stale::Hangs) = state.stale {
            state.stale = None;
            state.struck.push(Kind::StalePrimary);
            self.clock.advance(COMMIT_WAIT);
            return Fate::LostBefore;
        }
        if let Err(conflict) = self.in_the_way(&mut state) {
            return Fate::NotDone(conflict);
        }
        if state.may_leave && self.roll(&mut state, Kind::CommitUnended) {
            self.clock.advance(COMMIT_WAIT);
            return Fate::Unended;
        }
        if self.roll(&mut state, Kind::BusyAtCommit) {
            return Fate::NotDone(fault(Fault::Busy, "database is locked"));
        }
        if self.roll(&mut state, Kind::CommitLost) {
            self.perhaps_away(&mut state);
            return Fate::LostBefore;
        }
        if self.roll(&mut state, Kind::CommitAppliedAnswerLost) {
            self.perhaps_away(&mut state);
            return Fate::LostAfter;
        }
        if self.roll(&mut state, Kind::CrashBeforeCommit) {
            state.is_dead = true;
            return Fate::LostBefore;
        }
        if self.roll(&mut state, Kind::CrashAfterCommit) {
            state.is_dead = true;
            return Fate::LostAfter;
        }
        Fate::Done
    }
}

/// A connection to a primary that is one no more breaks.
fn gone(state: &mut State) -> Result<(), Broken> {
    match state.stale.take_if(|stale| matches!(stale, Stale::Gone)) {
        Some(_) => {
            state.struck.push(Kind::StalePrimary);
            Err(fault(
                Fault::Unreachable,
                "terminating connection due to administrator command",
            ))
        }
        None => Ok(()),
    }
}

impl Shared for Below {
    fn number(&self) -> i64 {
        let Some(primary) = &self.primary else { return 0 };
        let mut state = self.state();
        // No fault: nobody hears of it.
        let early = !state.is_off && self.rates.strikes(Kind::LateNumber, &self.chance);
        let (number, is_late) = primary.number(early);
        if is_late {
            state.late_numbers += 1;
        }
        number
    }
    fn horizon(&self) -> i64 {
        self.primary.as_ref().map_or(0, |primary| primary.horizon())
    }
    fn keep(&self, unended: Unended) {
        if let Some(primary) = &self.primary {
            primary.keep(unended);
        }
    }
}

impl Below {
    /// Whoever writes waits for a COMMIT that has not ended: its rows are in the way. Some time it ends.
    fn waiting(&self, state: &mut State) -> Result<(), Broken> {
        let Some(primary) = self.primary.as_ref().filter(|primary| primary.has_unended()) else {
            return Ok(());
        };
        if self.roll(state, Kind::LockTimeout) {
            self.clock.advance(database::connection::WRITER_WAIT);
            return Err(fault(Fault::Busy, "canceling statement due to lock timeout"));
        }
        self.clock
            .advance(self.chance.span(Duration::ZERO, Duration::from_secs(1)));
        primary.end(self.chance.percent(60));
        Ok(())
    }

    /// Another writer is in the way, and sometimes again and again.
    fn in_the_way(&self, state: &mut State) -> Result<(), Broken> {
        if !state.writes || self.primary.is_none() {
            return Ok(());
        }
        if state.conflicts > 0 {
            state.conflicts -= 1;
            state.struck.push(Kind::Conflict);
        } else if self.roll(state, Kind::Conflict) {
            if self.chance.percent(20) {
                state.conflicts = self.chance.between(1, CONFLICTS_MAX);
            }
        } else {
            return Ok(());
        }
        Err(Broken::Conflict("deadlock detected".to_owned()))
    }

    /// Where an answer is lost the database is often away for a while: nobody can look up what became of it.
    fn perhaps_away(&self, state: &mut State) {
        if self.chance.percent(50) {
            state.away_until =
                self.clock.monotonic() + self.chance.span(Duration::from_millis(1), Duration::from_secs(10));
        }
    }
}
