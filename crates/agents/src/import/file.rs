//! The older file: read once, whole, and never written.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use exhibit_model::digest::Digest;
use exhibit_model::json::{JsonLimits, parse_strict};
use serde_json::{Map, Value};

use super::ImportError;

/// Largest file in bytes. The older version wrote the whole file anew with every session, so it was slow long before this; as a tree it takes
/// some ten times as much memory.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Rows of a file. At the shortest that a row with its ids can be, a file is full before.
const ROWS_MAX: usize = 1_000_000;

/// An array of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Sessions.
    Ledger,
    /// What happened in them.
    Events,
    /// What they used.
    Usage,
    /// Rules of alerts.
    AlertRules,
    /// How alerts stand.
    AlertStates,
}

impl Part {
    /// All of them, in the order in which rows are told.
    pub const EVERY: [Self; 5] = [Self::Ledger, Self::Events, Self::Usage, Self::AlertRules, Self::AlertStates];

    /// The name of the array.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Events => "events",
            Self::Usage => "usage",
            Self::AlertRules => "alertRules",
            Self::AlertStates => "alertStates",
        }
    }
}

/// A row of the file.
pub(super) type Row = Map<String, Value>;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Legacy {
    /// SHA-256 of its bytes.
    pub(super) source_hash: Digest,
    /// Its rows, by [`Part`].
    pub(super) parts: [Vec<Row>; 5],
}

impl Legacy {
    /// Takes the rows of an array out.
    pub(super) fn take(&mut self, part: Part) -> Vec<Row> {
        std::mem::take(&mut self.parts[part as usize])
    }
}

/// Reads the bytes of a file, which is opened for reading alone.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, ImportError> {
    let shown = || path.display().to_string();
    let wrong = |source: io::Error| ImportError::Unreadable { path: shown(), source };
    let file = File::open(path).map_err(wrong)?;
    // A pipe or a device has no end that anybody could wait for.
    if !file.metadata().map_err(wrong)?.is_file() {
        return Err(ImportError::Malformed { path: shown(), reason: "it is no file".to_owned() });
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ImportError::TooLarge { path: shown(), max: FILE_BYTES_MAX });
    }
    Ok(bytes)
}

/// Reads a file whose rows are arrays of one object. What is wrong with it as a whole is an error; rows are not looked into.
pub(super) fn read(path: &Path) -> Result<Legacy, ImportError> {
    let bytes = bytes_of(path)?;
    let source_hash = Digest::of(&bytes);
    let malformed = |reason: String| ImportError::Malformed { path: path.display().to_string(), reason };
    let value = parse_strict(&bytes, &JsonLimits::of_bytes(FILE_BYTES_MAX))
        .map_err(|findings| malformed(findings.to_string()))?;
    drop(bytes);
    let parts = parts_of(value).map_err(malformed)?;
    Ok(Legacy { source_hash, parts })
}

fn parts_of(value: Value) -> Result<[Vec<Row>; 5], String> {
    let Value::Object(mut root) = value else { return Err("it is no object".to_owned()) };
    if !root.contains_key(Part::Ledger.as_str()) {
        return Err("it has no array `ledger`".to_owned());
    }
    let mut parts: [Vec<Row>; 5] = Default::default();
    let mut rows = 0_usize;
    for part in Part::EVERY {
        let name = part.as_str();
        let Some(value) = root.remove(name) else { continue };
        let Value::Array(items) = value else { return Err(format!("`{name}` is no array")) };
        rows = rows.saturating_add(items.len());
        if rows > ROWS_MAX {
            return Err(format!("it has more than {ROWS_MAX} rows"));
        }
        let objects = items.into_iter().enumerate().map(|(index, item)| match item {
            Value::Object(row) => Ok(row),
            _ => Err(format!("`{name}[{index}]` is no object")),
        });
        parts[part as usize] = objects.collect::<Result<_, _>>()?;
    }
    match root.keys().next() {
        Some(unknown) => Err(format!("nobody knows its member `{}`", unknown.chars().take(128).collect::<String>())),
        None => Ok(parts),
    }
}
