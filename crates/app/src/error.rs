//! Errors as a person meets them: one message, what to do next, and the exit code.

use exhibit_agents::import::ImportError;
use exhibit_archive::catalog::LookupError;
use exhibit_archive::export::{ExportError, SelectError};
use exhibit_archive::fingerprint::FingerprintError;
use exhibit_archive::relocate::RelocateError;
use exhibit_archive::replay::ReplayError;
use exhibit_archive::sample::SampleError;
use exhibit_archive::scan::ScanError;
use exhibit_archive::target::TargetError;
use exhibit_engine::RunError;
use exhibit_engine::pipeline::PipelineError;
use exhibit_engine::plugin::PluginError;
use exhibit_engine::redteam::RedteamError;
use exhibit_server::Reason;
use exhibit_store::backup::BackupError;
use exhibit_store::collections::CollectionError;
use exhibit_store::delivery::DeliveryError;
use exhibit_store::filter::{BindError, FilterError};
use exhibit_store::ledger::checkpoint::CheckpointError;
use exhibit_store::{GateError, StoreError};

/// Exit codes, as the README documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Ok = 0,
    /// It could not be done.
    Failed = 1,
    /// It was asked for in a wrong way.
    Usage = 2,
    /// It was done in part; what was done is kept.
    Partial = 3,
}

/// An error at the edge.
#[derive(Debug)]
pub struct CliError {
    /// How the process ends.
    pub exit: Exit,
    /// One clear message, with the next step.
    pub message: String,
    /// What `/readyz` says when this keeps a server from opening.
    pub reason: Option<Reason>,
}

impl CliError {
    /// It could not be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), reason: None }
    }

    /// It was asked for in a wrong way.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), reason: None }
    }
}

/// The message of an error with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let message = next.to_string();
        // Some messages hold their cause already.
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = next.source();
    }
    text
}

impl CliError {
    /// The same, with what `/readyz` says of it.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let reason = match &error {
            StoreError::Unreachable { .. } | StoreError::ReadOnly { .. } => Reason::DbPathInvalid,
            StoreError::Foreign { .. } => Reason::DbForeign,
            StoreError::FromTheFuture { .. } => Reason::DbNewer,
            StoreError::MigrationChanged { .. } => Reason::ChecksumMismatch,
            StoreError::Busy { .. } => Reason::MigrationLocked,
            StoreError::NoSpace { .. } => Reason::DiskFull,
            _ => Reason::MigrationFailed,
        };
        Self::failed(chain(&error)).because(reason)
    }
}

macro_rules! failed_from {
    ($($type:ty),*) => { $(impl From<$type> for CliError { fn from(error: $type) -> Self { Self::failed(chain(&error)) } })* };
}

failed_from!(GateError, RunError, RedteamError, CheckpointError, FingerprintError, std::io::Error, serde_json::Error);

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Unreadable { .. } | ImportError::TooLarge { .. } | ImportError::Malformed { .. } => {
                Self { exit: Exit::Usage, message: chain(&error), reason: None }
            }
            ImportError::Contended | ImportError::ReportFile { .. } => Self::failed(chain(&error)),
        }
    }
}

impl From<LookupError> for CliError {
    fn from(error: LookupError) -> Self {
        let exit = if matches!(error, LookupError::Store(_)) { Exit::Failed } else { Exit::Usage };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Lookup(error) => error.into(),
            ReplayError::Run(error) => error.into(),
        }
    }
}

impl From<PluginError> for CliError {
    fn from(error: PluginError) -> Self {
        let exit = match error {
            PluginError::File { .. } | PluginError::NotPossible(_) => Exit::Usage,
            PluginError::System { .. } => Exit::Failed,
        };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<PipelineError> for CliError {
    fn from(error: PipelineError) -> Self {
        Self::usage(chain(&error))
    }
}

impl From<ScanError> for CliError {
    fn from(error: ScanError) -> Self {
        let exit = match error {
            ScanError::Root { .. } | ScanError::Overlap { .. } | ScanError::Name(_) => Exit::Usage,
            ScanError::Stopped => Exit::Partial,
            ScanError::Offline { .. } | ScanError::Store(_) | ScanError::Internal(_) => Exit::Failed,
        };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<RelocateError> for CliError {
    fn from(error: RelocateError) -> Self {
        match error {
            RelocateError::Root(error) => error.into(),
            RelocateError::Store(error) => error.into(),
            other => Self::usage(chain(&other)),
        }
    }
}

impl From<SampleError> for CliError {
    fn from(error: SampleError) -> Self {
        let exit = match error {
            SampleError::NotEmpty { .. } | SampleError::TooMany { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<FilterError> for CliError {
    fn from(error: FilterError) -> Self {
        Self::usage(chain(&error))
    }
}

impl From<BindError> for CliError {
    fn from(error: BindError) -> Self {
        let exit = if matches!(error, BindError::Store(_)) { Exit::Failed } else { Exit::Usage };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<CollectionError> for CliError {
    fn from(error: CollectionError) -> Self {
        let exit = match error {
            CollectionError::Gate(GateError::Invalid(_)) => Exit::Usage,
            CollectionError::Store(_) | CollectionError::Gate(_) => Exit::Failed,
            _ => Exit::Usage,
        };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<DeliveryError> for CliError {
    fn from(error: DeliveryError) -> Self {
        let exit = match error {
            DeliveryError::Target { .. } | DeliveryError::Interrupted { .. } | DeliveryError::Overlap { .. } => {
                Exit::Usage
            }
            DeliveryError::NoSpace { .. } | DeliveryError::File { .. } | DeliveryError::Stopped => Exit::Failed,
        };
        Self { exit, message: chain(&error), reason: None }
    }
}

impl From<TargetError> for CliError {
    fn from(error: TargetError) -> Self {
        Self::usage(chain(&error))
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Delivery(error) => error.into(),
            ExportError::Checkpoint(error) => error.into(),
            ExportError::Store(error) => error.into(),
        }
    }
}

impl From<SelectError> for CliError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Lookup(error) => error.into(),
            SelectError::Collection(error) => error.into(),
            SelectError::Bind(error) => error.into(),
            SelectError::Store(error) => error.into(),
        }
    }
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Delivery(error) => error.into(),
            BackupError::Store(error) => error.into(),
            BackupError::NotABackup { .. } | BackupError::Postgres => Self::usage(chain(&error)),
            BackupError::Damaged { .. } => Self::failed(chain(&error)),
        }
    }
}
