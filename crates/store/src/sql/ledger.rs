//! Statements on batches, tree nodes and the state of the ledger.

use exhibit_model::digest::Digest;
use exhibit_model::merkle::{Frontier, Node};

use crate::error::StoreError;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql, Value};
use crate::{params, values};

const STATE: Sql =
    Sql::same("ledger_state", "select batches, next_seq, frontier, projected from ledger_state where one = 1");
const UPDATE_STATE: Sql = Sql::same(
    "ledger_update",
    "update ledger_state set batches = $1, next_seq = $2, frontier = $3, projected = $4 where one = 1",
);
const UPDATE_PROJECTED: Sql =
    Sql::same("ledger_update_projected", "update ledger_state set projected = $1 where one = 1");
const INSERT_BATCH: Sql = Sql::same(
    "batch_insert",
    "insert into batches (batch, first_seq, count, at_us, leaves_root, head) values ($1, $2, $3, $4, $5, $6)",
);
const INSERT_NODE: Sql = Sql::pair(
    "node_insert",
    "insert into tree_nodes (level, position, hash) values ($1, $2, $3)",
    "insert into tree_nodes (level, position, hash) select * from unnest($1::bigint[], $2::bigint[], $3::bytea[])",
);
const NODE: Sql = Sql::same("node_at", "select hash from tree_nodes where level = $1 and position = $2");
const EACH_NODE: Sql = Sql::same("node_each", "select level, position, hash from tree_nodes order by level, position");
const EACH_BATCH: Sql =
    Sql::same("batch_each", "select batch, first_seq, count, at_us, leaves_root, head from batches order by batch");
const BATCH_AT: Sql =
    Sql::same("batch_at", "select batch, first_seq, count, at_us, leaves_root, head from batches where batch = $1");
const COUNT_RECORDS: Sql = Sql::same("record_count", "select count(*) from records");
const LEAVES: Sql = Sql::same("batch_leaves", "select leaf from records where seq >= $1 and seq < $2 order by seq");

// Uses the primary key of batches.
const TIMES: Sql = Sql::same(
    "batch_times",
    "select first_seq, at_us from batches where batch >= $1 and first_seq <= $2 order by batch",
);

/// The state of the ledger: how many batches, the next place, and the edge of the tree.
#[derive(Debug, Clone)]
pub struct LedgerState {
    /// Batches so far.
    pub batches: i64,
    /// The place of the next record.
    pub next_seq: i64,
    /// The edge of the tree over the batches.
    pub frontier: Frontier,
    /// The place below which every record is projected.
    pub projected: i64,
}

impl LedgerState {
    /// Whether records wait to be projected, because projections are computed anew.
    pub fn lags(&self) -> bool {
        self.projected < self.next_seq
    }
}

/// One committed group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number, from 1.
    pub batch: i64,
    /// Place of its first record.
    pub first_seq: i64,
    /// How many records it holds.
    pub count: i64,
    /// When it was committed, microseconds UTC.
    pub at_us: i64,
    /// Root over the leaves of its records.
    pub leaves_root: Digest,
    /// Root of the ledger after it.
    pub head: Digest,
}

impl FromRow for Batch {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            batch: row.get(0)?,
            first_seq: row.get(1)?,
            count: row.get(2)?,
            at_us: row.get(3)?,
            leaves_root: row.get(4)?,
            head: row.get(5)?,
        })
    }
}

/// Reads the state.
///
/// # Errors
/// When the database cannot be read, or holds a frontier of another size.
pub fn state(read: &Read<'_>) -> Result<LedgerState, StoreError> {
    let (batches, next_seq, bytes, projected): (i64, i64, Vec<u8>, i64) =
        read.one(&STATE, &[])?.ok_or_else(|| StoreError::Unexpected("the ledger has no state row".to_owned()))?;
    let size = u64::try_from(batches).map_err(|_| StoreError::Unexpected("negative number of batches".to_owned()))?;
    let frontier = Frontier::from_bytes(size, &bytes).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    Ok(LedgerState { batches, next_seq, frontier, projected })
}

pub(crate) fn update_state(tx: &mut Tx<'_>, state: &LedgerState) -> Result<(), StoreError> {
    let LedgerState { batches, next_seq, frontier, projected } = state;
    tx.execute(&UPDATE_STATE, params![*batches, *next_seq, frontier.to_bytes(), *projected]).map(|_| ())
}

