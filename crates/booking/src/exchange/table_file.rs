//! A file of rows (CSV with a header line) and what is wrong in it: by line, column and value, with what is expected.
//! Pure. Doesn't know what the columns mean; `clinic_file`, `session_file` and `zip_file` do.

use std::collections::BTreeMap;
use std::fmt;

/// Something wrong in a file. One row may have several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Line of the file where the row begins, from 1; the header is line 1.
    pub line: u64,
    /// Column name; empty where the whole row is meant.
    pub column: String,
    /// What stands there, cut to a length that can be printed.
    pub value: String,
    /// What is expected instead.
    pub expected: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.column.is_empty() {
            return write!(f, "line {}: expected {}", self.line, self.expected);
        }
        write!(
            f,
            "line {}, column {}, value {:?}: expected {}",
            self.line, self.column, self.value, self.expected
        )
    }
}

/// How much a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// Rows without the header.
    pub rows_max: usize,
    /// Characters of one field.
    pub field_characters_max: usize,
}

/// What was read: the rows that are right, each with its line, and everything that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRead<T> {
    /// Right rows, in order.
    pub rows: Vec<(u64, T)>,
    /// Wrong places, in order.
    pub errors: Vec<RowError>,
}

/// Errors kept; a file with more is wrong as a whole, and nobody reads the thousandth.
const ERRORS_MAX: usize = 1_000;
/// Characters of a value that are shown.
const SHOWN_MAX: usize = 60;

/// A column of a file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Whether the header must have it.
    pub required: bool,
}

/// Reads a whole file; `read` turns one row into a value, or tells the row what is wrong with it.
pub fn read<T>(
    bytes: &[u8],
    columns: &[Column],
    limits: FileLimits,
    mut read: impl FnMut(&mut Row<'_>) -> Option<T>,
) -> FileRead<T> {
    let mut found = FileRead {
        rows: Vec::new(),
        errors: Vec::new(),
    };
    // A byte order mark is what spreadsheet programs put in front of UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let Some(header) = header(&mut reader, columns, &mut found.errors) else {
        return found;
    };
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut record = csv::StringRecord::new();
    for count in 0.. {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Err(error) => {
                let line = lines.of(error.position());
                found
                    .errors
                    .push(error_of(line, "", "", "UTF-8 text in CSV (RFC 4180)"));
                // Where quotes do not close, everything behind is one field.
                if !matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) {
                    break;
                }
            }
            Ok(true) => {
                let line = lines.of(record.position());
                if count >= limits.rows_max {
                    found
                        .errors
                        .push(error_of(line, "", "", &format!("at most {} rows", limits.rows_max)));
                    break;
                }
                let mut row = Row {
                    line,
                    header: &header,
                    record: &record,
                    limits,
                    errors: Vec::new(),
                };
                row.check_shape();
                let value = read(&mut row).filter(|_| row.errors.is_empty());
                found.errors.append(&mut row.errors);
                found.rows.extend(value.map(|value| (line, value)));
            }
        }
        if found.errors.len() >= ERRORS_MAX {
            found.errors.truncate(ERRORS_MAX);
            break;
        }
    }
    found
}

/// Counts lines as an editor shows them. The reader's own count is one less behind `\r\n` and empty lines, because it
/// notes where a record begins before it skips what is left of the line before.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position.map_or(self.at, |position| position.byte() as usize);
        while let Some(byte) = self.bytes.get(self.at) {
            if self.at >= begin && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            let ends = *byte == b'\n' || (*byte == b'\r' && self.bytes.get(self.at + 1) != Some(&b'\n'));
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
    }
}

fn header(
    reader: &mut csv::Reader<&[u8]>,
    columns: &[Column],
    errors: &mut Vec<RowError>,
) -> Option<BTreeMap<String, usize>> {
    let Ok(names) = reader.headers() else {
        errors.push(error_of(1, "", "", "a header line in UTF-8"));
        return None;
    };
    let all = || columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let mut header = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        if !columns.iter().any(|column| column.name == name) {
            errors.push(error_of(1, name, name, &format!("one of the columns {}", all())));
        } else if header.insert(name.to_owned(), place).is_some() {
            errors.push(error_of(1, name, name, "each column once"));
        }
    }
    for column in columns
        .iter()
        .filter(|column| column.required && !header.contains_key(column.name))
    {
        errors.push(error_of(1, column.name, "", &format!("a column named {}", column.name)));
    }
    errors.is_empty().then_some(header)
}

fn error_of(line: u64, column: &str, value: &str, expected: &str) -> RowError {
    let shown = value
        .char_indices()
        .nth(SHOWN_MAX)
        .map_or_else(|| value.to_owned(), |(end, _)| format!("{}…", &value[..end]));
    RowError {
        line,
        column: column.to_owned(),
        value: shown,
        expected: expected.to_owned(),
    }
}

/// A row being read.
pub struct Row<'r> {
    /// Its line.
    pub line: u64,
    header: &'r BTreeMap<String, usize>,
    record: &'r csv::StringRecord,
    limits: FileLimits,
    errors: Vec<RowError>,
}

impl Row<'_> {
    fn check_shape(&mut self) {
        if self.record.len() != self.header.len() {
            let expected = format!("{} fields, as the header has", self.header.len());
            self.wrong("", &self.record.len().to_string(), &expected);
        }
        let (header, record, max) = (self.header, self.record, self.limits.field_characters_max);
        for (name, place) in header {
            let value = record.get(*place).unwrap_or_default();
            if value.chars().count() > max {
                self.wrong(name, value, &format!("at most {max} characters"));
            } else if value.chars().any(char::is_control) {
                self.wrong(name, value, "text without control characters");
            }
        }
    }

    /// A field; empty when the file lacks the column.
    pub fn text(&self, column: &str) -> &str {
        self.header
            .get(column)
            .and_then(|place| self.record.get(*place))
            .unwrap_or_default()
    }

    /// Says that a value is wrong.
    pub fn wrong(&mut self, column: &str, value: &str, expected: &str) {
        self.errors.push(error_of(self.line, column, value, expected));
    }

    /// A field that must be there and readable.
    pub fn required<T>(&mut self, column: &str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.text(column).to_owned();
        let got = if value.is_empty() { None } else { read(&value) };
        if got.is_none() {
            self.wrong(column, &value, expected);
        }
        got
    }

    /// A field that may be empty, and else must be readable.
    pub fn optional<T>(&mut self, column: &str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if self.text(column).is_empty() {
            None
        } else {
            self.required(column, expected, read)
        }
    }
}
