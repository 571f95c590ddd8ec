//! The audit of what people ordered: an intent before anything is done, an outcome after it was read back.

use exhibit_model::time::Timestamp;
use thiserror::Error;

use super::words::printable;

/// Id of a line of the audit, given by whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub String);

/// What was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The end of a session.
    Kill,
    /// A new session.
    Spawn,
    /// Another model.
    Model,
}

impl Action {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Spawn => "spawn",
            Self::Model => "model",
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Its effect was read back.
    Confirmed,
    /// There was nothing left to do.
    AlreadyEnded,
    /// No effect was seen in time.
    Unconfirmed,
    /// It could not be given, or ended badly.
    Failed,
    /// We or the controller said no.
    Refused,
    /// The controller cannot do it.
    Unsupported,
    /// It was only tried on paper.
    DryRun,
}

impl Outcome {
    /// All of them.
    pub const EVERY: [Self; 7] = [
        Self::Confirmed,
        Self::AlreadyEnded,
        Self::Unconfirmed,
        Self::Failed,
        Self::Refused,
        Self::Unsupported,
        Self::DryRun,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::AlreadyEnded => "already_ended",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::DryRun => "dry_run",
        }
    }

    /// The outcome of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// Whether the caller is told that all is well.
    pub fn is_ok(self) -> bool {
        matches!(self, Self::Confirmed | Self::AlreadyEnded | Self::DryRun)
    }
}

/// Who ordered: made printable on the way in, so that no header of a request can forge a line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    actor: String,
    remote_addr: String,
    forwarded_for: Option<String>,
}

impl Caller {
    /// `actor` as authentication knows them, the address of the connection, and what the request claims of whom it was forwarded for.
    pub fn new(actor: &str, remote_addr: &str, forwarded_for: Option<&str>) -> Self {
        Self {
            actor: printable(actor),
            remote_addr: printable(remote_addr),
            forwarded_for: forwarded_for.map(printable).filter(|text| !text.is_empty()),
        }
    }
}

/// The first line of the audit of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// Who, by authentication.
    pub actor: String,
    /// From where.
    pub remote_addr: String,
    /// For whom, as the request claims.
    pub forwarded_for: Option<String>,
    /// What.
    pub action: Action,
    /// On what: `session=…`, `agent=…` or `default`, and for a model ` model=<provider>/<model>` after it. Printable.
    pub target: String,
    /// Through which controller.
    pub controller: &'static str,
    /// Whether it is only tried on paper.
    pub dry_run: bool,
}

impl Intent {
    /// An intent; `target` is made printable.
    pub fn new(at: Timestamp, caller: &Caller, action: Action, target: &str, controller: &'static str) -> Self {
        Self {
            at,
            actor: caller.actor.clone(),
            remote_addr: caller.remote_addr.clone(),
            forwarded_for: caller.forwarded_for.clone(),
            action,
            target: printable(target),
            controller,
            dry_run: false,
        }
    }
}

/// The second line of the audit of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// What was read back last: a state, a model, or `absent`; none when nothing could be read.
    pub final_state: Option<String>,
    /// Why, printable.
    pub detail: Option<String>,
}

/// The audit could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the audit could not be written: {reason}")]
pub struct AuditError {
    /// Why, for the log.
    pub reason: String,
}

/// Where the audit is kept. Appends only; what it returned stands even if the process ends the moment after.
pub trait Audit: Send + Sync {
    /// Keeps an intent. Nothing is done before it returned.
    ///
    /// # Errors
    /// When it could not be kept; then the order is not carried out.
    fn intent(&self, intent: &Intent) -> Result<AuditId, AuditError>;

    /// Keeps what became of it.
    ///
    /// # Errors
    /// When it could not be kept; then the intent stands alone, which says that the outcome is unknown.
    fn outcome(&self, id: &AuditId, verdict: &Verdict) -> Result<(), AuditError>;
}
