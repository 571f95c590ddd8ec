//! What a round of reading files did, and what all collectors did so far.

use std::collections::BTreeMap;
use std::fmt::Display;

use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Feed;
use super::submit::Collector;
use crate::sql::offsets;

/// Problems of one round that are told; the rest are counted.
const PROBLEMS_MAX: usize = 20;

/// What one round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By feed.
    pub feeds: BTreeMap<Feed, FeedReport>,
    /// Folders and paths that could not be read.
    pub unreadable: u64,
    /// Whether some files were left for the next round.
    pub is_cut: bool,
    /// Sessions that were closed because they had fallen silent.
    pub closed: u64,
    /// What went wrong with single files, for people.
    pub problems: Vec<String>,
}

/// What one round did with the files of one feed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedReport {
    /// Files that are there.
    pub files: u64,
    /// Files that had changed and were read.
    pub changed: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// Files that were another file than before, and were read from their start.
    pub restarts: u64,
    /// Files that another process had read on meanwhile.
    pub contended: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Lines that could not be understood.
    pub bad_lines: u64,
    /// Documents that were made of them.
    pub documents: u64,
    /// Documents that could not be made, or were larger than a record may be.
    pub refused: u64,
}

impl Report {
    /// The part of a feed.
    pub fn of(&mut self, feed: Feed) -> &mut FeedReport {
        self.feeds.entry(feed).or_default()
    }

    /// All feeds together.
    pub fn total(&self) -> FeedReport {
        let mut total = FeedReport::default();
        for feed in self.feeds.values() {
            for (sum, part) in [
                (&mut total.files, feed.files),
                (&mut total.changed, feed.changed),
                (&mut total.unreadable, feed.unreadable),
                (&mut total.restarts, feed.restarts),
                (&mut total.contended, feed.contended),
                (&mut total.lines, feed.lines),
                (&mut total.bad_lines, feed.bad_lines),
                (&mut total.documents, feed.documents),
                (&mut total.refused, feed.refused),
            ] {
                *sum = sum.saturating_add(part);
            }
        }
        total
    }

    pub(super) fn problem(&mut self, feed: Feed, path: &str, why: &dyn Display) {
        self.of(feed).unreadable += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(format!("{path}: {why}"));
        }
    }
}

/// What one collector did so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectorStatus {
    /// Its word: `claude_jsonl`, `codex_jsonl`, `openclaw_jsonl`, `otlp_traces`, `otlp_metrics`, `otlp_logs` or `litellm`.
    pub collector: String,
    /// Files that it has read; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Lines, spans, data points, log records or payloads that it read.
    pub records: u64,
    /// Those of them that could not be read.
    pub bad_records: u64,
    /// Documents that it made of them.
    pub documents: u64,
    /// Documents that were larger than a record may be.
    pub refused: u64,
    /// When it last read anything; left out when it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<String>,
    /// The last thing that went wrong: of one reading, so it names a part of what [`Self::bad_records`] counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What each collector did so far, those included that never read anything.
///
/// # Errors
/// When the database cannot be read.
pub fn collectors(read: &Read<'_>) -> Result<Vec<CollectorStatus>, StoreError> {
    let files = offsets::files(read)?;
    let rows = offsets::collectors(read)?;
    let status = |collector: Collector| {
        let word = collector.as_str();
        let row = rows.iter().find(|row| row.collector == word);
        CollectorStatus {
            collector: word.to_owned(),
            files: files.get(word).copied(),
            records: row.map_or(0, |row| row.records),
            bad_records: row.map_or(0, |row| row.bad_records),
            documents: row.map_or(0, |row| row.documents),
            refused: row.map_or(0, |row| row.refused),
            read_at: row.map(|row| row.read_at.to_string()),
            problem: row.and_then(|row| row.problem.clone()),
        }
    };
    Ok(Collector::EVERY.into_iter().map(status).collect())
}
