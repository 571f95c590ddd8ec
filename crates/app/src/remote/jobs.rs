//! Long work that a server does for a command: begun, followed to its end, and stopped with Ctrl-C.

use std::time::Duration;

use exhibit_http::JobState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::trouble::{Problem, told};
use super::{Server, Trouble, part};
use crate::cli::Context;
use crate::error::CliError;
use crate::output::Output;

/// How often it is looked at: most of what people ask for is done in less than a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often in a row there may be no answer.
const MISSED_MAX: u32 = 50;

/// A job, as far as it is looked at.
#[derive(Deserialize)]
struct JobNow {
    job: String,
    state: JobState,
    done: u64,
    total: Option<u64>,
    result: Option<Value>,
    problem: Option<Problem>,
}

/// What is to be done, and how its progress is shown.
pub struct Order<'a, B> {
    /// The route that begins it.
    pub path: &'a str,
    /// What it is told.
    pub body: &'a B,
    /// What stands before the bar.
    pub title: &'static str,
    /// Whether its steps are bytes.
    pub bytes: bool,
}

/// Has the server do long work and follows it. Returns the id of the job, and what came of it.
pub async fn work<T: DeserializeOwned>(
    server: &Server,
    order: Order<'_, impl Serialize>,
    context: &Context,
) -> Result<(String, T), CliError> {
    // Heard from now on: what is begun after this is also stopped.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let begun: JobNow = server.post(order.path, order.body).await?;
    let bar = context.out.bar(if order.bytes { None } else { Some(0) }, order.bytes);
    bar.set_prefix(order.title);
    let path = format!("/v1/jobs/{}", part(&begun.job));
    let (mut now, mut missed) = (begun, 0);
    while now.state == JobState::Running {
        match now.total {
            Some(total) if order.bytes => Output::set_total_bytes(&bar, total),
            Some(total) => bar.set_length(total),
            None => {}
        }
        bar.set_position(now.done);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = interrupts.recv() => drop(server.post::<JobNow>(&format!("{path}/cancel"), &json!({})).await?),
        }
        match server.get(&path, &[]).await {
            Ok(found) => (now, missed) = (found, 0),
            Err(Trouble::Passing(_)) if missed < MISSED_MAX => missed += 1,
            Err(trouble) => return Err(trouble.into()),
        }
    }
    bar.finish_and_clear();
    let JobNow { job, state, result, problem, .. } = now;
    match (state, result, problem) {
        (JobState::Done, Some(result), _) => match serde_json::from_value(result) {
            Ok(result) => Ok((job, result)),
            Err(error) => Err(server.not_understood(&error.to_string()).await.into()),
        },
        (JobState::Cancelled, ..) => Err(CliError::failed("stopped; nothing is lost, the same command begins again")),
        (_, _, Some(problem)) => Err(told(problem)),
        _ => Err(server.not_understood("a job ended without saying how").await.into()),
    }
}
