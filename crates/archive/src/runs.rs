//! Units and artifacts of a run, as lists.

use std::collections::BTreeMap;

use exhibit_engine::status::summary;
use exhibit_model::ids::{AssetId, UnitId};
use exhibit_model::states::UnitState;
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::records::{self, StoredRecord};
use exhibit_store::sql::runs::Run;
use exhibit_store::sql::{assets, units};
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A unit of a run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UnitLine {
    /// Its id.
    pub unit: UnitId,
    /// Its place in the plan.
    pub ordinal: u32,
    /// Name of its step.
    pub step: String,
    /// Where it stands.
    pub state: UnitState,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed, is blocked or was skipped.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// Whether a failure may go away by itself.
    pub retryable: bool,
    /// Artifacts that it made.
    pub artifacts: i64,
    /// The asset; none for a unit that works on a collection.
    pub asset_id: Option<AssetId>,
    /// Key for the next page.
    #[serde(skip)]
    pub key: i64,
}

/// Which units are listed.
#[derive(Debug, Clone)]
pub struct UnitsWanted {
    /// Their state.
    pub state: UnitState,
    /// The name of their step.
    pub step: Option<String>,
    /// Why they failed, are blocked or were skipped.
    pub reason: Option<String>,
}

/// Units of a run, in order, after the one with the key `after`.
///
/// # Errors
/// When the database cannot be read.
pub fn units_of(
    read: &Read<'_>,
    run: &Run,
    wanted: &UnitsWanted,
    after: i64,
    limit: usize,
) -> Result<Vec<UnitLine>, StoreError> {
    let steps = summary(read, run)?.steps;
    let step = match &wanted.step {
        None => None,
        Some(name) => match steps.iter().position(|step| step.step == *name) {
            Some(place) => Some(i64::try_from(place).unwrap_or(i64::MAX)),
            None => return Ok(Vec::new()),
        },
    };
    let wanted = units::Wanted { state: wanted.state, step, reason: wanted.reason.clone() };
    let found = units::listed(read, run, &wanted, after, i64::try_from(limit).unwrap_or(i64::MAX))?;
    let keys: Vec<i64> = found.iter().map(|unit| unit.asset).collect();
    let known = assets::by_keys(read, &keys)?;
    let known: BTreeMap<i64, AssetId> = known.into_iter().map(|asset| (asset.key, AssetId(asset.sha256))).collect();
    let line = |unit: units::Unit| UnitLine {
        unit: UnitId { run: run.id, ordinal: unit.ordinal },
        ordinal: unit.ordinal,
        step: steps.get(unit.step as usize).map_or_else(String::new, |step| step.step.clone()),
        state: unit.state,
        attempts: unit.attempts,
        reason: unit.reason,
        detail: unit.detail,
        retryable: unit.retryable,
        artifacts: unit.artifacts,
        asset_id: known.get(&unit.asset).copied(),
        key: unit.key,
    };
    Ok(found.into_iter().map(line).collect())
}

/// Records of artifacts of a run, of one kind or of all, from the newest to the oldest, before the place `before`.
///
/// # Errors
/// When the database cannot be read.
pub fn artifacts_of(
    read: &Read<'_>,
    kinds: &Kinds,
    run: &Run,
    kind: Option<&str>,
    before: i64,
    limit: usize,
) -> Result<Vec<StoredRecord>, StoreError> {
    let every = kinds.every();
    let wanted = every.iter().filter(|known| kind.is_none_or(|name| name == known.name()));
    let keys: Vec<i64> = wanted.map(|kind| kind.key).collect();
    records::of_run(read, run, &keys, before, i64::try_from(limit).unwrap_or(i64::MAX))
}
