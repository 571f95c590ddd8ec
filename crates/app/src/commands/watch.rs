//! `exhibit watch`, and what every command says about a run.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_engine::pipeline::Pipeline;
use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{RunState, UnitState};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::{collections, runs, units};
use exhibit_store::{Store, StoreError};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::output::{number, table};

/// How often a run that is watched is read again.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Follow a run until it ends.
#[derive(Args)]
pub struct WatchArgs {
    #[command(flatten)]
    name: RunName,
}

/// Everything about a run that people ask for.
#[derive(Debug, Clone, Serialize)]
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
    pub units: std::collections::BTreeMap<String, i64>,
    /// Units in all.
    pub scope: i64,
    /// The same by step.
    pub steps: Vec<StepStatus>,
    /// Failures, blocks and skips by reason.
    pub reasons: Vec<ReasonStatus>,
}

/// One step of a run.
#[derive(Debug, Clone, Serialize)]
pub struct StepStatus {
    /// Name of the step.
    pub step: String,
    /// Its extractor.
    pub extractor: String,
    /// Units by state.
    pub units: std::collections::BTreeMap<String, i64>,
}

/// One reason.
#[derive(Debug, Clone, Serialize)]
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

/// Reads what there is to say about a run.
pub async fn status(store: &Store, id: RunId) -> Result<RunStatus, CliError> {
    let read = store.read(move |read| {
        let run = runs::by_id(read, id)?.ok_or_else(|| StoreError::Refused(format!("there is no run {id}")))?;
        let coverage = runs::coverage(read, run.key)?;
        let mut reasons = Vec::new();
        for reason in units::reasons(read, &run)? {
            let example = units::by_key(read, reason.example)?.and_then(|unit| unit.detail).unwrap_or_default();
            reasons.push((reason, example));
        }
        let name = match run.collection {
            CollectionId::ALL => Some(collections::ALL_NAME.to_owned()),
            id => collections::by_id(read, id)?.and_then(|found| found.name),
        };
        Ok((run, coverage, reasons, name))
    });
    let (run, coverage, reasons, collection_name) = read.await?;
    let pipeline: Pipeline = serde_json::from_slice(&run.definition)?;
    let name = |step: u32| pipeline.steps.get(step as usize).map_or_else(String::new, |step| step.name.clone());
    let mut status = RunStatus {
        run: run.id,
        pipeline: run.pipeline.clone(),
        pipeline_version: run.pipeline_version.clone(),
        policy: run.policy.clone(),
        counts: run.shown,
        expires: run.expires_us.map(Timestamp),
        expired: run.expired_us.map(Timestamp),
        state: run.state,
        collection: run.collection,
        collection_name,
        members: run.members,
        members_planned: run.members_planned,
        created: Timestamp(run.created_us),
        started: run.started_us.map(Timestamp),
        ended: run.ended_us.map(Timestamp),
        units: Default::default(),
        scope: 0,
        steps: Vec::new(),
        reasons: Vec::new(),
    };
    for (index, step) in (0_u32..).zip(&pipeline.steps) {
        let own = coverage.iter().filter(|(of, _, _)| *of == index);
        let units = own.map(|(_, state, count)| (state.to_string(), *count)).collect();
        status.steps.push(StepStatus { step: step.name.clone(), extractor: step.extractor.clone(), units });
    }
    for (_, state, count) in &coverage {
        *status.units.entry(state.to_string()).or_default() += count;
        status.scope += count;
    }
    status.reasons = reasons
        .into_iter()
        .map(|(reason, example)| ReasonStatus {
            step: name(reason.step),
            state: reason.state,
            reason: reason.reason,
            count: reason.count,
            example_unit: reason.example - run.first_unit,
            example,
        })
        .collect();
    Ok(status)
}

