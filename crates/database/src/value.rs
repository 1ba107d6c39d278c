//! Parameters and columns: the few kinds of value that every engine keeps alike.

use crate::postgres;

/// A parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number; instants are microseconds.
    Integer(i64),
    /// A number with a fraction; only for coordinates.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes: ids, hashes, sealed values.
    Blob(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}
impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(value)
    }
}
impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A value that was read, of whatever kind it is: for copying rows whose table says what they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<&Value<'_>> for Owned {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(v) => Self::Integer(*v),
            Value::Real(v) => Self::Real(*v),
            Value::Text(v) => Self::Text((*v).to_owned()),
            Value::Blob(v) => Self::Blob(v.to_vec()),
        }
    }
}

impl Owned {
    /// As a parameter.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(v) => Value::Integer(*v),
            Self::Real(v) => Value::Real(*v),
            Self::Text(v) => Value::Text(v),
            Self::Blob(v) => Value::Blob(v),
        }
    }
}

/// A row of an answer; columns are counted from 0. A column of an unexpected type is a bug of ours and panics.
pub struct Row<'r>(pub(crate) Of<'r>);

/// A row as its driver gives it.
pub(crate) enum Of<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    fn get<T: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a>>(&self, column: usize) -> T {
        let got = match &self.0 {
            Of::Sqlite(row) => row.get(column).map_err(|error| error.to_string()),
            Of::Postgres(row) => row.try_get(column).map_err(|error| error.to_string()),
        };
        got.unwrap_or_else(|error| panic!("column {column} of a row of ours: {error}"))
    }
    /// A whole number.
    pub fn integer(&self, column: usize) -> i64 {
        match &self.0 {
            Of::Sqlite(_) => self.get(column),
            Of::Postgres(row) => postgres::integer(row, column)
                .unwrap_or_else(|| panic!("column {column} of a row of ours: nothing where a number belongs")),
        }
    }
    /// A whole number or nothing.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        match &self.0 {
            Of::Sqlite(_) => self.get(column),
            Of::Postgres(row) => postgres::integer(row, column),
        }
    }
    /// A number with a fraction, or nothing.
    pub fn optional_real(&self, column: usize) -> Option<f64> {
        self.get(column)
    }
    /// Text.
    pub fn text(&self, column: usize) -> String {
        self.get(column)
    }
    /// Text or nothing.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        self.get(column)
    }
    /// Bytes.
    pub fn blob(&self, column: usize) -> Vec<u8> {
        self.get(column)
    }
    /// Bytes or nothing.
    pub fn optional_blob(&self, column: usize) -> Option<Vec<u8>> {
        self.get(column)
    }
    /// Bytes of a known length, such as an id.
    pub fn bytes<const N: usize>(&self, column: usize) -> [u8; N] {
        let bytes = self.blob(column);
        bytes
            .as_slice()
            .try_into()
            .unwrap_or_else(|_| panic!("column {column}: {} bytes instead of {N}", bytes.len()))
    }
    /// Whatever stands there.
    pub fn owned(&self, column: usize) -> Owned {
        match &self.0 {
            Of::Sqlite(row) => match row.get_ref(column).expect("a column that was asked for") {
                rusqlite::types::ValueRef::Null => Owned::Null,
                rusqlite::types::ValueRef::Integer(v) => Owned::Integer(v),
                rusqlite::types::ValueRef::Real(v) => Owned::Real(v),
                rusqlite::types::ValueRef::Text(_) => Owned::Text(self.text(column)),
                rusqlite::types::ValueRef::Blob(v) => Owned::Blob(v.to_vec()),
            },
            Of::Postgres(row) => postgres::owned(row, column),
        }
    }
}
