//! Pure. Reads JSON into types field by field and collects what is wrong on the way: unknown or doubled fields (the
//! body is malformed) apart from wrong values (well-formed but invalid). Numbers stay text until a field asks for
//! them, so that a huge one is the field's error and not the parser's.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::answer::AskError;
use crate::api::problem::FieldError;
use crate::limit::{FIELD_ERRORS_MAX, NESTING_MAX};

/// A JSON value that is known to be well-formed and not yet looked at.
pub type Raw<'a> = &'a RawValue;

/// What was wrong with the fields so far.
#[derive(Debug, Default)]
pub struct Findings {
    malformed: Vec<FieldError>,
    invalid: Vec<FieldError>,
}

impl Findings {
    /// Notes a value that is not what the field expects.
    pub fn invalid(&mut self, field: impl Into<String>, expected: impl Into<String>) {
        note(&mut self.invalid, field.into(), expected.into());
    }

    fn malformed(&mut self, field: String, expected: String) {
        note(&mut self.malformed, field, expected);
    }

    /// The value, if nothing was wrong. A malformed body is said before an invalid one.
    pub fn conclude<T>(self, value: Option<T>) -> Result<T, AskError> {
        if !self.malformed.is_empty() {
            return Err(AskError::Malformed {
                detail: "The body has a field that this call does not know, or one field twice.".into(),
                errors: self.malformed,
            });
        }
        match value {
            Some(value) if self.invalid.is_empty() => Ok(value),
            _ => Err(AskError::Invalid(self.invalid)),
        }
    }
}

fn note(list: &mut Vec<FieldError>, field: String, expected: String) {
    if list.len() < FIELD_ERRORS_MAX {
        list.push(FieldError { field, expected });
    }
}

/// Reads a whole body with `read`. Not UTF-8, not JSON or nested too deeply is malformed.
pub fn read_body<T>(body: &[u8], read: impl FnOnce(Raw<'_>, &mut Findings) -> Option<T>) -> Result<T, AskError> {
    let malformed = |detail: String| AskError::Malformed {
        detail,
        errors: Vec::new(),
    };
    let text = std::str::from_utf8(body)
        .map_err(|error| malformed(format!("The body is not UTF-8: byte {} is wrong.", error.valid_up_to())))?;
    if deeper_than(text, NESTING_MAX) {
        return Err(malformed(format!(
            "The body is nested deeper than {NESTING_MAX} levels."
        )));
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| {
        malformed(format!(
            "The body is not JSON: line {}, column {}.",
            error.line(),
            error.column()
        ))
    })?;
    let mut findings = Findings::default();
    let value = read(raw, &mut findings);
    findings.conclude(value)
}

/// Whether arrays and objects open more than `max` levels at once. Looks at the brackets outside of strings only:
/// whether the text is JSON at all is the parser's business.
fn deeper_than(text: &str, max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// An opened JSON object and where it stands.
#[derive(Debug)]
pub struct Object<'a> {
    pointer: String,
    entries: Vec<(String, Raw<'a>)>,
}

impl<'a> Object<'a> {
    /// Opens the object at `pointer` (empty: the whole body), which may have these fields and no others.
    pub fn open(pointer: &str, raw: Raw<'a>, known: &[&str], findings: &mut Findings) -> Option<Self> {
        let object = Self::open_any(pointer, raw, findings)?;
        for (name, _) in &object.entries {
            if !known.contains(&name.as_str()) {
                findings.malformed(
                    object.at(name),
                    if known.is_empty() {
                        "no field: this call has none".to_owned()
                    } else {
                        format!("no such field; there are: {}", known.join(", "))
                    },
                );
            }
        }
        Some(object)
    }

    /// Opens an object whose field names are data.
    pub fn open_any(pointer: &str, raw: Raw<'a>, findings: &mut Findings) -> Option<Self> {
        if !raw.get().starts_with('{') {
            findings.invalid(pointer, "an object");
            return None;
        }
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        let Ok(entries) = deserializer.deserialize_map(Entries) else {
            // Well-formed, yet a name cannot be read: it holds half of a surrogate pair.
            findings.malformed(pointer.to_owned(), "field names of whole characters".into());
            return None;
        };
        let object = Self {
            pointer: pointer.to_owned(),
            entries,
        };
        let mut names: Vec<&str> = object.entries.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            findings.malformed(object.at(pair[0]), "each field once".into());
        }
        Some(object)
    }

    /// The JSON Pointer of a field of this object.
    pub fn at(&self, name: &str) -> String {
        let shown: String = name.chars().take(CHARACTERS_SHOWN).collect();
        format!("{}/{}", self.pointer, shown.replace('~', "~0").replace('/', "~1"))
    }

    /// Names and values, in the order of the body.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.entries.iter().map(|(name, raw)| (name.as_str(), *raw))
    }

    /// The field's value, if the field is there.
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, raw)| *raw)
    }

    /// A field that must be there and readable.
    pub fn required<T>(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
        read: impl FnOnce(Raw<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name).and_then(read);
        if value.is_none() {
            findings.invalid(self.at(name), expected);
        }
        value
    }

    /// A field that may be left out; when it is there it must be readable. Outer `None`: it is there and wrong.
    #[allow(clippy::option_option, reason = "left out and wrong are two answers")]
    pub fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
        read: impl FnOnce(Raw<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(raw) = self.get(name) else { return Some(None) };
        let value = read(raw);
        if value.is_none() {
            findings.invalid(self.at(name), expected);
        }
        value.map(Some)
    }

    /// As [`Self::optional`], and `null` says the same as leaving it out.
    #[allow(clippy::option_option, reason = "left out and wrong are two answers")]
    pub fn nullable<T>(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
        read: impl FnOnce(Raw<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(name) {
            Some(raw) if raw.get() == "null" => Some(None),
            _ => self.optional(name, expected, findings, read),
        }
    }
}

/// Characters of an unknown field's name that an answer repeats.
const CHARACTERS_SHOWN: usize = 64;

/// Text; `None` for another kind of value, and for text with half of a surrogate pair.
pub fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    if !raw.get().starts_with('"') {
        return None;
    }
    serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)
}

/// Text of between `min` and `max` characters.
pub fn text_of(raw: Raw<'_>, min: usize, max: usize) -> Option<Cow<'_, str>> {
    text(raw).filter(|text| (min..=max).contains(&text.chars().count()))
}

/// A whole number within bounds. `2.0` and `2e0` are whole; how many digits someone sends is no matter.
pub fn integer(raw: Raw<'_>, min: i64, max: i64) -> Option<i64> {
    let text = raw.get();
    let value = if let Ok(value) = text.parse::<i64>() {
        value
    } else if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        let value: f64 = text.parse().ok()?;
        // Above 2^53 a double has no fractions left to look at; our bounds are far below.
        if value.fract() != 0.0 || value.abs() > 9_007_199_254_740_992.0 {
            return None;
        }
        value as i64
    } else {
        return None;
    };
    (min..=max).contains(&value).then_some(value)
}

/// `true` or `false`.
pub fn boolean(raw: Raw<'_>) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The entries of an array.
pub fn array(raw: Raw<'_>) -> Option<Vec<Raw<'_>>> {
    if !raw.get().starts_with('[') {
        return None;
    }
    serde_json::from_str(raw.get()).ok()
}

/// Collects the entries of a map, doubled names included.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, Raw<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
