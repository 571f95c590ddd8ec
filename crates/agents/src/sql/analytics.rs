//! Sums of any cut over a span of time: from the aggregates where hours and days are whole, from the rows where they are not.

use std::collections::BTreeSet;

use exhibit_store::value::intern;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Value, params};

use crate::aggregates::{Basis, Performance, Sum, Sums};
use crate::sketch::Sketch;

/// The sums that are shown over time. Adding takes as long as all the rest, so the other sums stay where they are, and are 0 here.
pub const SHOWN: [Sum; 15] = [
    Sum::Runs,
    Sum::Live,
    Sum::Unpriced,
    Sum::RuntimeMs,
    Sum::Total,
    Sum::CostNano,
    Sum::TokenReported,
    Sum::TokenDerived,
    Sum::TokenMissing,
    Sum::RuntimeReported,
    Sum::RuntimeDerived,
    Sum::RuntimeMissing,
    Sum::CostReported,
    Sum::CostDerived,
    Sum::CostMissing,
];

/// Which sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cuts {
    /// Of this agent.
    pub agent_key: Option<i64>,
    /// With this model.
    pub model_key: Option<i64>,
    /// Of this category.
    pub category_key: Option<i64>,
}

/// By what sums are told apart, besides their buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing else.
    Nothing,
    /// Agents.
    Agent,
    /// Models.
    Model,
    /// Categories.
    Category,
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::Nothing => "0",
            Self::Agent => "agent_key",
            Self::Model => "model_key",
            Self::Category => "task_category_key",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "all",
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Category => "category",
        }
    }
}

/// Sums of one bucket and one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSum {
    /// Start of the bucket, in microseconds UTC.
    pub bucket_at: i64,
    /// The name, as its key; 0 when nothing is told apart.
    pub by: i64,
    /// Those of [`SHOWN`].
    pub sums: Sums,
}

impl FromRow for BucketSum {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut sums = Sums::default();
        for (index, sum) in SHOWN.into_iter().enumerate() {
            sums.add(sum, row.get(2 + index)?);
        }
        Ok(Self { bucket_at: row.get(0)?, by: row.get(1)?, sums })
    }
}

/// Conditions on the cut from `$first` on, with their values and a name.
fn conditions(cuts: &Cuts, first: usize) -> (String, Vec<Value>, String) {
    let (mut text, mut values, mut name) = (String::new(), Vec::new(), String::new());
    for (column, key) in
        [("agent_key", cuts.agent_key), ("model_key", cuts.model_key), ("task_category_key", cuts.category_key)]
    {
        if let Some(key) = key {
            text.push_str(&format!(" and {column} = ${}", first + values.len()));
            values.push(Value::Int(key));
            name.push('_');
            name.push_str(column);
        }
    }
    (text, values, name)
}

/// Sums of the buckets that begin in a span: `from` in it, `before` not. Only those of [`SHOWN`].
///
/// # Errors
/// When the database cannot be read.
pub fn usage(
    read: &Read<'_>,
    basis: Basis,
    grain: i64,
    (from, before): (i64, i64),
    cuts: &Cuts,
    by: By,
) -> Result<Vec<BucketSum>, StoreError> {
    let sums = SHOWN.map(|sum| format!("cast(sum({}) as bigint)", sum.column()));
    let (more, values, name) = conditions(cuts, 5);
    let column = by.column();
    let group = if by == By::Nothing { "bucket_at".to_owned() } else { format!("bucket_at, {column}") };
    // Uses the primary key: (basis, grain, bucket_at, …).
    let text = format!(
        "select bucket_at, {column}, {} from daily_usage_agg \
         where basis = $1 and grain = $2 and bucket_at >= $3 and bucket_at < $4{more} group by {group} order by {group}",
        sums.join(", ")
    );
    let name = intern(format!("agents_analytics_usage_{}{name}", by.name()));
    let text =
        if by == By::Nothing { text.replacen("bucket_at, 0,", "bucket_at, cast(0 as bigint),", 1) } else { text };
    let sql = Sql { name, sqlite: text.clone().into(), postgres: text.into() };
    let mut given = vec![Value::Int(basis.code()), Value::Int(grain), Value::Int(from), Value::Int(before)];
    given.extend(values);
    read.all(&sql, &given)
}

/// First and last bucket that there are; `None` when there are none.
///
/// # Errors
/// When the database cannot be read.
pub fn reach(read: &Read<'_>, basis: Basis) -> Result<Option<(i64, i64)>, StoreError> {
    // Each end uses the primary key.
    const REACH: Sql = Sql::same(
        "agents_analytics_reach",
        "select (select min(bucket_at) from daily_usage_agg where basis = $1 and grain = 86400), \
         (select max(bucket_at) from daily_usage_agg where basis = $1 and grain = 86400)",
    );
    let found: Option<(Option<i64>, Option<i64>)> = read.one(&REACH, params![basis.code()])?;
    Ok(found.and_then(|(first, last)| first.zip(last)))
}

