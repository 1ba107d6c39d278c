//! A limit is data with a reason: every number somebody may turn has a name, bounds, and what goes wrong outside them.

use std::fmt;
use std::time::Duration;

/// What a setting's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A bare number of things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Kilometres.
    Kilometres,
    /// Days.
    Days,
}

impl Unit {
    /// As printed after a number.
    pub fn text(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Bytes => "bytes",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Kilometres => "km",
            Self::Days => "days",
        }
    }
}

/// A number that an installation may change, with the reason for its value and its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Dotted name, as in the configuration file: `booking.hold.lifetime`.
    pub key: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// Used when nobody says otherwise.
    pub default: u64,
    /// Smallest allowed value.
    pub min: u64,
    /// Largest allowed value.
    pub max: u64,
    /// Why this default.
    pub reason: &'static str,
    /// What goes wrong below the minimum.
    pub below: &'static str,
    /// What goes wrong above the maximum.
    pub above: &'static str,
}

impl Setting {
    /// Checks a value; the error says which bound it misses and what would go wrong there.
    pub fn check(&self, value: u64) -> Result<u64, String> {
        let unit = self.unit.text();
        if value < self.min {
            return Err(format!(
                "{}: {value} {unit} is below the minimum of {}: {}",
                self.key, self.min, self.below
            ));
        }
        if value > self.max {
            return Err(format!(
                "{}: {value} {unit} is above the maximum of {}: {}",
                self.key, self.max, self.above
            ));
        }
        Ok(value)
    }
}

/// A text that an installation may give, with the reason to. Empty is always allowed: it is the default.
#[derive(Debug, Clone, Copy)]
pub struct TextSetting {
    /// Dotted name, as in the configuration file: `mail.from`.
    pub key: &'static str,
    /// What is expected, for a person.
    pub expected: &'static str,
    /// What happens when it is absent.
    pub absent: &'static str,
    /// Longest text, in characters.
    pub characters_max: usize,
    /// Says what is wrong with a text that is not empty.
    pub check: fn(&str) -> Result<(), String>,
    /// Why it can be set.
    pub reason: &'static str,
    /// Whether it must not be shown, and the file not be read by others.
    pub secret: bool,
}

impl TextSetting {
    /// Checks a text; the error says what was expected.
    pub fn check(&self, text: &str) -> Result<(), String> {
        if text.chars().count() > self.characters_max {
            return Err(format!("{}: longer than {} characters", self.key, self.characters_max));
        }
        if text.chars().any(char::is_control) {
            return Err(format!("{}: expected one line", self.key));
        }
        if text.is_empty() {
            return Ok(());
        }
        (self.check)(text).map_err(|what| format!("{}: {what}", self.key))
    }
}

/// The values in force: each setting's default, or what the installation says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    changed: std::collections::BTreeMap<&'static str, u64>,
    texts: std::collections::BTreeMap<&'static str, String>,
}

/// Of texts the names only: one may be a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.texts.keys().collect();
        f.debug_struct("Settings")
            .field("changed", &self.changed)
            .field("texts", &texts)
            .finish()
    }
}

impl Settings {
    /// Changes one setting within its bounds.
    pub fn set(&mut self, setting: &Setting, value: u64) -> Result<(), String> {
        self.changed.insert(setting.key, setting.check(value)?);
        Ok(())
    }
    /// Gives a text.
    pub fn set_text(&mut self, setting: &TextSetting, text: &str) -> Result<(), String> {
        setting.check(text)?;
        self.texts.insert(setting.key, text.trim().to_owned());
        Ok(())
    }
    /// The text in force, if one was given.
    pub fn given(&self, setting: &TextSetting) -> Option<&str> {
        let text = self.texts.get(setting.key)?;
        (!text.is_empty()).then_some(text)
    }
    /// The text in force; empty when nobody gave one.
    pub fn text(&self, setting: &TextSetting) -> &str {
        self.texts.get(setting.key).map_or("", String::as_str)
    }
    /// The number in force.
    pub fn get(&self, setting: &Setting) -> u64 {
        self.changed.get(setting.key).copied().unwrap_or(setting.default)
    }
    /// The number in force as a span of time; only for settings in milliseconds, seconds or days.
    pub fn duration(&self, setting: &Setting) -> Duration {
        let value = self.get(setting);
        match setting.unit {
            Unit::Milliseconds => Duration::from_millis(value),
            Unit::Days => Duration::from_secs(value * 86_400),
            _ => Duration::from_secs(value),
        }
    }
    /// Which settings differ from their default, by key.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.changed.iter().map(|(key, value)| (*key, *value))
    }
}
