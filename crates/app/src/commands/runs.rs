//! `exhibit runs`.

use clap::Args;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::runs as sql;
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

pub async fn runs(args: RunsArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let found = app
        .store
        .read(move |read| {
            let runs = sql::newest(read, i64::MAX, args.limit)?;
            runs.into_iter().map(|run| Ok((sql::coverage(read, run.key)?, run))).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let counted = found.iter().map(|(coverage, run)| {
        let total: i64 = coverage.iter().map(|(_, _, count)| count).sum();
        let ended: i64 = coverage.iter().filter(|(_, state, _)| state.is_ended()).map(|(_, _, count)| count).sum();
        (run, ended, total)
    });
    if context.out.json {
        let items: Vec<_> = counted
            .map(|(run, ended, total)| {
                json!({
                    "run": run.id, "pipeline": run.pipeline, "pipeline_version": run.pipeline_version, "policy": run.policy,
                    "counts": run.shown, "collection": run.collection,
                    "state": run.state, "created": Timestamp(run.created_us), "ended_units": ended, "units": total,
                })
            })
            .collect();
        context.out.document(&json!({ "items": items }))?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = counted
        .map(|(run, ended, total)| {
            let part = format!("{} of {} units", number(ended), number(total));
            vec![
                run.id.to_string(),
                run.pipeline.clone(),
                run.state.to_string(),
                if run.shown { String::new() } else { "sandbox".to_owned() },
                part,
                Timestamp(run.created_us).to_string(),
            ]
        })
        .collect();
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if rows.is_empty() {
        context.out.note("no runs yet; `exhibit run noop` is the smallest");
    }
    Ok(Exit::Ok)
}
