//! Sessions that fell silent, and the last that was heard of them.

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, params};

use super::dims::{self, DimKind};
use crate::contract::{CallStatus, EventType};
use crate::record::{API_FEED, IMPORT_FEED};

/// A live session that was not heard of for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleRow {
    /// Its key in the database.
    pub session_key: i64,
    /// Its id.
    pub session_id: String,
    /// The revision that stands.
    pub revision: i64,
    /// The newest moment that anything says of it.
    pub last_activity_at: Timestamp,
}

// Uses the partial index session_live on last_activity_at; SQLite has to be told, or it sorts all that the index of states gives it. Sessions of
// clients, and those that were taken over from their older files, are passed over: they end when their clients say so.
const IDLE: Sql = Sql::pair(
    "agents_idle",
    "select session_key, session_id, revision, last_activity_at from session_ledger indexed by session_live \
     where status in ('queued', 'running') and last_activity_at <= $1 and feed_key <> $2 and feed_key <> $3 order by last_activity_at limit $4",
    "select session_key, session_id, revision, last_activity_at from session_ledger \
     where status in ('queued', 'running') and last_activity_at <= $1 and feed_key <> $2 and feed_key <> $3 order by last_activity_at limit $4",
);

// Uses the primary key: collectors make the place of an event of its time.
const LAST_EVENT: Sql = Sql::same(
    "agents_idle_last_event",
    "select event_ts, event_type from session_events where session_key = $1 order by seq desc limit 1",
);

// Uses the index call_session on (session_key, started_at).
const LAST_CALL: Sql = Sql::same(
    "agents_idle_last_call",
    "select started_at, duration_ms, status from agent_calls where session_key = $1 order by started_at desc limit 1",
);

/// The key of no name.
const NO_KEY: i64 = -1;

impl FromRow for IdleRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            session_key: row.get(0)?,
            session_id: row.get(1)?,
            revision: row.get(2)?,
            last_activity_at: Timestamp(row.get(3)?),
        })
    }
}

/// Live sessions of collectors that were last heard of at `until` or before, those that are silent for longest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn idle(read: &Read<'_>, until: Timestamp, limit: i64) -> Result<Vec<IdleRow>, StoreError> {
    let clients = dims::find(read, DimKind::Feed, API_FEED)?.unwrap_or(NO_KEY);
    let imported = dims::find(read, DimKind::Feed, IMPORT_FEED)?.unwrap_or(NO_KEY);
    read.all(&IDLE, params![until.0, clients, imported, limit])
}

/// Whether the last that was heard of a session is an error; of several at one moment, whether any is.
///
/// # Errors
/// When the database cannot be read.
pub fn erred_last(read: &Read<'_>, session_key: i64) -> Result<bool, StoreError> {
    let event = read.one::<(i64, String)>(&LAST_EVENT, params![session_key])?;
    let call = read.one::<(i64, Option<i64>, String)>(&LAST_CALL, params![session_key])?;
    let event = event.map(|(at, word)| (at, word == EventType::Error.as_str()));
    let call = call.map(|(at, duration_ms, word)| {
        let end = at.saturating_add(duration_ms.unwrap_or(0).saturating_mul(1_000));
        (end, word == CallStatus::Failed.as_str())
    });
    // A pair is ordered by its moment, and then an error stands above none.
    Ok(event.max(call).is_some_and(|(_, erred)| erred))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exhibit_model::time::FixedClock;
    use exhibit_store::{Location, Store, StoreOptions, Synchronous};

    use super::*;
    use crate::room::AgentsRoom;

    /// The question is asked every few seconds, so none of it reads more than it finds.
    #[test]
    fn silence_is_found_by_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exhibit.db");
        let options = StoreOptions {
            location: Location::Sqlite { path, synchronous: Synchronous::Normal },
            blobs: folder.path().join("blobs"),
            rooms: vec![&AgentsRoom],
            clock: Arc::new(FixedClock::new(Timestamp(0))),
            process: 1,
            readers: 1,
        };
        let store = Store::open(options).unwrap();
        let plans = store.read(|read| {
            Ok([
                read.explain(&IDLE, params![0_i64, 1_i64, 2_i64, 1_i64])?,
                read.explain(&LAST_EVENT, params![1_i64])?,
                read.explain(&LAST_CALL, params![1_i64])?,
            ])
        });
        let plans = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(plans).unwrap();
        for (plan, index) in plans.iter().zip(["INDEX session_live", "PRIMARY KEY", "INDEX call_session"]) {
            assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
