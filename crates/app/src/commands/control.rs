//! `exhibit cancel`, `pause`, `resume` and `retry`.

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_engine::Which;
use exhibit_model::ids::RunId;
use exhibit_model::states::RunState;
use serde_json::json;

use super::run::{HostArgs, check_sources, engine, work};
use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::home::App;

/// Stop a run.
#[derive(Args)]
pub struct CancelArgs {
    #[command(flatten)]
    name: RunName,
}

/// Let a run wait.
#[derive(Args)]
pub struct PauseArgs {
    #[command(flatten)]
    name: RunName,
}

/// Go on with a run.
#[derive(Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    name: RunName,
    #[command(flatten)]
    host: HostArgs,
}

/// Do failed units again.
#[derive(Args)]
pub struct RetryArgs {
    #[command(flatten)]
    name: RunName,
    /// All failed units; what happens without --unit, too
    #[arg(long)]
    failed: bool,
    /// Only this unit, by its number in the run
    #[arg(long, conflicts_with = "failed")]
    unit: Option<u32>,
    /// Only failed units of this step
    #[arg(long, conflicts_with_all = ["failed", "unit"])]
    step: Option<String>,
    /// Only units that failed for this reason
    #[arg(long, conflicts_with_all = ["failed", "unit"])]
    reason: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

async fn find(app: &App, name: RunName) -> Result<RunId, CliError> {
    let run = app.store.read(move |read| Ok(find_run(read, &name.run))).await??;
    Ok(run.id)
}

pub async fn cancel(args: CancelArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let id = find(&app, args.name).await?;
    let state = app.engine_without_extractors()?.cancel(id).await?;
    if context.out.json {
        context.out.document(&json!({ "run": id, "state": state }))?;
    } else if state == RunState::Cancelled {
        context.out.line(&format!("{id} is cancelled; what was written stays"))?;
    } else {
        context.out.line(&format!("{id} is stopping; what was written stays"))?;
    }
    context.out.note(&format!("next: exhibit resume {id}"));
    Ok(Exit::Ok)
}

pub async fn pause(args: PauseArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let id = find(&app, args.name).await?;
    let state = app.engine_without_extractors()?.pause(id).await?;
    if context.out.json {
        context.out.document(&json!({ "run": id, "state": state }))?;
    } else {
        context.out.line(&format!("{id} is {state}; nothing of it is given up"))?;
    }
    context.out.note(&format!("next: exhibit resume {id}"));
    Ok(Exit::Ok)
}

pub async fn resume(args: ResumeArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let id = find(&app, args.name).await?;
    check_sources(&app).await?;
    let engine = engine(&app, &args.host, context).await?;
    engine.resume(id).await?;
    work(&app, &engine, id, context).await
}

pub async fn retry(args: RetryArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let id = find(&app, args.name).await?;
    check_sources(&app).await?;
    let engine = engine(&app, &args.host, context).await?;
    let which = match (args.unit, args.step, args.reason) {
        (Some(unit), _, _) => Which::Unit(unit),
        (None, None, None) => Which::All,
        (None, step, reason) => Which::Some { step, reason },
    };
    engine.retry(id, which).await?;
    work(&app, &engine, id, context).await
}
