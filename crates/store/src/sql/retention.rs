//! Statements on what may go: payloads of sandbox runs, and blobs that nothing living names.

use std::collections::BTreeSet;

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::params;
use crate::room::Seq;
use crate::session::{Read, Tx};
use crate::sql::runs::Run;
use crate::value::{FromRow, Row, Sql, Value};

/// A record whose payload is still there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Erasable {
    pub(crate) seq: Seq,
    pub(crate) kind: i64,
    pub(crate) unit: i64,
    pub(crate) blob: Option<i64>,
}

impl FromRow for Erasable {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { seq: row.get(0)?, kind: row.get(1)?, unit: row.get(2)?, blob: row.get(3)? })
    }
}

// Uses the index records_unit.
const ERASABLE: Sql = Sql::same(
    "retention_erasable",
    "select seq, kind, unit, blob from records where unit >= $1 and unit < $2 and body is not null order by unit, ordinal limit $3",
);

/// The next records of a run whose payload is there, from the unit `from` on.
pub(crate) fn erasable(read: &Read<'_>, run: &Run, from: i64, limit: i64) -> Result<Vec<Erasable>, StoreError> {
    read.all(&ERASABLE, params![from.max(run.first_unit), run.units_end(), limit])
}

const COUNT: Sql = Sql::same(
    "retention_count",
    "select count(*), cast(coalesce(sum(length(body)), 0) as bigint) from records where unit >= $1 and unit < $2 and body is not null",
);

/// How many records of a run still have a payload, and the bytes of these payloads.
pub(crate) fn count(read: &Read<'_>, run: &Run) -> Result<(u64, u64), StoreError> {
    Ok(read.one(&COUNT, params![run.first_unit, run.units_end()])?.unwrap_or((0, 0)))
}

const ERASE: Sql = Sql::same(
    "retention_erase",
    "update records set body = null where seq >= $1 and seq <= $2 and unit >= $3 and unit < $4 and body is not null",
);

/// Erases the payloads of a range of records of a run. Returns how many there were.
pub(crate) fn erase(tx: &mut Tx<'_>, run: &Run, first: Seq, last: Seq) -> Result<u64, StoreError> {
    tx.execute(&ERASE, params![first, last, run.first_unit, run.units_end()])
}

const ERASE_OUTSIDE: Sql = Sql::pair(
    "retention_erase_outside",
    "update records set body = null where seq >= $1 and seq <= $2 and unit is null and body is not null \
     and kind in (select value from json_each($3))",
    "update records set body = null where seq >= $1 and seq <= $2 and unit is null and body is not null \
     and kind = any($3::bigint[])",
);

/// Erases the payloads of those records from outside in a range that are of one of these kinds. Returns how many there were.
pub(crate) fn erase_outside(tx: &mut Tx<'_>, kinds: &[i64], first: Seq, last: Seq) -> Result<u64, StoreError> {
    let kinds = Value::List(kinds.iter().map(|kind| Value::Int(*kind)).collect());
    tx.execute(&ERASE_OUTSIDE, &[first.into(), last.into(), kinds])
}

const BYTES_OF: Sql = Sql::pair(
    "retention_bytes_of",
    "select cast(coalesce(sum(length(body)), 0) as bigint) from records where seq in (select value from json_each($1))",
    "select cast(coalesce(sum(length(body)), 0) as bigint) from records where seq = any($1::bigint[])",
);

/// Bytes of the payloads at these places. Uses the primary key.
pub(crate) fn bytes_of(read: &Read<'_>, places: &BTreeSet<Seq>) -> Result<u64, StoreError> {
    let places = Value::List(places.iter().map(|place| Value::Int(*place)).collect());
    Ok(read.one::<(u64,)>(&BYTES_OF, &[places])?.map_or(0, |row| row.0))
}

const CONDEMN: Sql = Sql::pair(
    "retention_condemn",
    "update blobs set condemned_us = $2 where blob in (select value from json_each($1)) and condemned_us is null \
     and not exists (select 1 from records where records.blob = blobs.blob and records.body is not null)",
    "update blobs set condemned_us = $2 where blob = any($1::bigint[]) and condemned_us is null \
     and not exists (select 1 from records where records.blob = blobs.blob and records.body is not null)",
);

/// Condemns those of some blobs that no living record names. Uses the index records_blob.
pub(crate) fn condemn(tx: &mut Tx<'_>, blobs: &[i64], now_us: i64) -> Result<u64, StoreError> {
    let list = Value::List(blobs.iter().map(|blob| Value::Int(*blob)).collect());
    tx.execute(&CONDEMN, &[list, Value::Int(now_us)])
}

const BEGIN: Sql = Sql::same(
    "retention_begin",
    "update runs set expired_us = coalesce(expired_us, $2) where run = $1 and shown = 0 and state in (0, 3, 4, 5, 6, 8)",
);
const END: Sql =
    Sql::same("retention_end", "update runs set expires_us = null where run = $1 and expired_us is not null");

