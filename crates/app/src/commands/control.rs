//! `exhibit cancel`, `pause`, `resume` and `retry`.

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_engine::Which;
use exhibit_model::ids::RunId;
use exhibit_model::states::RunState;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::run::{HostArgs, check_sources, engine, work, work_there};
use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::remote::part;

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

/// Where a run stands after an order.
#[derive(Serialize, Deserialize)]
struct Ordered {
    run: RunId,
    state: RunState,
}

impl Ordered {
    /// A host that works on the run sees the order in a moment; until then the run is said to run.
    fn stopping(self, stops: RunState) -> Self {
        let state = if self.state == RunState::Running { stops } else { self.state };
        Self { state, ..self }
    }
}

async fn find(app: &App, name: RunName) -> Result<RunId, CliError> {
    let run = app.store.read(move |read| Ok(find_run(read, &name.run))).await??;
    Ok(run.id)
}

/// Where a server is told what to do with a run.
fn path_of(name: &RunName, verb: &str) -> String {
    format!("/v1/runs/{}/{verb}", part(&name.run))
}

pub async fn cancel(args: CancelArgs, context: &Context) -> Result<Exit, CliError> {
    let now = match &context.server {
        Some(server) => {
            let now: Ordered = server.post(&path_of(&args.name, "cancel"), &json!({})).await?;
            now.stopping(RunState::Cancelling)
        }
        None => {
            let app = context.open()?;
            let run = find(&app, args.name).await?;
            Ordered { run, state: app.engine_without_extractors()?.cancel(run).await? }
        }
    };
    let Ordered { run: id, state } = now;
    if context.out.json {
        context.out.document(&now)?;
    } else if state == RunState::Cancelled {
        context.out.line(&format!("{id} is cancelled; what was written stays"))?;
    } else {
        context.out.line(&format!("{id} is stopping; what was written stays"))?;
    }
    context.out.note(&format!("next: exhibit resume {id}"));
    Ok(Exit::Ok)
}

pub async fn pause(args: PauseArgs, context: &Context) -> Result<Exit, CliError> {
    let now = match &context.server {
        Some(server) => {
            let now: Ordered = server.post(&path_of(&args.name, "pause"), &json!({})).await?;
            now.stopping(RunState::Pausing)
        }
        None => {
            let app = context.open()?;
            let run = find(&app, args.name).await?;
            Ordered { run, state: app.engine_without_extractors()?.pause(run).await? }
        }
    };
    let Ordered { run: id, state } = now;
    if context.out.json {
        context.out.document(&now)?;
    } else {
        context.out.line(&format!("{id} is {state}; nothing of it is given up"))?;
    }
    context.out.note(&format!("next: exhibit resume {id}"));
    Ok(Exit::Ok)
}

pub async fn resume(args: ResumeArgs, context: &Context) -> Result<Exit, CliError> {
    if let Some(server) = &context.server {
        args.host.refuse()?;
        let now = server.post(&path_of(&args.name, "resume"), &json!({})).await?;
        return work_there(server, now, context).await;
    }
    let app = context.open()?;
    let id = find(&app, args.name).await?;
    check_sources(&app).await?;
    let engine = engine(&app, &args.host, context).await?;
    engine.resume(id).await?;
    work(&app, &engine, id, context).await
}

pub async fn retry(args: RetryArgs, context: &Context) -> Result<Exit, CliError> {
    if let Some(server) = &context.server {
        args.host.refuse()?;
        let which = json!({ "unit": args.unit, "step": args.step, "reason": args.reason });
        let now = server.post(&path_of(&args.name, "retry"), &which).await?;
        return work_there(server, now, context).await;
    }
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
