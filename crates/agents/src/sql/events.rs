//! Events of sessions: immutable, each id once in its session.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::canonical::canonical_of;
use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};
use crate::contract::{Event, EventType};

const EVENTS: Table = Table {
    name: "session_events",
    columns: &[
        ("session_key", Type::Int),
        ("seq", Type::Int),
        ("event_id", Type::Text),
        ("event_type", Type::Text),
        ("event_ts", Type::Int),
        ("payload_json", Type::Text),
    ],
    key: &["session_key", "seq", "event_id"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| EVENTS.insert_new("agents_events_insert"));

// Uses the unique index session_event_ids.
const BY_IDS: Sql = Sql::pair(
    "agents_events_by_ids",
    "select event_id, seq, event_type, event_ts, payload_json from session_events \
     where session_key = $1 and event_id in (select value from json_each($2))",
    "select event_id, seq, event_type, event_ts, payload_json from session_events \
     where session_key = $1 and event_id = any($2::text[])",
);

const OF_SESSION: Sql = Sql::same(
    "agents_events_of_session",
    "select event_id, seq, event_type, event_ts, payload_json from session_events \
     where session_key = $1 and (seq > $2 or (seq = $2 and event_id > $3)) order by seq, event_id limit $4",
);

/// An event as its row has it: id, place, type, time, canonical payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id.
    pub event_id: String,
    /// Its place.
    pub seq: i64,
    /// What it is about.
    pub event_type: EventType,
    /// When it happened.
    pub event_ts: Timestamp,
    /// Canonical JSON.
    pub payload_json: String,
}

impl EventRow {
    /// The row of an event.
    ///
    /// # Errors
    /// When its payload has no canonical form, which the gate has ruled out.
    pub fn of(event: &Event) -> Result<Self, StoreError> {
        Ok(Self {
            event_id: event.event_id.clone(),
            seq: event.seq,
            event_type: event.event_type,
            event_ts: event.event_ts,
            payload_json: json_text(&event.payload)?,
        })
    }
}

impl FromRow for EventRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let word: String = row.get(2)?;
        let unknown = || StoreError::Unexpected(format!("`{word}` is no type of event"));
        Ok(Self {
            event_id: row.get(0)?,
            seq: row.get(1)?,
            event_type: EventType::of_word(&word).ok_or_else(unknown)?,
            event_ts: Timestamp(row.get(3)?),
            payload_json: row.get(4)?,
        })
    }
}

/// An object as canonical text.
///
/// # Errors
/// When it has no canonical form, which the gate has ruled out.
pub fn json_text(object: &serde_json::Map<String, serde_json::Value>) -> Result<String, StoreError> {
    let wrong = |reason: String| StoreError::Unexpected(format!("a payload has no canonical form: {reason}"));
    let bytes = canonical_of(object).map_err(|findings| wrong(findings.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

/// Those of a session that have one of these ids.
///
/// # Errors
/// When the database cannot be read.
pub fn by_ids(read: &Read<'_>, session_key: i64, ids: &[&str]) -> Result<BTreeMap<String, EventRow>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = Value::List(ids.iter().map(|id| Value::from(*id)).collect());
    let found = read.all::<EventRow>(&BY_IDS, &[Value::Int(session_key), ids])?;
    Ok(found.into_iter().map(|row| (row.event_id.clone(), row)).collect())
}

/// Events of a session after a place, in order; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn of_session(
    read: &Read<'_>,
    session_key: i64,
    after: (i64, &str),
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    read.all(&OF_SESSION, params![session_key, after.0, after.1, limit])
}

/// Writes the events that are not there yet, each with the key of its session.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(tx: &mut Tx<'_>, events: &[(i64, &EventRow)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = events
        .iter()
        .map(|(session_key, event)| {
            exhibit_store::values![
                *session_key,
                event.seq,
                event.event_id.as_str(),
                event.event_type.as_str(),
                event.event_ts.0,
                event.payload_json.as_str(),
            ]
        })
        .collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(())
}