/// Prints a run for people.
pub fn print_status(status: &RunStatus, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    let took = status
        .started
        .zip(status.ended)
        .map_or_else(String::new, |(start, end)| format!(" in {:.1} s", end.millis_since(start) as f64 / 1000.0));
    out.line(&format!(
        "{} {} v{} over {} assets of {}: {}{took}",
        status.run,
        status.pipeline,
        status.pipeline_version,
        number(status.members),
        status.collection_name.clone().unwrap_or_else(|| status.collection.to_string()),
        status.state
    ))?;
    match (status.counts, status.expired, status.expires) {
        (true, _, _) => {}
        (false, Some(at), _) => out.line(&format!("  sandbox: its results went {at}"))?,
        (false, None, at) => {
            let until = at.map_or_else(String::new, |at| format!(" until {at}"));
            out.line(&format!("  sandbox: its results stand apart{until}"))?;
        }
    }
    let rows = status.steps.iter().map(|step| {
        let parts: Vec<String> = UnitState::EVERY
            .iter()
            .filter_map(|state| step.units.get(state.as_str()).map(|count| format!("{} {state}", number(*count))))
            .collect();
        vec![format!("  {}", step.step), step.extractor.clone(), parts.join(", ")]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        out.line(&line)?;
    }
    for reason in &status.reasons {
        out.line(&format!(
            "  {} {} in {}: {} (for example unit {}: {})",
            number(reason.count),
            reason.state,
            reason.step,
            reason.reason,
            reason.example_unit,
            reason.example
        ))?;
    }
    let id = status.run;
    match status.state {
        RunState::Partial => out.note(&format!("next: exhibit run show {id} --units failed; exhibit retry {id}")),
        RunState::Queued | RunState::Cancelled | RunState::Paused => out.note(&format!("next: exhibit resume {id}")),
        RunState::Completed if !status.counts && status.expired.is_none() => {
            out.note(&format!("next: exhibit promote {id}"));
        }
        _ => {}
    }
    Ok(())
}

/// Shows progress while `work` goes on.
pub async fn follow<T>(
    store: &Store,
    id: RunId,
    context: &Context,
    work: &mut Pin<&mut impl Future<Output = T>>,
) -> Result<T, CliError> {
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix("run");
    let result = loop {
        match tokio::time::timeout(LOOK_EVERY, &mut *work).await {
            Ok(result) => break result,
            Err(_) if context.out.shows_progress() => {
                move_bar(&bar, store, id).await?;
            }
            Err(_) => {}
        }
    };
    bar.finish_and_clear();
    Ok(result)
}

async fn move_bar(bar: &ProgressBar, store: &Store, id: RunId) -> Result<RunState, CliError> {
    let read = store.read(move |read| {
        let run = runs::by_id(read, id)?.ok_or_else(|| StoreError::Refused(format!("there is no run {id}")))?;
        Ok((runs::coverage(read, run.key)?, run))
    });
    let (coverage, run) = read.await?;
    let count = |wanted: &dyn Fn(UnitState) -> bool| -> i64 {
        coverage.iter().filter(|(_, state, _)| wanted(*state)).map(|(_, _, count)| count).sum()
    };
    let ended = count(&UnitState::is_ended).unsigned_abs();
    if bar.length() == Some(0) {
        // What was there at the first look is not the rate of this host.
        bar.set_position(ended);
        bar.reset_eta();
    }
    bar.set_length(count(&|_| true).unsigned_abs());
    bar.set_position(ended);
    let failed = count(&|state| state == UnitState::Failed);
    bar.set_message(if failed > 0 { format!("· {} failed", number(failed)) } else { String::new() });
    Ok(run.state)
}

pub async fn watch(args: WatchArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let name = args.name.run;
    let run = app.store.read(move |read| Ok(find_run(read, &name))).await??;
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix("run");
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let state = move_bar(&bar, &app.store, run.id).await?;
        if state.is_ended() {
            break;
        }
        if state == RunState::Queued {
            bar.finish_and_clear();
            context.out.note("no process works on this run");
            break;
        }
    }
    bar.finish_and_clear();
    let now = status(&app.store, run.id).await?;
    if context.out.json {
        context.out.document(&now)?;
    } else {
        print_status(&now, context)?;
    }
    Ok(super::run::exit_of(&now))
}
