//! Numbers that look random and are the same on every machine: for ids made of facts, and for what a demonstration
//! makes up. Not for secrets.
//!
//! SplitMix64 after Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with the
//! constants of Vigna's public-domain `splitmix64.c`.

/// 2^64 divided by the golden ratio, odd.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn finalize(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The generator.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts from a number, as it is.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// Starts from several numbers: other numbers, or another order, give another sequence.
    pub fn of(words: &[u64]) -> Self {
        Self((hash128(words) >> 64) as u64)
    }
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        finalize(self.0)
    }
    /// A number below `n`, which must not be 0. Its bias is below n / 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }
    /// True about `percent` times of a hundred.
    pub fn is_lucky(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    /// Brings a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for n in (1..list.len()).rev() {
            let other = self.below(n as u64 + 1) as usize;
            list.swap(n, other);
        }
    }
}

/// 128 bits that say which numbers these are: two lanes, each word mixed into both.
pub fn hash128(words: &[u64]) -> u128 {
    let (mut high, mut low) = (GAMMA, !GAMMA);
    for word in std::iter::once(words.len() as u64).chain(words.iter().copied()) {
        high = finalize(high.wrapping_add(GAMMA) ^ word);
        low = finalize(low.rotate_left(23).wrapping_add(word)).wrapping_mul(GAMMA) ^ high;
    }
    (u128::from(finalize(high)) << 64) | u128::from(finalize(low))
}
