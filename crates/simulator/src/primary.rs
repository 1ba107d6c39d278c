//! The primary that servers share, as far as PostgreSQL differs from a file: transactions have numbers, given when they
//! first write and seen in another order; a COMMIT whose answer was lost may end much later; a fail-over takes numbers
//! back that nothing lasting has.
//!
//! SQLite below decides one writer after the other. What is late here is therefore the number, not the writing: one that
//! was taken early belongs to a transaction that is still running, holds the horizon, and becomes the number of a later
//! writer, or of nobody. A COMMIT that has not ended is kept as its statements; whoever writes next waits for its end.

use crate::chance::Chance;
use database::fault_injection::Unended;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers taken early at most.
const EARLY_MAX: usize = 4;

/// See the head of this file.
pub struct Primary {
    chance: Chance,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last number given.
    last: i64,
    /// Taken by transactions that are still running.
    early: Vec<i64>,
    unended: Option<Unended>,
    /// How those ended that were, since this was last asked.
    ended: Vec<bool>,
    /// Numbers used behind a greater one.
    late: u64,
}

impl Primary {
    /// One that has given numbers up to this one.
    pub fn new(chance: Chance, last: i64) -> Self {
        let state = State {
            last,
            ..State::default()
        };
        Self {
            chance,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a transaction that begins to write, and whether it is a late one. With `early` another transaction
    /// takes one just before it, and goes on running.
    pub fn number(&self, early: bool) -> (i64, bool) {
        let mut state = self.state();
        if !state.early.is_empty() && self.chance.percent(40) {
            let n = self.chance.below(state.early.len() as u64) as usize;
            let number = state.early.remove(n);
            // Some come to nothing.
            if self.chance.percent(70) {
                state.late += 1;
                return (number, true);
            }
        }
        if early && state.early.len() < EARLY_MAX {
            state.last += 1;
            let number = state.last;
            state.early.push(number);
        }
        state.last += 1;
        (state.last, false)
    }

    /// The smallest number of a transaction that runs, or the next one.
    pub fn horizon(&self) -> i64 {
        let state = self.state();
        let unended = state.unended.as_ref().and_then(Unended::number);
        let running = state.early.iter().copied().chain(unended).min();
        running.unwrap_or(state.last + 1)
    }

    /// A COMMIT was sent and does not end.
    pub fn keep(&self, unended: Unended) {
        self.state().unended = Some(unended);
    }

    /// Whether a COMMIT has not ended.
    pub fn has_unended(&self) -> bool {
        self.state().unended.is_some()
    }

    /// Whether it writes a row of these bytes.
    pub fn unended_mentions(&self, bytes: &[u8]) -> bool {
        self.state()
            .unended
            .as_ref()
            .is_some_and(|unended| unended.mentions(bytes))
    }

    /// The COMMIT ends, one way or the other.
    pub fn end(&self, is_done: bool) {
        let Some(unended) = self.state().unended.take() else {
            return;
        };
        if is_done {
            unended.apply().expect("nobody has written since");
        }
        self.state().ended.push(is_done);
    }

    /// How those ended that have, since this was last asked.
    pub fn take_ended(&self) -> Vec<bool> {
        std::mem::take(&mut self.state().ended)
    }

    /// How many numbers were used behind a greater one.
    pub fn late(&self) -> u64 {
        self.state().late
    }

    /// Another server takes over: whatever ran has ended, and numbers behind `lasting` are given anew.
    pub fn fail_over(&self, lasting: i64) {
        let mut state = self.state();
        state.early.clear();
        let last = state.last.max(lasting);
        state.last = if self.chance.percent(50) {
            lasting
        } else {
            self.chance.between(lasting as u64, last as u64) as i64
        };
    }
}
