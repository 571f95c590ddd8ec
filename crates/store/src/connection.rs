//! Connections of the writer and reader threads, whichever backend is behind them.

use std::cell::RefCell;
use std::path::PathBuf;

use crate::backend::postgres::{PgSession, WRITE_LOCK};
use crate::backend::sqlite::{SqliteSession, Synchronous};
use crate::error::StoreError;
use crate::session::{Read, Session, Tx};

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// A file; made when it does not exist.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How safe a commit is against a power cut.
        synchronous: Synchronous,
    },
    /// A server; the database must exist.
    Postgres {
        /// URL or keywords.
        address: String,
    },
}

impl Location {
    /// The file or the database, without secrets.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => path.display().to_string(),
            Self::Postgres { .. } => "the postgres database".to_owned(),
        }
    }
}

/// The one connection that writes.
pub(crate) enum WriteConnection {
    Sqlite(SqliteSession),
    Postgres { session: RefCell<PgSession>, address: String },
}

impl WriteConnection {
    pub(crate) fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite { path, synchronous } => Self::open_sqlite(path, *synchronous),
            Location::Postgres { address } => {
                Ok(Self::Postgres { session: RefCell::new(PgSession::open(address)?), address: address.clone() })
            }
        }
    }

    fn open_sqlite(path: &std::path::Path, synchronous: Synchronous) -> Result<Self, StoreError> {
        let session = SqliteSession::open(path, synchronous, true)?;
        session.take_ownership()?;
        Ok(Self::Sqlite(session))
    }

    /// Begins the transaction and takes the right to write.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.script("begin immediate"),
            // Read committed, whatever the server is configured to: the first snapshot must be taken after the lock is held.
            Self::Postgres { session, address } => begin_postgres(
                session.get_mut(),
                address,
                &format!("begin isolation level read committed read write; select pg_advisory_xact_lock({WRITE_LOCK})"),
            ),
        }
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.script("commit"),
            Self::Postgres { session, .. } => session.get_mut().script("commit"),
        }
    }

    /// Gives up the transaction. A failure is harmless: SQLite has then rolled back itself, PostgreSQL does when the connection ends.
    pub(crate) fn roll_back(&mut self) {
        match self {
            Self::Sqlite(session) => session.script("rollback").ok(),
            Self::Postgres { session, .. } => session.get_mut().script("rollback").ok(),
        };
    }

    /// Runs work in the transaction. An error of any statement is the error of the work, even if the work does not pass it on.
    pub(crate) fn with_tx<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tx = Tx::new(match self {
            Self::Sqlite(session) => Session::Sqlite(session),
            Self::Postgres { session, .. } => Session::Postgres(session),
        });
        let value = work(&mut tx)?;
        tx.failure().map_or(Ok(value), Err)
    }
}

/// Begins a transaction on a connection that may have died since it was last used; it is replaced then, once.
fn begin_postgres(session: &mut PgSession, address: &str, begin: &str) -> Result<(), StoreError> {
    if !session.is_alive() {
        *session = PgSession::open(address)?;
    }
    match session.script(begin) {
        Err(StoreError::Unreachable { .. }) => {
            *session = PgSession::open(address)?;
            session.script(begin)
        }
        other => other,
    }
    .inspect_err(|_| {
        // Half a begin must not be left behind.
        session.script("rollback").ok();
    })
}

/// A connection that only reads.
pub(crate) enum ReadConnection {
    Sqlite(SqliteSession),
    Postgres { session: RefCell<PgSession>, address: String },
}

impl ReadConnection {
    pub(crate) fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite { path, .. } => Ok(Self::Sqlite(SqliteSession::open_reader(path)?)),
            Location::Postgres { address } => {
                Ok(Self::Postgres { session: RefCell::new(PgSession::open(address)?), address: address.clone() })
            }
        }
    }

    /// Runs `query` on one consistent snapshot.
    pub(crate) fn read<T>(&mut self, query: impl FnOnce(&Read<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(session) => {
                session.script("begin")?;
                let result = crate::writer::catch(|| query(&Read::new(Session::Sqlite(session))));
                session.script("rollback")?;
                result
            }
            Self::Postgres { session, address } => {
                begin_postgres(session.get_mut(), address, "begin isolation level repeatable read, read only")?;
                let result = crate::writer::catch(|| query(&Read::new(Session::Postgres(session))));
                // A connection that died meanwhile is replaced at the next query.
                session.get_mut().script("rollback").ok();
                result
            }
        }
    }
}
