//! `exhibit promote` and `exhibit clean`: what becomes of the results of sandbox runs.

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_store::retention::{self, Collected, Reason, RunPlan};
use exhibit_store::sql::runs::{self, Run};
use serde_json::json;

use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::output::{bytes, number, table};

/// Let the results of a sandbox run count.
#[derive(Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    name: RunName,
}

pub async fn promote(args: PromoteArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let run = app.store.read(move |read| Ok(find_run(read, &args.name.run))).await??;
    let seq = retention::promote(&app.store, &run).await?;
    if context.out.json {
        context.out.document(&json!({ "run": run.id, "promoted": true, "seq": seq }))?;
    } else {
        context.out.line(&format!("the results of {} count from now on (record {seq} of the ledger)", run.id))?;
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
    let app = context.open()?;
    let (plans, reason) = match args.run {
        Some(name) => {
            let plan = app.store.read(move |read| {
                Ok(find_run(read, &name).map(|run| retention::plan_of(read, &run).map(|plan| (run, plan))))
            });
            let (run, plan) = plan.await???;
            if run.shown {
                return Err(CliError::failed(format!("the results of {} count; they never go", run.id)));
            }
            (vec![plan], Reason::Discarded)
        }
        None => (retention::due(&app.store, app.store.clock().now().0).await?, Reason::Expired),
    };
    let grace_us = i64::from(app.config.blobs.grace_s) * 1_000_000;
    if !args.apply {
        return show_plan(&app, &plans, grace_us, context).await;
    }
    let mut erased = 0;
    for plan in &plans {
        erased += erase(&app, plan, reason, context).await?;
    }
    let bar = context.out.bar(None, false);
    bar.set_prefix("blobs");
    let collected = retention::collect(&app.store, grace_us, &mut |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    report(&plans, erased, collected, context)?;
    Ok(Exit::Ok)
}

async fn show_plan(app: &App, plans: &[RunPlan], grace_us: i64, context: &Context) -> Result<Exit, CliError> {
    let (waiting, ready, size) = retention::waiting(&app.store, grace_us).await?;
    if context.out.json {
        let blobs = json!({ "waiting": waiting, "ready": ready, "ready_bytes": size });
        context.out.document(&json!({ "applied": false, "runs": plans, "blobs": blobs }))?;
        return Ok(Exit::Ok);
    }
    let rows = plans.iter().map(|plan| {
        let what = format!("{} results, {}", number(plan.records as i64), bytes(plan.bytes as i64));
        vec![plan.run.to_string(), plan.pipeline.clone(), what]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    let blobs =
        format!("{} blobs ({}) can go, {} wait", number(ready as i64), bytes(size as i64), number(waiting as i64));
    let next = if plans.is_empty() && ready == 0 { "" } else { "; nothing was changed, --apply does it" };
    context.out.line(&format!("{} sandbox runs would go; {blobs}{next}", plans.len()))?;
    Ok(Exit::Ok)
}

async fn erase(app: &App, plan: &RunPlan, reason: Reason, context: &Context) -> Result<u64, CliError> {
    let id = plan.run;
    let run: Option<Run> = app.store.read(move |read| runs::by_id(read, id)).await?;
    let run = run.ok_or_else(|| CliError::failed(format!("run {id} is gone")))?;
    let bar = context.out.bar(Some(plan.records), false);
    bar.set_prefix(id.to_string());
    let erased = retention::erase(&app.store, &run, reason, &mut |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    Ok(erased)
}

fn report(plans: &[RunPlan], erased: u64, collected: Collected, context: &Context) -> Result<(), CliError> {
    if context.out.json {
        let document = json!({ "applied": true, "runs": plans, "erased": erased, "blobs": collected });
        return context.out.document(&document);
    }
    let blobs = if collected.paused {
        "blobs wait, because a backup is being made; run the command again when it is done".to_owned()
    } else {
        format!("{} blobs ({}) were removed", number(collected.blobs as i64), bytes(collected.bytes as i64))
    };
    context.out.line(&format!(
        "{} results of {} sandbox runs went, with their tombstones; {blobs}",
        number(erased as i64),
        plans.len()
    ))
}
