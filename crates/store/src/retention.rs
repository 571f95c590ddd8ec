//! What may go, and how (I3): payloads of sandbox runs that nobody promoted, payloads that a room keeps for a time only, and blobs that nothing
//! living names any more.
//!
//! A payload goes in the transaction that appends the tombstone which names it. What the leaf was computed from stays, so the ledger
//! still verifies. A blob is condemned first and removed an hour later at the earliest; an append that names it again revives it.

mod blobs;
mod clean;
mod outside;
mod tombstones;

pub use blobs::{Collected, GRACE_US, collect, waiting};
pub use clean::{CleanPlan, Cleaned, Waiting, clean, plan};
pub use outside::{GOING_MAX, Going, held_bytes, let_go};
pub use tombstones::Tombstones;

use std::collections::BTreeSet;
use std::sync::Arc;

use exhibit_model::states::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::append::{Append, Candidate, Guard};
use crate::error::{GateError, StoreError};
use crate::gate::Draft;
use crate::room::Seq;
use crate::sql::retention::{self as sql, Erasable};
use crate::sql::runs::{self, Run};
use crate::sql::{projections, records};
use crate::store::Store;

/// Payloads that one tombstone names: one transaction erases them, in well under a second.
const STEP_RECORDS: i64 = 5_000;

/// Runs that one plan lists.
const RUNS_MAX: i64 = 1_000;

/// Why the payloads of a sandbox run go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reason {
    /// Its time has come.
    #[default]
    Expired,
    /// A person wants it.
    Discarded,
}

impl Reason {
    /// The word in the tombstone.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "sandbox-expired",
            Self::Discarded => "sandbox-discarded",
        }
    }
}

/// What erasing a run would take, or took.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunPlan {
    /// The run.
    pub run: exhibit_model::ids::RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// Payloads.
    pub records: u64,
    /// Bytes of these payloads.
    pub bytes: u64,
}

/// A record of a kind of the spine.
fn record(store: &Store, kind: &str, record_id: String, payload: serde_json::Value) -> Result<Candidate, GateError> {
    Ok(store.gate().check(Draft::record(kind, record_id, payload))?)
}

/// Makes the results of a sandbox run count from now on: a record, and the mark on the run, in one transaction. Returns the place of the
/// record in the ledger.
///
/// # Errors
/// When it is no sandbox run, its results count already, they are gone, or the database cannot be written.
pub async fn promote(store: &Store, run: &Run) -> Result<Seq, GateError> {
    if run.policy != Policy::Sandbox.as_str() {
        return Err(GateError::Refused(format!("run {} is a production run; its results count already", run.id)));
    }
    let payload = json!({ "run_id": run.id, "pipeline": run.pipeline, "pipeline_version": run.pipeline_version });
    let candidate = record(store, "run.promotion", format!("promotion:{}", run.id), payload)?;
    let (key, id) = (run.key, run.id);
    let effect: crate::append::Effect = Box::new(move |tx| {
        if sql::promote(tx, key)? {
            return Ok(Guard::Proceed);
        }
        let shown = runs::by_key(tx, key)?.is_some_and(|run| run.shown);
        let why = if shown { "was promoted before" } else { "has expired: its results are gone" };
        Ok(Guard::Refuse(format!("run {id} {why}")))
    });
    let receipts =
        store.append(Append { candidates: vec![candidate], effect: Some(effect), ..Append::default() }).await?;
    Ok(receipts.first().map_or(0, |receipt| receipt.seq))
}

/// Sandbox runs whose time has come at `now_us`, with what they hold.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(store: &Store, now_us: i64) -> Result<Vec<RunPlan>, StoreError> {
    store
        .read(move |read| {
            let mut plans = Vec::new();
            for (key,) in sql::due(read, now_us, RUNS_MAX)? {
                if let Some(run) = runs::by_key(read, key)? {
                    plans.push(plan_of(read, &run)?);
                }
            }
            Ok(plans)
        })
        .await
}

/// What a run holds.
///
/// # Errors
/// When the database cannot be read.
pub fn plan_of(read: &crate::session::Read<'_>, run: &Run) -> Result<RunPlan, StoreError> {
    let (records, bytes) = sql::count(read, run)?;
    Ok(RunPlan { run: run.id, pipeline: run.pipeline.clone(), records, bytes })
}

