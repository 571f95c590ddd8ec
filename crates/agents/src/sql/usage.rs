//! What sessions used and cost, with where each number comes from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value};

use super::cost::{CostCells, cost_cells, cost_of};
use super::table::{Table, Type};
use crate::money::Nano;
use crate::prices::Cost;
use crate::provenance::{Level, Provenance, SessionTokens, Source, TokenCounts};

/// Sums of the buckets of the calls of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketSums {
    /// Input that came from no cache.
    pub input_uncached: i64,
    /// Input that was read from a cache.
    pub cache_read: i64,
    /// Input that was written to a cache for five minutes.
    pub cache_write_5m: i64,
    /// Input that was written to a cache for an hour.
    pub cache_write_1h: i64,
    /// Input that was written to a cache, nobody says for how long.
    pub cache_write: i64,
    /// Output.
    pub output: i64,
    /// Part of the output that was thought and not said.
    pub reasoning: i64,
    /// Searches of the web.
    pub web_search_requests: i64,
}

/// A row of `session_usage`.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRow {
    /// The session.
    pub session_key: i64,
    /// What the session itself said of its tokens.
    pub sent: TokenCounts,
    /// What was billed for the session as a whole.
    pub billed: Option<Nano>,
    /// Its tokens.
    pub tokens: SessionTokens,
    /// The buckets of its calls.
    pub buckets: BucketSums,
    /// Its calls.
    pub call_count: i64,
    /// Those without a cost.
    pub unpriced_calls: i64,
    /// How long it ran, in milliseconds.
    pub runtime_ms: i64,
    /// Where that comes from.
    pub runtime: Provenance,
    /// What it cost.
    pub cost: Cost,
    /// Who served it.
    pub provider_key: Option<i64>,
    /// When the session began; here, too, so that an index has costs and starts side by side.
    pub started_at: Timestamp,
    /// When the cost was reckoned.
    pub computed_at: Timestamp,
}

const USAGE: Table = Table {
    name: "session_usage",
    columns: &[
        ("session_key", Type::Int),
        ("sent_prompt", Type::Int),
        ("sent_completion", Type::Int),
        ("sent_total", Type::Int),
        ("sent_billed_nano", Type::Int),
        ("prompt_tokens", Type::Int),
        ("completion_tokens", Type::Int),
        ("total_tokens", Type::Int),
        ("token_source", Type::Text),
        ("token_confidence", Type::Text),
        ("input_uncached", Type::Int),
        ("cache_read", Type::Int),
        ("cache_write_5m", Type::Int),
        ("cache_write_1h", Type::Int),
        ("cache_write", Type::Int),
        ("output", Type::Int),
        ("reasoning", Type::Int),
        ("web_search_requests", Type::Int),
        ("call_count", Type::Int),
        ("unpriced_calls", Type::Int),
        ("runtime_ms", Type::Int),
        ("runtime_source", Type::Text),
        ("runtime_confidence", Type::Text),
        ("cost_nano", Type::Int),
        ("pricing_version", Type::Text),
        ("cost_source", Type::Text),
        ("cost_confidence_level", Type::Text),
        ("cost_confidence", Type::Text),
        ("provider_key", Type::Int),
        ("started_at", Type::Int),
        ("computed_at", Type::Int),
    ],
    key: &["session_key"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| USAGE.put("agents_usage_put"));
static BY_KEYS: LazyLock<Sql> = LazyLock::new(|| USAGE.select_in("agents_usage_by_keys", "session_key", Type::Int));

/// The usage of these sessions, by their keys.
///
/// # Errors
/// When the database cannot be read.
pub fn by_keys(read: &Read<'_>, session_keys: &[i64]) -> Result<BTreeMap<i64, UsageRow>, StoreError> {
    if session_keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = Value::List(session_keys.iter().map(|key| Value::Int(*key)).collect());
    Ok(read.all::<UsageRow>(&BY_KEYS, &[keys])?.into_iter().map(|row| (row.session_key, row)).collect())
}

/// Writes rows, new ones and those that stand.
///
/// # Errors
/// When the database cannot be written; a cost without prices is refused here, too.
pub fn put(tx: &mut Tx<'_>, rows: &[&UsageRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row)).collect();
    tx.execute_many(&PUT, &rows)?;
    Ok(())
}

fn values_of(row: &UsageRow) -> Vec<Value> {
    let UsageRow { tokens, buckets, .. } = row;
    let mut values = exhibit_store::values![
        row.session_key,
        row.sent.prompt,
        row.sent.completion,
        row.sent.total,
        row.billed.map(|billed| billed.0),
        tokens.counts.prompt,
        tokens.counts.completion,
        tokens.counts.total,
        tokens.provenance.source.as_str(),
        tokens.provenance.level.as_str(),
        buckets.input_uncached,
        buckets.cache_read,
        buckets.cache_write_5m,
        buckets.cache_write_1h,
        buckets.cache_write,
        buckets.output,
        buckets.reasoning,
        buckets.web_search_requests,
        row.call_count,
        row.unpriced_calls,
        row.runtime_ms,
        row.runtime.source.as_str(),
        row.runtime.level.as_str(),
    ];
    values.extend(cost_cells(&row.cost));
    values.extend(exhibit_store::values![row.provider_key, row.started_at.0, row.computed_at.0]);
    values
}

fn provenance(row: &Row<'_>, first: usize) -> Result<Provenance, StoreError> {
    let (source, level): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let found = Source::of_word(&source).zip(Level::of_word(&level));
    let (source, level) =
        found.ok_or_else(|| StoreError::Unexpected(format!("`{source}`, `{level}` say nothing of a number")))?;
    Ok(Provenance::new(source, level))
}

impl FromRow for UsageRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let counts = |first: usize| -> Result<TokenCounts, StoreError> {
            Ok(TokenCounts { prompt: row.get(first)?, completion: row.get(first + 1)?, total: row.get(first + 2)? })
        };
        Ok(Self {
            session_key: row.get(0)?,
            sent: counts(1)?,
            billed: row.get::<Option<i64>>(4)?.map(Nano),
            tokens: SessionTokens { counts: counts(5)?, provenance: provenance(row, 8)? },
            buckets: BucketSums {
                input_uncached: row.get(10)?,
                cache_read: row.get(11)?,
                cache_write_5m: row.get(12)?,
                cache_write_1h: row.get(13)?,
                cache_write: row.get(14)?,
                output: row.get(15)?,
                reasoning: row.get(16)?,
                web_search_requests: row.get(17)?,
            },
            call_count: row.get(18)?,
            unpriced_calls: row.get(19)?,
            runtime_ms: row.get(20)?,
            runtime: provenance(row, 21)?,
            cost: cost_of(&CostCells::from_row(row, 23)?)?,
            provider_key: row.get(28)?,
            started_at: Timestamp(row.get(29)?),
            computed_at: Timestamp(row.get(30)?),
        })
    }
}
