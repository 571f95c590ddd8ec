//! Kinds as data: the declaration of a kind of evidence, read from a file by one parser for built-in and added kinds alike.

mod file;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::canonical::to_canonical;
use crate::digest::Digest;
use crate::findings::Findings;
use crate::json::{JsonLimits, SAFE_INTEGER_MAX, parse_strict};
use crate::time::Timestamp;

use file::{KindFile, check_columns, check_indexes, check_schema};

/// Bytes of a kind file. The largest built-in one has a few KiB.
pub const KIND_FILE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a kind's name. With `proj_`, doubled dots and `_v` plus a version it stays below PostgreSQL's 63 bytes.
pub const KIND_NAME_BYTES_MAX: usize = 40;

/// Projected columns of one kind; what is not a column is still in the body.
pub const COLUMNS_MAX: usize = 64;

/// Indexes of one kind. Four of them already are two thirds of the cost of an insert.
pub const INDEXES_MAX: usize = 8;

/// Columns of one index.
pub const INDEX_COLUMNS_MAX: usize = 8;

/// Bytes of a column's name.
pub const COLUMN_NAME_BYTES_MAX: usize = 40;

/// Bytes of PostgreSQL's longest identifier (`NAMEDATALEN` - 1).
const TABLE_NAME_BYTES_MAX: usize = 63;

/// Columns that every projection table has.
pub const RESERVED_COLUMNS: [&str; 4] = ["seq", "asset", "span_start_ms", "span_end_ms"];

/// The name of a kind: words of `[a-z][a-z0-9_]*` joined by dots, at most 40 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(String);

/// The text is no name of a kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no name of a kind: words of a-z, 0-9 and _ that start with a letter, joined by dots, at most 40 bytes, 63 as a table"
)]
pub struct KindNameError {
    /// What was given, shortened.
    pub text: String,
}

impl KindName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The projection table of a version: `proj_<kind>_v<n>`, each `.` written as `__`.
    pub fn table_name(&self, version: u32) -> String {
        format!("proj_{}_v{version}", self.0.replace('.', "__"))
    }
}

impl FromStr for KindName {
    type Err = KindNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = Self(text.to_owned());
        // `a__b` and `a.b` would share a table, so a word neither ends with `_` nor holds two of them in a row.
        let distinct = !text.contains("__") && !text.contains("_.") && !text.ends_with('_');
        let fits = text.len() <= KIND_NAME_BYTES_MAX && name.table_name(u32::MAX).len() <= TABLE_NAME_BYTES_MAX;
        if fits && distinct && text.split('.').all(is_word) {
            Ok(name)
        } else {
            Err(KindNameError { text: text.chars().take(96).collect() })
        }
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for KindName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KindName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `[a-z][a-z0-9_]*`
fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What a claim of this kind is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One asset; the record is an artifact made by a unit of a run.
    Artifact,
    /// Something else, told by the record itself.
    Record,
}

/// When a body may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// Never by itself.
    Kept,
    /// With its sandbox run.
    Sandbox,
    /// Raw recordings, after proof.
    Raw,
    /// The rows behind an aggregate, once it stands.
    AggregateDetail,
    /// What a person may want to be forgotten. Not accepted yet: its salted commitment comes with the first room that needs it.
    Personal,
}

/// Whether claims of this kind have a part (a blob, a span).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Never.
    None,
    /// As the producer likes.
    Optional,
    /// Always.
    Required,
}

impl Presence {
    /// True when a claim that has the part (or has it not) is allowed.
    pub fn admits(self, present: bool) -> bool {
        match self {
            Self::None => !present,
            Self::Optional => true,
            Self::Required => present,
        }
    }
}

/// The types that a projected column can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// A 64-bit integer.
    Int,
    /// A double.
    Real,
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// RFC 3339 text in the payload, microseconds UTC in the column.
    Timestamp,
}

/// One projected column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Where the value lies in the payload (RFC 6901).
    pub pointer: String,
    /// The pointer, unescaped once.
    tokens: Vec<String>,
}

/// The value of a projected column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing there, or something of another type.
    Null,
    /// See [`ColumnType::Int`].
    Int(i64),
    /// See [`ColumnType::Real`].
    Real(f64),
    /// See [`ColumnType::Text`].
    Text(String),
    /// See [`ColumnType::Bool`].
    Bool(bool),
    /// Microseconds UTC since 1970. See [`ColumnType::Timestamp`].
    Timestamp(i64),
}

