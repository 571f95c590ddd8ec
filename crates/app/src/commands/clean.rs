//! `exhibit promote` and `exhibit clean`: what becomes of the results of sandbox runs.

use std::sync::Arc;

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_model::ids::RunId;
use exhibit_store::progress::Steps;
use exhibit_store::retention::{self, CleanPlan, Cleaned, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::follow::follow_steps;
use crate::output::{bytes, number, table};
use crate::remote::{Order, Server, part, work};

/// Let the results of a sandbox run count.
#[derive(Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    name: RunName,
}

/// A run whose results count from now on.
#[derive(Serialize, Deserialize)]
struct Promoted {
    run: RunId,
    promoted: bool,
    /// The record that says so.
    seq: i64,
}

pub async fn promote(args: PromoteArgs, context: &Context) -> Result<Exit, CliError> {
    let promoted = match &context.server {
        Some(server) => server.post(&format!("/v1/runs/{}/promote", part(&args.name.run)), &json!({})).await?,
        None => {
            let app = context.open()?;
            let run = app.store.read(move |read| Ok(find_run(read, &args.name.run))).await??;
            Promoted { run: run.id, promoted: true, seq: retention::promote(&app.store, &run).await? }
        }
    };
    if context.out.json {
        context.out.document(&promoted)?;
    } else {
        let Promoted { run, seq, .. } = promoted;
        context.out.line(&format!("the results of {run} count from now on (record {seq} of the ledger)"))?;
    }
    Ok(Exit::Ok)
}

/// Show what has had its time, or let it go: results of expired sandbox runs, and blobs that nothing names any more.
#[derive(Args)]
pub struct CleanArgs {
    /// Do it; without, only say what would go
    #[arg(long)]
    apply: bool,
    /// Discard this sandbox run, whether or not its time has come
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

pub async fn clean(args: CleanArgs, context: &Context) -> Result<Exit, CliError> {
    if let Some(server) = &context.server {
        return clean_there(server, args, context).await;
    }
    let app = context.open()?;
    let run = match args.run {
        Some(name) => Some(app.store.read(move |read| Ok(find_run(read, &name))).await??),
        None => None,
    };
    let grace_us = app.config.blobs.grace_us();
    let plan = retention::plan(&app.store, run, grace_us).await?;
    if !args.apply {
        return show_plan(&plan, context);
    }
    let steps = Arc::new(Steps::default());
    let work = retention::clean(&app.store, plan, grace_us, &steps);
    show_cleaned(&follow_steps(context, "clean", &steps, work).await?, context)
}

async fn clean_there(server: &Server, args: CleanArgs, context: &Context) -> Result<Exit, CliError> {
    if !args.apply {
        let query: Vec<(&str, &str)> = args.run.iter().map(|run| ("run", run.as_str())).collect();
        return show_plan(&server.get("/v1/clean", &query).await?, context);
    }
    let order = Order { path: "/v1/clean", body: &json!({ "run": args.run }), title: "clean", bytes: false };
    show_cleaned(&work(server, order, context).await?.1, context)
}

fn show_plan(plan: &CleanPlan, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(plan)?;
        return Ok(Exit::Ok);
    }
    let rows = plan.runs.iter().map(|plan| {
        let what = format!("{} results, {}", number(plan.records as i64), bytes(plan.bytes as i64));
        vec![plan.run.to_string(), plan.pipeline.clone(), what]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    let Waiting { waiting, ready, ready_bytes } = plan.blobs;
    let blobs = format!(
        "{} blobs ({}) can go, {} wait",
        number(ready as i64),
        bytes(ready_bytes as i64),
        number(waiting as i64)
    );
    let next = if plan.runs.is_empty() && ready == 0 { "" } else { "; nothing was changed, --apply does it" };
    context.out.line(&format!("{} sandbox runs would go; {blobs}{next}", plan.runs.len()))?;
    Ok(Exit::Ok)
}

fn show_cleaned(done: &Cleaned, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(done)?;
        return Ok(Exit::Ok);
    }
    let collected = &done.blobs;
    let blobs = if collected.paused {
        "blobs wait, because a backup is being made; run the command again when it is done".to_owned()
    } else {
        format!("{} blobs ({}) were removed", number(collected.blobs as i64), bytes(collected.bytes as i64))
    };
    context.out.line(&format!(
        "{} results of {} sandbox runs went, with their tombstones; {blobs}",
        number(done.erased as i64),
        done.runs.len()
    ))?;
    Ok(Exit::Ok)
}
