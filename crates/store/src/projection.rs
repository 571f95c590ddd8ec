//! Projections are disposable (I9): empty and fill them again from the records, or compute them and compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use exhibit_model::ids::{AssetId, RunId, UnitId};
use exhibit_model::json::parse_strict;
use serde::Serialize;

use crate::append::{Accepted, Candidate, GroupContext, Origin, project};
use crate::error::StoreError;
use crate::gate::{Made, RECORD_LIMITS};
use crate::kinds::{Kind, Kinds};
use crate::session::{Read, Tx};
use crate::sql::ledger::{self, LedgerState, state};
use crate::sql::projections as sql;
use crate::sql::records::{self, StoredRecord};
use crate::store::Store;

/// Records that one step of a rebuild reads and writes.
const STEP_RECORDS: i64 = 5_000;

/// Rows of one projection table, rebuilt or compared.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// The table.
    pub table: String,
    /// Rows written, or rows compared.
    pub rows: u64,
    /// Rows that differ from what the records say; always 0 after a rebuild.
    pub differing: u64,
}

/// Empties every projection and fills it again from the records, a step at a time. `progress` gets (records done, records in all).
///
/// What is appended meanwhile is recorded and waits its turn, so that every record is projected once and in order.
///
/// # Errors
/// When the database cannot be written. An interrupted rebuild is finished by [`catch_up`] or begun anew.
pub async fn rebuild(
    store: &Store,
    progress: &mut (dyn FnMut(i64, i64) + Send),
) -> Result<Vec<TableReport>, StoreError> {
    let context = Arc::clone(store.context());
    store
        .write(move |tx| {
            for kind in context.kinds.every() {
                sql::empty(tx, &kind.declaration)?;
            }
            crate::collections::reset(tx)?;
            context.rooms.iter().try_for_each(|room| room.reset(tx))?;
            ledger::update_projected(tx, 1)
        })
        .await?;
    catch_up(store, progress).await?;
    count(store).await
}

/// Projects what waits, a step at a time, until nothing does. Does nothing when nothing waits; two processes may do it at once.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn catch_up(store: &Store, progress: &mut (dyn FnMut(i64, i64) + Send)) -> Result<(), StoreError> {
    loop {
        let context = Arc::clone(store.context());
        let state = store.write(move |tx| step(tx, &context)).await?;
        progress(state.projected - 1, state.next_seq - 1);
        if !state.lags() {
            return Ok(());
        }
    }
}

/// Projects the next records that wait; the state after it.
fn step(tx: &mut Tx<'_>, context: &GroupContext) -> Result<LedgerState, StoreError> {
    let mut state = state(tx)?;
    if !state.lags() {
        return Ok(state);
    }
    let (first, end) = (state.projected, (state.projected + STEP_RECORDS).min(state.next_seq));
    let mut candidates = Vec::new();
    records::each_from(tx, first, end - first, &mut |record| {
        if let Some(candidate) = projected(&context.kinds, &record)? {
            candidates.push((record.seq, candidate));
        }
        Ok(())
    })?;
    let accepted: Vec<Accepted<'_>> =
        candidates.iter().map(|(seq, candidate)| Accepted { seq: *seq, candidate }).collect();
    project(tx, context, &accepted)?;
    ledger::update_projected(tx, end)?;
    state.projected = end;
    Ok(state)
}

/// Places of the records of some kinds about an asset, in ledger order, at most `limit` of each kind: also those that a unit over a whole collection made,
/// which is not a unit of this asset.
///
/// # Errors
/// When the database cannot be read.
pub fn about_asset(read: &Read<'_>, kinds: &[Arc<Kind>], asset: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    let mut places = Vec::new();
    for kind in kinds {
        places.extend(sql::of_asset(read, &kind.declaration, asset, limit)?.into_iter().map(|(seq,)| seq));
    }
    places.sort_unstable();
    Ok(places)
}

async fn count(store: &Store) -> Result<Vec<TableReport>, StoreError> {
    let kinds = Arc::clone(store.kinds());
    store
        .read(move |read| {
            let mut reports = Vec::new();
            for kind in kinds.every() {
                let rows = sql::count(read, &kind.declaration)?;
                reports.push(TableReport { table: kind.declaration.table_name(), rows, differing: 0 });
            }
            Ok(reports)
        })
        .await
}