/// A checked declaration of one version of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct KindDeclaration {
    /// The name.
    pub kind: KindName,
    /// The version, from 1.
    pub version: u32,
    /// What it is, for people.
    pub title: String,
    /// What its claims are about.
    pub subject: Subject,
    /// When bodies may go.
    pub retention: Retention,
    /// Whether claims have a blob.
    pub blob: Presence,
    /// Whether claims have a span.
    pub span: Presence,
    /// JSON Schema of the payload.
    pub schema: Value,
    /// Projected columns, in the order of the table.
    pub columns: Vec<Column>,
    /// Indexes: names of columns in order.
    pub indexes: Vec<Vec<String>>,
    /// SHA-256 of the RFC 8785 form of the whole file.
    pub digest: Digest,
}

impl KindDeclaration {
    /// Reads a kind file.
    ///
    /// # Errors
    /// What [`parse_strict`] refuses; then `bad_declaration`, `unsupported_retention`, `reserved_column`, `duplicate_column`,
    /// `bad_column`, `too_many_columns`, `bad_index`, `too_many_indexes`, `remote_ref`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Findings> {
        let value = parse_strict(bytes, &JsonLimits::of_bytes(KIND_FILE_BYTES_MAX))?;
        let digest = Digest::of(&to_canonical(&value)?);
        let file: KindFile =
            serde_json::from_value(value).map_err(|error| Findings::one("", "bad_declaration", error.to_string()))?;
        let mut findings = Findings::new();
        if file.version == 0 {
            findings.add("/version", "bad_declaration", "versions count from 1");
        }
        if file.title.trim().is_empty() {
            findings.add("/title", "bad_declaration", "the title is empty");
        }
        if file.retention == Retention::Personal {
            findings.add("/retention", "unsupported_retention", "the retention class `personal` is not supported yet");
        }
        check_schema(&file.schema, &mut findings);
        let columns = check_columns(&file.projection.columns, &mut findings);
        check_indexes(&file.projection, &mut findings);
        let KindFile { kind, version, title, subject, retention, blob, span, schema, projection } = file;
        let indexes = projection.indexes;
        findings.into_result(Self {
            kind,
            version,
            title,
            subject,
            retention,
            blob,
            span,
            schema,
            columns,
            indexes,
            digest,
        })
    }

    /// The name of its projection table.
    pub fn table_name(&self) -> String {
        self.kind.table_name(self.version)
    }

    /// The cells of a payload, in the order of the columns. What is missing or of another type is `Null`; a `real` takes integers too.
    pub fn project(&self, payload: &Value) -> Vec<Cell> {
        self.columns.iter().map(|column| column.cell(payload)).collect()
    }
}

impl Column {
    fn cell(&self, payload: &Value) -> Cell {
        let found = self.tokens.iter().try_fold(payload, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(items) => items.get(array_index(token)?),
            _ => None,
        });
        let cell = found.and_then(|value| match self.column_type {
            ColumnType::Int => integer(value).map(Cell::Int),
            ColumnType::Real => value.as_f64().map(Cell::Real),
            ColumnType::Text => value.as_str().map(|text| Cell::Text(without_nul(text))),
            ColumnType::Bool => value.as_bool().map(Cell::Bool),
            ColumnType::Timestamp => value.as_str().and_then(Timestamp::parse).map(|moment| Cell::Timestamp(moment.0)),
        });
        cell.unwrap_or(Cell::Null)
    }
}

/// An integer, also when it was written as a float with an integral value.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        (float.trunc() == float && float.abs() <= SAFE_INTEGER_MAX as f64).then_some(float as i64)
    })
}

/// Neither database stores U+0000 in text alike, so it is replaced; the body keeps it.
fn without_nul(text: &str) -> String {
    if text.as_bytes().contains(&0) { text.replace('\0', "\u{FFFD}") } else { text.to_owned() }
}

/// An array index of RFC 6901: digits without a leading zero.
fn array_index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { token.parse().ok() } else { None }
}

#[cfg(test)]
#[path = "kind_tests.rs"]
mod tests;
