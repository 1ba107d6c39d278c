//! The settings in force: the registered defaults, and what `DATA/evenkeel.toml` says instead. Keeps that a file with
//! an unknown name, a wrong type or a number outside its bounds stops the start and says which, where and why.

use std::fmt::Write;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base::limit::{Setting, Settings, TextSetting};
use toml::de::{DeTable, DeValue};

/// The settings of this crate, for the register that the process puts together.
pub const REGISTER: &[&Setting] = &[
    &crate::http::listener::CONNECTIONS,
    &crate::http::listener::HEADER_TIME,
    &crate::http::listener::IDLE_TIME,
    &crate::http::listener::REQUEST_TIME,
    &crate::http::listener::HEADER_BYTES,
    &crate::http::listener::STREAMS,
    &crate::http::listener::CONNECTION_REQUESTS,
    &crate::http::listener::DRAIN_TIME,
    &crate::http::trace::SLOW_REQUEST,
    &crate::http::trace::LOGGED_READS,
    &crate::log_file::BYTES,
    &crate::log_file::AGE,
    &crate::log_file::KEPT,
    &crate::log_file::WAITING_LINES,
];

/// The configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// It holds a secret, and others may read it.
    #[error("{path} holds {key} and is open to others (mode {mode:04o}): run `chmod 600 {path}`", path = path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Which secret.
        key: &'static str,
        /// Its mode now.
        mode: u32,
    },
    /// The content is wrong.
    #[error("{path}, line {line}: {what}", path = path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong there and what was expected.
        what: String,
    },
}

/// Reads the file against the registers of numbers and of texts; without a file every setting has its default.
pub fn load(path: &Path, register: &[&Setting], texts: &[&TextSetting]) -> Result<Settings, ConfigError> {
    let io = |source| ConfigError::Io {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Settings::default()),
        read => read.map_err(io)?,
    };
    let read = parse(&text, register, texts).map_err(|(line, what)| ConfigError::Content {
        path: path.to_owned(),
        line,
        what,
    })?;
    let mode = path.metadata().map_err(io)?.permissions().mode() & 0o7777;
    let secret = texts.iter().find(|text| text.secret && read.given(text).is_some());
    if let Some(secret) = secret.filter(|_| mode & 0o077 != 0) {
        return Err(ConfigError::OpenToOthers {
            path: path.to_owned(),
            key: secret.key,
            mode,
        });
    }
    Ok(read)
}

/// Reads a configuration's text. The error is a line, from 1, and what is wrong there.
pub fn parse(text: &str, register: &[&Setting], texts: &[&TextSetting]) -> Result<Settings, (usize, String)> {
    let line = |span: Range<usize>| {
        text.get(..span.start)
            .map_or(1, |before| before.matches('\n').count() + 1)
    };
    let document =
        DeTable::parse(text).map_err(|error| (line(error.span().unwrap_or(0..0)), error.message().to_owned()))?;
    let mut settings = Settings::default();
    let mut open = vec![(String::new(), document.into_inner())];
    while let Some((prefix, table)) = open.pop() {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let at = line(name.span());
            match value.into_inner() {
                DeValue::Table(inner) => open.push((key, inner)),
                value => match texts.iter().find(|text| text.key == key) {
                    Some(text) => set_text(&mut settings, text, &value).map_err(|what| (at, what))?,
                    None => set(&mut settings, (register, texts), &key, &value).map_err(|what| (at, what))?,
                },
            }
        }
    }
    Ok(settings)
}

fn set_text(settings: &mut Settings, text: &TextSetting, value: &DeValue<'_>) -> Result<(), String> {
    let DeValue::String(given) = value else {
        return Err(format!("{}: expected {}, in quotation marks", text.key, text.expected));
    };
    settings.set_text(text, given)
}

fn set(
    settings: &mut Settings,
    (register, texts): (&[&Setting], &[&TextSetting]),
    key: &str,
    value: &DeValue<'_>,
) -> Result<(), String> {
    let Some(setting) = register.iter().find(|setting| setting.key == key) else {
        let known = register.iter().map(|setting| setting.key);
        return Err(match nearest(known.chain(texts.iter().map(|text| text.key)), key) {
            Some(near) => format!("{key}: there is no such setting; did you mean {near}?"),
            None => format!("{key}: there is no such setting"),
        });
    };
    let expected = || format!("{key}: expected a whole number ({})", unit_name(setting));
    let DeValue::Integer(number) = value else {
        return Err(expected());
    };
    let number = u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| expected())?;
    settings.set(setting, number)
}

/// The registered name that shares the most letters at its start and its end, if that is most of it.
fn nearest(known: impl Iterator<Item = &'static str>, key: &str) -> Option<&'static str> {
    let shared = |other: &str| {
        let start = key.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let end = key
            .bytes()
            .rev()
            .zip(other.bytes().rev())
            .take_while(|(a, b)| a == b)
            .count();
        (start + end).min(key.len())
    };
    let best = known.max_by_key(|other| shared(other))?;
    (shared(best) * 3 >= key.len() * 2).then_some(best)
}

fn unit_name(setting: &Setting) -> &'static str {
    match setting.unit.text() {
        "" => "a count",
        text => text,
    }
}

/// The registers as two Markdown tables, by name: for the documents.
pub fn markdown(register: &[&Setting], texts: &[&TextSetting]) -> String {
    let mut sorted = register.to_vec();
    sorted.sort_by_key(|setting| setting.key);
    let mut out = String::from(
        "| setting | unit | default | from | to | why | below | above |\n|---|---|---:|---:|---:|---|---|---|\n",
    );
    for s in sorted {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
            s.key,
            unit_name(s),
            s.default,
            s.min,
            s.max,
            s.reason,
            s.below,
            s.above
        );
    }
    if texts.is_empty() {
        return out;
    }
    let mut sorted = texts.to_vec();
    sorted.sort_by_key(|text| text.key);
    out.push_str("\nTexts, in quotes; each may be empty, which is the default:\n\n");
    out.push_str("| setting | expected | characters | why | without it |\n|---|---|---:|---|---|\n");
    for text in sorted {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            text.key, text.expected, text.characters_max, text.reason, text.absent
        );
    }
    out
}
