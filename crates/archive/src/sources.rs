//! What is said about sources, about what a scan could not take in, and about scans: the same on the command line and over HTTP.

use std::borrow::Cow;

use exhibit_model::ids::SourceId;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::assets::PathOutcome;
use exhibit_store::sql::sources::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{base64_of, printable};
use crate::scan::ScanReport;

/// A folder that originals come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SourceView {
    /// Its id.
    pub source: SourceId,
    /// Its name.
    pub name: String,
    /// `sacred` or `reapable`.
    pub class: Cow<'static, str>,
    /// The folder, for people.
    pub root: String,
    /// Whether it can be reached.
    pub online: bool,
    /// When it was added.
    pub added: Timestamp,
    /// When its last scan ended.
    pub scanned: Option<Timestamp>,
}

impl SourceView {
    /// Puts words to a source.
    pub fn new(source: &Source) -> Self {
        Self {
            source: source.id,
            name: source.name.clone(),
            class: source.class.as_str().into(),
            root: printable(&source.root),
            online: source.online,
            added: Timestamp(source.added_us),
            scanned: source.scanned_us.map(Timestamp),
        }
    }
}

/// A path that the last scan could not take in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeView {
    /// The path, for people.
    pub path: String,
    /// The same, raw bytes in base64.
    pub path_b64: String,
    /// Why, as a word.
    pub code: String,
    /// Why, for people.
    pub detail: String,
}

impl OutcomeView {
    /// Puts words to an outcome.
    pub fn new(outcome: &PathOutcome) -> Self {
        Self {
            path: printable(&outcome.path),
            path_b64: base64_of(&outcome.path),
            code: outcome.code.clone(),
            detail: outcome.detail.clone(),
        }
    }
}

/// Where a scan stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScanView {
    /// The folder, for people.
    pub root: String,
    /// The name of the source, once it is known.
    pub name: Option<String>,
    /// `running`, `done` or `failed`.
    pub state: Cow<'static, str>,
    /// Files and folders that were found so far.
    pub seen: u64,
    /// Files whose content was read.
    pub read: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Assets that were not known before, once it is done.
    pub new: Option<u64>,
    /// Paths that are not there any more, once it is done.
    pub missing: Option<u64>,
    /// Everything that it did, once it is done: what `exhibit scan --json` prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ScanReport>,
    /// Why it failed.
    pub detail: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}
