//! Sessions: a row each, as of the revision that stands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Seq, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};
use crate::state::SessionState;

/// What admission has to know of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its id.
    pub session_id: String,
    /// Its key in the database.
    pub session_key: i64,
    /// Where it stands.
    pub state: SessionState,
    /// The revision that stands.
    pub revision: i64,
    /// The highest revision that the sender counted.
    pub sent_revision: Option<i64>,
    /// Fingerprint of what stands while it goes on.
    pub live_fp: Option<Digest>,
    /// Fingerprint of what stands once it has ended.
    pub terminal_fp: Option<Digest>,
    /// Place in the ledger of what stands.
    pub ledger_seq: Seq,
}

/// A row of `session_ledger`. Names of agents, models, providers, categories and feeds are keys of `agent_dims`.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// What admission has to know.
    pub standing: Standing,
    /// The run of the agent's own system.
    pub run_id: Option<String>,
    /// The agent.
    pub agent_key: i64,
    /// The agent, for people.
    pub agent_label: String,
    /// The model.
    pub model_key: i64,
    /// Who serves it.
    pub provider_key: Option<i64>,
    /// The task in a line.
    pub task_title: Option<String>,
    /// The task in full.
    pub task_text: Option<String>,
    /// What sort of task it is.
    pub task_category_key: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether the end was concluded from silence.
    pub end_inferred: bool,
    /// The newest moment that anything says of it.
    pub last_activity_at: Timestamp,
    /// How long it ran, in milliseconds.
    pub runtime_ms: i64,
    /// Things that it made.
    pub artifact_count: i64,
    /// A word for what went wrong.
    pub error_code: Option<String>,
    /// What went wrong.
    pub error_message: Option<String>,
    /// Version of what sent it.
    pub source_version: Option<String>,
    /// Canonical JSON of what else the agent said.
    pub metadata: Option<String>,
    /// Where the newest document about it came from.
    pub feed_key: i64,
    /// When the stored revision was recorded.
    pub ingested_at: Timestamp,
}

const SESSIONS: Table = Table {
    name: "session_ledger",
    columns: &[
        ("session_key", Type::Int),
        ("session_id", Type::Text),
        ("id_hash", Type::Int),
        ("status", Type::Text),
        ("revision", Type::Int),
        ("sent_revision", Type::Int),
        ("live_fp", Type::Bytes),
        ("terminal_fp", Type::Bytes),
        ("ledger_seq", Type::Int),
        ("run_id", Type::Text),
        ("agent_key", Type::Int),
        ("agent_label", Type::Text),
        ("model_key", Type::Int),
        ("provider_key", Type::Int),
        ("task_title", Type::Text),
        ("task_text", Type::Text),
        ("task_category_key", Type::Int),
        ("started_at", Type::Int),
        ("ended_at", Type::Int),
        ("end_inferred", Type::Int),
        ("last_activity_at", Type::Int),
        ("runtime_ms", Type::Int),
        ("artifact_count", Type::Int),
        ("error_code", Type::Text),
        ("error_message", Type::Text),
        ("source_version", Type::Text),
        ("metadata", Type::Text),
        ("feed_key", Type::Int),
        ("ingested_at", Type::Int),
    ],
    key: &["session_key"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| SESSIONS.put("agents_session_put"));

// Uses the unique index of id_hash.
const STANDING: Sql = Sql::pair(
    "agents_session_standing",
    "select session_id, session_key, status, revision, sent_revision, live_fp, terminal_fp, ledger_seq from session_ledger \
     where id_hash in (select value from json_each($1))",
    "select session_id, session_key, status, revision, sent_revision, live_fp, terminal_fp, ledger_seq from session_ledger \
     where id_hash = any($1::bigint[])",
);

// Uses the unique index of id_hash.
static ROWS: LazyLock<Sql> = LazyLock::new(|| SESSIONS.select_in("agents_session_rows", "id_hash", Type::Int));

static BY_KEYS: LazyLock<Sql> =
    LazyLock::new(|| SESSIONS.select_in("agents_session_by_keys", "session_key", Type::Int));

// Uses the primary key.
static PAGE: LazyLock<Sql> =
    LazyLock::new(|| SESSIONS.select("agents_session_page", "session_key > $1 order by session_key limit $2"));

const NEXT: Sql = Sql::same("agents_session_next", "select coalesce(max(session_key), 0) + 1 from session_ledger");

const REMOVE: &[Sql] = &[
    Sql::same(
        "agents_session_events_remove",
        "delete from session_events where session_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
    ),
    Sql::same(
        "agents_session_call_records_remove",
        "delete from agent_call_records where call_key in (select call_key from agent_calls where session_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2))",
    ),
    Sql::same(
        "agents_session_calls_remove",
        "delete from agent_calls where session_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
    ),
    Sql::same(
        "agents_session_usage_remove",
        "delete from session_usage where session_key in \
         (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
    ),
    Sql::same("agents_session_remove", "delete from session_ledger where ledger_seq >= $1 and ledger_seq <= $2"),
];

/// The first eight bytes of the SHA-256 of a session id: what it is found by.
pub fn id_hash(session_id: &str) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = Digest::of(session_id.as_bytes()).0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn hashes(session_ids: &[&str]) -> Value {
    Value::List(session_ids.iter().map(|id| Value::Int(id_hash(id))).collect())
}

/// Refuses another session whose id has the same hash.
fn named<T>(found: Vec<T>, asked: &[&str], id: impl Fn(&T) -> &String) -> Result<BTreeMap<String, T>, StoreError> {
    let mut by_id = BTreeMap::new();
    for each in found {
        if !asked.contains(&id(&each).as_str()) {
            let id = id(&each);
            return Err(StoreError::Refused(format!("the id of session `{id}` has the same hash as that of another")));
        }
        by_id.insert(id(&each).clone(), each);
    }
    Ok(by_id)
}

/// What admission has to know of those that are there.
///
/// # Errors
/// When the database cannot be read, or when two ids have one hash.
pub fn standing(read: &Read<'_>, session_ids: &[&str]) -> Result<BTreeMap<String, Standing>, StoreError> {
    named(read.all(&STANDING, &[hashes(session_ids)])?, session_ids, |standing: &Standing| &standing.session_id)
}

/// The rows of those that are there.
///
/// # Errors
/// When the database cannot be read, or when two ids have one hash.
pub fn rows(read: &Read<'_>, session_ids: &[&str]) -> Result<BTreeMap<String, SessionRow>, StoreError> {
    named(read.all(&ROWS, &[hashes(session_ids)])?, session_ids, |row: &SessionRow| &row.standing.session_id)
}

/// The rows with these keys.
///
/// # Errors
/// When the database cannot be read.
pub fn by_keys(read: &Read<'_>, session_keys: &[i64]) -> Result<Vec<SessionRow>, StoreError> {
    if session_keys.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&BY_KEYS, &[Value::List(session_keys.iter().map(|key| Value::Int(*key)).collect())])
}

