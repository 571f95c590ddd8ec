//! The sums by hour and day.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value};

use super::seals::{Floors, floors};
use crate::aggregates::{Basis, Contributions, Cut, Performance, SUM_MAX, Sum, Sums};
use crate::sketch::Sketch;

const KEY: &str = "basis, grain, bucket_at, agent_key, model_key, task_category_key";
const KEY_COLUMNS: usize = 6;

/// Adds to the sums of a cut, or begins them.
static ADD: LazyLock<Sql> = LazyLock::new(|| {
    let columns = Sum::COLUMNS.join(", ");
    let places: Vec<String> = (1..=KEY_COLUMNS + Sum::COLUMNS.len() + 1).map(|place| format!("${place}")).collect();
    let arrays: Vec<String> = places.iter().map(|place| format!("{place}::bigint[]")).collect();
    let add: Vec<String> =
        Sum::COLUMNS.iter().map(|column| format!("{column} = daily_usage_agg.{column} + excluded.{column}")).collect();
    let into = format!("insert into daily_usage_agg ({KEY}, {columns}, updated_at)");
    let moved = format!(
        "on conflict ({KEY}) do update set {}, updated_at = greatest_of(daily_usage_agg.updated_at, excluded.updated_at)",
        add.join(", ")
    );
    Sql {
        name: "agents_usage_add",
        sqlite: format!("{into} values ({}) {}", places.join(", "), moved.replace("greatest_of", "max")).into(),
        postgres: format!(
            "{into} select * from unnest({}) {}",
            arrays.join(", "),
            moved.replace("greatest_of", "greatest")
        )
        .into(),
    }
});

static EMPTY: LazyLock<Sql> = LazyLock::new(|| empty("agents_usage_empty", "daily_usage_agg"));
static PERFORMANCE_EMPTY: LazyLock<Sql> = LazyLock::new(|| empty("agents_performance_empty", "model_perf_agg"));

/// Differences up to this are added where the sums stand: a thousand dollars of nano-USD, which is more than nearly every batch moves. Beside
/// [`crate::aggregates::SUM_MAX`], four million of them would have to meet in one cut before a column runs over.
const SMALL: i64 = 1 << 40;

/// The sums of a cut, for differences that are not small.
static FIND: LazyLock<Sql> = LazyLock::new(|| {
    let columns = Sum::COLUMNS.join(", ");
    let arrays: Vec<String> = (1..=KEY_COLUMNS).map(|place| format!("${place}::bigint[]")).collect();
    let each: Vec<String> = (1..).zip(KEY.split(", ")).map(|(place, key)| format!("{key} = ${place}")).collect();
    let select = format!("select {KEY}, {columns} from daily_usage_agg");
    Sql {
        name: "agents_usage_find",
        sqlite: format!("{select} where {}", each.join(" and ")).into(),
        postgres: format!("{select} natural join unnest({}) as wanted ({KEY})", arrays.join(", ")).into(),
    }
});

/// Marks cuts that hold something whose rows went.
static SEAL: LazyLock<Sql> = LazyLock::new(|| {
    let keys: Vec<&str> = KEY.split(", ").collect();
    let arrays: Vec<String> = (1..=KEY_COLUMNS).map(|place| format!("${place}::bigint[]")).collect();
    let each: Vec<String> = (1..).zip(&keys).map(|(place, key)| format!("{key} = ${place}")).collect();
    let joined: Vec<String> = keys.iter().map(|key| format!("daily_usage_agg.{key} = part.{key}")).collect();
    Sql {
        name: "agents_usage_seal",
        sqlite: format!("update daily_usage_agg set sealed = 1 where {}", each.join(" and ")).into(),
        postgres: format!(
            "update daily_usage_agg set sealed = 1 from unnest({}) as part ({KEY}) where {}",
            arrays.join(", "),
            joined.join(" and ")
        )
        .into(),
    }
});

/// Takes cuts out that nothing is left of.
fn empty(name: &'static str, table: &str) -> Sql {
    let keys: Vec<&str> = KEY.split(", ").collect();
    let arrays: Vec<String> = (1..=KEY_COLUMNS).map(|place| format!("${place}::bigint[]")).collect();
    let each: Vec<String> = (1..).zip(&keys).map(|(place, key)| format!("{key} = ${place}")).collect();
    let joined: Vec<String> = keys.iter().map(|key| format!("{table}.{key} = old.{key}")).collect();
    Sql {
        name,
        sqlite: format!("delete from {table} where {} and runs_total = 0", each.join(" and ")).into(),
        postgres: format!(
            "delete from {table} using unnest({}) as old ({KEY}) where {} and {table}.runs_total = 0",
            arrays.join(", "),
            joined.join(" and ")
        )
        .into(),
    }
}

