//! Statements on what a run took and used.

use crate::error::StoreError;
use crate::params;
use crate::session::{Read, Tx};
use crate::sql::runs::Run;
use crate::value::Sql;

const HOSTS: Sql = Sql::same("run_hosts", "select coalesce(hosts, '[]') from runs where run = $1");
const SET_HOSTS: Sql = Sql::same("run_set_hosts", "update runs set hosts = $2 where run = $1");

/// What the hosts that worked on a run used: a JSON array, one entry for each stretch of work.
///
/// # Errors
/// When the database cannot be read.
pub fn hosts(read: &Read<'_>, run: i64) -> Result<String, StoreError> {
    Ok(read.one::<(String,)>(&HOSTS, params![run])?.map_or_else(|| "[]".to_owned(), |row| row.0))
}

/// Replaces that array.
///
/// # Errors
/// When the database cannot be written.
pub fn set_hosts(tx: &mut Tx<'_>, run: i64, hosts: &str) -> Result<(), StoreError> {
    tx.execute(&SET_HOSTS, params![run, hosts]).map(|_| ())
}

const TIMINGS: Sql = Sql::same(
    "run_timings",
    "select units.step, coalesce(units.made, ''), units.artifacts, assets.size_bytes from units \
     left join assets on assets.asset = units.asset where units.unit >= $1 and units.unit < $2 and units.state in (2, 3)",
);
const BLOB_BYTES: Sql = Sql::same(
    "run_blob_bytes",
    "select units.step, cast(sum(blobs.size_bytes) as bigint) from records join blobs on blobs.blob = records.blob \
     join units on units.unit = records.unit where records.unit >= $1 and records.unit < $2 group by units.step",
);

/// A unit that a run worked on with success.
#[derive(Debug)]
pub struct Timing {
    /// Index of its step.
    pub step: u32,
    /// How it was made, JSON.
    pub made: String,
    /// Artifacts that it made.
    pub artifacts: i64,
    /// Bytes of the original.
    pub input_bytes: i64,
}

/// Visits the units that a run worked on with success.
///
/// # Errors
/// When the database cannot be read, or with the error of `visit`.
pub fn each_timing(
    read: &Read<'_>,
    run: &Run,
    visit: &mut dyn FnMut(Timing) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    read.each(&TIMINGS, params![run.first_unit, run.units_end()], &mut |row| {
        let input_bytes: Option<i64> = row.get(3)?;
        visit(Timing {
            step: row.get(0)?,
            made: row.get(1)?,
            artifacts: row.get(2)?,
            input_bytes: input_bytes.unwrap_or(0),
        })
    })
}

/// Bytes of the blobs that the steps of a run made.
///
/// # Errors
/// When the database cannot be read.
pub fn blob_bytes(read: &Read<'_>, run: &Run) -> Result<Vec<(u32, i64)>, StoreError> {
    read.all(&BLOB_BYTES, params![run.first_unit, run.units_end()])
}

const NEWEST: Sql = Sql::same(
    "benchmark_newest",
    "select records.body from proj_run__benchmark_v1 join records on records.seq = proj_run__benchmark_v1.seq \
     where proj_run__benchmark_v1.run_id = $1 order by records.seq desc limit 1",
);

const NEWEST_OF_ALL: Sql = Sql::same(
    "benchmark_newest_of_all",
    "select records.body from proj_run__benchmark_v1 join records on records.seq = proj_run__benchmark_v1.seq \
     order by proj_run__benchmark_v1.seq desc limit $1",
);

/// The newest benchmark records of all runs, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn newest_of_all(read: &Read<'_>, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
    let found: Vec<(Option<Vec<u8>>,)> = read.all(&NEWEST_OF_ALL, params![limit])?;
    Ok(found.into_iter().filter_map(|row| row.0).collect())
}

/// The newest benchmark record of a run, as it was recorded.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>, run: &Run) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<(Option<Vec<u8>>,)> = read.one(&NEWEST, params![run.id.to_string()])?;
    Ok(found.and_then(|row| row.0))
}
