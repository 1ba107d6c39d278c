//! Settings that are text: an address, a folder, a command. As with numbers, each has a name, what is expected of it,
//! and a reason; what nobody sets is absent. A secret among them is never shown, and makes the file the owner's alone.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// A text that an installation may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSetting {
    /// Dotted name, as in the configuration file: `backup.destination`.
    pub key: &'static str,
    /// What is expected, for a person.
    pub expected: &'static str,
    /// What happens when it is absent.
    pub absent: &'static str,
    /// Why it can be set.
    pub reason: &'static str,
    /// Whether it must not be shown, and the file not be read by others.
    pub secret: bool,
}

/// The texts in force.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<&'static str, String>);

impl Texts {
    /// Sets one.
    pub fn set(&mut self, setting: &TextSetting, value: &str) -> Result<(), String> {
        if value.trim().is_empty() || value.contains(['\0', '\n']) {
            return Err(format!("{}: expected {}", setting.key, setting.expected));
        }
        self.0.insert(setting.key, value.trim().to_owned());
        Ok(())
    }
    /// The text in force, if one is.
    pub fn get(&self, setting: &TextSetting) -> Option<&str> {
        self.0.get(setting.key).map(String::as_str)
    }
}

/// Names only: a text may be a secret.
impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The register as a Markdown table, by name: for the documents.
pub fn markdown(register: &[&TextSetting]) -> String {
    let mut sorted = register.to_vec();
    sorted.sort_by_key(|setting| setting.key);
    let mut out = String::from("| text setting | expected | why | without it |\n|---|---|---|---|\n");
    for s in sorted {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", s.key, s.expected, s.reason, s.absent);
    }
    out
}
