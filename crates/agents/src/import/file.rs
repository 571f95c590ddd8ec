//! The file of V3: read once, whole, and never written.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_model::json::{JsonLimits, parse_strict};
use serde_json::{Map, Value};

use super::ImportError;

/// Largest file in bytes. The older version wrote the whole file anew with every session, so it was slow long before this; as a tree it takes
/// some ten times as much memory.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Rows of a file. At the shortest that a row with its ids can be, a file is full before.
pub(super) const ROWS_MAX: usize = 1_000_000;

/// Bytes that are read at once where a file is only hashed.
const PIECE_BYTES: usize = 64 * 1024;

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

/// A row, or why it is none.
pub(super) type Taken = Result<Row, String>;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Legacy {
    /// SHA-256 of its bytes.
    pub(super) source_hash: Digest,
    /// Its rows, by [`Part`].
    pub(super) parts: [Vec<Taken>; 5],
}

impl Legacy {
    /// Takes the rows of an array out.
    pub(super) fn take(&mut self, part: Part) -> Vec<Taken> {
        std::mem::take(&mut self.parts[part as usize])
    }
}

/// Opens a file for reading alone.
fn opened(path: &Path) -> Result<File, ImportError> {
    let shown = || path.display().to_string();
    let wrong = |source: io::Error| ImportError::Unreadable { path: shown(), source };
    // Opening a pipe would wait for somebody to write into it; a device has no end that anybody could wait for.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(ImportError::Malformed { path: shown(), reason: "it is no file".to_owned() });
    }
    File::open(path).map_err(wrong)
}

/// SHA-256 of the bytes of a file of at most so many.
pub(super) fn hash_of(path: &Path, bytes_max: u64) -> Result<Digest, ImportError> {
    let wrong = |source: io::Error| ImportError::Unreadable { path: path.display().to_string(), source };
    let mut file = opened(path)?;
    let (mut hasher, mut piece, mut len) = (DigestHasher::new(), vec![0; PIECE_BYTES], 0_u64);
    loop {
        let count = file.read(&mut piece).map_err(wrong)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        len = len.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if len > bytes_max {
            return Err(ImportError::TooLarge { path: path.display().to_string(), max: bytes_max });
        }
        hasher.update(&piece[..count]);
    }
}

/// Reads the bytes of a file.
fn bytes_of(path: &Path) -> Result<Vec<u8>, ImportError> {
    let shown = || path.display().to_string();
    let wrong = |source: io::Error| ImportError::Unreadable { path: shown(), source };
    let file = opened(path)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ImportError::TooLarge { path: shown(), max: limit - 1 });
    }
    Ok(bytes)
}

/// Reads a file whose rows are arrays of one object. What is wrong with it as a whole is an error; rows are not looked into.
pub(super) fn read(path: &Path) -> Result<Legacy, ImportError> {
    let bytes = bytes_of(path)?;
    parsed(&bytes).map_err(|reason| ImportError::Malformed { path: path.display().to_string(), reason })
}

/// Reads the bytes of such a file; `Err` says what is wrong with it as a whole.
pub(super) fn parsed(bytes: &[u8]) -> Result<Legacy, String> {
    let source_hash = Digest::of(bytes);
    let value = parse_strict(bytes, &JsonLimits::of_bytes(FILE_BYTES_MAX)).map_err(|findings| findings.to_string())?;
    Ok(Legacy { source_hash, parts: parts_of(value)? })
}

fn parts_of(value: Value) -> Result<[Vec<Taken>; 5], String> {
    let Value::Object(mut root) = value else { return Err("it is no object".to_owned()) };
    if !root.contains_key(Part::Ledger.as_str()) {
        return Err("it has no array `ledger`".to_owned());
    }
    let mut parts: [Vec<Taken>; 5] = Default::default();
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
            Value::Object(row) => Ok(Ok(row)),
            _ => Err(format!("`{name}[{index}]` is no object")),
        });
        parts[part as usize] = objects.collect::<Result<_, _>>()?;
    }
    match root.keys().next() {
        Some(unknown) => Err(format!("nobody knows its member `{}`", unknown.chars().take(128).collect::<String>())),
        None => Ok(parts),
    }
}
