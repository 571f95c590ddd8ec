//! Works off the runs that were handed to this host: one at a time, sandbox runs before production runs, also after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use exhibit_model::ids::RunId;
use exhibit_model::states::Policy;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::{GateError, StoreError};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::host::RunError;

/// How often the runs are looked at without anybody saying that there is a new one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a run is left alone that another host works on, or whose database failed.
const LEAVE_ALONE: Duration = Duration::from_secs(5);

/// How soon the wish to stop is seen.
const STOP_WITHIN: Duration = Duration::from_millis(100);

/// Runs that are looked at together.
const LOOKED_AT_MAX: i64 = 64;

/// Works off what was handed over. Clones are the same runner.
#[derive(Clone)]
pub struct Runner {
    engine: Engine,
    wake: Arc<Notify>,
}

impl Runner {
    /// A runner that does nothing until [`Self::work_until`].
    pub fn new(engine: Engine) -> Self {
        Self { engine, wake: Arc::new(Notify::new()) }
    }

    /// The engine, to make runs and to stop them.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Hands a run over: this host works on it until it ends, also when it was started again meanwhile.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn hand_over(&self, id: RunId) -> Result<(), StoreError> {
        let handed = self.engine.store().write(move |tx| {
            let Some(run) = runs::by_id(tx, id)? else { return Ok(()) };
            runs::set_served(tx, run.key, true, None)
        });
        handed.await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Works until `stop` is set. What is not done then waits in the database.
    pub async fn work_until(&self, stop: Arc<AtomicBool>) {
        let mut left_alone: BTreeMap<RunId, Instant> = BTreeMap::new();
        while !stop.load(Ordering::Relaxed) {
            left_alone.retain(|_, until| *until > Instant::now());
            let next = match self.next(&left_alone).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "the runs cannot be read");
                    None
                }
            };
            let Some(run) = next else {
                // The time runs out when nobody hands anything over; both ways lead to the next look.
                tokio::time::timeout(LOOK_EVERY, self.wake.notified()).await.ok();
                continue;
            };
            if let Err(error) = self.work(&run, &left_alone, &stop).await {
                left_alone.insert(run.id, Instant::now() + LEAVE_ALONE);
                self.give_up(&run, &error).await;
            }
        }
    }

    async fn next(&self, left_alone: &BTreeMap<RunId, Instant>) -> Result<Option<Run>, StoreError> {
        let waiting = self.engine.store().read(|read| runs::served(read, LOOKED_AT_MAX)).await?;
        Ok(waiting.into_iter().find(|run| !left_alone.contains_key(&run.id)))
    }

    /// Works on one run until it ends, the host is stopped, or a run that goes before it is handed over.
    async fn work(
        &self,
        run: &Run,
        left_alone: &BTreeMap<RunId, Instant>,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), RunError> {
        let give_way = Arc::new(AtomicBool::new(false));
        let mut work = std::pin::pin!(self.engine.work(run.id, Arc::clone(&give_way)));
        loop {
            let comes_first = tokio::select! {
                ended = &mut work => return ended.map(|_| ()),
                () = self.wake.notified() => self.goes_before(run, left_alone).await,
                () = tokio::time::sleep(STOP_WITHIN) => false,
            };
            if comes_first || stop.load(Ordering::Relaxed) {
                give_way.store(true, Ordering::Relaxed);
                return work.await.map(|_| ());
            }
        }
    }

    /// Whether a sandbox run waits while a production run is worked on.
    async fn goes_before(&self, run: &Run, left_alone: &BTreeMap<RunId, Instant>) -> bool {
        let sandbox = |run: &Run| run.policy == Policy::Sandbox.as_str();
        !sandbox(run) && matches!(self.next(left_alone).await, Ok(Some(next)) if sandbox(&next))
    }

    /// A run that cannot be worked on waits for a person, with the reason; one that another host works on, or whose database failed for now,
    /// is looked at again.
    async fn give_up(&self, run: &Run, error: &RunError) {
        tracing::warn!(run = %run.id, %error, "the run cannot be worked on");
        if matches!(error, RunError::Owned { .. } | RunError::Store(_) | RunError::Gate(GateError::Store(_))) {
            return;
        }
        let (key, reason) = (run.key, error.to_string());
        let kept = self.engine.store().write(move |tx| runs::set_served(tx, key, false, Some(&reason))).await;
        if let Err(error) = kept {
            tracing::warn!(run = %run.id, %error, "the reason cannot be kept");
        }
    }
}
