//! Numbers that look like chance and are none: everything a demonstration makes up follows from its seed, on every
//! machine and in every version. Not for secrets. Pure.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the constants are
/// those of Vigna's public-domain `splitmix64.c`). Our own few lines, because a library may change its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance(u64);

/// One step of SplitMix64's output function: every bit of the answer depends on every bit given.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Chance {
    /// A stream that depends on all of these numbers and their order.
    pub fn of(parts: &[u64]) -> Self {
        Self(parts.iter().fold(0, |state, part| mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(*part))))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 up to `limit`, which is no longer in it; 0 for a limit of 0. Its bias of `limit` / 2⁶⁴ is
    /// nothing for lists of clinics and hours.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.number()) * limit as u128) >> 64) as usize
    }

    /// Whether something happens that happens in so many of a hundred cases.
    pub fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    /// One of several; `None` of nothing.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let place = self.below(of.len());
        of.get(place).copied()
    }
}
