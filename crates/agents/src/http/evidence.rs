//! Refused documents, calls, and whether the sums are what the rows come to.

use axum::extract::State;
use exhibit_http::{ApiError, Cursor, Json, Page, PageQuery, Query, Route, Scope, limit};
use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::alerts::{cursor_of, parts_of};
use super::ledger::called;
use super::views::{LedgerCall, iso};
use crate::parity;
use crate::sql::{calls, conflicts};

/// Items of a page, unless asked otherwise.
const PAGE: u32 = 50;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsConflicts", "Documents that were refused because something else stands, the newest first");
    let conflicts = Route::get("/v1/agents/ingest/conflicts", words, Scope::Read, (conflicts_page, api.clone()));
    let words = ("agentsCalls", "Calls to models, the newest first");
    let calls = Route::get("/v1/agents/calls", words, Scope::Read, (calls_page, api.clone()));
    let words = ("agentsParity", "Whether the sums by hour and day are what the rows come to");
    let parity = Route::get("/v1/agents/analytics/parity", words, Scope::Read, (check, api.clone()));
    vec![
        conflicts.query::<PageQuery>().answers::<Page<Conflict>>(200, "A page"),
        calls.query::<PageQuery>().answers::<Page<LedgerCall>>(200, "A page"),
        parity.answers::<Parity>(200, "What differs"),
    ]
}

/// A document that was refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// Its place in the ledger.
    pub ledger_seq: i64,
    /// The session.
    pub session_id: String,
    /// The key that it came under.
    pub key: String,
    /// What stands already: `key`, `terminal` or `event`.
    pub reason: String,
    /// The place in the ledger of what stands.
    pub standing: i64,
    /// Fingerprint of what was refused.
    pub fingerprint: String,
}

impl From<conflicts::ConflictRow> for Conflict {
    fn from(row: conflicts::ConflictRow) -> Self {
        let conflicts::ConflictRow { ledger_seq, session_id, key, reason, standing, fingerprint } = row;
        Self { ledger_seq, session_id, key, reason, standing, fingerprint }
    }
}

async fn conflicts_page(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Conflict>>, ApiError> {
    let size = limit(query.limit, PAGE)?;
    let before = Cursor::parse(query.cursor.as_deref(), "conflicts")?.map_or(i64::MAX, |cursor| cursor.0);
    let more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let found = api.read(move |read| conflicts::page(read, before, more)).await?;
    let items = found.into_iter().map(Conflict::from);
    Ok(Json(Page::cut(items.collect(), size, "conflicts", |conflict: &Conflict| conflict.ledger_seq)))
}

async fn calls_page(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LedgerCall>>, ApiError> {
    let size = limit(query.limit, PAGE)?;
    let before = parts_of(query.cursor.as_deref())?.unwrap_or(CALLS_END);
    Ok(Json(api.read(move |read| newest_calls(read, before, size)).await?))
}

/// The place after the newest call.
pub const CALLS_END: (i64, i64) = (i64::MAX, i64::MAX);

/// Calls before a place, the newest first; `size` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn newest_calls(read: &Read<'_>, before: (i64, i64), size: usize) -> Result<Page<LedgerCall>, StoreError> {
    let more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = calls::newest(read, before, more)?;
    let is_cut = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| is_cut).map(|last| cursor_of(&(last.started_at.0, last.call_key)));
    Ok(Page { items: called(read, rows)?, next, total: None })
}

/// Whether the sums are what the rows come to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Parity {
    /// Whether nothing differs.
    pub holds: bool,
    /// Cuts that were compared.
    pub cuts: usize,
    /// Sums that differ.
    pub differing: usize,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// A sum that is not what the rows come to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Start of the bucket.
    pub bucket_at: String,
    /// Seconds that the bucket is long.
    pub grain: i64,
    /// The agent.
    pub agent: String,
    /// The model.
    pub model: String,
    /// The category.
    pub category: String,
    /// What is kept.
    pub stored: i64,
    /// What the rows come to.
    pub counted: i64,
}

impl From<parity::Parity> for Parity {
    fn from(found: parity::Parity) -> Self {
        let differences = found.differences.iter().map(|difference| Difference {
            table: difference.table.to_owned(),
            column: difference.column.to_owned(),
            bucket_at: iso(Timestamp(difference.cut.bucket_at)),
            grain: difference.cut.grain,
            agent: difference.agent.clone(),
            model: difference.model.clone(),
            category: difference.category.clone(),
            stored: difference.stored,
            counted: difference.counted,
        });
        Self { holds: found.holds(), cuts: found.cuts, differing: found.differing, differences: differences.collect() }
    }
}

async fn check(State(api): State<Api>) -> Result<Json<Parity>, ApiError> {
    Ok(Json(api.read(parity::check).await?.into()))
}
