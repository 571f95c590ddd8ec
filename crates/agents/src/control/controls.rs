//! Status, logs and orders for async callers: what HTTP and the command line share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exhibit_model::time::IdSource;
use exhibit_store::{Store, StoreError};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::actions::{Actions, Answer};
use super::audit::{Action, Caller};
use super::audit_store::StoreAudit;
use super::controller::{ControlError, Controller, Deadline, Pace};
use super::logs::Logs;
use super::status::{Status, StatusBoard};
use super::words::{ModelRef, Word};
use crate::sql::control_audit;

/// Orders that are carried out at a time, each on a thread of its own; more wait. An operator gives one at a time, a script a few.
const ORDERS_MAX: usize = 16;
/// Questions that are asked at a time, each on a thread of its own; more wait. One asks the gateway and the others get its answer.
const LOOKS_MAX: usize = 8;
/// Time for the log of a controller that has to be asked for it.
const LOGS_TIME: Duration = Duration::from_secs(3);

/// What controls are made of.
pub struct ControlsOptions {
    /// Who runs agents.
    pub controller: Arc<dyn Controller>,
    /// The time, and how long to wait between two looks.
    pub pace: Arc<dyn Pace>,
    /// Where ids of the audit come from. They grow with time.
    pub ids: Arc<dyn IdSource>,
    /// The models that may be set, as `provider/model`.
    pub allowed_models: Vec<String>,
}

/// What agents do and acting on them. Clones are the same.
#[derive(Clone)]
pub struct Controls(Arc<Inner>);

struct Inner {
    controller: Arc<dyn Controller>,
    pace: Arc<dyn Pace>,
    actions: Actions,
    board: StatusBoard,
    orders: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    /// Why the controller could not be asked last; none while it answers.
    trouble: Mutex<Option<ControlError>>,
}

/// A question that could not be answered, because of a mistake of ours.
#[derive(Debug, Error)]
#[error("a look at the agents ended early: {reason}")]
pub struct Unanswered {
    reason: String,
}

impl Controls {
    /// Controls with their audit in `store`. The model for later sessions is the one that the audit saw confirmed last. Has to be called
    /// within a runtime.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open(options: ControlsOptions, store: &Store) -> Result<Self, StoreError> {
        let ControlsOptions { controller, pace, ids, allowed_models } = options;
        let audit = Arc::new(StoreAudit::new(store.clone(), ids, Handle::current()));
        let chosen = store.read(control_audit::default_model).await?;
        let actions = Actions::new(Arc::clone(&controller), audit, Arc::clone(&pace), allowed_models);
        let actions = match chosen.as_deref().and_then(model_named) {
            Some(model) => actions.with_default_model(model),
            None => actions,
        };
        Ok(Self(Arc::new(Inner {
            controller,
            pace,
            actions,
            board: StatusBoard::new(),
            orders: Arc::new(Semaphore::new(ORDERS_MAX)),
            looks: Arc::new(Semaphore::new(LOOKS_MAX)),
            trouble: Mutex::new(None),
        })))
    }

    /// What agents do now. Takes three seconds at most, once a place is free.
    ///
    /// # Errors
    /// When the look panicked, which is a mistake of ours; a gateway that is lost is part of the answer.
    pub async fn status(&self) -> Result<Status, Unanswered> {
        self.look(|inner| {
            let (status, trouble) = inner.board.read(inner.controller.as_ref(), inner.pace.as_ref());
            inner.note(trouble, &status);
            status
        })
        .await
    }

    /// The last lines of the log of the gateway; none when it cannot be read.
    ///
    /// # Errors
    /// When the look panicked, which is a mistake of ours.
    pub async fn logs(&self) -> Result<Logs, Unanswered> {
        self.look(|inner| Logs { logs: inner.controller.logs(Deadline::within(LOGS_TIME)) }).await
    }

    /// Carries an order out whose body is that of `/api/control/<action>`. It goes on to its end, and to its outcome in the audit, even if
    /// nobody waits for the answer any more.
    pub async fn order(&self, action: Action, caller: Caller, body: Vec<u8>) -> Answer {
        let inner = Arc::clone(&self.0);
        let permit = Arc::clone(&self.0.orders).acquire_owned().await;
        let carried_out = tokio::task::spawn_blocking(move || {
            // Held until the order is done, whoever waits.
            let _permit = permit;
            let answer = match action {
                Action::Kill => inner.actions.kill(&caller, &body),
                Action::Spawn => inner.actions.spawn(&caller, &body),
                Action::Model => inner.actions.model(&caller, &body),
            };
            if let Some(fault) = &answer.audit_fault {
                tracing::error!(%fault, action = action.as_str(), "an order could not be noted");
            }
            answer
        });
        carried_out.await.unwrap_or_else(|error| {
            tracing::error!(%error, action = action.as_str(), "an order ended early");
            Answer::error(500, "Internal error")
        })
    }

    async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Inner) -> T + Send + 'static) -> Result<T, Unanswered> {
        let inner = Arc::clone(&self.0);
        let permit = Arc::clone(&self.0.looks).acquire_owned().await;
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            look(&inner)
        });
        looked.await.map_err(|error| Unanswered { reason: error.to_string() })
    }
}

impl Inner {
    /// Logs that the gateway was lost or found, once for each time: pages ask every second.
    fn note(&self, trouble: Option<ControlError>, status: &Status) {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(now) => {
                if last.is_none() {
                    tracing::warn!(
                        controller = self.controller.name(),
                        reason = now.detail(),
                        "no answer about agents"
                    );
                }
                *last = Some(now);
            }
            // An answer out of the cache says nothing about the connection.
            None if !status.gateway.stale && last.take().is_some() => {
                tracing::info!(controller = self.controller.name(), "there are answers about agents again");
            }
            None => {}
        }
    }
}

fn model_named(text: &str) -> Option<ModelRef> {
    let (provider, model) = text.split_once('/')?;
    Some(ModelRef { provider: Word::parse(provider).ok()?, model: Word::parse(model).ok()? })
}
