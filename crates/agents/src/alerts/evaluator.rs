//! When rules are evaluated: right after something was taken in, and every minute, because time alone ends windows, cooldowns and silences.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use exhibit_model::time::{Clock, Timestamp};
use exhibit_store::{Store, StoreError};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use super::deliver::Bell;
use super::evaluate::{Evaluation, dry_run, evaluate};
use super::words::Cause;

/// How often rules are evaluated when nothing is taken in.
pub const EVERY: Duration = Duration::from_secs(60);

/// The least time between the beginnings of two evaluations. Commits in between share the next one, so the last of them is evaluated within
/// this and the time of one evaluation: ten rules over seven days of a hundred thousand sessions take some hundredths of a second, which
/// keeps the promise of a second and leaves the writer to others for most of its time.
const REST: Duration = Duration::from_millis(500);

/// Tells the evaluator that something was taken in. Clones tell the same one.
#[derive(Debug, Clone, Default)]
pub struct Commits(Arc<Notify>);

impl Commits {
    /// Something was committed that changed sessions. It returns at once; many of them before the next evaluation are one.
    pub fn ingested(&self) {
        self.0.notify_one();
    }
}

/// Evaluates the rules of a store, one evaluation at a time.
pub struct Evaluator {
    store: Store,
    clock: Arc<dyn Clock>,
    commits: Commits,
    bell: Bell,
    /// Held while an evaluation runs: those that wait do so here and not in the queue of the writer.
    turn: Mutex<()>,
}

impl Evaluator {
    /// An evaluator of a store that rings `bell` when something is to be sent. The clock says when now is.
    pub fn new(store: Store, clock: Arc<dyn Clock>, bell: Bell) -> Self {
        Self { store, clock, commits: Commits::default(), bell, turn: Mutex::new(()) }
    }

    /// Whom to tell of commits.
    pub fn commits(&self) -> Commits {
        self.commits.clone()
    }

    /// Evaluates all rules now, or at a moment that is past, and writes what follows. Nothing is written about the future: it would stand in
    /// the way of what really happens until then. [`Evaluator::dry_run`] takes any moment.
    ///
    /// # Errors
    /// When the moment is to come or beyond the calendar, or when the database cannot be read or written.
    pub async fn evaluate(&self, at: Option<Timestamp>, cause: Cause) -> Result<Evaluation, StoreError> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let at = at.unwrap_or(now);
        if at > now {
            return Err(StoreError::Refused(format!("{at} is to come: only a dry run evaluates the future")));
        }
        let evaluation = self.store.write(move |tx| evaluate(tx, at, cause)).await?;
        if evaluation.deliveries > 0 {
            self.bell.ring();
        }
        Ok(evaluation)
    }

    /// What an evaluation now, or at another moment, would come to. Nothing is written.
    ///
    /// # Errors
    /// When the database cannot be read, or when the moment is beyond the calendar.
    pub async fn dry_run(&self, at: Option<Timestamp>) -> Result<Evaluation, StoreError> {
        let at = at.unwrap_or_else(|| self.clock.now());
        self.store.read(move |read| dry_run(read, at, Cause::Manual)).await
    }

    /// Works until `stop` is there: evaluates once at the start, then after commits and every minute.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut cause = Cause::Timer;
        loop {
            let began = Instant::now();
            self.evaluate_and_tell(cause).await;
            // A stop does not wait for the rest, and a commit does.
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep_until(began + REST) => {}
            }
            cause = tokio::select! {
                () = &mut stop => return,
                () = self.commits.0.notified() => Cause::Ingest,
                () = tokio::time::sleep_until(began + EVERY) => Cause::Timer,
            };
        }
    }

    async fn evaluate_and_tell(&self, cause: Cause) {
        match self.evaluate(None, cause).await {
            Ok(evaluation) => {
                for rule_id in &evaluation.cut {
                    tracing::warn!(rule.id = %rule_id, "a rule has more instances than are looked at; let it name somebody");
                }
            }
            Err(error) => tracing::error!(%error, "alert rules cannot be evaluated; it is tried again"),
        }
    }
}