/// Keys of sessions that are booked in a span: begun in it, or with a call in it.
///
/// # Errors
/// When the database cannot be read.
pub fn booked(read: &Read<'_>, basis: Basis, (from, before): (i64, i64)) -> Result<Vec<i64>, StoreError> {
    // Use the indexes session_started and call_started.
    const STARTED: Sql = Sql::same(
        "agents_analytics_started",
        "select session_key from session_ledger where started_at >= $1 and started_at < $2 order by started_at, session_key",
    );
    const CALLED: Sql = Sql::same(
        "agents_analytics_called",
        "select distinct session_key from agent_calls where started_at >= $1 and started_at < $2 order by session_key",
    );
    let mut keys: Vec<i64> =
        read.all::<(i64,)>(&STARTED, params![from, before])?.into_iter().map(|row| row.0).collect();
    if basis == Basis::CallTime {
        keys.extend(read.all::<(i64,)>(&CALLED, params![from, before])?.into_iter().map(|row| row.0));
        keys.sort_unstable();
        keys.dedup();
    }
    Ok(keys)
}

/// Keys of sessions that are booked in hours that begin at these moments: begun in one, or with a call in one. One query however many hours.
///
/// # Errors
/// When the database cannot be read.
pub fn booked_in_hours(read: &Read<'_>, basis: Basis, hours: &BTreeSet<i64>) -> Result<Vec<i64>, StoreError> {
    // Use the indexes session_started and call_started, once for each hour.
    const STARTED: Sql = Sql::pair(
        "agents_analytics_started_in_hours",
        "select found.session_key from json_each($1) as hour cross join session_ledger as found \
         where found.started_at >= hour.value and found.started_at < hour.value + 3600000000",
        "select found.session_key from unnest($1::bigint[]) as hour (value) join session_ledger as found \
         on found.started_at >= hour.value and found.started_at < hour.value + 3600000000",
    );
    const CALLED: Sql = Sql::pair(
        "agents_analytics_called_in_hours",
        "select found.session_key from json_each($1) as hour cross join agent_calls as found \
         where found.started_at >= hour.value and found.started_at < hour.value + 3600000000",
        "select found.session_key from unnest($1::bigint[]) as hour (value) join agent_calls as found \
         on found.started_at >= hour.value and found.started_at < hour.value + 3600000000",
    );
    if hours.is_empty() {
        return Ok(Vec::new());
    }
    let given = [Value::List(hours.iter().map(|hour| Value::Int(*hour)).collect())];
    let mut keys: BTreeSet<i64> = read.all::<(i64,)>(&STARTED, &given)?.into_iter().map(|row| row.0).collect();
    if basis == Basis::CallTime {
        keys.extend(read.all::<(i64,)>(&CALLED, &given)?.into_iter().map(|row| row.0));
    }
    Ok(keys.into_iter().collect())
}

/// Performance of one bucket and one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPerformance {
    /// The model.
    pub model_key: i64,
    /// How its sessions ended.
    pub performance: Performance,
}

impl FromRow for BucketPerformance {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let sketch = |index: usize| -> Result<Sketch, StoreError> {
            let bytes: Vec<u8> = row.get(index)?;
            Sketch::from_bytes(&bytes).ok_or_else(|| StoreError::Unexpected("a histogram cannot be read".to_owned()))
        };
        let performance = Performance {
            runs: row.get(1)?,
            success: row.get(2)?,
            failure: row.get(3)?,
            killed: row.get(4)?,
            cancelled: row.get(5)?,
            inferred: row.get(6)?,
            runtime: sketch(7)?,
            cost: sketch(8)?,
        };
        Ok(Self { model_key: row.get(0)?, performance })
    }
}

/// Performance of the buckets that begin in a span.
///
/// # Errors
/// When the database cannot be read.
pub fn performance(
    read: &Read<'_>,
    grain: i64,
    (from, before): (i64, i64),
    cuts: &Cuts,
) -> Result<Vec<BucketPerformance>, StoreError> {
    let (more, values, name) = conditions(cuts, 4);
    // Uses the primary key: (basis, grain, bucket_at, …).
    let text = format!(
        "select model_key, runs_total, success_count, failure_count, killed_count, cancelled_count, inferred_count, \
         runtime_sketch, cost_sketch from model_perf_agg where basis = 0 and grain = $1 and bucket_at >= $2 and bucket_at < $3{more}"
    );
    let sql = Sql {
        name: intern(format!("agents_analytics_performance{name}")),
        sqlite: text.clone().into(),
        postgres: text.into(),
    };
    let mut given = vec![Value::Int(grain), Value::Int(from), Value::Int(before)];
    given.extend(values);
    read.all(&sql, &given)
}
