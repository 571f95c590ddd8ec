//! Calls to models, each once however many feeds tell of it.

use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, Tx, Value, params};

use super::cost::{CostCells, cost_cells, cost_of};
use super::table::{Table, Type};
use crate::calls::ANSWER_RECORDS_MAX;
use crate::contract::{CallStatus, Counts, ServiceTier};
use crate::money::Nano;
use crate::prices::{Cost, PricingVersion};
use crate::provenance::{Level, Provenance, Source};
use crate::usage::{CallUsage, UsageSemantics};

/// A row of `agent_calls`.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    /// Its key in the database.
    pub call_key: i64,
    /// What makes it one call, over all feeds.
    pub dedupe_key: String,
    /// The id that its feed gave it.
    pub call_id: String,
    /// The id that the provider gave the answer.
    pub response_id: Option<String>,
    /// The session that it belongs to.
    pub session_key: i64,
    /// The model.
    pub model_key: i64,
    /// Who serves it.
    pub provider_key: Option<i64>,
    /// The feed whose word counts.
    pub feed_key: i64,
    /// How it ended.
    pub status: CallStatus,
    /// A word for what went wrong.
    pub error_code: Option<String>,
    /// At which price it was served.
    pub service_tier: Option<ServiceTier>,
    /// When it began: the earliest moment that any record gives.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What it used.
    pub usage: CallUsage,
    /// The provider's object, canonical.
    pub raw_usage: Option<String>,
    /// What the provider billed.
    pub billed: Option<Nano>,
    /// What someone else thinks it cost, and under which prices.
    pub estimated: Option<(Nano, PricingVersion)>,
    /// What it cost.
    pub cost: Cost,
    /// How often its word changed, from 1.
    pub revision: i64,
    /// Place of the document whose word counts.
    pub ledger_seq: Seq,
}

const COLUMNS: &[(&str, Type)] = &[
    ("call_key", Type::Int),
    ("dedupe_key", Type::Text),
    ("call_id", Type::Text),
    ("response_id", Type::Text),
    ("session_key", Type::Int),
    ("model_key", Type::Int),
    ("provider_key", Type::Int),
    ("feed_key", Type::Int),
    ("status", Type::Text),
    ("error_code", Type::Text),
    ("service_tier", Type::Text),
    ("started_at", Type::Int),
    ("duration_ms", Type::Int),
    ("input_uncached", Type::Int),
    ("cache_read", Type::Int),
    ("cache_write_5m", Type::Int),
    ("cache_write_1h", Type::Int),
    ("cache_write", Type::Int),
    ("output", Type::Int),
    ("reasoning", Type::Int),
    ("web_search_requests", Type::Int),
    ("total_only", Type::Int),
    ("semantics", Type::Text),
    ("token_source", Type::Text),
    ("token_confidence", Type::Text),
    ("raw_usage", Type::Text),
    ("billed_nano", Type::Int),
    ("estimated_nano", Type::Int),
    ("estimated_version", Type::Text),
    ("cost_nano", Type::Int),
    ("pricing_version", Type::Text),
    ("cost_source", Type::Text),
    ("cost_confidence_level", Type::Text),
    ("cost_confidence", Type::Text),
    ("revision", Type::Int),
    ("ledger_seq", Type::Int),
];

const CALLS: Table = Table { name: "agent_calls", columns: COLUMNS, key: &["call_key"] };

/// What each feed tells of calls that more than one tells of.
const RECORDS: Table = Table { name: "agent_call_records", columns: COLUMNS, key: &["dedupe_key"] };

static PUT: LazyLock<Sql> = LazyLock::new(|| CALLS.put("agents_calls_put"));

// Uses the unique index of dedupe_key.
static BY_DEDUPE: LazyLock<Sql> = LazyLock::new(|| CALLS.select_in("agents_calls_by_dedupe", "dedupe_key", Type::Text));

// Uses the index call_session.
static BY_SESSION: LazyLock<Sql> =
    LazyLock::new(|| CALLS.select_in("agents_calls_by_session", "session_key", Type::Int));

// Uses the index call_session.
static OF_SESSION: LazyLock<Sql> = LazyLock::new(|| {
    CALLS.select(
        "agents_calls_of_session",
        "session_key = $1 and (started_at > $2 or (started_at = $2 and call_key > $3)) \
         order by started_at, call_key limit $4",
    )
});

// Uses the index call_started.
static NEWEST: LazyLock<Sql> = LazyLock::new(|| {
    CALLS.select(
        "agents_calls_newest",
        "(started_at < $1 or (started_at = $1 and call_key < $2)) order by started_at desc, call_key desc limit $3",
    )
});

static PUT_RECORDS: LazyLock<Sql> = LazyLock::new(|| RECORDS.put("agents_call_records_put"));

// Uses the primary key.
static RECORDS_BY_DEDUPE: LazyLock<Sql> =
    LazyLock::new(|| RECORDS.select_in("agents_call_records_by_dedupe", "dedupe_key", Type::Text));

