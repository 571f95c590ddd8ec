//! What the room needs before it answers, and what it does beside answering.

use std::sync::Arc;

use exhibit_store::{Store, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::alerts::deliver::Deliverer;
use crate::alerts::evaluator::{Commits, Evaluator};
use crate::parity::ensure_counted;
use crate::price_lists::{PricesError, ensure_shipped};

/// Brings what the room rests on up to date: the list of prices that comes with the program, and the sums of a database that had none.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn prepare(store: &Store) -> Result<(), StoreError> {
    match ensure_shipped(store).await {
        Ok(_) => {}
        Err(PricesError::Store(error)) => return Err(error),
        // A test reads the list; so this is a mistake of ours.
        Err(PricesError::Refused(findings)) => {
            return Err(StoreError::Unexpected(format!("the prices of the program cannot be used: {findings}")));
        }
    }
    ensure_counted(store).await?;
    Ok(())
}

/// Evaluates alerts and sends their notices until it is stopped.
pub struct Watch {
    commits: Commits,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Watch {
    /// Begins. Needs a tokio runtime with time.
    pub fn start(store: &Store) -> Self {
        let clock = Arc::clone(store.clock());
        let deliverer = Deliverer::new(store.clone(), Arc::clone(&clock));
        let evaluator = Evaluator::new(store.clone(), clock, deliverer.bell());
        let commits = evaluator.commits();
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // Who holds the sender is gone, or says so.
            stopped.wait_for(|stopped| *stopped).await.ok();
        };
        let evaluating = tokio::spawn({
            let stopped = until(stopped.clone());
            async move { evaluator.run(stopped).await }
        });
        let delivering = tokio::spawn({
            let stopped = until(stopped);
            async move { deliverer.run(stopped).await }
        });
        Self { commits, stop, tasks: [evaluating, delivering] }
    }

    /// Who hears that something was taken in.
    pub fn commits(&self) -> Commits {
        self.commits.clone()
    }

    /// Stops, and waits until nothing is under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the agents room did not end in order");
            }
        }
    }
}
