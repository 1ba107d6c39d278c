//! The one source of chance: seeded by the operating system, or by a number so that a run can be repeated.
//! Keeps that ids minted here grow with time. Secret keys come from the real source only.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::time::Timestamp;
use rand::rngs::SysRng;
use rand::{Rng, RngExt, SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;

/// How far ahead of the clock the minted ids may run before they follow the clock back: a clock that was set back by
/// an hour must not pin ids to the hour before (units: 2⁻¹² ms; 10 s).
const AHEAD_MAX: u64 = 10_000 << 12;

/// A generator, cheap to clone; clones draw from the same stream.
#[derive(Clone)]
pub struct Entropy(Arc<Mutex<State>>);

struct State {
    generator: ChaCha20Rng,
    /// Milliseconds and their 4096ths of the last minted id.
    last_tick: u64,
}

impl Entropy {
    fn of(generator: ChaCha20Rng) -> Self {
        Self(Arc::new(Mutex::new(State {
            generator,
            last_tick: 0,
        })))
    }

    /// Seeded by the operating system.
    pub fn real() -> Self {
        let mut seed = [0u8; 32];
        SysRng
            .try_fill_bytes(&mut seed)
            .expect("the operating system gives entropy");
        Self::of(ChaCha20Rng::from_seed(seed))
    }

    /// The same stream for the same seed: for tests, the demo's made-up data and simulation.
    pub fn seeded(seed: u64) -> Self {
        Self::of(ChaCha20Rng::seed_from_u64(seed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A generator has no half-way state that a panic could leave behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.state().generator.fill_bytes(buffer);
    }

    /// 128 random bits.
    pub fn bits128(&self) -> u128 {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    /// A number below `end`, each as likely as another; 0 when `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        if end == 0 {
            0
        } else {
            self.state().generator.random_range(0..end)
        }
    }

    /// A UUID of version 7 (RFC 9562 §5.7, method 3: the 12 bits after the version are the millisecond's 4096ths, and
    /// step on by one where several are minted at once). Grows within a process, so that indexes grow at their end.
    pub fn uuid_v7(&self, now: Timestamp) -> u128 {
        let micros = now.micros().max(0) as u64;
        let tick = ((micros / 1000) << 12) | ((micros % 1000) * 4096 / 1000);
        let mut state = self.state();
        let behind = tick <= state.last_tick && state.last_tick - tick < AHEAD_MAX;
        state.last_tick = if behind { state.last_tick + 1 } else { tick };
        let tick = state.last_tick;
        let random = u128::from(state.generator.next_u64() >> 2);
        drop(state);
        let (millis, fraction) = (u128::from(tick >> 12) & 0xffff_ffff_ffff, u128::from(tick & 0xfff));
        (millis << 80) | (7 << 76) | (fraction << 64) | (0b10 << 62) | random
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}
