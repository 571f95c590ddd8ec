//! `exhibit runs`.

use clap::Args;
use exhibit_engine::status::{RunStatus, summary};
use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{RunState, UnitState};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::runs as sql;
use serde::Serialize;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{number, table};

/// List runs, newest first.
#[derive(Args)]
pub struct RunsArgs {
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// A run in the list.
#[derive(Serialize)]
struct RunLine {
    run: RunId,
    pipeline: String,
    pipeline_version: String,
    policy: String,
    counts: bool,
    collection: CollectionId,
    state: RunState,
    created: Timestamp,
    ended_units: i64,
    units: i64,
}

impl RunLine {
    fn new(status: RunStatus) -> Self {
        let is_ended = |state: &str| state.parse::<UnitState>().is_ok_and(UnitState::is_ended);
        Self {
            run: status.run,
            pipeline: status.pipeline,
            pipeline_version: status.pipeline_version,
            policy: status.policy,
            counts: status.counts,
            collection: status.collection,
            state: status.state,
            created: status.created,
            ended_units: status.units.iter().filter(|(state, _)| is_ended(state)).map(|(_, count)| count).sum(),
            units: status.scope,
        }
    }
}

pub async fn runs(args: RunsArgs, context: &Context) -> Result<Exit, CliError> {
    let found = match &context.server {
        Some(server) => server.list("/v1/runs", &[], usize::try_from(args.limit).unwrap_or(0)).await?.0,
        None => {
            let app = context.open()?;
            let newest = app.store.read(move |read| {
                let runs = sql::newest(read, i64::MAX, args.limit)?;
                runs.iter().map(|run| summary(read, run)).collect::<Result<Vec<_>, _>>()
            });
            newest.await?
        }
    };
    let items: Vec<RunLine> = found.into_iter().map(RunLine::new).collect();
    if context.out.json {
        context.out.document(&json!({ "items": items }))?;
        return Ok(Exit::Ok);
    }
    let row = |line: &RunLine| {
        vec![
            line.run.to_string(),
            line.pipeline.clone(),
            line.state.to_string(),
            if line.counts { String::new() } else { "sandbox".to_owned() },
            format!("{} of {} units", number(line.ended_units), number(line.units)),
            line.created.to_string(),
        ]
    };
    for line in table(&items.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    if items.is_empty() {
        context.out.note("no runs yet; `exhibit run noop` is the smallest");
    }
    Ok(Exit::Ok)
}
