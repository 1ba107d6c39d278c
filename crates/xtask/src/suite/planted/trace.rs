//! What a planted text can look like where it should not be: as it is, in other letters, without its punctuation; each
//! raw, hexadecimal, URL-encoded, and in base64 at any of the three places it can have in a group.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter looks meet something by accident.
const SHORTEST: usize = 8;

/// A text that must not be found.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What it is, for people.
    pub what: &'static str,
    /// As it was typed or issued.
    pub text: String,
}

impl Planted {
    /// A text of this kind.
    pub fn new(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            text: text.into(),
        }
    }

    /// Every look it can have.
    fn looks(&self) -> BTreeSet<Vec<u8>> {
        let plain = |keep: fn(&char) -> bool| self.text.chars().filter(keep).collect::<String>().into_bytes();
        let mut values = BTreeSet::from([
            self.text.clone().into_bytes(),
            self.text.to_lowercase().into_bytes(),
            self.text.to_uppercase().into_bytes(),
            // A code or a phone number without dashes; not a name without its last letter.
            plain(|c| c.is_alphanumeric()),
        ]);
        // A token may be stored as the bytes it spells.
        values.extend(URL_SAFE_NO_PAD.decode(&self.text).ok());
        let mut looks = BTreeSet::new();
        for value in values.iter().filter(|value| value.len() >= SHORTEST) {
            looks.extend(encoded(value));
        }
        looks
    }
}

fn encoded(value: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(value);
    let url: String = value
        .iter()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let mut looks = vec![
        value.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        url.replace("%20", "+").into_bytes(),
        url.into_bytes(),
    ];
    for before in 0..3 {
        let shifted = [&vec![0; before][..], value].concat();
        // Characters that also hold bits of the neighbours are left out at both ends.
        let (from, whole) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            looks.push(text.as_bytes()[from..whole].to_vec());
        }
    }
    looks.push(STANDARD.encode(value).into_bytes());
    looks
}

/// Looks for many texts at once.
pub struct Search {
    /// By the first eight bytes of a look: its rest, and what it is of.
    looks: HashMap<[u8; SHORTEST], Vec<(Vec<u8>, String)>>,
    /// Which pairs of bytes a look begins with at all: nearly everything is passed over by this.
    begins: Vec<bool>,
}

impl Search {
    /// For these.
    pub fn of<'p>(planted: impl IntoIterator<Item = &'p Planted>) -> Self {
        let mut looks: HashMap<_, Vec<_>> = HashMap::new();
        let mut begins = vec![false; 1 << 16];
        for one in planted {
            for look in one.looks() {
                let Some((first, rest)) = look.split_first_chunk::<SHORTEST>() else {
                    continue;
                };
                begins[usize::from(u16::from_be_bytes([first[0], first[1]]))] = true;
                let what = format!("{} `{}` as `{}`", one.what, one.text, look.escape_ascii());
                looks.entry(*first).or_default().push((rest.to_vec(), what));
            }
        }
        Self { looks, begins }
    }

    /// What is found, each once.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, window) in bytes.windows(SHORTEST).enumerate() {
            if !self.begins[usize::from(u16::from_be_bytes([window[0], window[1]]))] {
                continue;
            }
            for (rest, what) in self.looks.get(window).into_iter().flatten() {
                if bytes[at + SHORTEST..].starts_with(rest) {
                    found.insert(what.as_str());
                }
            }
        }
        found
    }
}
