//! The code of an appointment: said by phone without confusion. Crockford base 32, nine random-looking characters
//! (45 bits) and a check character, grouped `7KXM-2QRD-9J`. The check is Crockford's own idea (modulo), here modulo 31
//! so that it stays within the alphabet: any one wrong character and most swaps are noticed.
//!
//! What is stored is a number that grows with time, so that its index grows at its end; what is said is that number
//! under a permutation which only this installation can compute.

use std::fmt;

use base::time::Timestamp;

/// Upper case, without I L O U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARACTERS: u32 = 9;
/// The two halves of a number, 45 bits together.
const LEFT: u32 = 23;
const RIGHT: u32 = 22;
/// As many as NIST SP 800-38G takes for FF1, whose construction (a Feistel network over a keyed function) this is.
const ROUNDS: u8 = 10;
/// Numbers a second: at 4,096 they last until 2298, and a busy second that needs more borrows from those after it.
const TICKS_PER_SECOND: i64 = 4096;
/// 2026-01-01T00:00:00Z, in seconds: no appointment is older.
const EPOCH_S: i64 = 1_767_225_600;

/// Which appointment a code is of, as stored: 45 bits, unique, and greater for a later one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeNumber(u64);

impl CodeNumber {
    /// From its stored form.
    pub const fn from_stored(number: i64) -> Self {
        Self(number as u64 & mask(LEFT + RIGHT))
    }
    /// As stored.
    pub const fn stored(self) -> i64 {
        self.0 as i64
    }
    /// The number of an instant. Numbers follow the clock although counting alone would do: those of appointments that
    /// were erased are then not given out again.
    pub fn at(now: Timestamp) -> Self {
        let micros = i128::from((now.micros() - EPOCH_S * 1_000_000).max(0));
        let ticks = micros * i128::from(TICKS_PER_SECOND) / 1_000_000;
        Self(ticks as u64 & mask(LEFT + RIGHT))
    }
    /// The `n`-th number after this one.
    #[must_use]
    pub const fn after(self, n: u64) -> Self {
        Self((self.0 + n) & mask(LEFT + RIGHT))
    }
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// 45 bits that name an appointment to people. Unique among appointments; not a secret by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u64);

impl Code {
    /// What people say for a number. `keyed` is a function of round and half that nobody outside can compute; its low
    /// bits count.
    pub fn of(number: CodeNumber, keyed: impl Fn(u8, u32) -> u32) -> Self {
        let (mut left, mut right) = (number.0 >> RIGHT, number.0 & mask(RIGHT));
        for round in 0..ROUNDS {
            step(round, &mut left, &mut right, &keyed);
        }
        Self((left << RIGHT) | right)
    }
    /// The number that is said so, under the same `keyed`.
    pub fn number(self, keyed: impl Fn(u8, u32) -> u32) -> CodeNumber {
        let (mut left, mut right) = (self.0 >> RIGHT, self.0 & mask(RIGHT));
        for round in (0..ROUNDS).rev() {
            step(round, &mut left, &mut right, &keyed);
        }
        CodeNumber((left << RIGHT) | right)
    }
    /// Its 45 bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
    fn check(self) -> u8 {
        ALPHABET[(self.0 % 31) as usize]
    }
    /// Reads a code as people type it: any case, with or without dashes and spaces, I and L for 1, O for 0.
    pub fn parse(text: &str) -> Option<Self> {
        let typed: Vec<u8> = text
            .bytes()
            .filter(|b| !b" -".contains(b))
            .map(|b| b.to_ascii_uppercase())
            .collect();
        let typed: Vec<u8> = typed
            .into_iter()
            .map(|b| {
                if b"IL".contains(&b) {
                    b'1'
                } else if b == b'O' {
                    b'0'
                } else {
                    b
                }
            })
            .collect();
        if typed.len() != RANDOM_CHARACTERS as usize + 1 {
            return None;
        }
        let mut bits = 0u64;
        for byte in &typed[..RANDOM_CHARACTERS as usize] {
            bits = (bits << 5) | ALPHABET.iter().position(|a| a == byte)? as u64;
        }
        let code = Self(bits);
        (code.check() == typed[RANDOM_CHARACTERS as usize]).then_some(code)
    }
}

/// One round, its own inverse: one half is changed by what the other says.
fn step(round: u8, left: &mut u64, right: &mut u64, keyed: &impl Fn(u8, u32) -> u32) {
    if round.is_multiple_of(2) {
        *left ^= u64::from(keyed(round, *right as u32)) & mask(LEFT);
    } else {
        *right ^= u64::from(keyed(round, *left as u32)) & mask(RIGHT);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for n in 0..RANDOM_CHARACTERS {
            if n == 4 || n == 8 {
                f.write_str("-")?;
            }
            let digit = (self.0 >> (5 * (RANDOM_CHARACTERS - 1 - n))) & 31;
            write!(f, "{}", char::from(ALPHABET[digit as usize]))?;
        }
        write!(f, "{}", char::from(self.check()))
    }
}
