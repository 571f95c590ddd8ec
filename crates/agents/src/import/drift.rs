//! Whether files that were taken over changed since: whatever an older version wrote there after that is not here.

use std::io;
use std::path::PathBuf;

use exhibit_model::digest::Digest;
use exhibit_store::Store;

use super::{ImportError, file, on_a_thread, v41};
use crate::sql::imports;

/// Files that are looked at: whoever took over more has moved many installations into one, and asks for each.
pub const FILES_MAX: usize = 100;

/// How a file stands to its last import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is as it was.
    Same,
    /// It says something else.
    Changed {
        /// SHA-256 of its bytes now.
        now: Digest,
    },
    /// It is not there any more, which is no reason to worry.
    Gone,
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// A file that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Where it is.
    pub path: String,
    /// The report of its last import.
    pub report_id: String,
    /// SHA-256 of its bytes then.
    pub imported: Digest,
    /// How it is now.
    pub state: State,
}

/// Looks at every file that was taken over, by path; [`FILES_MAX`] at most.
///
/// # Errors
/// When the database cannot be read.
pub async fn drift(store: &Store) -> Result<Vec<Drift>, ImportError> {
    let reports = store.read(|read| {
        let mut reports = Vec::new();
        for path in imports::paths(read, FILES_MAX)? {
            reports.extend(imports::last_of(read, &path)?);
        }
        Ok(reports)
    });
    let mut files = Vec::new();
    for report in reports.await? {
        let state = match hash(PathBuf::from(&report.path)).await {
            Ok(now) if now == report.source_hash => State::Same,
            Ok(now) => State::Changed { now },
            Err(ImportError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => State::Gone,
            Err(ImportError::Store(error)) => return Err(error.into()),
            Err(ImportError::Unreadable { source, .. }) => State::Unreadable(source.to_string()),
            Err(other) => State::Unreadable(other.to_string()),
        };
        files.push(Drift { path: report.path, report_id: report.report_id, imported: report.source_hash, state });
    }
    Ok(files)
}

/// SHA-256 of the bytes of a file of either sort.
pub(super) async fn hash(path: PathBuf) -> Result<Digest, ImportError> {
    on_a_thread(move || file::hash_of(&path, v41::FILE_BYTES_MAX)).await
}