const PERFORMANCE: Sql = Sql::pair(
    "agents_performance_find",
    "select basis, grain, bucket_at, agent_key, model_key, task_category_key, runs_total, success_count, failure_count, \
     killed_count, cancelled_count, inferred_count, runtime_sketch, cost_sketch from model_perf_agg \
     where basis = $1 and grain = $2 and bucket_at = $3 and agent_key = $4 and model_key = $5 and task_category_key = $6",
    "select basis, grain, bucket_at, agent_key, model_key, task_category_key, runs_total, success_count, failure_count, \
     killed_count, cancelled_count, inferred_count, runtime_sketch, cost_sketch from model_perf_agg natural join \
     unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
     as wanted (basis, grain, bucket_at, agent_key, model_key, task_category_key)",
);

const PERFORMANCE_PUT: Sql = Sql::pair(
    "agents_performance_put",
    "insert into model_perf_agg (basis, grain, bucket_at, agent_key, model_key, task_category_key, runs_total, success_count, \
     failure_count, killed_count, cancelled_count, inferred_count, runtime_sketch, cost_sketch, updated_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
     on conflict (basis, grain, bucket_at, agent_key, model_key, task_category_key) do update set \
     runs_total = excluded.runs_total, success_count = excluded.success_count, failure_count = excluded.failure_count, \
     killed_count = excluded.killed_count, cancelled_count = excluded.cancelled_count, \
     inferred_count = excluded.inferred_count, runtime_sketch = excluded.runtime_sketch, \
     cost_sketch = excluded.cost_sketch, updated_at = max(model_perf_agg.updated_at, excluded.updated_at)",
    "insert into model_perf_agg (basis, grain, bucket_at, agent_key, model_key, task_category_key, runs_total, success_count, \
     failure_count, killed_count, cancelled_count, inferred_count, runtime_sketch, cost_sketch, updated_at) \
     select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[], $14::bytea[], $15::bigint[]) \
     on conflict (basis, grain, bucket_at, agent_key, model_key, task_category_key) do update set \
     runs_total = excluded.runs_total, success_count = excluded.success_count, failure_count = excluded.failure_count, \
     killed_count = excluded.killed_count, cancelled_count = excluded.cancelled_count, \
     inferred_count = excluded.inferred_count, runtime_sketch = excluded.runtime_sketch, \
     cost_sketch = excluded.cost_sketch, updated_at = greatest(model_perf_agg.updated_at, excluded.updated_at)",
);

static EVERY_USAGE: LazyLock<Sql> = LazyLock::new(|| {
    let text = format!("select {KEY}, {} from daily_usage_agg where basis >= $1", Sum::COLUMNS.join(", "));
    Sql { name: "agents_usage_every", sqlite: text.clone().into(), postgres: text.into() }
});

const EVERY_PERFORMANCE: Sql = Sql::same(
    "agents_performance_every",
    "select basis, grain, bucket_at, agent_key, model_key, task_category_key, runs_total, success_count, failure_count, \
     killed_count, cancelled_count, inferred_count, runtime_sketch, cost_sketch from model_perf_agg where basis >= $1",
);

// Uses the primary key.
const ANY: Sql = Sql::same("agents_usage_any", "select basis from daily_usage_agg limit 1");

const CLEAR: &[Sql] = &[
    Sql::same("agents_usage_clear", "delete from daily_usage_agg"),
    Sql::same("agents_performance_clear", "delete from model_perf_agg"),
];

fn key_of(cut: &Cut) -> Vec<Value> {
    exhibit_store::values![cut.basis.code(), cut.grain, cut.bucket_at, cut.agent_key, cut.model_key, cut.category_key,]
}

/// Moves the sums by differences.
///
/// # Errors
/// When the database cannot be read or written.
pub fn apply(tx: &mut Tx<'_>, moved: &Contributions, at_us: i64) -> Result<(), StoreError> {
    let moved = &*kept(moved, floors(tx)?);
    let is_large = |sums: &Sums| sums.0.iter().any(|sum| sum.unsigned_abs() > SMALL.unsigned_abs());
    let wanted: Vec<Vec<Value>> =
        moved.usage.iter().filter(|(_, sums)| is_large(sums)).map(|(cut, _)| key_of(cut)).collect();
    let large: BTreeMap<Cut, Sums> =
        tx.returning_many::<UsageCut>(&FIND, &wanted)?.into_iter().map(|row| (row.0, row.1)).collect();
    let mut rows = Vec::with_capacity(moved.usage.len());
    let mut falling = Vec::new();
    for (cut, sums) in &moved.usage {
        let sums = large.get(cut).map_or(*sums, |standing| within(standing, sums));
        let mut row = key_of(cut);
        if sums.get(Sum::Runs) < 0 {
            falling.push(row.clone());
        }
        row.extend(sums.0.iter().map(|sum| Value::Int(*sum)));
        row.push(Value::Int(at_us));
        rows.push(row);
    }
    tx.execute_many(&ADD, &rows)?;
    tx.execute_many(&EMPTY, &falling)?;
    let wanted: Vec<Vec<Value>> = moved.performance.keys().map(key_of).collect();
    let mut standing: BTreeMap<Cut, Performance> =
        tx.returning_many::<PerformanceRow>(&PERFORMANCE, &wanted)?.into_iter().map(|row| (row.0, row.1)).collect();
    let (mut rows, mut emptied) = (Vec::with_capacity(moved.performance.len()), Vec::new());
    for (cut, change) in &moved.performance {
        let performance = standing.entry(*cut).or_default();
        performance.merge(change, 1);
        let mut row = key_of(cut);
        if performance.runs == 0 {
            emptied.push(row.clone());
        }
        row.extend(exhibit_store::values![
            performance.runs,
            performance.success,
            performance.failure,
            performance.killed,
            performance.cancelled,
            performance.inferred,
            performance.runtime.to_bytes(),
            performance.cost.to_bytes(),
            at_us,
        ]);
        rows.push(row);
    }
    tx.execute_many(&PERFORMANCE_PUT, &rows)?;
    tx.execute_many(&PERFORMANCE_EMPTY, &emptied)?;
    Ok(())
}

