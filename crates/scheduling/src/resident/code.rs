//! The code of an appointment: said by phone without confusion. Crockford base 32, nine random characters (45 bits)
//! and a check character, grouped `7KXM-2QRD-9J`. The check is Crockford's own idea (modulo), here modulo 31 so that
//! it stays within the alphabet: any one wrong character and most swaps are noticed.

use std::fmt;

/// Upper case, without I L O U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARACTERS: u32 = 9;

/// 45 bits that name an appointment to people. Unique among appointments; not a secret by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u64);

impl Code {
    /// From random bits, of which 45 count.
    pub const fn from_random(bits: u64) -> Self {
        Self(bits & ((1 << (5 * RANDOM_CHARACTERS)) - 1))
    }
    /// As stored.
    pub const fn number(self) -> i64 {
        self.0 as i64
    }
    /// From its stored form.
    pub const fn from_number(number: i64) -> Self {
        Self::from_random(number as u64)
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