/// The rows whose ids have these hashes.
///
/// # Errors
/// When the database cannot be read.
pub fn by_hashes(read: &Read<'_>, hashes: &[i64]) -> Result<Vec<SessionRow>, StoreError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    read.all(&ROWS, &[Value::List(hashes.iter().map(|hash| Value::Int(*hash)).collect())])
}

/// Rows after a key, in the order of their keys; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn page(read: &Read<'_>, after: i64, limit: i64) -> Result<Vec<SessionRow>, StoreError> {
    read.all(&PAGE, params![after, limit])
}

/// The key that the next new session gets.
///
/// # Errors
/// When the database cannot be read.
pub fn next_key(read: &Read<'_>) -> Result<i64, StoreError> {
    Ok(read.one::<(i64,)>(&NEXT, &[])?.map_or(1, |row| row.0))
}

/// Writes rows, new ones and those that stand.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, rows: &[&SessionRow]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| values_of(row)).collect();
    tx.execute_many(&PUT, &rows)?;
    Ok(())
}

/// Takes out the sessions whose standing document lies between two places of the ledger, with their events.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
    for sql in REMOVE {
        tx.execute(sql, params![first, last])?;
    }
    Ok(())
}

fn values_of(row: &SessionRow) -> Vec<Value> {
    let standing = &row.standing;
    exhibit_store::values![
        standing.session_key,
        standing.session_id.as_str(),
        id_hash(&standing.session_id),
        standing.state.as_str(),
        standing.revision,
        standing.sent_revision,
        standing.live_fp,
        standing.terminal_fp,
        standing.ledger_seq,
        row.run_id.clone(),
        row.agent_key,
        row.agent_label.as_str(),
        row.model_key,
        row.provider_key,
        row.task_title.clone(),
        row.task_text.clone(),
        row.task_category_key,
        row.started_at.0,
        row.ended_at.map(|at| at.0),
        row.end_inferred,
        row.last_activity_at.0,
        row.runtime_ms,
        row.artifact_count,
        row.error_code.clone(),
        row.error_message.clone(),
        row.source_version.clone(),
        row.metadata.clone(),
        row.feed_key,
        row.ingested_at.0,
    ]
}

/// The word of a state, as it is kept.
pub(super) fn state(word: &str) -> Result<SessionState, StoreError> {
    SessionState::of_word(word).ok_or_else(|| StoreError::Unexpected(format!("`{word}` is no state of a session")))
}

impl FromRow for Standing {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            session_id: row.get(0)?,
            session_key: row.get(1)?,
            state: state(&row.get::<String>(2)?)?,
            revision: row.get(3)?,
            sent_revision: row.get(4)?,
            live_fp: row.get(5)?,
            terminal_fp: row.get(6)?,
            ledger_seq: row.get(7)?,
        })
    }
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            standing: Standing {
                session_key: row.get(0)?,
                session_id: row.get(1)?,
                state: state(&row.get::<String>(3)?)?,
                revision: row.get(4)?,
                sent_revision: row.get(5)?,
                live_fp: row.get(6)?,
                terminal_fp: row.get(7)?,
                ledger_seq: row.get(8)?,
            },
            run_id: row.get(9)?,
            agent_key: row.get(10)?,
            agent_label: row.get(11)?,
            model_key: row.get(12)?,
            provider_key: row.get(13)?,
            task_title: row.get(14)?,
            task_text: row.get(15)?,
            task_category_key: row.get(16)?,
            started_at: Timestamp(row.get(17)?),
            ended_at: row.get::<Option<i64>>(18)?.map(Timestamp),
            end_inferred: row.get(19)?,
            last_activity_at: Timestamp(row.get(20)?),
            runtime_ms: row.get(21)?,
            artifact_count: row.get(22)?,
            error_code: row.get(23)?,
            error_message: row.get(24)?,
            source_version: row.get(25)?,
            metadata: row.get(26)?,
            feed_key: row.get(27)?,
            ingested_at: Timestamp(row.get(28)?),
        })
    }
}