/// Erases every payload of a sandbox run, a tombstone at a time. An interrupted one goes on where it stopped. `progress` gets how many
/// payloads went so far. Returns how many went in all.
///
/// # Errors
/// When the run counts, a host works on it, or the database cannot be written. What went until then has its tombstones.
pub async fn erase(
    store: &Store,
    run: &Run,
    reason: Reason,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, GateError> {
    let (mut gone, mut from) = (0, run.first_unit);
    loop {
        let asked = run.clone();
        let next = store.read(move |read| sql::erasable(read, &asked, from, STEP_RECORDS)).await?;
        let Some(last) = next.last() else { break };
        from = last.unit;
        gone += next.len() as u64;
        erase_some(store, run, reason, next).await?;
        progress(gone);
    }
    let (key, now_us, id) = (run.key, store.clock().now().0, run.id);
    store
        .write(move |tx| {
            if !sql::begin(tx, key, now_us)? {
                return Err(StoreError::Refused(cannot_go(id)));
            }
            sql::end(tx, key)
        })
        .await?;
    Ok(gone)
}

fn cannot_go(id: exhibit_model::ids::RunId) -> String {
    format!("the results of run {id} cannot go: it is no sandbox run, it was promoted, or a host works on it")
}

/// One tombstone, with everything that goes because of it.
async fn erase_some(store: &Store, run: &Run, reason: Reason, some: Vec<Erasable>) -> Result<(), GateError> {
    let ranges = ranges_of(some.iter().map(|record| record.seq).collect());
    let count = some.len() as u64;
    let payload = json!({ "reason": reason.as_str(), "run_id": run.id, "count": count, "records": ranges });
    let first = ranges.first().map_or(0, |range| range.0);
    let candidate = record(store, "evidence.tombstone", format!("tombstone:{}:{first}", run.id), payload)?;
    let blobs: Vec<i64> = some.iter().filter_map(|record| record.blob).collect::<BTreeSet<i64>>().into_iter().collect();
    let kinds: BTreeSet<i64> = some.iter().map(|record| record.kind).collect();
    let (run, now_us, context) = (run.clone(), store.clock().now().0, Arc::clone(store.context()));
    let effect: crate::append::Effect = Box::new(move |tx| {
        if !sql::begin(tx, run.key, now_us)? {
            return Ok(Guard::Refuse(cannot_go(run.id)));
        }
        let mut erased = 0;
        for (first, last) in &ranges {
            erased += sql::erase(tx, &run, *first, *last)?;
            for kind in &kinds {
                if let Some(kind) = context.kinds.by_key(*kind) {
                    projections::remove(tx, &kind.declaration, *first, *last)?;
                }
            }
            context.rooms.iter().try_for_each(|room| room.remove(tx, *first, *last))?;
        }
        sql::condemn(tx, &blobs, now_us)?;
        if erased != count {
            return Ok(Guard::Refuse(format!("{erased} of {count} payloads of run {} are still there", run.id)));
        }
        Ok(Guard::Proceed)
    });
    store.append(Append { candidates: vec![candidate], effect: Some(effect), ..Append::default() }).await.map(|_| ())
}

/// Neighbouring places as ranges of first and last.
fn ranges_of(mut places: Vec<Seq>) -> Vec<(Seq, Seq)> {
    places.sort_unstable();
    let mut ranges: Vec<(Seq, Seq)> = Vec::new();
    for seq in places {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => ranges.push((seq, seq)),
        }
    }
    ranges
}

/// Sandbox runs that are marked as counting although no record promotes them: a mark that was set past the gate.
///
/// # Errors
/// When the database cannot be read.
pub fn unpromoted(read: &crate::session::Read<'_>) -> Result<Vec<Run>, StoreError> {
    let mut wrong = Vec::new();
    for (key,) in sql::shown_sandboxes(read)? {
        let Some(run) = runs::by_key(read, key)? else { continue };
        let id = format!("promotion:{}", run.id);
        if records::by_record_ids(read, &[id.as_str()])?.is_empty() {
            wrong.push(run);
        }
    }
    Ok(wrong)
}
