//! Typed ids, and the register of their kinds. An id prints as `apt-` and 26 characters of Crockford base 32;
//! reading an id of another kind is refused, naming both.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Crockford's base 32 (no I, L, O, U), lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const DIGITS: usize = 26;

/// A kind of thing that has ids.
pub trait Kind {
    /// Three letters before the dash.
    const PREFIX: &'static str;
    /// What the glossary calls it.
    const NOUN: &'static str;
}

macro_rules! kinds {
    ($($kind:ident, $id:ident, $prefix:literal, $noun:literal;)*) => {
        /// The kinds, as uninhabited types: they exist only in signatures.
        pub mod kind {
            $(#[doc = concat!("The kind of ", $noun, " ids.")]
            #[derive(Debug, Clone, Copy)] pub enum $kind {}
            impl super::Kind for $kind {
                const PREFIX: &'static str = $prefix;
                const NOUN: &'static str = $noun;
            })*
        }
        $(#[doc = concat!("Names one ", $noun, " (`", $prefix, "-…`).")]
        pub type $id = Id<kind::$kind>;)*
    };
}

kinds! {
    Clinic, ClinicId, "cln", "clinic";
    Session, SessionId, "ses", "session";
    Slot, SlotId, "slt", "slot";
    Hold, HoldId, "hld", "hold";
    Appointment, AppointmentId, "apt", "appointment";
    Resident, ResidentId, "res", "resident";
    Message, MessageId, "msg", "message";
}

/// An id of a certain kind: 128 bits whose meaning only the minting place knows.
pub struct Id<Of> {
    bits: u128,
    of: PhantomData<fn() -> Of>,
}

impl<Of> Id<Of> {
    /// An id of these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self { bits, of: PhantomData }
    }
    /// The bits, big end first when stored.
    pub const fn bits(self) -> u128 {
        self.bits
    }
    /// As it is stored: 16 bytes, in the order of the bits.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.bits.to_be_bytes()
    }
    /// From its stored form; `None` when it is not 16 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_bits(u128::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl<Of: Kind> Id<Of> {
    /// Reads the printed form. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            expected_prefix: Of::PREFIX,
            noun: Of::NOUN,
        };
        let digits = text
            .strip_prefix(Of::PREFIX)
            .and_then(|rest| rest.strip_prefix('-'))
            .ok_or_else(wrong)?;
        if digits.len() != DIGITS {
            return Err(wrong());
        }
        let mut bits: u128 = 0;
        for (n, byte) in digits.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&a| a == byte).ok_or_else(wrong)? as u128;
            // 26 digits hold 130 bits: the first may use three only, so that each id has one spelling.
            if n == 0 && digit > 7 {
                return Err(wrong());
            }
            bits = (bits << 5) | digit;
        }
        Ok(Self::from_bits(bits))
    }
}

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError {
    expected_prefix: &'static str,
    noun: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = if self.noun.starts_with('a') { "an" } else { "a" };
        write!(
            f,
            "the id of {article} {}, such as {}-01jd3v…",
            self.noun, self.expected_prefix
        )
    }
}

impl std::error::Error for IdError {}

impl<Of: Kind> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; DIGITS];
        for (n, digit) in text.iter_mut().enumerate() {
            *digit = ALPHABET[((self.bits >> (5 * (DIGITS - 1 - n))) & 31) as usize];
        }
        let digits = std::str::from_utf8(&text).expect("the alphabet is ASCII");
        write!(f, "{}-{digits}", Of::PREFIX)
    }
}

impl<Of: Kind> fmt::Debug for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Derived impls would ask the same of `Of`, which is never a value.
impl<Of> Clone for Id<Of> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Of> Copy for Id<Of> {}
impl<Of> PartialEq for Id<Of> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<Of> Eq for Id<Of> {}
impl<Of> PartialOrd for Id<Of> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<Of> Ord for Id<Of> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<Of> Hash for Id<Of> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}
