//! What became of each row of an older file, and whether its sums are the same here.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Kind;
use super::file::Part;

/// Rows that a report keeps the reasons of, errors before all others. More is read by nobody, and the numbers are exact beyond it.
pub const ROWS_KEPT_MAX: usize = 100_000;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It is here now.
    Written,
    /// It was here before, or something newer is.
    Skipped,
    /// It was refused.
    Error,
}

impl Outcome {
    /// All of them.
    pub const EVERY: [Self; 3] = [Self::Written, Self::Skipped, Self::Error];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }

    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// The same stands here.
pub const IDENTICAL: &str = "identical";

/// Something else stands here, and this installation has said so since.
pub const NEWER_PRESENT: &str = "newer_present";

/// Something else stands here, and nothing says which of both is right.
pub const CONFLICT: &str = "conflict";

/// A row that was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Where it stands in the file: `ledger[3]`.
    pub reference: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
}

/// Sums over sessions. What is unknown adds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ImportTotals")]
pub struct Totals {
    /// Sessions.
    pub runs: i64,
    /// Tokens that went in.
    pub prompt_tokens: i64,
    /// Tokens that came out.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// Nano-USD.
    pub cost_nano: i64,
}

/// The sums of the file, and of the same sessions here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportCompared")]
pub struct Compared {
    /// As the file has them.
    pub file: Totals,
    /// As they are here.
    pub stored: Totals,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id, `imp_` and 32 hex digits; empty for a dry run, of which nothing is kept.
    pub report_id: String,
    /// The sort of file.
    pub kind: Kind,
    /// Where the file is.
    pub path: String,
    /// SHA-256 of its bytes.
    pub source_hash: Digest,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` when it was broken off.
    pub finished_at: Option<Timestamp>,
    /// Rows of the file: those below together.
    pub read: u64,
    /// Rows that are here now, or would be.
    pub written: u64,
    /// Rows that were here before, or that something newer stands in the place of.
    pub skipped: u64,
    /// Rows that were refused.
    pub errors: u64,
    /// Rows beyond [`ROWS_KEPT_MAX`], whose reasons are not kept.
    pub rows_omitted: u64,
    /// Whether every session and every usage was read and the sums are the same; `None` when nothing was written or it was broken off.
    pub parity_ok: Option<bool>,
    /// The sums.
    pub totals: Compared,
}

impl Report {
    /// The report with its rows, as the file has it.
    pub fn value(&self, rows: &[ReportRow]) -> Value {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({"ref": row.reference, "outcome": row.outcome.as_str(), "reason": row.reason}))
            .collect();
        json!({
            "reportId": self.report_id,
            "kind": self.kind.as_str(),
            "path": self.path,
            "sourceHash": self.source_hash.to_hex(),
            "dryRun": self.dry_run,
            "startedAt": self.started_at.to_string(),
            "finishedAt": self.finished_at.map(|at| at.to_string()),
            "read": self.read,
            "written": self.written,
            "skipped": self.skipped,
            "errors": self.errors,
            "rowsOmitted": self.rows_omitted,
            "parityOk": self.parity_ok,
            "totals": self.totals,
            "rows": rows,
        })
    }
}

/// Writes `<data>/import-reports/<id>.json`: under another name first, so that nobody ever reads half of it.
pub(super) fn write_file(data: &Path, report: &Report, rows: &[ReportRow]) -> io::Result<()> {
    let folder = data.join("import-reports");
    fs::create_dir_all(&folder)?;
    let (part, whole) =
        (folder.join(format!("{}.json.part", report.report_id)), folder.join(format!("{}.json", report.report_id)));
    let mut file = File::create(&part)?;
    file.write_all(&serde_json::to_vec_pretty(&report.value(rows))?)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&part, &whole)?;
    File::open(&folder)?.sync_all()
}

/// What became of the rows so far: each has one outcome, so that the numbers add up.
#[derive(Debug)]
pub(super) struct Tally([Vec<Option<(Outcome, String)>>; 5]);

impl Tally {
    /// Of so many rows, by [`Part`].
    pub(super) fn new(sizes: [usize; 5]) -> Self {
        Self(sizes.map(|size| vec![None; size]))
    }

    /// Notes what became of a row; the first word stands.
    pub(super) fn settle(&mut self, part: Part, index: usize, outcome: Outcome, reason: &str) {
        if let Some(row) = self.0[part as usize].get_mut(index) {
            row.get_or_insert_with(|| (outcome, reason.to_owned()));
        }
    }

    pub(super) fn skip(&mut self, part: Part, index: usize, reason: &str) {
        self.settle(part, index, Outcome::Skipped, reason);
    }

    pub(super) fn refuse(&mut self, part: Part, index: usize, reason: &str) {
        self.settle(part, index, Outcome::Error, reason);
    }

    /// Rows of an array that were refused.
    pub(super) fn refused(&self, part: Part) -> usize {
        self.0[part as usize].iter().flatten().filter(|(outcome, _)| *outcome == Outcome::Error).count()
    }

    /// Puts the numbers into a report; the rows that were not written, in the order of the file.
    pub(super) fn close(self, report: &mut Report) -> Vec<ReportRow> {
        let (mut refused, mut skipped) = (Vec::new(), Vec::new());
        for (part, rows) in Part::EVERY.into_iter().zip(self.0) {
            for (index, row) in rows.into_iter().enumerate() {
                // A row that nobody decided about would be a mistake of ours; it is told, and not counted as written.
                let (outcome, reason) = row.unwrap_or_else(|| (Outcome::Error, "undecided".to_owned()));
                report.read += 1;
                let kept = match outcome {
                    Outcome::Written => {
                        report.written += 1;
                        continue;
                    }
                    Outcome::Skipped => {
                        report.skipped += 1;
                        &mut skipped
                    }
                    Outcome::Error => {
                        report.errors += 1;
                        &mut refused
                    }
                };
                if kept.len() < ROWS_KEPT_MAX {
                    let reference = format!("{}[{index}]", part.as_str());
                    kept.push(((part, index), ReportRow { reference, outcome, reason }));
                }
            }
        }
        skipped.truncate(ROWS_KEPT_MAX - refused.len());
        let kept = u64::try_from(refused.len() + skipped.len()).unwrap_or(u64::MAX);
        report.rows_omitted = (report.skipped + report.errors).saturating_sub(kept);
        refused.extend(skipped);
        refused.sort_by_key(|(place, _)| *place);
        refused.into_iter().map(|(_, row)| row).collect()
    }
}