/// Computes every declared projection row from its record and compares it with the stored one.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(store: &Store) -> Result<Vec<TableReport>, StoreError> {
    let kinds = Arc::clone(store.kinds());
    store
        .read(move |read| {
            let end = state(read)?.next_seq;
            let mut tables: BTreeMap<i64, Compared> =
                kinds.every().into_iter().map(|kind| (kind.key, Compared { kind, differing: 0, found: 0 })).collect();
            let mut first = 1;
            while first < end {
                compare_step(read, &kinds, first, &mut tables)?;
                first += STEP_RECORDS;
            }
            kinds.every().iter().filter_map(|kind| tables.get(&kind.key)).map(|table| table.report(read)).collect()
        })
        .await
}

/// One projection table while it is compared.
struct Compared {
    kind: Arc<Kind>,
    /// Rows that are missing or say something else.
    differing: u64,
    /// Rows for which there is a record, right or wrong.
    found: u64,
}

impl Compared {
    fn report(&self, read: &Read<'_>) -> Result<TableReport, StoreError> {
        let rows = sql::count(read, &self.kind.declaration)?;
        // Rows that no record stands for.
        let extra = rows.saturating_sub(self.found);
        Ok(TableReport { table: self.kind.declaration.table_name(), rows, differing: self.differing + extra })
    }
}

/// Compares the rows of one step of records, all tables in one pass over the records.
fn compare_step(
    read: &Read<'_>,
    kinds: &Kinds,
    first: i64,
    tables: &mut BTreeMap<i64, Compared>,
) -> Result<(), StoreError> {
    let mut stored = BTreeMap::new();
    for (key, table) in tables.iter() {
        stored.insert(*key, sql::rows(read, &table.kind.declaration, first, first + STEP_RECORDS)?);
    }
    records::each_from(read, first, STEP_RECORDS, &mut |record| {
        let Some(candidate) = projected(kinds, &record)? else { return Ok(()) };
        let Some(table) = tables.get_mut(&record.kind) else { return Ok(()) };
        let row = table.kind.projection_row(record.seq, record.asset_key, record.span_ms, &candidate.cells);
        let found = stored.get(&record.kind).and_then(|rows| rows.get(&record.seq));
        table.found += u64::from(found.is_some());
        table.differing += u64::from(found != Some(&sql::printed(&row)));
        Ok(())
    })
}

/// The candidate that a stored record once was; `None` for what is not projected (stale, or the body is gone).
fn projected(kinds: &Kinds, record: &StoredRecord) -> Result<Option<Candidate>, StoreError> {
    let (Some(body), 0) = (&record.body, record.admission) else { return Ok(None) };
    let Some(kind): Option<Arc<Kind>> = kinds.by_key(record.kind) else {
        return Err(StoreError::Unexpected(format!("record {} has the unknown kind {}", record.seq, record.kind)));
    };
    let payload = parse_strict(body, &RECORD_LIMITS).map_err(|findings| {
        StoreError::Unexpected(format!("the body of record {} cannot be read: {findings}", record.seq))
    })?;
    let origin = match (record.unit, record.run, record.unit_ordinal, record.ordinal, &record.record_id) {
        (Some(unit), Some(run), Some(unit_ordinal), Some(ordinal), _) => Origin::Unit {
            made: Arc::new(Made {
                unit,
                unit_id: UnitId { run: RunId(run), ordinal: unit_ordinal },
                lineage: record.lineage.clone().unwrap_or_default(),
                lineage_hash: record.lineage_hash.unwrap_or(exhibit_model::digest::Digest([0; 32])),
            }),
            ordinal,
        },
        (_, _, _, _, Some(record_id)) => Origin::Outside { record_id: record_id.clone() },
        _ => return Err(StoreError::Unexpected(format!("record {} has neither unit nor id", record.seq))),
    };
    Ok(Some(Candidate {
        origin,
        asset: record.asset.map(AssetId).zip(record.asset_key),
        span_ms: record.span_ms,
        cells: kind.declaration.project(&payload),
        body: body.clone(),
        blob: record.blob.clone(),
        content_hash: record.commitment,
        leaf_new: None,
        reading: None,
        kind,
    }))
}
