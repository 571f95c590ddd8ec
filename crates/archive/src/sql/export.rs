//! What an export reads in bulk: members, who made what about them, and when.

use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Value};

// The collection `all`, as a run freezes it. Uses the index paths_asset.
const SHOWN: Sql =
    Sql::same("export_runs", "select run from runs where shown = 1 or cast($1 as bigint) = 1 order by run");

/// Keys of the runs whose results count; with `sandboxes`, of all.
///
/// # Errors
/// When the database cannot be read.
pub fn runs(read: &Read<'_>, sandboxes: bool) -> Result<Vec<i64>, StoreError> {
    Ok(read.all::<(i64,)>(&SHOWN, &[Value::Int(i64::from(sandboxes))])?.into_iter().map(|row| row.0).collect())
}

const KINDS_OF: Sql = Sql::pair(
    "export_kinds",
    "select distinct kind from records where unit in (select value from json_each($1)) and unit is not null order by kind",
    "select distinct kind from records where unit = any($1::bigint[]) and unit is not null order by kind",
);

/// Keys of the kinds of what some units found. Uses the index records_unit.
///
/// # Errors
/// When the database cannot be read.
pub fn kinds_of(read: &Read<'_>, units: &[i64]) -> Result<Vec<i64>, StoreError> {
    Ok(read.all::<(i64,)>(&KINDS_OF, &[keys(units)])?.into_iter().map(|row| row.0).collect())
}

const BATCH_TIMES: Sql = Sql::same("export_batches", "select first_seq, at_us from batches order by batch");

/// First place and time of every batch.
///
/// # Errors
/// When the database cannot be read.
pub fn batch_times(read: &Read<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
    read.all(&BATCH_TIMES, &[])
}

// Uses the index units_asset.
const MAKERS: Sql = Sql::pair(
    "export_makers",
    "select asset, run, coalesce(reused_unit, unit) from units where asset in (select value from json_each($1)) \
     and state in (2, 4) order by asset, unit",
    "select asset, run, coalesce(reused_unit, unit) from units where asset = any($1::bigint[]) \
     and state in (2, 4) order by asset, unit",
);

/// Units with results about some assets: asset, run, and the unit that did the work.
///
/// # Errors
/// When the database cannot be read.
pub fn makers(read: &Read<'_>, assets: &[i64]) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    read.all(&MAKERS, &[keys(assets)])
}

/// When and in which step a unit was worked off.
#[derive(Debug, Clone)]
pub struct UnitTimes {
    /// Key of the unit.
    pub unit: i64,
    /// Key of its run.
    pub run: i64,
    /// Index of its step.
    pub step: u32,
    /// Times in microseconds UTC.
    pub started_us: Option<i64>,
    /// When it ended.
    pub ended_us: Option<i64>,
}

impl FromRow for UnitTimes {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            unit: row.get(0)?,
            run: row.get(1)?,
            step: row.get(2)?,
            started_us: row.get(3)?,
            ended_us: row.get(4)?,
        })
    }
}

const UNITS: Sql = Sql::pair(
    "export_units",
    "select unit, run, step, started_us, ended_us from units where unit in (select value from json_each($1)) order by unit",
    "select unit, run, step, started_us, ended_us from units where unit = any($1::bigint[]) order by unit",
);

/// Some units, by key.
///
/// # Errors
/// When the database cannot be read.
pub fn units(read: &Read<'_>, units: &[i64]) -> Result<Vec<UnitTimes>, StoreError> {
    read.all(&UNITS, &[keys(units)])
}

/// A present path of an asset.
#[derive(Debug, Clone)]
pub struct PresentPath {
    /// Key of the asset.
    pub asset: i64,
    /// Key of the source.
    pub source: i64,
    /// Raw bytes below the root of the source.
    pub path: Vec<u8>,
    /// When the file was last changed, nanoseconds since 1970.
    pub mtime_ns: i64,
}

impl FromRow for PresentPath {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { asset: row.get(0)?, source: row.get(1)?, path: row.get(2)?, mtime_ns: row.get(3)? })
    }
}

// Uses the index paths_asset.
const PATHS: Sql = Sql::pair(
    "export_paths",
    "select asset, source, path_bytes, mtime_ns from paths where asset in (select value from json_each($1)) and state = 0 \
     order by asset, path",
    "select asset, source, path_bytes, mtime_ns from paths where asset = any($1::bigint[]) and state = 0 order by asset, path",
);

/// All present paths of some assets, by asset, the first that was seen first.
///
/// # Errors
/// When the database cannot be read.
pub fn paths(read: &Read<'_>, assets: &[i64]) -> Result<Vec<PresentPath>, StoreError> {
    read.all(&PATHS, &[keys(assets)])
}

fn keys(keys: &[i64]) -> Value {
    Value::List(keys.iter().map(|key| Value::Int(*key)).collect())
}
