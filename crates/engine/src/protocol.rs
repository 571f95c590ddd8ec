//! The extractor protocol, version 1: JSON Lines between the host and an extractor process. `schemas/protocol/extractor.v1.json` is its
//! contract; a test holds these types to it.
//!
//! The host writes a [`ToExtractor::Step`] and then units; the process answers each unit, in order, with any number of facts and one end.
//! Unknown fields and types are errors on both sides.

use std::collections::BTreeMap;

use exhibit_model::json::{JsonLimits, parse_strict};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The version that both sides must speak.
pub const PROTOCOL_VERSION: u32 = 1;

/// Longest line in either direction, in bytes. A payload is at most 8 MiB at the gate; what extractors of this version emit stays far
/// below, and a line is held in memory on both sides.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Facts that one unit may emit.
pub const FACTS_MAX: usize = 10_000;

/// Bytes of all facts of one unit together, as lines: a host holds them until the unit ends.
pub const FACTS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Facts that one unit over a collection may emit.
pub const COLLECTION_FACTS_MAX: usize = 1_000_000;

/// Bytes of all facts of one unit over a collection, as lines.
pub const COLLECTION_FACTS_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Bytes of all blobs of one unit together. A host copies them while the unit's time runs.
pub const BLOBS_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// What the host says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToExtractor {
    /// What all units after it share.
    Step {
        /// Parameters, defaults filled in.
        params: Map<String, Json>,
        /// `fast`, `balanced` or `high_quality`.
        profile: String,
        /// The sources that it may read: id, and the raw bytes of the root in base64 (RFC 4648, padded).
        sources: BTreeMap<String, String>,
    },
    /// One piece of work.
    Unit(UnitMessage),
    /// One piece of work over a whole collection.
    Collection(CollectionMessage),
}

/// One piece of work over a whole collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionMessage {
    /// A number that the answers repeat.
    pub unit: u64,
    /// Where the list of members lies, relative to scratch.
    pub inputs: String,
    /// How many there are.
    pub members: u64,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitMessage {
    /// A number that the answers repeat.
    pub unit: u64,
    /// Id of the source below whose root the original lies.
    pub source: String,
    /// Raw bytes of the path below the root, base64 (RFC 4648, padded).
    pub path_b64: String,
    /// For plug-ins: where to open the original, relative to the folder in which the process was started. Absent where a path that long
    /// cannot be opened by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `ast_` and the SHA-256 of the original.
    pub asset_id: String,
    /// Found from its first bytes.
    pub media_type: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Modification time in nanoseconds since 1970, as decimal text: it does not fit into 53 bits.
    pub mtime_ns: String,
}

/// What the extractor process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromExtractor {
    /// The first line: who speaks.
    Ready {
        /// Version of this protocol.
        protocol: u32,
        /// Name of the extractor.
        extractor: String,
        /// Version of the extractor.
        version: String,
        /// Versions of the outside programs that it runs.
        tools: BTreeMap<String, String>,
    },
    /// One fact about the unit.
    Fact(FactMessage),
    /// The unit is done with.
    End {
        /// The number of the unit.
        unit: u64,
        /// How it ended.
        outcome: EndOutcome,
        /// A word, for all but `done`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// Whether a failure may go away by itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retryable: bool,
    },
    /// The process cannot work at all, for example because a program is missing.
    Unable {
        /// For people.
        detail: String,
    },
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactMessage {
    /// The number of the unit.
    pub unit: u64,
    /// The member that it is about; for units over a collection, and only for those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// Name of the kind.
    pub kind: String,
    /// Version of the kind.
    pub schema_version: u32,
    /// Start of the span in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_start_ms: Option<i64>,
    /// End of the span in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_end_ms: Option<i64>,
    /// What is claimed.
    pub payload: Json,
    /// A file that it left in the folder `<unit>` of its scratch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobMessage>,
}

/// A file in scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobMessage {
    /// Plain name of the file.
    pub file: String,
    /// What it is.
    pub media_type: String,
}

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndOutcome {
    /// It ended; no fact = nothing found.
    Done,
    /// Not something this extractor takes.
    Skipped,
    /// The work could not be done.
    Failed,
}

/// Reads one line of an extractor process, without its line feed.
///
/// # Errors
/// When it is not strict JSON, or outside the protocol; the text says what the process did.
pub fn read_line(line: &[u8]) -> Result<FromExtractor, String> {
    let value = parse_strict(line, &JsonLimits::of_bytes(LINE_BYTES_MAX))
        .map_err(|findings| format!("it sent a line that is not strict JSON: {findings}"))?;
    serde_json::from_value(value).map_err(|error| format!("it sent a line outside the protocol: {error}"))
}

/// True for a reason as the protocol allows it: `[a-z0-9-]{1,40}`.
pub fn is_reason(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