/// Without what lies below the floors. Nearly always there are none, and nothing is copied.
fn kept(moved: &Contributions, floors: Floors) -> Cow<'_, Contributions> {
    if floors.are_none() { Cow::Borrowed(moved) } else { Cow::Owned(moved.clone().above(floors)) }
}

/// Marks the cuts that hold something whose rows went.
///
/// # Errors
/// When the database cannot be written.
pub fn seal(tx: &mut Tx<'_>, sealed: &Contributions) -> Result<(), StoreError> {
    let cuts: Vec<Vec<Value>> = sealed.usage.keys().map(key_of).collect();
    tx.execute_many(&SEAL, &cuts)?;
    Ok(())
}

/// The part of a difference that leaves the sums within what is kept.
fn within(standing: &Sums, change: &Sums) -> Sums {
    let mut after = *standing;
    after.merge(change, 1);
    let mut fitting = *change;
    for ((fits, after), standing) in fitting.0.iter_mut().zip(after.0).zip(standing.0) {
        *fits = after.saturating_sub(standing);
    }
    fitting
}

/// Everything that is kept, for checks.
///
/// # Errors
/// When the database cannot be read.
pub fn every(read: &Read<'_>) -> Result<Contributions, StoreError> {
    let from = [Value::Int(0)];
    Ok(Contributions {
        usage: read.all::<UsageCut>(&EVERY_USAGE, &from)?.into_iter().map(|row| (row.0, row.1)).collect(),
        performance: read
            .all::<PerformanceRow>(&EVERY_PERFORMANCE, &from)?
            .into_iter()
            .map(|row| (row.0, row.1))
            .collect(),
    })
}

/// Whether any sums are kept.
///
/// # Errors
/// When the database cannot be read.
pub fn any(read: &Read<'_>) -> Result<bool, StoreError> {
    Ok(read.one::<(i64,)>(&ANY, &[])?.is_some())
}

/// Empties the sums.
///
/// # Errors
/// When the database cannot be written.
pub fn clear(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    for sql in CLEAR {
        tx.execute(sql, &[])?;
    }
    Ok(())
}

struct UsageCut(Cut, Sums);

struct PerformanceRow(Cut, Performance);

fn cut_of(row: &Row<'_>) -> Result<Cut, StoreError> {
    Ok(Cut {
        basis: if row.get::<i64>(0)? == Basis::CallTime.code() { Basis::CallTime } else { Basis::SessionStart },
        grain: row.get(1)?,
        bucket_at: row.get(2)?,
        agent_key: row.get(3)?,
        model_key: row.get(4)?,
        category_key: row.get(5)?,
    })
}

impl FromRow for UsageCut {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut sums = Sums::default();
        for (index, sum) in sums.0.iter_mut().enumerate() {
            // Small differences are added without a look at the sum, so it may stand a little beyond what counts.
            *sum = row.get::<i64>(KEY_COLUMNS + index)?.clamp(-SUM_MAX, SUM_MAX);
        }
        Ok(Self(cut_of(row)?, sums))
    }
}

impl FromRow for PerformanceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let sketch = |index: usize| -> Result<Sketch, StoreError> {
            let bytes: Vec<u8> = row.get(index)?;
            Sketch::from_bytes(&bytes).ok_or_else(|| StoreError::Unexpected("a histogram cannot be read".to_owned()))
        };
        let performance = Performance {
            runs: row.get(6)?,
            success: row.get(7)?,
            failure: row.get(8)?,
            killed: row.get(9)?,
            cancelled: row.get(10)?,
            inferred: row.get(11)?,
            runtime: sketch(12)?,
            cost: sketch(13)?,
        };
        Ok(Self(cut_of(row)?, performance))
    }
}
