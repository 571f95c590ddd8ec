//! What there is to say about a run: for the command line, the API and live events alike.

use std::collections::BTreeMap;

use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{RunState, UnitState};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::runs::Run;
use exhibit_store::sql::{collections, runs, units};
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::Pipeline;

/// Everything about a run that people ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStatus {
    /// The run.
    pub run: RunId,
    /// Name and version of its pipeline.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// `production` or `sandbox`.
    pub policy: String,
    /// Whether its results count: it is a production run, or was promoted.
    pub counts: bool,
    /// When its results may go, for a sandbox run that nobody promoted.
    pub expires: Option<Timestamp>,
    /// When they went.
    pub expired: Option<Timestamp>,
    /// Where it stands.
    pub state: RunState,
    /// Whether a server works it off; otherwise it belongs to the process of a command.
    pub served: bool,
    /// Why it does not go on by itself.
    pub reason: Option<String>,
    /// Its collection.
    pub collection: CollectionId,
    /// The name of the collection; none when it was made for this run.
    pub collection_name: Option<String>,
    /// Frozen members of its collection.
    pub members: i64,
    /// Members whose units are planned.
    pub members_planned: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When work on it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Units by state, over all steps.
    pub units: BTreeMap<String, i64>,
    /// Units in all.
    pub scope: i64,
    /// The same by step.
    pub steps: Vec<StepStatus>,
    /// Failures, blocks and skips by reason; left out of lists of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<ReasonStatus>>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepStatus {
    /// Name of the step.
    pub step: String,
    /// Its extractor.
    pub extractor: String,
    /// Units by state.
    pub units: BTreeMap<String, i64>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonStatus {
    /// Name of the step.
    pub step: String,
    /// Failed, blocked or skipped.
    pub state: UnitState,
    /// The word.
    pub reason: String,
    /// How many units.
    pub count: i64,
    /// The first of them.
    pub example_unit: i64,
    /// Why, for people, of that one.
    pub example: String,
}

/// Says everything about a run. Reads its failed, blocked and skipped units.
///
/// # Errors
/// When the database cannot be read.
pub fn status(read: &Read<'_>, run: &Run) -> Result<RunStatus, StoreError> {
    let mut status = summary(read, run)?;
    let mut reasons = Vec::new();
    for reason in units::reasons(read, run)? {
        let example = units::by_key(read, reason.example)?.and_then(|unit| unit.detail).unwrap_or_default();
        reasons.push(ReasonStatus {
            step: status.steps.get(reason.step as usize).map_or_else(String::new, |step| step.step.clone()),
            state: reason.state,
            reason: reason.reason,
            count: reason.count,
            example_unit: reason.example - run.first_unit,
            example,
        });
    }
    status.reasons = Some(reasons);
    Ok(status)
}

/// Says what can be said about a run without looking at its units.
///
/// # Errors
/// When the database cannot be read.
pub fn summary(read: &Read<'_>, run: &Run) -> Result<RunStatus, StoreError> {
    let coverage = runs::coverage(read, run.key)?;
    let collection_name = match run.collection {
        CollectionId::ALL => Some(collections::ALL_NAME.to_owned()),
        id => collections::by_id(read, id)?.and_then(|found| found.name),
    };
    let pipeline: Pipeline = serde_json::from_slice(&run.definition)
        .map_err(|error| StoreError::Unexpected(format!("the pipeline of {}: {error}", run.id)))?;
    let steps = (0_u32..).zip(&pipeline.steps).map(|(index, step)| {
        let own = coverage.iter().filter(|(of, _, _)| *of == index);
        let units = own.map(|(_, state, count)| (state.to_string(), *count)).collect();
        StepStatus { step: step.name.clone(), extractor: step.extractor.clone(), units }
    });
    let mut units: BTreeMap<String, i64> = BTreeMap::new();
    for (_, state, count) in &coverage {
        *units.entry(state.to_string()).or_default() += count;
    }
    Ok(RunStatus {
        run: run.id,
        pipeline: run.pipeline.clone(),
        pipeline_version: run.pipeline_version.clone(),
        policy: run.policy.clone(),
        counts: run.shown,
        expires: run.expires_us.map(Timestamp),
        expired: run.expired_us.map(Timestamp),
        state: run.state,
        served: run.served,
        reason: run.reason.clone(),
        collection: run.collection,
        collection_name,
        members: run.members,
        members_planned: run.members_planned,
        created: Timestamp(run.created_us),
        started: run.started_us.map(Timestamp),
        ended: run.ended_us.map(Timestamp),
        scope: units.values().sum(),
        units,
        steps: steps.collect(),
        reasons: None,
    })
}
