//! Letting go what has had its time: first the plan, then the deed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Collected, Reason, RunPlan, collect, due, erase, plan_of, waiting};
use crate::error::{GateError, StoreError};
use crate::progress::Steps;
use crate::sql::runs::{self, Run};
use crate::store::Store;

/// Blobs that nothing names any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Those whose grace has not ended.
    pub waiting: u64,
    /// Those that can go now.
    pub ready: u64,
    /// Their bytes.
    pub ready_bytes: u64,
}

/// What would go.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CleanPlan {
    /// False: nothing was changed.
    pub applied: bool,
    /// Sandbox runs whose results would go.
    pub runs: Vec<RunPlan>,
    /// Blobs that would go with them or without.
    pub blobs: Waiting,
    #[serde(skip)]
    reason: Reason,
}

/// What went.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Cleaned {
    /// True: it is done.
    pub applied: bool,
    /// Sandbox runs whose results went.
    pub runs: Vec<RunPlan>,
    /// Results in all.
    pub erased: u64,
    /// Blobs.
    pub blobs: Collected,
}

/// What would go now: the results of every sandbox run whose time has come, or of `run` whether or not it has, and the blobs that nothing has
/// named for `grace_us`.
///
/// # Errors
/// When the results of `run` count, or the database cannot be read.
pub async fn plan(store: &Store, run: Option<Run>, grace_us: i64) -> Result<CleanPlan, StoreError> {
    let (runs, reason) = match run {
        Some(run) if run.shown => {
            return Err(StoreError::Refused(format!("the results of {} count; they never go", run.id)));
        }
        Some(run) => (vec![store.read(move |read| plan_of(read, &run)).await?], Reason::Discarded),
        None => (due(store, store.clock().now().0).await?, Reason::Expired),
    };
    let (waiting, ready, ready_bytes) = waiting(store, grace_us).await?;
    Ok(CleanPlan { applied: false, runs, blobs: Waiting { waiting, ready, ready_bytes }, reason })
}

/// Does what was planned. Steps are results, then blobs.
///
/// # Errors
/// When a run was promoted meanwhile, a host works on it, the database cannot be written, or someone asks to stop. What went until then has
/// its tombstones.
pub async fn clean(store: &Store, plan: CleanPlan, grace_us: i64, steps: &Steps) -> Result<Cleaned, GateError> {
    let results: u64 = plan.runs.iter().map(|plan| plan.records).sum();
    steps.set_total(results + plan.blobs.ready);
    let mut erased = 0;
    for planned in &plan.runs {
        steps.check()?;
        let id = planned.run;
        let run = store.read(move |read| runs::by_id(read, id)).await?;
        let run = run.ok_or_else(|| StoreError::Refused(format!("run {id} is gone")))?;
        let before = erased;
        erased += erase(store, &run, plan.reason, &mut |done| steps.set_done(before + done)).await?;
    }
    steps.check()?;
    let blobs = collect(store, grace_us, &mut |done| steps.set_done(erased + done)).await?;
    Ok(Cleaned { applied: true, runs: plan.runs, erased, blobs })
}
