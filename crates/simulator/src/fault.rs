//! What goes wrong, how often in this run, and how it strikes below the engine. The rates are drawn per seed, and for
//! about half of the kinds they are nothing: a run with everything at once hides what a run with one fault shows.

use crate::chance::Chance;
use base::answer::Fault;
use database::Broken;
use database::fault_injection::{Fate, Faults, Step};
use runtime::clock::Clock;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
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
    /// As drawn: half of the kinds never, the others rarely or often.
    pub fn drawn(chance: &Chance) -> Self {
        let rate = |kind: Kind| match chance.below(6) {
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_off: bool,
    /// The process has ended: nothing it does reaches the database any more.
    is_dead: bool,
    read_only_until: Duration,
    away_until: Duration,
    struck: Vec<Kind>,
}

impl Below {
    /// No fault yet.
    pub fn new(chance: Chance, clock: Clock, rates: Rates) -> Self {
        Self {
            chance,
            clock,
            rates,
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
            Step::Connect | Step::BeginRead => self.opening(&mut state),
            Step::Begin => {
                self.opening(&mut state)?;
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
            Step::Query => Ok(()),
            Step::Execute => self.writing(&mut state),
        }
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

impl Below {
    /// Where an answer is lost the database is often away for a while: nobody can look up what became of it.
    fn perhaps_away(&self, state: &mut State) {
        if self.chance.percent(50) {
            state.away_until =
                self.clock.monotonic() + self.chance.span(Duration::from_millis(1), Duration::from_secs(10));
        }
    }
}
