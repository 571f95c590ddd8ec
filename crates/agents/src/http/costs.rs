//! What a session and its calls cost, from the first reckoning to the one that stands.

use std::collections::BTreeMap;

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::views::iso;
use crate::money::Nano;
use crate::prices::Cost;
use crate::sql::calls::CallRow;
use crate::sql::cost_rows::{self, CostRow, Reason, Subject};
use crate::sql::usage::UsageRow;

/// Revisions of one answer that were replaced: each recompute adds one for a call whose cost it changes.
const REVISIONS_MAX: i64 = 20_000;

/// What something cost at some time.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostRevision {
    /// `call`, or `session` for one that tells its sums and not its calls.
    pub subject: String,
    /// The call; absent for the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// From 1; the last of a subject is what stands.
    pub revision: i64,
    /// The prices that it rests on; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_version: Option<String>,
    /// USD with six decimals; absent when it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// `provider_reported`, `derived` or `missing`.
    pub source: String,
    /// `exact`, `estimated` or `unknown`.
    pub confidence: String,
    /// `high`, `medium`, `low` or `unknown`.
    pub confidence_level: String,
    /// Why it was reckoned: `ingest` or `recompute`.
    pub reason: String,
    /// When.
    pub computed_at: String,
}

impl CostRevision {
    fn new(subject: Subject, call_id: Option<&str>, row: &CostRow) -> Self {
        let cost = &row.cost;
        Self {
            subject: subject.as_str().to_owned(),
            call_id: call_id.map(str::to_owned),
            revision: row.revision,
            pricing_version: cost.pricing_version().map(|version| version.as_str().to_owned()),
            cost_usd: cost.amount().map(Nano::usd),
            source: cost.source().as_str().to_owned(),
            confidence: cost.confidence().as_str().to_owned(),
            confidence_level: cost.level().as_str().to_owned(),
            reason: row.reason.as_str().to_owned(),
            computed_at: iso(row.computed_at),
        }
    }
}

/// The history of a session with this usage and these calls: of each call by time, then of the session where it tells no calls.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn history(read: &Read<'_>, usage: &UsageRow, calls: &[CallRow]) -> Result<Vec<CostRevision>, StoreError> {
    let keys: Vec<i64> = calls.iter().map(|call| call.call_key).collect();
    let mut replaced = by_subject(cost_rows::of_subjects(read, Subject::Call, &keys, REVISIONS_MAX)?);
    let mut told = Vec::new();
    for call in calls {
        let rows = whole(replaced.remove(&call.call_key), call.call_key, &call.cost, usage.computed_at);
        told.extend(rows.iter().map(|row| CostRevision::new(Subject::Call, Some(&call.call_id), row)));
    }
    let key = usage.session_key;
    let replaced = by_subject(cost_rows::of_subjects(read, Subject::Session, &[key], REVISIONS_MAX)?).remove(&key);
    // The cost of a session that tells calls is their sum, and has no history but theirs.
    if usage.call_count == 0 || replaced.is_some() {
        let rows = whole(replaced, key, &usage.cost, usage.computed_at);
        told.extend(rows.iter().map(|row| CostRevision::new(Subject::Session, None, row)));
    }
    Ok(told)
}

fn by_subject(rows: Vec<CostRow>) -> BTreeMap<i64, Vec<CostRow>> {
    let mut found: BTreeMap<i64, Vec<CostRow>> = BTreeMap::new();
    for row in rows {
        found.entry(row.subject_key).or_default().push(row);
    }
    found
}

/// What was replaced, and what stands: a cost is only written down as a revision when a recompute replaces it.
fn whole(replaced: Option<Vec<CostRow>>, subject_key: i64, stands: &Cost, computed_at: Timestamp) -> Vec<CostRow> {
    let mut rows = replaced.unwrap_or_default();
    if rows.last().is_none_or(|last| last.cost != *stands) {
        let revision = rows.last().map_or(1, |last| last.revision.saturating_add(1));
        let cost = stands.clone();
        rows.push(CostRow { subject_key, revision, cost, computed_at, reason: Reason::Ingest });
    }
    rows
}