/// Marks a sandbox run that no host works on as expired: from now on nothing can be added to it. False: it is not such a run.
pub(crate) fn begin(tx: &mut Tx<'_>, run: i64, now_us: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(&BEGIN, params![run, now_us])? == 1)
}

/// Notes that nothing is left to erase.
pub(crate) fn end(tx: &mut Tx<'_>, run: i64) -> Result<(), StoreError> {
    tx.execute(&END, params![run]).map(|_| ())
}

const DUE: Sql = Sql::same(
    "retention_due",
    "select run from runs where shown = 0 and expires_us is not null and expires_us <= $1 and state in (0, 3, 4, 5, 6, 8) \
     order by run limit $2",
);

/// Sandbox runs whose time has come and that no host works on.
pub(crate) fn due(read: &Read<'_>, now_us: i64, limit: i64) -> Result<Vec<(i64,)>, StoreError> {
    read.all(&DUE, params![now_us, limit])
}

const PROMOTE: Sql = Sql::same(
    "run_promote",
    "update runs set shown = 1, expires_us = null where run = $1 and shown = 0 and expired_us is null",
);

/// Makes the results of a sandbox run count. False: they count already, or are gone.
pub(crate) fn promote(tx: &mut Tx<'_>, run: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(&PROMOTE, params![run])? == 1)
}

const PROMOTED: Sql =
    Sql::same("run_shown_sandboxes", "select run from runs where policy = 'sandbox' and shown = 1 order by run");

/// Sandbox runs whose results count.
pub(crate) fn shown_sandboxes(read: &Read<'_>) -> Result<Vec<(i64,)>, StoreError> {
    read.all(&PROMOTED, &[])
}

// Blobs ------------------------------------------------------------------------------------------------------------

// Uses the index blobs_condemned.
const CONDEMNED: Sql = Sql::same(
    "blob_condemned",
    "select blob, size_bytes, cast(case when condemned_us <= $1 then 1 else 0 end as bigint) from blobs where condemned_us is not null order by condemned_us, blob",
);
const DOOM: Sql = Sql::pair(
    "blob_doom",
    "update blobs set gone_us = coalesce(gone_us, $3) where blob in (select value from json_each($1)) and condemned_us <= $2 \
     and not exists (select 1 from records where records.blob = blobs.blob and records.body is not null) returning blob, sha256",
    "update blobs set gone_us = coalesce(gone_us, $3) where blob = any($1::bigint[]) and condemned_us <= $2 \
     and not exists (select 1 from records where records.blob = blobs.blob and records.body is not null) returning blob, sha256",
);
const PARDON: Sql = Sql::same(
    "blob_pardon",
    "update blobs set condemned_us = null, gone_us = null where condemned_us is not null \
     and exists (select 1 from records where records.blob = blobs.blob and records.body is not null)",
);
const COLLECTED: Sql = Sql::pair(
    "blob_collected",
    "update blobs set condemned_us = null where blob in (select value from json_each($1)) and gone_us is not null",
    "update blobs set condemned_us = null where blob = any($1::bigint[]) and gone_us is not null",
);

/// Condemned blobs: key, size in bytes, and whether they were condemned at `until_us` or before.
pub(crate) fn condemned(read: &Read<'_>, until_us: i64) -> Result<Vec<(i64, u64, bool)>, StoreError> {
    read.all(&CONDEMNED, params![until_us])
}

/// Takes blobs that something names again off the list.
pub(crate) fn pardon(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    tx.execute(&PARDON, &[])
}

/// Marks condemned blobs as gone; their files are removed afterwards.
pub(crate) fn doom(
    tx: &mut Tx<'_>,
    blobs: &[i64],
    until_us: i64,
    now_us: i64,
) -> Result<Vec<(i64, Digest)>, StoreError> {
    let list = Value::List(blobs.iter().map(|blob| Value::Int(*blob)).collect());
    tx.all(&DOOM, &[list, Value::Int(until_us), Value::Int(now_us)])
}

const IS_GONE: Sql = Sql::same("blob_is_gone", "select blob from blobs where sha256 = $1 and gone_us is null");

/// Whether no blob with that digest should be there.
pub(crate) fn is_gone(read: &Read<'_>, sha256: Digest) -> Result<bool, StoreError> {
    Ok(read.one::<(i64,)>(&IS_GONE, params![sha256])?.is_none())
}

/// Notes that the files of blobs are removed. One that was named again meanwhile is not marked as gone any more and stays as it is.
pub(crate) fn collected(tx: &mut Tx<'_>, blobs: &[i64]) -> Result<u64, StoreError> {
    let list = Value::List(blobs.iter().map(|blob| Value::Int(*blob)).collect());
    tx.execute(&COLLECTED, &[list])
}
