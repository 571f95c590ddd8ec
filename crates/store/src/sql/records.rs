//! Statements on records, lineages and blobs.

use std::collections::BTreeMap;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::LeafAdmission;

use crate::append::{Candidate, Origin, StoredBlob};
use crate::error::StoreError;
use crate::room::Seq;
use crate::session::{Read, Tx};
use crate::sql::runs::Run;
use crate::value::{FromRow, Row, Sql, Value};
use crate::{params, values};

// Uses the index records_record_id, a partial one: PostgreSQL does not see by itself that what is in a list is not null.
const BY_RECORD_IDS: Sql = Sql::pair(
    "record_by_id",
    "select record_id, seq, commitment from records where record_id in (select value from json_each($1)) and record_id is not null",
    "select record_id, seq, commitment from records where record_id = any($1::text[]) and record_id is not null",
);
const INSERT: Sql = Sql::pair(
    "record_insert",
    "insert into records (seq, kind, admission, unit, ordinal, asset, span_start_ms, span_end_ms, blob, record_id, commitment, \
     leaf, body) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    "insert into records (seq, kind, admission, unit, ordinal, asset, span_start_ms, span_end_ms, blob, record_id, commitment, \
     leaf, body) select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
     $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[])",
);
const INSERT_LINEAGE: Sql = Sql::pair(
    "lineage_insert",
    "insert into lineages (unit, lineage_hash, body) values ($1, $2, $3)",
    "insert into lineages (unit, lineage_hash, body) select * from unnest($1::bigint[], $2::bytea[], $3::bytea[])",
);
const INSERT_BLOB: Sql = Sql::pair(
    "blob_insert",
    "insert into blobs (sha256, size_bytes, media_type, blob) \
     values ($1, $2, $3, (select coalesce(max(blob), 0) + 1 from blobs)) on conflict do nothing",
    "insert into blobs (sha256, size_bytes, media_type, blob) \
     select sha256, size_bytes, media_type, (select coalesce(max(blob), 0) from blobs) + row_number() over () \
     from unnest($1::bytea[], $2::bigint[], $3::text[]) as new (sha256, size_bytes, media_type) \
     where not exists (select 1 from blobs as old where old.sha256 = new.sha256)",
);
const FIND_BLOBS: Sql = Sql::pair(
    "blob_find",
    "select sha256, blob, condemned_us, gone_us from blobs where sha256 in (select unhex(value) from json_each($1))",
    "select sha256, blob, condemned_us, gone_us from blobs where sha256 = any($1::bytea[])",
);
const REVIVE_BLOB: Sql =
    Sql::same("blob_revive", "update blobs set condemned_us = null, gone_us = null where blob = $1");
const EACH_BLOB: Sql = Sql::same(
    "blob_each",
    "select blob, sha256, size_bytes from blobs where gone_us is null \
     or exists (select 1 from records where records.blob = blobs.blob and records.body is not null) order by blob",
);

const COLUMNS: &str = "select records.seq, records.kind, records.admission, records.record_id, records.unit, records.ordinal, \
     records.span_start_ms, records.span_end_ms, records.commitment, records.leaf, records.body, \
     assets.sha256, blobs.sha256, blobs.size_bytes, blobs.media_type, lineages.lineage_hash, lineages.body, runs.run_id, \
     units.unit - runs.first_unit, records.asset, records.blob \
     from records \
     left join assets on assets.asset = records.asset \
     left join blobs on blobs.blob = records.blob \
     left join lineages on lineages.unit = records.unit \
     left join units on units.unit = records.unit \
     left join runs on runs.run = units.run";

/// Everything that is kept of a record, joined.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// Place in the ledger.
    pub seq: Seq,
    /// Key of the kind.
    pub kind: i64,
    /// How it was admitted, as a number.
    pub admission: i64,
    /// The id it came with.
    pub record_id: Option<String>,
    /// Key of the unit that made it.
    pub unit: Option<i64>,
    /// Its place among the artifacts of the unit.
    pub ordinal: Option<u32>,
    /// Start and end in milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What the leaf commits to.
    pub commitment: Digest,
    /// The stored leaf hash.
    pub leaf: Digest,
    /// The canonical payload; `None` once it was erased.
    pub body: Option<Vec<u8>>,
    /// SHA-256 of the asset.
    pub asset: Option<Digest>,
    /// Key of the asset.
    pub asset_key: Option<i64>,
    /// SHA-256, size and media type of its blob.
    pub blob: Option<StoredBlob>,
    /// Key of the blob.
    pub blob_key: Option<i64>,
    /// The stored lineage hash.
    pub lineage_hash: Option<Digest>,
    /// The canonical lineage.
    pub lineage: Option<Vec<u8>>,
    /// The run.
    pub run: Option<u128>,
    /// Ordinal of the unit in its run.
    pub unit_ordinal: Option<u32>,
}

