//! How long a try at a code and a birth date waits before it is looked at. Keeps that nobody can lock another out: what
//! one network does slows that network, on that code and on all codes; somebody who comes from elsewhere waits a few
//! seconds at most, however many tries there were. Nothing is stored: a restart forgets.
//!
//! The rule ([`Lanes`]) is pure; the shell keeps it behind a lock and hashes what it is told.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scheduling::resident::code::Code;

/// Wrong tries that cost a network nothing: a family at one telephone, a library, a call centre.
const NETWORK_FREE: u32 = 5;
/// Wrong tries that cost a code nothing when they come from elsewhere: somebody reads out a list.
const CODE_FREE: u32 = 10;
/// The first spacing between tries of one network, or of one network at one code; each wrong try doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// No try waits longer: below the time that a request may take in all, and about as long as a person waits.
const LONGEST: Duration = Duration::from_secs(16);
/// What somebody who has not tried this code waits, when many others have.
const FROM_ELSEWHERE: Duration = Duration::from_secs(3);
/// Tries of one network that may wait at once. More are told to come back: they wait for each other, not for us.
const WAITING_MAX: u32 = 4;
/// The same for a code that this network has not tried yet: somebody who shares it with a guesser has a turn too.
const FIRST_TRIES_WAITING_MAX: u32 = 64;
/// After so long without a try its wrong ones are forgotten.
const FORGOTTEN: Duration = Duration::from_hours(24);
/// Lanes kept; the oldest go first. 100 bytes each.
const LANES_MAX: usize = 100_000;

/// What is slowed: a network, a code, or a network at a code, as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Network(u64),
    Code(u64),
    Both(u64, u64),
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    wrong: u32,
    waiting: u32,
    /// When the next try may be looked at, and when the last one came, on the clock's monotone time.
    next: Duration,
    last: Duration,
}

/// The rule. Pure.
#[derive(Debug, Default)]
struct Lanes(BTreeMap<Lane, State>);

/// Come back later: so many tries of this network are waiting already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// One, two, four … seconds, once the free ones are used.
fn spacing(wrong: u32, free: u32) -> Duration {
    match wrong.checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(over) => FIRST.saturating_mul(1 << (over - 1).min(10)).min(LONGEST),
    }
}

impl Lanes {
    fn state(&self, lane: Lane, now: Duration) -> State {
        let state = self.0.get(&lane).copied().unwrap_or_default();
        if now.saturating_sub(state.last) > FORGOTTEN && state.waiting == 0 {
            State::default()
        } else {
            state
        }
    }

    /// A try arrives: how long it waits. It counts as wrong until [`Lanes::right`] says otherwise, so that many at once
    /// gain nothing.
    fn arrives(&mut self, network: u64, code: u64, now: Duration) -> Result<Duration, TooMany> {
        let of_network = self.state(Lane::Network(network), now);
        let is_first = self.state(Lane::Both(network, code), now).wrong == 0;
        let most = if is_first { FIRST_TRIES_WAITING_MAX } else { WAITING_MAX };
        if of_network.waiting >= most {
            return Err(TooMany);
        }
        let mut wait = Duration::ZERO;
        for (lane, free) in [(Lane::Network(network), NETWORK_FREE), (Lane::Both(network, code), 1)] {
            let mut state = self.state(lane, now);
            let starts = state.next.max(now) + spacing(state.wrong + 1, free);
            wait = wait.max(starts.saturating_sub(now));
            state.next = starts.min(now + LONGEST);
            state.wrong = state.wrong.saturating_add(1);
            state.waiting += 1;
            state.last = now;
            self.0.insert(lane, state);
        }
        let mut at_code = self.state(Lane::Code(code), now);
        if at_code.wrong >= CODE_FREE {
            wait = wait.max(FROM_ELSEWHERE);
        }
        at_code.wrong = at_code.wrong.saturating_add(1);
        at_code.last = now;
        self.0.insert(Lane::Code(code), at_code);
        self.drop_oldest();
        Ok(wait.min(LONGEST))
    }

    /// The try was looked at, or given up.
    fn leaves(&mut self, network: u64, code: u64) {
        for lane in [Lane::Network(network), Lane::Both(network, code)] {
            if let Some(state) = self.0.get_mut(&lane) {
                state.waiting = state.waiting.saturating_sub(1);
            }
        }
    }

    /// It was right: what this network did wrong with this code is forgiven, and this try was not wrong.
    fn right(&mut self, network: u64, code: u64) {
        self.0.remove(&Lane::Both(network, code));
        for lane in [Lane::Network(network), Lane::Code(code)] {
            if let Some(state) = self.0.get_mut(&lane) {
                state.wrong = state.wrong.saturating_sub(1);
            }
        }
    }

    /// A tenth at once, so that it is seldom.
    fn drop_oldest(&mut self) {
        if self.0.len() <= LANES_MAX {
            return;
        }
        let mut last: Vec<Duration> = self.0.values().map(|state| state.last).collect();
        let (_, cut, _) = last.select_nth_unstable(LANES_MAX / 10);
        let cut = *cut;
        self.0.retain(|_, state| state.last > cut || state.waiting > 0);
    }
}

/// The limit of one server.
#[derive(Debug, Default)]
pub struct GuessLimit(Mutex<Lanes>);

/// A try that waits its time; when it is dropped it waits no more.
#[derive(Debug)]
pub struct Try<'a> {
    limit: &'a GuessLimit,
    network: u64,
    code: u64,
    /// How long it must wait before it is looked at.
    pub wait: Duration,
}

impl GuessLimit {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many networks and codes are remembered.
    pub fn remembered(&self) -> usize {
        self.lanes().0.len()
    }

    /// A try at a code from an address, at an instant of the clock's monotone time.
    pub fn arrives(&self, from: IpAddr, code: Code, now: Duration) -> Result<Try<'_>, TooMany> {
        let (network, code) = (network(from), code.bits());
        let wait = self.lanes().arrives(network, code, now)?;
        Ok(Try {
            limit: self,
            network,
            code,
            wait,
        })
    }
}

impl Try<'_> {
    /// The code and the birth date were right.
    pub fn was_right(&self) {
        self.limit.lanes().right(self.network, self.code);
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        self.limit.lanes().leaves(self.network, self.code);
    }
}

/// An IPv4 address, or the /64 that a household has of IPv6; the two never meet.
fn network(from: IpAddr) -> u64 {
    match from.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64 | 1 << 63,
    }
}
