//! `exhibit watch`, and what every command says about a run.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_engine::status::RunStatus;
use exhibit_model::ids::RunId;
use exhibit_model::states::{RunState, UnitState};
use exhibit_store::sql::runs;
use exhibit_store::{Store, StoreError};
use indicatif::ProgressBar;

use crate::cli::{Context, RunName};
use crate::error::{CliError, Exit};
use crate::output::{number, table};
use crate::remote;

/// How often a run that is watched is read again.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Follow a run until it ends.
#[derive(Args)]
pub struct WatchArgs {
    #[command(flatten)]
    name: RunName,
}

/// Reads what there is to say about a run.
pub async fn status(store: &Store, id: RunId) -> Result<RunStatus, CliError> {
    let read = store.read(move |read| {
        let run = runs::by_id(read, id)?.ok_or_else(|| StoreError::Refused(format!("there is no run {id}")))?;
        exhibit_engine::status::status(read, &run)
    });
    Ok(read.await?)
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
    for reason in status.reasons.iter().flatten() {
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

/// How far a run is.
pub struct Standing {
    state: RunState,
    ended: u64,
    total: u64,
    failed: i64,
}

impl Standing {
    /// Counted from what is said of the run.
    pub fn of(status: &RunStatus) -> Self {
        let counts = status.units.iter().filter_map(|(state, count)| Some((state.parse::<UnitState>().ok()?, *count)));
        Self::new(status.state, counts)
    }

    fn new(state: RunState, counts: impl Iterator<Item = (UnitState, i64)>) -> Self {
        let (mut ended, mut total, mut failed) = (0, 0, 0);
        for (of, count) in counts {
            total += count;
            ended += if of.is_ended() { count } else { 0 };
            failed += if of == UnitState::Failed { count } else { 0 };
        }
        Self { state, ended: ended.unsigned_abs(), total: total.unsigned_abs(), failed }
    }

    /// Moves the bar there.
    pub fn show(&self, bar: &ProgressBar) {
        if bar.length() == Some(0) {
            // What was there at the first look is not the rate of this host.
            bar.set_position(self.ended);
            bar.reset_eta();
        }
        bar.set_length(self.total);
        bar.set_position(self.ended);
        bar.set_message(if self.failed > 0 { format!("· {} failed", number(self.failed)) } else { String::new() });
    }
}

async fn move_bar(bar: &ProgressBar, store: &Store, id: RunId) -> Result<RunState, CliError> {
    let read = store.read(move |read| {
        let run = runs::by_id(read, id)?.ok_or_else(|| StoreError::Refused(format!("there is no run {id}")))?;
        Ok((runs::coverage(read, run.key)?, run))
    });
    let (coverage, run) = read.await?;
    let standing = Standing::new(run.state, coverage.into_iter().map(|(_, state, count)| (state, count)));
    standing.show(bar);
    Ok(standing.state)
}

pub async fn watch(args: WatchArgs, context: &Context) -> Result<Exit, CliError> {
    let now = match &context.server {
        Some(server) => remote::follow(server, &args.name.run, context).await?,
        None => watch_home(args, context).await?,
    };
    if context.out.json {
        context.out.document(&now)?;
    } else {
        print_status(&now, context)?;
    }
    Ok(super::run::exit_of(&now))
}

async fn watch_home(args: WatchArgs, context: &Context) -> Result<RunStatus, CliError> {
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
    status(&app.store, run.id).await
}