/// Says up to which place, without it, every record is projected.
pub(crate) fn update_projected(tx: &mut Tx<'_>, projected: i64) -> Result<(), StoreError> {
    tx.execute(&UPDATE_PROJECTED, params![projected]).map(|_| ())
}

pub(crate) fn insert_batch(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), StoreError> {
    let Batch { batch, first_seq, count, at_us, leaves_root, head } = *batch;
    tx.execute(&INSERT_BATCH, params![batch, first_seq, count, at_us, leaves_root, head]).map(|_| ())
}

pub(crate) fn insert_nodes(tx: &mut Tx<'_>, nodes: &[Node]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = nodes
        .iter()
        .map(|node| values![i64::from(node.level), i64::try_from(node.index).unwrap_or(i64::MAX), node.hash])
        .collect();
    tx.execute_many(&INSERT_NODE, &rows).map(|_| ())
}

/// A stored node of the tree over the batches; level 0 holds the leaves.
///
/// # Errors
/// When the node is missing.
pub fn node(read: &Read<'_>, level: u8, position: u64) -> Result<Digest, StoreError> {
    let place = i64::try_from(position).map_err(|_| StoreError::Unexpected("tree position out of range".to_owned()))?;
    let found: Option<(Digest,)> = read.one(&NODE, params![i64::from(level), place])?;
    found.map(|row| row.0).ok_or_else(|| StoreError::Unexpected(format!("tree node {level}/{position} is missing")))
}

/// Visits every stored node: level, position, hash.
///
/// # Errors
/// When the database cannot be read, or with the error of `visit`.
pub fn each_node(
    read: &Read<'_>,
    visit: &mut dyn FnMut(i64, i64, Digest) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    read.each(&EACH_NODE, &[], &mut |row| visit(row.get(0)?, row.get(1)?, row.get(2)?))
}

/// Every batch, in order. One row per committed group: a few megabytes for a million of them.
///
/// # Errors
/// When the database cannot be read.
pub fn batches(read: &Read<'_>) -> Result<Vec<Batch>, StoreError> {
    read.all(&EACH_BATCH, &[])
}

/// One batch.
///
/// # Errors
/// When the database cannot be read.
pub fn batch_at(read: &Read<'_>, batch: i64) -> Result<Option<Batch>, StoreError> {
    read.one(&BATCH_AT, params![batch])
}

/// The batch that holds a record, found by halving the range of batches.
///
/// # Errors
/// When the database cannot be read.
pub fn batch_of(read: &Read<'_>, seq: i64) -> Result<Option<Batch>, StoreError> {
    let (mut low, mut high) = (1, state(read)?.batches);
    while low <= high {
        let middle = low + (high - low) / 2;
        let Some(batch) = batch_at(read, middle)? else { return Ok(None) };
        if seq < batch.first_seq {
            high = middle - 1;
        } else if seq >= batch.first_seq + batch.count {
            low = middle + 1;
        } else {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// First place and time, in microseconds, of each batch that holds records between two places.
///
/// # Errors
/// When the database cannot be read.
pub fn times(read: &Read<'_>, first: i64, last: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let batch = batch_of(read, first)?.map_or(1, |batch| batch.batch);
    read.all(&TIMES, params![batch, last])
}

// A walk through the batches, which are narrow; asked once a day.
const FIRST_SINCE: Sql = Sql::same(
    "ledger_first_since",
    "select cast(coalesce(min(first_seq), 0) as bigint) from batches where at_us >= $1",
);

/// The place of the first record that was written at a moment or later; where the next one will be, when there is none.
///
/// # Errors
/// When the database cannot be read.
pub fn first_since(read: &Read<'_>, at_us: i64) -> Result<i64, StoreError> {
    match read.one::<(i64,)>(&FIRST_SINCE, params![at_us])? {
        Some((first,)) if first > 0 => Ok(first),
        _ => Ok(state(read)?.next_seq),
    }
}

/// The stored leaves of a batch, in order.
///
/// # Errors
/// When the database cannot be read.
pub fn leaves(read: &Read<'_>, batch: &Batch) -> Result<Vec<Digest>, StoreError> {
    let rows: Vec<(Digest,)> = read.all(&LEAVES, params![batch.first_seq, batch.first_seq + batch.count])?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// How many records there are.
///
/// # Errors
/// When the database cannot be read.
pub fn count_records(read: &Read<'_>) -> Result<i64, StoreError> {
    Ok(read.one::<(i64,)>(&COUNT_RECORDS, &[])?.map_or(0, |row| row.0))
}
