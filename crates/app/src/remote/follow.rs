//! A run that a server works off, watched from afar.

use std::time::Duration;

use exhibit_engine::status::RunStatus;
use exhibit_model::states::RunState;
use tokio::signal::unix::{SignalKind, signal};

use super::{Server, Trouble, part};
use crate::cli::Context;
use crate::commands::watch::Standing;
use crate::error::CliError;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often in a row there may be no answer: a server that is started anew is back by then.
const MISSED_MAX: u32 = 40;

/// Follows a run until it ends, or until it is clear that nobody works on it.
pub async fn follow(server: &Server, run: &str, context: &Context) -> Result<RunStatus, CliError> {
    let now = server.get(&path_of(run), &[]).await?;
    look_until(server, now, context, |now| now.state.is_ended()).await
}

/// Follows a run that this command started, also until it waits for a person. Ctrl-C ends the looking and not the run.
pub async fn follow_as_owner(server: &Server, now: RunStatus, context: &Context) -> Result<RunStatus, CliError> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let run = now.run.to_string();
    context.out.note(&format!("run {run}"));
    let looking = look_until(server, now, context, |now| now.state.is_ended() || now.state == RunState::Paused);
    tokio::select! {
        ended = looking => ended,
        _ = interrupts.recv() => {
            let address = server.address();
            eprintln!(
                "exhibit: the run goes on at the server; `exhibit --server {address} cancel {run}` stops it, `watch` follows it again"
            );
            Ok(server.get(&path_of(&run), &[]).await?)
        }
    }
}

fn path_of(run: &str) -> String {
    format!("/v1/runs/{}", part(run))
}

async fn look_until(
    server: &Server,
    mut now: RunStatus,
    context: &Context,
    wanted: impl Fn(&RunStatus) -> bool,
) -> Result<RunStatus, CliError> {
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix("run");
    let path = path_of(&now.run.to_string());
    let mut missed = 0;
    loop {
        Standing::of(&now).show(&bar);
        if wanted(&now) || (now.state == RunState::Queued && !now.served) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
        match server.get(&path, &[]).await {
            Ok(found) => (now, missed) = (found, 0),
            Err(Trouble::Passing(_)) if missed < MISSED_MAX => missed += 1,
            Err(trouble) => {
                let CliError { exit, message, reason } = trouble.into();
                let message =
                    format!("{message}; the run {} does not depend on this command, `watch` follows it again", now.run);
                return Err(CliError { exit, message, reason });
            }
        }
    }
    bar.finish_and_clear();
    if now.state == RunState::Queued {
        let why = now.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        context.out.note(&format!("no process works on this run{why}"));
    }
    Ok(now)
}
