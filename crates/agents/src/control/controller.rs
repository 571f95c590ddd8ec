//! The verbs of whoever runs agents. Each adapter is one implementation; all calls block until their deadline at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::time::{Clock, Timestamp};
use thiserror::Error;

use super::logs::LogLine;
use super::rows::{AgentRow, SessionRow};
use super::words::{AgentId, ModelRef, SessionId, printable};

/// When a call has to be back, on the monotonic clock of this process. It bounds waiting for others and decides nothing else, so that
/// replays do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now. More than an hour counts as an hour: no call here is worth more, and `Instant` cannot overflow.
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time.min(Duration::from_secs(3600)))
    }

    /// How much time is left; zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of this one and `time` from now.
    pub fn at_most(self, time: Duration) -> Self {
        self.min(Self::within(time))
    }
}

/// The clock and the patience of an action: what it waits with between two looks. Tests drive it by hand.
pub trait Pace: Clock {
    /// Lets `millis` milliseconds pass.
    fn wait(&self, millis: u64);
}

/// Real time: a clock of the program, and a thread that sleeps.
pub struct ThreadPace(Arc<dyn Clock>);

impl ThreadPace {
    /// Waits in real time and tells it by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl Clock for ThreadPace {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Pace for ThreadPace {
    fn wait(&self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }
}

/// Why a verb was not done. The texts are for operators and hold nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// It could not be reached, so nothing was done.
    #[error("gateway unavailable")]
    Unavailable {
        /// Why, for the log.
        reason: String,
    },
    /// It is there and does not let us in, so nothing was done.
    #[error("the gateway does not let us in: {reason}")]
    NotLetIn {
        /// In its words, made printable.
        reason: String,
    },
    /// The connection or the time ended after the order was given: it may have been carried out.
    #[error("no answer from the gateway")]
    NoAnswer {
        /// Why, for the log.
        reason: String,
    },
    /// The other side said no, and did nothing.
    #[error("{reason}")]
    Refused {
        /// In its words, made printable.
        reason: String,
    },
    /// This controller cannot do it.
    #[error("not supported by this controller")]
    Unsupported,
    /// There is no such session, or no session of such an agent.
    #[error("session not found")]
    NotFound,
    /// The other side does not speak the protocol.
    #[error("the gateway broke its protocol")]
    Protocol {
        /// How, for the log.
        reason: String,
    },
}

impl ControlError {
    /// Refused, in words of somebody else.
    pub fn refused(reason: &str) -> Self {
        Self::Refused { reason: printable(reason) }
    }

    /// Whether the order may have been carried out all the same.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Protocol { .. })
    }

    /// The whole reason, for the audit and the log: printable, in one line.
    pub fn detail(&self) -> String {
        match self {
            Self::Unavailable { reason } | Self::NoAnswer { reason } | Self::Protocol { reason } => {
                printable(&format!("{self}: {reason}"))
            }
            other => other.to_string(),
        }
    }
}

/// How the other side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// It can be reached and lets us in.
    pub connected: bool,
    /// It calls itself well.
    pub healthy: bool,
}

/// An order to start a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpawnOrder {
    /// Which agent.
    pub agent_id: AgentId,
    /// What it is to do.
    pub prompt: String,
    /// With which model; the agent's own without one.
    pub model: Option<ModelRef>,
    /// The same for a repetition of the same order.
    pub idempotency_key: String,
}

/// A session that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spawned {
    /// Its id, where the controller learns one.
    pub session_id: Option<SessionId>,
    /// What the controller said, printable.
    pub output: String,
}

/// Whose model is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelTarget {
    /// That of one session.
    Session(SessionId),
    /// That of the main session of an agent.
    Agent(AgentId),
}

/// Somebody who runs agents.
///
/// Verbs that act say only that the order was taken; whether it had an effect is told by [`Controller::describe`] alone.
pub trait Controller: Send + Sync {
    /// Its name in status and audit, such as `openclaw`.
    fn name(&self) -> &'static str;

    /// How it is.
    ///
    /// # Errors
    /// `Unavailable` and the like; a controller that answers badly is not healthy instead.
    fn health(&self, deadline: Deadline) -> Result<Health, ControlError>;

    /// Its agents.
    ///
    /// # Errors
    /// Any [`ControlError`].
    fn agents(&self, deadline: Deadline) -> Result<Vec<AgentRow>, ControlError>;

    /// Its sessions, newest first where it knows an order.
    ///
    /// # Errors
    /// Any [`ControlError`].
    fn sessions(&self, deadline: Deadline) -> Result<Vec<SessionRow>, ControlError>;

    /// One session as it is now; `None` when there is none of that id.
    ///
    /// # Errors
    /// Any [`ControlError`].
    fn describe(&self, session: &SessionId, deadline: Deadline) -> Result<Option<SessionRow>, ControlError>;

    /// Orders the end of a session that [`Self::describe`] just gave. Returns what the controller said, printable.
    ///
    /// # Errors
    /// Any [`ControlError`]; see [`ControlError::is_open`].
    fn kill(&self, session: &SessionRow, deadline: Deadline) -> Result<String, ControlError>;

    /// Orders a new session.
    ///
    /// # Errors
    /// Any [`ControlError`]; see [`ControlError::is_open`].
    fn spawn(&self, order: &SpawnOrder, deadline: Deadline) -> Result<Spawned, ControlError>;

    /// Orders a model; returns the session on which it can be read back.
    ///
    /// # Errors
    /// Any [`ControlError`]; see [`ControlError::is_open`].
    fn set_model(&self, target: &ModelTarget, model: &ModelRef, deadline: Deadline) -> Result<SessionId, ControlError>;

    /// The last lines of its log, oldest first; empty when there is none that can be read.
    fn logs(&self, deadline: Deadline) -> Vec<LogLine>;
}
