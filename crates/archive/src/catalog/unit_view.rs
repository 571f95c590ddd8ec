//! The units about an asset, with the names of their runs.

use std::collections::BTreeMap;

use exhibit_model::ids::RunId;
use exhibit_model::states::UnitState;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::units::Unit;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One unit about an asset.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UnitView {
    /// The run.
    pub run: RunId,
    /// Its ordinal in the run.
    pub unit: u32,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Whether the results of the run count: it is a production run, or was promoted.
    pub counts: bool,
    /// Where it stands.
    pub state: UnitState,
    /// Why it failed, is blocked or was skipped.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// The runs of units, by the key of their first unit, which tells the runs of units apart.
pub(super) struct RunsOfUnits(BTreeMap<i64, Run>);

fn first_of(unit: &Unit) -> i64 {
    unit.key - i64::from(unit.ordinal)
}

impl RunsOfUnits {
    pub(super) fn read(read: &Read<'_>, found: &[Unit]) -> Result<Self, StoreError> {
        let mut known: BTreeMap<i64, Run> = BTreeMap::new();
        for unit in found {
            if !known.contains_key(&first_of(unit))
                && let Some(run) = crate::sql::listing::run_of_unit(read, unit.key)?
                && let Some(run) = runs::by_key(read, run)?
            {
                known.insert(first_of(unit), run);
            }
        }
        Ok(Self(known))
    }

    /// Whether the results of a unit count.
    pub(super) fn counts(&self, unit: &Unit) -> bool {
        self.0.get(&first_of(unit)).is_some_and(|run| run.shown)
    }

    /// Puts names to units.
    pub(super) fn views(&self, found: &[Unit]) -> Vec<UnitView> {
        let view = |unit: &Unit| {
            let run = self.0.get(&first_of(unit))?;
            Some(UnitView {
                run: run.id,
                unit: unit.ordinal,
                pipeline: run.pipeline.clone(),
                counts: run.shown,
                state: unit.state,
                reason: unit.reason.clone(),
                detail: unit.detail.clone(),
                ended: unit.ended_us.map(Timestamp),
            })
        };
        found.iter().filter_map(view).collect()
    }
}
