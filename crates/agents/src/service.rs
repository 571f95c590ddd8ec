//! What the room needs before it answers, and what it does beside answering.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use exhibit_store::{Store, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::alerts::Cause;
use crate::alerts::deliver::Deliverer;
use crate::alerts::evaluate::{Evaluation, evaluate};
use crate::alerts::evaluator::{Commits, Evaluator};
use crate::collect::discover::Folders;
use crate::collect::report::Report;
use crate::collect::runner::Runner;
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

/// Evaluates the rules of alerts after something was taken in where no [`Watch`] hears of it, as on the command line. Notices are sent by a
/// server, now or when it starts.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn evaluate_after(store: &Store) -> Result<Evaluation, StoreError> {
    let now = store.clock().now();
    store.write(move |tx| evaluate(tx, now, Cause::Ingest)).await
}

/// What a round of reading did: what it wrote is evaluated, what went wrong is logged.
fn report(told: Result<Report, StoreError>, commits: &Commits) {
    match told {
        Ok(report) => {
            if report.total().documents > 0 || report.closed > 0 {
                commits.ingested();
            }
            for problem in &report.problems {
                tracing::warn!(problem, "a session file could not be read");
            }
        }
        Err(error) => {
            tracing::error!(%error, "session files could not be taken in; they are read again in the next round")
        }
    }
}

/// Evaluates alerts, sends their notices, reads files and closes silent sessions until it is stopped.
pub struct Watch {
    commits: Commits,
    evaluator: Arc<Evaluator>,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
    stop_files: mpsc::Sender<()>,
    files: std::thread::JoinHandle<()>,
}

impl Watch {
    /// Begins. Files in these folders are read `every` so often. Needs a tokio runtime with time.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(store: &Store, folders: Folders, every: Duration) -> io::Result<Self> {
        let clock = Arc::clone(store.clock());
        let deliverer = Deliverer::new(store.clone(), Arc::clone(&clock));
        let evaluator = Arc::new(Evaluator::new(store.clone(), clock, deliverer.bell()));
        let commits = evaluator.commits();
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // Who holds the sender is gone, or says so.
            stopped.wait_for(|stopped| *stopped).await.ok();
        };
        let evaluating = tokio::spawn({
            let (evaluator, stopped) = (Arc::clone(&evaluator), until(stopped.clone()));
            async move { evaluator.run(stopped).await }
        });
        let delivering = tokio::spawn({
            let stopped = until(stopped);
            async move { deliverer.run(stopped).await }
        });
        let (stop_files, stopped) = mpsc::channel();
        let runner = Runner::new(store.clone(), folders);
        let heard = commits.clone();
        let files = std::thread::Builder::new()
            .name("agents-files".to_owned())
            .spawn(move || runner.run(every, &stopped, &mut |told| report(told, &heard)))?;
        Ok(Self { commits, evaluator, stop, tasks: [evaluating, delivering], stop_files, files })
    }

    /// Who hears that something was taken in.
    pub fn commits(&self) -> Commits {
        self.commits.clone()
    }

    /// Who evaluates alerts.
    pub fn evaluator(&self) -> Arc<Evaluator> {
        Arc::clone(&self.evaluator)
    }

    /// Stops, and waits until nothing is under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        drop(self.stop_files);
        let files = self.files;
        match tokio::task::spawn_blocking(move || files.join()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => tracing::error!("the reader of session files did not end in order"),
        }
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the agents room did not end in order");
            }
        }
    }
}