// Uses the index call_record_row.
static RECORDS_BY_CALL: LazyLock<Sql> =
    LazyLock::new(|| RECORDS.select_in("agents_call_records_by_call", "call_key", Type::Int));

// Uses the index call_response.
static BY_RESPONSE: LazyLock<Sql> = LazyLock::new(|| of_responses(&CALLS, "agents_calls_by_response", "call_key"));

// Uses the index call_record_response.
static RECORDS_BY_RESPONSE: LazyLock<Sql> =
    LazyLock::new(|| of_responses(&RECORDS, "agents_call_records_by_response", "dedupe_key"));

/// Rows about the answers in the list `$1`, `$2` of each at most.
fn of_responses(table: &Table, name: &'static str, key: &str) -> Sql {
    let columns = table.columns().split(", ").map(|column| format!("found.{column}")).collect::<Vec<_>>().join(", ");
    let of = format!("select {{what}} from {} where response_id = wanted.value limit $2", table.name);
    Sql {
        name,
        sqlite: format!(
            "select {columns} from json_each($1) as wanted cross join {} as found where found.{key} in ({})",
            table.name,
            of.replace("{what}", key)
        )
        .into(),
        postgres: format!(
            "select {columns} from unnest($1::text[]) as wanted (value) cross join lateral ({}) as found",
            of.replace("{what}", "*")
        )
        .into(),
    }
}

const REMOVE: &[Sql] = &[
    Sql::pair(
        "agents_calls_remove_costs",
        "delete from cost_rows where subject = 'call' and subject_key in (select value from json_each($1))",
        "delete from cost_rows where subject = 'call' and subject_key = any($1::bigint[])",
    ),
    Sql::pair(
        "agents_calls_remove",
        "delete from agent_calls where call_key in (select value from json_each($1))",
        "delete from agent_calls where call_key = any($1::bigint[])",
    ),
];

const REMOVE_RECORDS: Sql = Sql::pair(
    "agents_call_records_remove",
    "delete from agent_call_records where dedupe_key in (select value from json_each($1))",
    "delete from agent_call_records where dedupe_key = any($1::text[])",
);

const NEXT: Sql = Sql::same("agents_calls_next", "select coalesce(max(call_key), 0) + 1 from agent_calls");

/// Those that have one of these keys.
///
/// # Errors
/// When the database cannot be read.
pub fn by_dedupe_keys(read: &Read<'_>, keys: &[&str]) -> Result<Vec<CallRow>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&BY_DEDUPE, &[Value::List(keys.iter().map(|key| Value::from(*key)).collect())])
}

/// Calls about answers with these ids, of whichever provider; of each id one more at most than are compared.
///
/// # Errors
/// When the database cannot be read.
pub fn by_responses(read: &Read<'_>, ids: &[&str]) -> Result<Vec<CallRow>, StoreError> {
    of_ids(read, &BY_RESPONSE, ids)
}

/// What each feed tells, where several tell of answers with these ids; of each id one more at most than are compared.
///
/// # Errors
/// When the database cannot be read.
pub fn records_by_responses(read: &Read<'_>, ids: &[&str]) -> Result<Vec<CallRow>, StoreError> {
    of_ids(read, &RECORDS_BY_RESPONSE, ids)
}

fn of_ids(read: &Read<'_>, sql: &Sql, ids: &[&str]) -> Result<Vec<CallRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(ANSWER_RECORDS_MAX).unwrap_or(i64::MAX).saturating_add(1);
    read.all(sql, &[Value::List(ids.iter().map(|id| Value::from(*id)).collect()), Value::Int(limit)])
}

/// What one feed tells of calls that several tell of, by its keys.
///
/// # Errors
/// When the database cannot be read.
pub fn records_by_dedupe_keys(read: &Read<'_>, keys: &[&str]) -> Result<Vec<CallRow>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&RECORDS_BY_DEDUPE, &[Value::List(keys.iter().map(|key| Value::from(*key)).collect())])
}

/// What each feed tells of these calls, where several do; `call_key` is that of the call.
///
/// # Errors
/// When the database cannot be read.
pub fn records_of(read: &Read<'_>, call_keys: &[i64]) -> Result<Vec<CallRow>, StoreError> {
    if call_keys.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&RECORDS_BY_CALL, &[Value::List(call_keys.iter().map(|key| Value::Int(*key)).collect())])
}

/// All calls of these sessions.
///
/// # Errors
/// When the database cannot be read.
pub fn by_sessions(read: &Read<'_>, session_keys: &[i64]) -> Result<Vec<CallRow>, StoreError> {
    if session_keys.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&BY_SESSION, &[Value::List(session_keys.iter().map(|key| Value::Int(*key)).collect())])
}

/// Calls of a session after a place, by time; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn of_session(
    read: &Read<'_>,
    session_key: i64,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<CallRow>, StoreError> {
    read.all(&OF_SESSION, params![session_key, after.0, after.1, limit])
}

