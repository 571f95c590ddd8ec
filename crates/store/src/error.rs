//! What can go wrong with the store, in words that name the next step.

use std::path::PathBuf;

use exhibit_model::findings::Findings;

/// The store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file or server cannot be reached.
    #[error("cannot open the database {name}: {reason}")]
    Unreachable {
        /// The file or the address, without secrets.
        name: String,
        /// What the driver said.
        reason: String,
    },
    /// The database belongs to another program.
    #[error("{name} is a database of another program; choose another --home or another database")]
    Foreign {
        /// The file or the address.
        name: String,
    },
    /// The database was written by a newer Exhibit.
    #[error(
        "{name} was written by a newer Exhibit (room {room} has migration {version}); install that version to open it"
    )]
    FromTheFuture {
        /// The file or the address.
        name: String,
        /// The room whose history goes on.
        room: String,
        /// The first migration that this binary does not know.
        version: i64,
    },
    /// An applied migration differs from the one in this binary.
    #[error(
        "migration {version} of room {room} differs from the one that was applied to {name}; the database was made by another build"
    )]
    MigrationChanged {
        /// The file or the address.
        name: String,
        /// The room.
        room: String,
        /// The migration.
        version: i64,
    },
    /// The file is not a database, or is damaged.
    #[error("{name} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The file or the address.
        name: String,
        /// What the driver said.
        reason: String,
    },
    /// The database can only be read.
    #[error("{name} is read-only; make the file and its folder writable for this user")]
    ReadOnly {
        /// The file or the address.
        name: String,
    },
    /// No space left where the database or the blobs lie.
    #[error(
        "no space left on the device of {name}; make room and run the command again, nothing that was acknowledged is lost"
    )]
    NoSpace {
        /// What was being written.
        name: String,
    },
    /// Another process holds the database for longer than the time limit.
    #[error("the database is busy: another process has been writing for more than {seconds} s")]
    Busy {
        /// The limit.
        seconds: u64,
    },
    /// The projections are being computed anew, and what was asked for depends on them.
    #[error(
        "the tables are being computed anew from the records; try again in a moment, or finish it with `exhibit projections rebuild`"
    )]
    Lagging,
    /// A statement failed.
    #[error("statement `{statement}` failed: {reason}")]
    Statement {
        /// The name of the statement.
        statement: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// A value in the database is not of the type that the code expects.
    #[error("the database holds an unexpected value: {0}")]
    Unexpected(String),
    /// A blob could not be written or read.
    #[error("blob store: {path}: {source}")]
    Blob {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A closure given to the store panicked; everything it wrote was rolled back.
    #[error("internal error: a piece of work panicked and was rolled back: {0}")]
    Panicked(String),
    /// The store is shutting down.
    #[error("the store has been closed")]
    Closed,
    /// The work itself refused to go on; nothing was written.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// The same error, for one more listener.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Unreachable { name, reason } => Self::Unreachable { name: name.clone(), reason: reason.clone() },
            Self::Foreign { name } => Self::Foreign { name: name.clone() },
            Self::FromTheFuture { name, room, version } => {
                Self::FromTheFuture { name: name.clone(), room: room.clone(), version: *version }
            }
            Self::MigrationChanged { name, room, version } => {
                Self::MigrationChanged { name: name.clone(), room: room.clone(), version: *version }
            }
            Self::Damaged { name, reason } => Self::Damaged { name: name.clone(), reason: reason.clone() },
            Self::ReadOnly { name } => Self::ReadOnly { name: name.clone() },
            Self::NoSpace { name } => Self::NoSpace { name: name.clone() },
            Self::Lagging => Self::Lagging,
            Self::Busy { seconds } => Self::Busy { seconds: *seconds },
            Self::Statement { statement, reason } => Self::Statement { statement, reason: reason.clone() },
            Self::Unexpected(reason) => Self::Unexpected(reason.clone()),
            Self::Blob { path, source } => {
                Self::Blob { path: path.clone(), source: std::io::Error::new(source.kind(), source.to_string()) }
            }
            Self::Panicked(words) => Self::Panicked(words.clone()),
            Self::Closed => Self::Closed,
            Self::Refused(reason) => Self::Refused(reason.clone()),
        }
    }

    /// True when it is about the database, not about what was asked of it: whoever asks now gets the same.
    pub(crate) fn concerns_everyone(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Damaged { .. }
                | Self::ReadOnly { .. }
                | Self::NoSpace { .. }
                | Self::Busy { .. }
                | Self::Closed
        )
    }
}

/// The gate did not let something in.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The candidate is not valid; nothing was written.
    #[error("{0}")]
    Invalid(#[source] Findings),
    /// The effect that had to come first said no (a lost lease, ...); nothing was written.
    #[error("refused: {0}")]
    Refused(String),
    /// Something else is already recorded under the same id; what was sent is named in the message.
    #[error("conflict: {record_id} is already recorded with other content")]
    Conflict {
        /// The id both claim.
        record_id: String,
    },
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Findings> for GateError {
    fn from(findings: Findings) -> Self {
        Self::Invalid(findings)
    }
}
