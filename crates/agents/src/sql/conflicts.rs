//! Evidence of conflicts, as its kind declares it.

use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, params};

/// A document that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    /// Its place in the ledger.
    pub ledger_seq: Seq,
    /// The session.
    pub session_id: String,
    /// The key that it came under.
    pub key: String,
    /// What stands already.
    pub reason: String,
    /// The place in the ledger of what stands.
    pub standing: Seq,
    /// Fingerprint of what was refused, in hex.
    pub fingerprint: String,
}

// Uses the primary key of the projection.
const PAGE: Sql = Sql::same(
    "agents_conflicts_page",
    "select seq, session_id, \"key\", reason, standing, fingerprint from proj_agents__conflict_v1 \
     where seq < $1 order by seq desc limit $2",
);

impl FromRow for ConflictRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            ledger_seq: row.get(0)?,
            session_id: row.get(1)?,
            key: row.get(2)?,
            reason: row.get(3)?,
            standing: row.get(4)?,
            fingerprint: row.get(5)?,
        })
    }
}

/// Those before a place of the ledger, the newest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn page(read: &Read<'_>, before: Seq, limit: i64) -> Result<Vec<ConflictRow>, StoreError> {
    read.all(&PAGE, params![before, limit])
}
