//! What is recorded about a session and not shown: documents that came too late, and those that were refused.

use std::sync::LazyLock;

use exhibit_model::digest::Digest;
use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, Tx, Value, params};

use super::conflicts::ConflictRow;
use super::table::{Table, Type};

/// Why something is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aside {
    /// It came too late (rule R5).
    Stale,
    /// It was refused, because something else stands (rules R3 and R6).
    Conflict,
}

impl Aside {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Conflict => "conflict",
        }
    }
}

/// A document that came too late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleRow {
    /// Its place in the ledger.
    pub ledger_seq: Seq,
    /// The key that it came under.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: Digest,
    /// The revision that stood by then.
    pub revision: i64,
}

const ASIDES: Table = Table {
    name: "session_asides",
    columns: &[("session_id", Type::Text), ("ledger_seq", Type::Int), ("what", Type::Text)],
    key: &["session_id", "ledger_seq"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| ASIDES.insert("agents_asides_insert"));

// Uses the primary key, and the unique index of ledger_seq.
const STALE: Sql = Sql::same(
    "agents_asides_stale",
    "select k.ledger_seq, k.key, k.fingerprint, k.revision \
     from session_asides as a join ingest_keys as k on k.ledger_seq = a.ledger_seq \
     where a.session_id = $1 and a.what = 'stale' order by a.ledger_seq limit $2",
);

// Uses the primary keys of both.
const CONFLICTS: Sql = Sql::same(
    "agents_asides_conflicts",
    "select c.seq, c.session_id, c.\"key\", c.reason, c.standing, c.fingerprint \
     from session_asides as a join proj_agents__conflict_v1 as c on c.seq = a.ledger_seq \
     where a.session_id = $1 and a.what = 'conflict' order by a.ledger_seq limit $2",
);

impl FromRow for StaleRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { ledger_seq: row.get(0)?, key: row.get(1)?, fingerprint: row.get(2)?, revision: row.get(3)? })
    }
}

/// Notes what is not shown of sessions: id, place, and why.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(tx: &mut Tx<'_>, rows: &[(String, Seq, Aside)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Value>> =
        rows.iter().map(|(id, seq, aside)| exhibit_store::values![id.as_str(), *seq, aside.as_str()]).collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(())
}

/// Documents about a session that came too late, by place; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn stale(read: &Read<'_>, session_id: &str, limit: i64) -> Result<Vec<StaleRow>, StoreError> {
    read.all(&STALE, params![session_id, limit])
}

/// Documents about a session that were refused, by place; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn conflicts(read: &Read<'_>, session_id: &str, limit: i64) -> Result<Vec<ConflictRow>, StoreError> {
    read.all(&CONFLICTS, params![session_id, limit])
}