/// Calls before a place, the newest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>, before: (i64, i64), limit: i64) -> Result<Vec<CallRow>, StoreError> {
    read.all(&NEWEST, params![before.0, before.1, limit])
}

/// The key that the next new call gets.
///
/// # Errors
/// When the database cannot be read.
pub fn next_key(read: &Read<'_>) -> Result<i64, StoreError> {
    Ok(read.one::<(i64,)>(&NEXT, &[])?.map_or(1, |row| row.0))
}

/// Writes rows, new ones and those that stand.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, rows: &[&CallRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row)).collect();
    tx.execute_many(&PUT, &rows)?;
    Ok(())
}

/// Writes what each feed tells of calls that several tell of.
///
/// # Errors
/// When the database cannot be written.
pub fn put_records(tx: &mut Tx<'_>, rows: &[&CallRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row)).collect();
    tx.execute_many(&PUT_RECORDS, &rows)?;
    Ok(())
}

/// Takes out calls with their costs: what was told of them counts for another one.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &mut Tx<'_>, call_keys: &[i64]) -> Result<(), StoreError> {
    if call_keys.is_empty() {
        return Ok(());
    }
    for sql in REMOVE {
        tx.execute(sql, &[Value::List(call_keys.iter().map(|key| Value::Int(*key)).collect())])?;
    }
    Ok(())
}

/// Takes out what feeds told of calls, by their keys.
///
/// # Errors
/// When the database cannot be written.
pub fn remove_records(tx: &mut Tx<'_>, keys: &[&str]) -> Result<(), StoreError> {
    if !keys.is_empty() {
        tx.execute(&REMOVE_RECORDS, &[Value::List(keys.iter().map(|key| Value::from(*key)).collect())])?;
    }
    Ok(())
}

fn values_of(row: &CallRow) -> Vec<Value> {
    let counts = &row.usage.counts;
    let mut values = exhibit_store::values![
        row.call_key,
        row.dedupe_key.as_str(),
        row.call_id.as_str(),
        row.response_id.clone(),
        row.session_key,
        row.model_key,
        row.provider_key,
        row.feed_key,
        row.status.as_str(),
        row.error_code.clone(),
        row.service_tier.map(ServiceTier::as_str),
        row.started_at.0,
        row.duration_ms,
        counts.input_uncached,
        counts.cache_read,
        counts.cache_write_5m,
        counts.cache_write_1h,
        counts.cache_write,
        counts.output,
        counts.reasoning,
        counts.web_search_requests,
        row.usage.total_only,
        row.usage.semantics.as_str(),
        row.usage.provenance.source.as_str(),
        row.usage.provenance.level.as_str(),
        row.raw_usage.clone(),
        row.billed.map(|billed| billed.0),
        row.estimated.as_ref().map(|estimated| estimated.0.0),
        row.estimated.as_ref().map(|estimated| estimated.1.as_str()),
    ];
    values.extend(cost_cells(&row.cost));
    values.extend(exhibit_store::values![row.revision, row.ledger_seq]);
    values
}

fn word<T>(word: &str, known: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    known(word).ok_or_else(|| StoreError::Unexpected(format!("`{word}` is no word of a call")))
}

impl FromRow for CallRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let estimated_version = row.get::<Option<String>>(28)?.as_deref().and_then(PricingVersion::parse);
        Ok(Self {
            call_key: row.get(0)?,
            dedupe_key: row.get(1)?,
            call_id: row.get(2)?,
            response_id: row.get(3)?,
            session_key: row.get(4)?,
            model_key: row.get(5)?,
            provider_key: row.get(6)?,
            feed_key: row.get(7)?,
            status: word(&row.get::<String>(8)?, CallStatus::of_word)?,
            error_code: row.get(9)?,
            service_tier: row.get::<Option<String>>(10)?.map(|tier| word(&tier, ServiceTier::of_word)).transpose()?,
            started_at: Timestamp(row.get(11)?),
            duration_ms: row.get(12)?,
            usage: CallUsage {
                counts: Counts {
                    input_uncached: row.get(13)?,
                    cache_read: row.get(14)?,
                    cache_write_5m: row.get(15)?,
                    cache_write_1h: row.get(16)?,
                    cache_write: row.get(17)?,
                    output: row.get(18)?,
                    reasoning: row.get(19)?,
                    web_search_requests: row.get(20)?,
                },
                total_only: row.get(21)?,
                semantics: word(&row.get::<String>(22)?, UsageSemantics::of_word)?,
                provenance: Provenance::new(
                    word(&row.get::<String>(23)?, Source::of_word)?,
                    word(&row.get::<String>(24)?, Level::of_word)?,
                ),
            },
            raw_usage: row.get(25)?,
            billed: row.get::<Option<i64>>(26)?.map(Nano),
            estimated: row.get::<Option<i64>>(27)?.map(Nano).zip(estimated_version),
            cost: cost_of(&CostCells::from_row(row, 29)?)?,
            revision: row.get(34)?,
            ledger_seq: row.get(35)?,
        })
    }
}
