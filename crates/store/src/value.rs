//! Statements, values and rows: the small vocabulary that both backends speak.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use exhibit_model::digest::Digest;

use crate::error::StoreError;

/// A statement for both backends. Placeholders are `$1`, `$2`, … in both texts; the SQLite backend writes them as `?1`.
#[derive(Debug, Clone)]
pub struct Sql {
    /// Names the statement in errors, metrics and plan tests; also the key of the prepared-statement cache, so it is unique.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: Cow<'static, str>,
    /// The text for PostgreSQL.
    pub postgres: Cow<'static, str>,
}

impl Sql {
    /// A statement whose text is the same on both backends.
    pub const fn same(name: &'static str, text: &'static str) -> Self {
        Self { name, sqlite: Cow::Borrowed(text), postgres: Cow::Borrowed(text) }
    }

    /// A statement with a text for each backend.
    pub const fn pair(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { name, sqlite: Cow::Borrowed(sqlite), postgres: Cow::Borrowed(postgres) }
    }

    /// True for a plain `select`. Everything else may have changed something, `update … returning` too.
    pub(crate) fn only_reads(&self) -> bool {
        self.sqlite.trim_start().starts_with("select")
    }
}

/// Keeps the name of a statement that is made at run time, once. Such names stand for (purpose, kind, version), so they are few.
pub fn intern(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into_boxed_str());
    names.insert(kept);
    kept
}

/// A value bound to a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL null.
    Null,
    /// 64-bit integer; also booleans (0, 1) and times (microseconds).
    Int(i64),
    /// 64-bit float.
    Real(f64),
    /// Text without U+0000.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// JSON text.
    Json(String),
    /// A list: on SQLite a JSON array for `json_each` (bytes as hex digits, for `unhex`), on PostgreSQL an array.
    List(Vec<Value>),
}

macro_rules! value_from {
    ($($type:ty => $make:expr),* $(,)?) => { $(impl From<$type> for Value { fn from(value: $type) -> Self { ($make)(value) } })* };
}

value_from! {
    i64 => Value::Int,
    u32 => |value: u32| Value::Int(i64::from(value)),
    bool => |value: bool| Value::Int(i64::from(value)),
    f64 => Value::Real,
    String => Value::Text,
    &str => |value: &str| Value::Text(value.to_owned()),
    Vec<u8> => Value::Bytes,
    &[u8] => |value: &[u8]| Value::Bytes(value.to_vec()),
    Digest => |value: Digest| Value::Bytes(value.0.to_vec()),
    u128 => |value: u128| Value::Bytes(value.to_be_bytes().to_vec()),
    Vec<Value> => Value::List,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Builds a parameter list from anything that converts into [`Value`].
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Value::from($value)),*] as &[$crate::Value] };
}

/// Builds an owned row of values.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

/// One row of a result, read by position.
pub struct Row<'a>(pub(crate) RowInner<'a>);

pub(crate) enum RowInner<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

impl Row<'_> {
    /// Reads the column at `index` (from 0).
    ///
    /// # Errors
    /// When the column has another type, or is null and `T` is not an `Option`.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        T::from_column(self, index)
    }

    fn wrong(index: usize, expected: &str) -> StoreError {
        StoreError::Unexpected(format!("column {index} is not {expected}"))
    }
}

/// A type that one column can be read as.
pub trait FromColumn: Sized {
    /// Reads the column at `index`.
    ///
    /// # Errors
    /// When the column has another type.
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError>;
}

macro_rules! driver_column {
    ($type:ty, $expected:literal) => {
        impl FromColumn for $type {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                match row.0 {
                    RowInner::Sqlite(inner) => inner.get(index).map_err(|_| Row::wrong(index, $expected)),
                    RowInner::Postgres(inner) => inner.try_get(index).map_err(|_| Row::wrong(index, $expected)),
                }
            }
        }
        impl FromColumn for Option<$type> {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                match row.0 {
                    RowInner::Sqlite(inner) => inner.get(index).map_err(|_| Row::wrong(index, $expected)),
                    RowInner::Postgres(inner) => inner.try_get(index).map_err(|_| Row::wrong(index, $expected)),
                }
            }
        }
    };
}

driver_column!(i64, "an integer");
driver_column!(f64, "a float");
driver_column!(String, "text");
driver_column!(Vec<u8>, "bytes");

macro_rules! column_through {
    ($type:ty, $raw:ty, $expected:literal, $convert:expr) => {
        impl FromColumn for $type {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                let raw = <$raw>::from_column(row, index)?;
                ($convert)(raw).ok_or_else(|| Row::wrong(index, $expected))
            }
        }
        impl FromColumn for Option<$type> {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                match Option::<$raw>::from_column(row, index)? {
                    None => Ok(None),
                    Some(raw) => ($convert)(raw).map(Some).ok_or_else(|| Row::wrong(index, $expected)),
                }
            }
        }
    };
}

column_through!(Digest, Vec<u8>, "a digest", |raw: Vec<u8>| Digest::from_slice(&raw).ok());
column_through!(u32, i64, "a small number", |raw: i64| u32::try_from(raw).ok());
column_through!(u64, i64, "a number from 0", |raw: i64| u64::try_from(raw).ok());
column_through!(bool, i64, "0 or 1", |raw: i64| Some(raw != 0));
column_through!(u128, Vec<u8>, "16 bytes", |raw: Vec<u8>| raw.try_into().ok().map(u128::from_be_bytes));

/// A type that a whole row can be read as.
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// When a column has another type.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

macro_rules! row_tuple {
    ($($name:ident $index:tt),*) => {
        impl<$($name: FromColumn),*> FromRow for ($($name,)*) {
            fn from_row(row: &Row<'_>) -> Result<Self, StoreError> { Ok(($(row.get::<$name>($index)?,)*)) }
        }
    };
}

row_tuple!(A 0);
row_tuple!(A 0, B 1);
row_tuple!(A 0, B 1, C 2);
row_tuple!(A 0, B 1, C 2, D 3);
row_tuple!(A 0, B 1, C 2, D 3, E 4);
row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
