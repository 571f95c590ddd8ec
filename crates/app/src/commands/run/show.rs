//! `exhibit run show`.

use std::sync::Arc;

use clap::Args;
use exhibit_archive::catalog::{FactView, find_run};
use exhibit_archive::runs::{UnitLine, UnitsWanted, artifacts_of, units_of};
use exhibit_engine::status::{RunStatus, status};
use exhibit_model::states::UnitState;
use serde_json::json;

use crate::cli::Context;
use crate::commands::watch::print_status;
use crate::error::{CliError, Exit};
use crate::output::{number, table};
use crate::remote::part;

/// Show a run.
#[derive(Args)]
pub struct RunShowArgs {
    /// The run: its id, any unambiguous prefix of it, or `latest`
    run: String,
    /// List units in this state (pending, leased, done, done-empty, reused, failed, blocked, skipped, cancelled)
    #[arg(long, value_name = "STATE")]
    units: Option<UnitState>,
    /// List artifacts of this kind (`any` for all), newest first
    #[arg(long, value_name = "KIND", conflicts_with = "units")]
    artifacts: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

/// Characters of a payload that one line shows.
const PAYLOAD_CHARS: usize = 100;

pub async fn show(args: RunShowArgs, context: &Context) -> Result<Exit, CliError> {
    let limit = usize::try_from(args.limit).unwrap_or(0);
    if let Some(state) = args.units {
        return print_units(&units(args.run, state, limit, context).await?, context);
    }
    if let Some(kind) = args.artifacts {
        return print_artifacts(&artifacts(args.run, kind, limit, context).await?, context);
    }
    let now: RunStatus = match &context.server {
        Some(server) => server.get(&format!("/v1/runs/{}", part(&args.run)), &[]).await?,
        None => {
            let app = context.open()?;
            app.store.read(move |read| Ok(find_run(read, &args.run).map(|run| status(read, &run)))).await???
        }
    };
    if context.out.json {
        context.out.document(&now)?;
    } else {
        print_status(&now, context)?;
    }
    Ok(Exit::Ok)
}

async fn units(run: String, state: UnitState, limit: usize, context: &Context) -> Result<Vec<UnitLine>, CliError> {
    if let Some(server) = &context.server {
        let path = format!("/v1/runs/{}/units", part(&run));
        return Ok(server.list(&path, &[("state", state.as_str())], limit).await?.0);
    }
    let app = context.open()?;
    let wanted = UnitsWanted { state, step: None, reason: None };
    let found = app.store.read(move |read| {
        let run = find_run(read, &run);
        Ok(run.map(|run| units_of(read, &run, &wanted, 0, limit)))
    });
    Ok(found.await???)
}

async fn artifacts(run: String, kind: String, limit: usize, context: &Context) -> Result<Vec<FactView>, CliError> {
    let kind = Some(kind).filter(|kind| kind != "any");
    if let Some(server) = &context.server {
        let path = format!("/v1/runs/{}/artifacts", part(&run));
        let query: Vec<(&str, &str)> = kind.iter().map(|kind| ("kind", kind.as_str())).collect();
        return Ok(server.list(&path, &query, limit).await?.0);
    }
    let app = context.open()?;
    let kinds = Arc::clone(app.store.kinds());
    let run = app.store.read(move |read| Ok(find_run(read, &run))).await??;
    if let Some(kind) = kind.as_ref().filter(|kind| !kinds.knows_name(kind)) {
        return Err(CliError::usage(format!("there is no kind {kind}; `exhibit extractors` lists them")));
    }
    let found = app.store.read(move |read| {
        let records = artifacts_of(read, &kinds, &run, kind.as_deref(), i64::MAX, limit)?;
        Ok(records.iter().map(|record| FactView::new(record, &kinds)).collect())
    });
    Ok(found.await?)
}

fn print_units(found: &[UnitLine], context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(&json!({ "items": found }))?;
        return Ok(Exit::Ok);
    }
    let rows = found.iter().map(|unit| {
        let (reason, detail) = (unit.reason.clone().unwrap_or_default(), unit.detail.clone().unwrap_or_default());
        vec![unit.unit.to_string(), unit.state.to_string(), number(unit.attempts), reason, detail]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

fn print_artifacts(found: &[FactView], context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(&json!({ "items": found }))?;
        return Ok(Exit::Ok);
    }
    let rows = found.iter().map(|view| {
        let payload: String = view.payload.to_string().chars().take(PAYLOAD_CHARS).collect();
        vec![view.artifact_id.clone(), format!("{} v{}", view.kind, view.schema_version), payload]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}
