//! Documents of collectors on their way into the ledger, together with what must change with them.
//!
//! What they add to the counts of their collector, and how far their file was read, is written in the transaction that records the last of
//! them. So after a crash either both are known or neither; then the documents come again, and those that are recorded are known by their ids.

use std::collections::BTreeSet;

use exhibit_model::time::Timestamp;
use exhibit_store::{Append, Candidate, Effect, Gate, GateError, Guard, Store, StoreError};

use super::tail::Position;
use super::{Feed, text};
use crate::contract::Document;
use crate::ingest::checked;
use crate::record::{API_FEED, Handed, Submission};
use crate::sql::offsets::{self, CollectorRow, OffsetRow};

/// Documents of one transaction: enough to fill a group of the writer a few times a second, and few enough that others get their turn.
const DOCUMENTS_AT_ONCE: usize = 500;

/// What collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collector {
    /// Files of Claude Code.
    ClaudeJsonl,
    /// Files of Codex.
    CodexJsonl,
    /// Files of OpenClaw.
    OpenClawJsonl,
    /// `/v1/traces`.
    OtlpTraces,
    /// `/v1/metrics`.
    OtlpMetrics,
    /// `/v1/logs`.
    OtlpLogs,
    /// `/v1/agents/collect/litellm`.
    LiteLlm,
}

impl Collector {
    /// All of them.
    pub const EVERY: [Self; 7] = [
        Self::ClaudeJsonl,
        Self::CodexJsonl,
        Self::OpenClawJsonl,
        Self::OtlpTraces,
        Self::OtlpMetrics,
        Self::OtlpLogs,
        Self::LiteLlm,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeJsonl => "claude_jsonl",
            Self::CodexJsonl => "codex_jsonl",
            Self::OpenClawJsonl => "openclaw_jsonl",
            Self::OtlpTraces => "otlp_traces",
            Self::OtlpMetrics => "otlp_metrics",
            Self::OtlpLogs => "otlp_logs",
            Self::LiteLlm => "litellm",
        }
    }
}

/// What a collector did in one step, beside the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub collector: Collector,
    /// Records that were read, those included that could not be.
    pub records: u64,
    /// Those that could not be read.
    pub bad_records: u64,
    /// What went wrong, for people.
    pub problem: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A file that was read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its feed.
    pub feed: Feed,
    /// Its path.
    pub path: String,
    /// How far it had been read; `None` when it was new.
    pub from: Option<Position>,
    /// How far it is read now.
    pub to: OffsetRow,
}

/// Documents that passed the gate.
#[derive(Debug)]
pub struct Prepared {
    chunks: Vec<(Vec<Candidate>, Vec<String>)>,
    /// How many there are.
    pub documents: u64,
    /// Documents that are larger than any record may be or could not be made, and are left out.
    pub refused: u64,
}

/// What came of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is recorded.
    Recorded,
    /// Another process has read the file on meanwhile; what is new in these documents it has recorded, or will.
    Contended,
}

/// Lets documents through the gate. Takes as long as it takes to read them, and is done beside the threads that answer.
///
/// # Errors
/// When a document is no record, which would be a mistake of ours.
pub fn prepare(gate: &Gate, documents: &[Document]) -> Result<Prepared, StoreError> {
    let mut prepared = Prepared { chunks: Vec::new(), documents: 0, refused: 0 };
    for some in documents.chunks(DOCUMENTS_AT_ONCE) {
        let (mut candidates, mut keys, mut seen) = (Vec::with_capacity(some.len()), Vec::new(), BTreeSet::new());
        for document in some {
            let Submission { draft, keys: own, .. } = Submission::new(document, feed_of(document))?;
            let Some(candidate) = checked(gate, draft)? else {
                prepared.refused += 1;
                continue;
            };
            // A source may come back to what it said before; that is the same record, and a request holds a record once.
            if seen.insert(candidate.record_id()) {
                prepared.documents += 1;
                candidates.push(candidate.read_ahead(Handed::read)?.0);
                keys.extend(own);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        prepared.chunks.push((candidates, keys));
    }
    Ok(prepared)
}

/// The feed of a document; one without is no document of a collector, and is taken for what a client says.
fn feed_of(document: &Document) -> &str {
    document.source.as_deref().filter(|word| Feed::of_word(word).is_some()).unwrap_or(API_FEED)
}

/// Records documents, with what changes with them. Returns after the commit.
///
/// # Errors
/// When the database cannot be written. Some of the documents may be recorded; sent again, they are known.
pub async fn record(
    store: &Store,
    prepared: Prepared,
    step: Step,
    moved: Option<Moved>,
) -> Result<Outcome, StoreError> {
    let row = CollectorRow {
        collector: step.collector.as_str().to_owned(),
        records: step.records,
        bad_records: step.bad_records,
        documents: prepared.documents,
        refused: prepared.refused,
        read_at: step.at,
        problem: step.problem.as_deref().and_then(text::message),
    };
    let mut effect = Some(effect(row, moved));
    let mut chunks = prepared.chunks;
    if chunks.is_empty() {
        chunks.push((Vec::new(), Vec::new()));
    }
    let last = chunks.len() - 1;
    for (index, (candidates, keys)) in chunks.into_iter().enumerate() {
        let effect = if index == last { effect.take() } else { None };
        match store.append(Append { candidates, effect, keys }).await {
            Ok(_) => {}
            Err(GateError::Refused(_)) => return Ok(Outcome::Contended),
            Err(GateError::Store(error)) => return Err(error),
            Err(other) => return Err(StoreError::Unexpected(other.to_string())),
        }
    }
    Ok(Outcome::Recorded)
}

fn effect(row: CollectorRow, moved: Option<Moved>) -> Effect {
    Box::new(move |tx| {
        if let Some(Moved { feed, path, from, to }) = &moved {
            let stands = offsets::one(tx, feed.as_str(), path)?.map(|row| row.position);
            if stands != *from {
                return Ok(Guard::Refuse(format!("`{path}` was read by another process")));
            }
            offsets::put(tx, feed.as_str(), path, to)?;
        }
        offsets::tally(tx, &row)?;
        Ok(Guard::Proceed)
    })
}
