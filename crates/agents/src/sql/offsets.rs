//! How far each file was read, and what each collector did so far.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, params};

use super::table::{Table, Type};
use crate::collect::tail::Position;

/// How far one file was read, and what it looked like then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRow {
    /// How far.
    pub position: Position,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What a collector did in one step, or so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorRow {
    /// Its word.
    pub collector: String,
    /// Lines, spans, log records, data points or payloads that were read.
    pub records: u64,
    /// Those of them that could not be read.
    pub bad_records: u64,
    /// Documents that were made of them and recorded.
    pub documents: u64,
    /// Documents that are larger than any record may be.
    pub refused: u64,
    /// When it last read anything.
    pub read_at: Timestamp,
    /// The last thing that went wrong, for people.
    pub problem: Option<String>,
}

const OFFSETS: Table = Table {
    name: "source_offsets",
    columns: &[
        ("feed", Type::Text),
        ("path", Type::Text),
        ("offset_bytes", Type::Int),
        ("head_hash", Type::Bytes),
        ("size_bytes", Type::Int),
        ("modified_at", Type::Int),
        ("read_at", Type::Int),
    ],
    key: &["feed", "path"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| OFFSETS.put("agents_offset_put"));

// All four use the primary key of (feed, path).
const ONE: Sql = Sql::same(
    "agents_offset_one",
    "select offset_bytes, head_hash, size_bytes, modified_at, read_at from source_offsets where feed = $1 and path = $2",
);
const OF_FEED: Sql = Sql::same(
    "agents_offsets_of_feed",
    "select path, offset_bytes, head_hash, size_bytes, modified_at, read_at from source_offsets where feed = $1 limit $2",
);
const FILES: Sql = Sql::same("agents_offsets_files", "select feed, count(*) from source_offsets group by feed");
const FORGET: Sql = Sql::same("agents_offset_forget", "delete from source_offsets where feed = $1 and path = $2");

const COLLECTORS: Sql = Sql::same(
    "agents_collectors",
    "select collector, records, bad_records, documents, refused, read_at, problem from collectors order by collector",
);

// Uses the primary key. What went wrong last stays until something else does.
const TALLY: Sql = Sql::same(
    "agents_collector_tally",
    "insert into collectors (collector, records, bad_records, documents, refused, read_at, problem) \
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (collector) do update set \
     records = collectors.records + excluded.records, bad_records = collectors.bad_records + excluded.bad_records, \
     documents = collectors.documents + excluded.documents, refused = collectors.refused + excluded.refused, \
     read_at = excluded.read_at, problem = coalesce(excluded.problem, collectors.problem)",
);

impl OffsetRow {
    fn at(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            position: Position { offset: row.get(first)?, head_hash: row.get(first + 1)? },
            size_bytes: row.get(first + 2)?,
            modified_at: Timestamp(row.get(first + 3)?),
            read_at: Timestamp(row.get(first + 4)?),
        })
    }
}

impl FromRow for OffsetRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Self::at(row, 0)
    }
}

impl FromRow for CollectorRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            collector: row.get(0)?,
            records: row.get(1)?,
            bad_records: row.get(2)?,
            documents: row.get(3)?,
            refused: row.get(4)?,
            read_at: Timestamp(row.get(5)?),
            problem: row.get(6)?,
        })
    }
}

/// A count as the database holds it.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How far a file was read; `None` when it never was.
///
/// # Errors
/// When the database cannot be read.
pub fn one(read: &Read<'_>, feed: &str, path: &str) -> Result<Option<OffsetRow>, StoreError> {
    read.one(&ONE, params![feed, path])
}

/// How far the files of a feed were read, by path; at most `limit` of them.
///
/// # Errors
/// When the database cannot be read.
pub fn of_feed(read: &Read<'_>, feed: &str, limit: i64) -> Result<BTreeMap<String, OffsetRow>, StoreError> {
    let mut rows = BTreeMap::new();
    read.each(&OF_FEED, params![feed, limit], &mut |row| {
        rows.insert(row.get::<String>(0)?, OffsetRow::at(row, 1)?);
        Ok(())
    })?;
    Ok(rows)
}

/// How many files were read, by feed.
///
/// # Errors
/// When the database cannot be read.
pub fn files(read: &Read<'_>) -> Result<BTreeMap<String, u64>, StoreError> {
    Ok(read.all::<(String, u64)>(&FILES, &[])?.into_iter().collect())
}

/// Notes how far a file was read.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, feed: &str, path: &str, row: &OffsetRow) -> Result<(), StoreError> {
    let (offset, size) = (count(row.position.offset), count(row.size_bytes));
    let values =
        exhibit_store::values![feed, path, offset, row.position.head_hash, size, row.modified_at.0, row.read_at.0];
    tx.execute_many(&PUT, &[values])?;
    Ok(())
}

/// Forgets a file that is no more.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(tx: &mut Tx<'_>, feed: &str, path: &str) -> Result<(), StoreError> {
    tx.execute(&FORGET, params![feed, path])?;
    Ok(())
}

/// What each collector did so far.
///
/// # Errors
/// When the database cannot be read.
pub fn collectors(read: &Read<'_>) -> Result<Vec<CollectorRow>, StoreError> {
    read.all(&COLLECTORS, &[])
}

/// Adds what a collector did in one step to what it did before.
///
/// # Errors
/// When the database cannot be written.
pub fn tally(tx: &mut Tx<'_>, step: &CollectorRow) -> Result<(), StoreError> {
    let row = params![
        step.collector.as_str(),
        count(step.records),
        count(step.bad_records),
        count(step.documents),
        count(step.refused),
        step.read_at.0,
        step.problem.clone(),
    ];
    tx.execute(&TALLY, row)?;
    Ok(())
}
