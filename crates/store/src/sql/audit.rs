//! The audit: what was changed over HTTP, by whom, and how it ended.

use crate::error::StoreError;
use crate::params;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql};

/// Entries that are kept; the oldest go. At ten changes a minute all day this is a week.
pub const ENTRIES_MAX: i64 = 100_000;

/// A change that was asked for.
#[derive(Debug, Clone)]
pub struct Intent {
    /// When, microseconds UTC.
    pub at_us: i64,
    /// Id of the token that asked.
    pub token: String,
    /// The method.
    pub method: String,
    /// The route, with `{name}` for what varies.
    pub route: String,
    /// The path as it was asked for, without a query.
    pub path: String,
    /// The id of the request.
    pub request: String,
}

/// An entry of the audit.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub entry: i64,
    /// What was asked for.
    pub intent: Intent,
    /// The status of the answer; absent while it is worked on, and when the server ended meanwhile.
    pub status: Option<i64>,
}

impl FromRow for Entry {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let intent = Intent {
            at_us: row.get(1)?,
            token: row.get(2)?,
            method: row.get(3)?,
            route: row.get(4)?,
            path: row.get(5)?,
            request: row.get(6)?,
        };
        Ok(Self { entry: row.get(0)?, intent, status: row.get(7)? })
    }
}

const NEXT: Sql = Sql::same("audit_next", "select coalesce(max(entry), 0) + 1 from audit");
const INSERT: Sql = Sql::same(
    "audit_insert",
    "insert into audit (entry, at_us, token, method, route, path, request) values ($1, $2, $3, $4, $5, $6, $7)",
);
const FORGET: Sql = Sql::same("audit_forget", "delete from audit where entry <= $1");
const OUTCOME: Sql = Sql::same("audit_outcome", "update audit set status = $2 where entry = $1");
const NEWEST: Sql = Sql::same(
    "audit_newest",
    "select entry, at_us, token, method, route, path, request, status from audit where entry < $1 \
     order by entry desc limit $2",
);

/// Notes a change before it is made, keeps the newest `kept` entries, and returns the number of the new one.
///
/// # Errors
/// When the database cannot be written.
pub fn begin(tx: &mut Tx<'_>, intent: &Intent, kept: i64) -> Result<i64, StoreError> {
    let (entry,): (i64,) = tx.one(&NEXT, &[])?.unwrap_or((1,));
    let Intent { at_us, token, method, route, path, request } = intent;
    let row = params![entry, *at_us, token.as_str(), method.as_str(), route.as_str(), path.as_str(), request.as_str()];
    tx.execute(&INSERT, row)?;
    if entry > kept {
        tx.execute(&FORGET, params![entry - kept])?;
    }
    Ok(entry)
}

/// Notes how a change ended.
///
/// # Errors
/// When the database cannot be written.
pub fn end(tx: &mut Tx<'_>, entry: i64, status: u16) -> Result<(), StoreError> {
    tx.execute(&OUTCOME, params![entry, i64::from(status)]).map(|_| ())
}

/// Entries with a smaller number than `before`, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>, before: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    read.all(&NEWEST, params![before, limit])
}