impl FromRow for StoredRecord {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let span = (row.get::<Option<i64>>(6)?, row.get::<Option<i64>>(7)?);
        let blob: Option<Digest> = row.get(12)?;
        Ok(Self {
            seq: row.get(0)?,
            kind: row.get(1)?,
            admission: row.get(2)?,
            record_id: row.get(3)?,
            unit: row.get(4)?,
            ordinal: row.get(5)?,
            // Half a span does not come from the gate. -1, which does not either, makes it a span that no content hash fits.
            span_ms: match span {
                (None, None) => None,
                (start, end) => Some((start.unwrap_or(-1), end.unwrap_or(-1))),
            },
            commitment: row.get(8)?,
            leaf: row.get(9)?,
            body: row.get(10)?,
            asset: row.get(11)?,
            asset_key: row.get(19)?,
            blob: match blob {
                Some(sha256) => Some(StoredBlob { sha256, bytes: row.get(13)?, media_type: row.get(14)? }),
                None => None,
            },
            blob_key: row.get(20)?,
            lineage_hash: row.get(15)?,
            lineage: row.get(16)?,
            run: row.get(17)?,
            unit_ordinal: row.get(18)?,
        })
    }
}

fn select(name: &'static str, rest: &str) -> Sql {
    let text = format!("{COLUMNS} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// The record at a place of the ledger.
///
/// # Errors
/// When the database cannot be read.
pub fn at(read: &Read<'_>, seq: Seq) -> Result<Option<StoredRecord>, StoreError> {
    read.one(&select("record_at", "where records.seq = $1"), params![seq])
}

/// The artifact of a unit. Uses the index records_unit.
///
/// # Errors
/// When the database cannot be read.
pub fn of_unit(read: &Read<'_>, unit: i64, ordinal: u32) -> Result<Option<StoredRecord>, StoreError> {
    read.one(&select("record_of_unit", "where records.unit = $1 and records.ordinal = $2"), params![unit, ordinal])
}

/// All artifacts of some units, in order. Uses the index records_unit.
///
/// # Errors
/// When the database cannot be read.
pub fn of_units(read: &Read<'_>, units: &[i64]) -> Result<Vec<StoredRecord>, StoreError> {
    let list = Value::List(units.iter().map(|unit| Value::Int(*unit)).collect());
    let rest = "and records.unit is not null order by records.unit, records.ordinal";
    let sql = Sql {
        name: "records_of_units",
        sqlite: format!("{COLUMNS} where records.unit in (select value from json_each($1)) {rest}").into(),
        postgres: format!("{COLUMNS} where records.unit = any($1::bigint[]) {rest}").into(),
    };
    read.all(&sql, &[list])
}

/// Artifacts of a run that are of these kinds, from the end of the ledger towards its beginning, before the place `before`.
///
/// # Errors
/// When the database cannot be read.
pub fn of_run(
    read: &Read<'_>,
    run: &Run,
    kinds: &[i64],
    before: Seq,
    limit: i64,
) -> Result<Vec<StoredRecord>, StoreError> {
    let kinds = Value::List(kinds.iter().map(|kind| Value::Int(*kind)).collect());
    // Uses the index records_unit; the places of a run's records are sorted, as they lie together in no other order.
    let one = |among: &str| {
        format!(
            "{COLUMNS} where records.seq in (select near.seq from records as near where near.unit >= $1 and near.unit < $2 \
             and near.unit is not null and near.kind {among} and near.seq < $4 order by near.seq desc limit $5) \
             order by records.seq desc"
        )
    };
    let sql = Sql {
        name: "records_of_run",
        sqlite: one("in (select value from json_each($3))").into(),
        postgres: one("= any($3::bigint[])").into(),
    };
    read.all(&sql, &[run.first_unit.into(), run.units_end().into(), kinds, before.into(), limit.into()])
}

/// Visits the records from `first_seq` on, at most `count` of them, in ledger order.
///
/// # Errors
/// When the database cannot be read, or with the error of `visit`.
pub fn each_from(
    read: &Read<'_>,
    first_seq: Seq,
    count: i64,
    visit: &mut dyn FnMut(StoredRecord) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_readable_from(read, first_seq, count, &mut |seq, record| match record {
        Ok(record) => visit(record),
        Err(reason) => Err(StoreError::Unexpected(format!("record {seq} cannot be read: {reason}"))),
    })
}

/// Like [`each_from`], for a check that goes on after a row that nobody can have written: `Err` says what is wrong with it.
pub(crate) fn each_readable_from(
    read: &Read<'_>,
    first_seq: Seq,
    count: i64,
    visit: &mut dyn FnMut(Seq, Result<StoredRecord, String>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = select("records_from", "where records.seq >= $1 and records.seq < $2 order by records.seq");
    read.each(&sql, params![first_seq, first_seq.saturating_add(count)], &mut |row| {
        let seq = row.get(0)?;
        match StoredRecord::from_row(row) {
            Ok(record) => visit(seq, Ok(record)),
            Err(StoreError::Unexpected(reason)) => visit(seq, Err(reason)),
            Err(error) => Err(error),
        }
    })
}

/// The places and the commitments of records from outside, by their ids; those that are not recorded are left out.
pub fn by_record_ids(read: &Read<'_>, record_ids: &[&str]) -> Result<BTreeMap<String, (Seq, Digest)>, StoreError> {
    if record_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list = Value::List(record_ids.iter().map(|id| Value::from(*id)).collect());
    let rows: Vec<(String, Seq, Digest)> = read.all(&BY_RECORD_IDS, &[list])?;
    Ok(rows.into_iter().map(|(id, seq, commitment)| (id, (seq, commitment))).collect())
}

pub(crate) fn row(
    seq: Seq,
    candidate: &Candidate,
    admission: LeafAdmission,
    blob: Option<i64>,
    leaf: Digest,
) -> Vec<Value> {
    let (unit, ordinal, record_id) = match &candidate.origin {
        Origin::Unit { made, ordinal } => (Some(made.unit), Some(*ordinal), None),
        Origin::Outside { record_id } => (None, None, Some(record_id.as_str())),
    };
    values![
        seq,
        candidate.kind.key,
        admission.code(),
        unit,
        ordinal,
        candidate.asset.map(|asset| asset.1),
        candidate.span_ms.map(|span| span.0),
        candidate.span_ms.map(|span| span.1),
        blob,
        record_id,
        candidate.commitment(),
        leaf,
        candidate.body.as_slice(),
    ]
}

pub(crate) fn insert(tx: &mut Tx<'_>, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    tx.execute_many(&INSERT, rows).map(|_| ())
}

pub(crate) fn insert_lineages(tx: &mut Tx<'_>, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    tx.execute_many(&INSERT_LINEAGE, rows).map(|_| ())
}

/// Makes rows for blobs that have none yet and returns the keys of all.
pub(crate) fn ensure_blobs<'a>(
    tx: &mut Tx<'_>,
    blobs: impl Iterator<Item = &'a StoredBlob>,
) -> Result<BTreeMap<Digest, i64>, StoreError> {
    let distinct: BTreeMap<Digest, &StoredBlob> = blobs.map(|blob| (blob.sha256, blob)).collect();
    if distinct.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Vec<Value>> = distinct
        .values()
        .map(|blob| values![blob.sha256, i64::try_from(blob.bytes).unwrap_or(i64::MAX), blob.media_type.as_str()])
        .collect();
    tx.execute_many(&INSERT_BLOB, &rows)?;
    let list = Value::List(distinct.keys().map(|digest| Value::from(*digest)).collect());
    let found: Vec<(Digest, i64, Option<i64>, Option<i64>)> = tx.all(&FIND_BLOBS, &[list])?;
    // The files are there: whoever names a blob has put it into the blob store just before.
    for (_, blob, condemned_us, gone_us) in &found {
        if condemned_us.is_some() || gone_us.is_some() {
            tx.execute(&REVIVE_BLOB, params![*blob])?;
        }
    }
    Ok(found.into_iter().map(|(sha256, blob, _, _)| (sha256, blob)).collect())
}

const BODIES_OF_KIND: Sql = Sql::same(
    "record_bodies_of_kind",
    "select records.body from records where kind = $1 and admission = 0 and body is not null order by seq",
);

/// Visits the payloads of a kind, in ledger order.
pub(crate) fn each_body_of_kind(
    read: &Read<'_>,
    kind: i64,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    read.each(&BODIES_OF_KIND, params![kind], &mut |row| visit(&row.get::<Vec<u8>>(0)?))
}

/// Visits every blob that should be there, because it did not go or a living record names it: key, SHA-256, size in bytes.
///
/// # Errors
/// When the database cannot be read, or with the error of `visit`.
pub fn each_blob(
    read: &Read<'_>,
    visit: &mut dyn FnMut(i64, Digest, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    read.each(&EACH_BLOB, &[], &mut |row| visit(row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The same as a list: SHA-256 and size in bytes.
///
/// # Errors
/// When the database cannot be read.
pub fn named_blobs(read: &Read<'_>) -> Result<Vec<(Digest, u64)>, StoreError> {
    let mut named = Vec::new();
    each_blob(read, &mut |_, sha256, size| {
        named.push((sha256, size));
        Ok(())
    })?;
    Ok(named)
}
