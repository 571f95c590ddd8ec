//! What a recompute is about: calls and sessions without a bill, in the order of their starts.

use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Value, params};

use super::cost_rows::Subject;

/// A place in the order of the subjects: when one began, and what tells it from others that began at once. Neither changes in a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it began, microseconds UTC.
    pub at: i64,
    /// What makes a call one call, or the id of a session. Never empty in a subject, so the empty one stands before all that began at once.
    pub id: String,
}

/// A subject that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands in the order.
    pub place: Place,
    /// The key of the session that it is, or belongs to.
    pub session_key: i64,
}

// Uses the index call_started; those that began at once are sorted.
const CALLS: Sql = Sql::same(
    "agents_recompute_calls",
    "select started_at, dedupe_key, session_key from agent_calls where billed_nano is null \
     and started_at >= $1 and (started_at, dedupe_key) > ($1, $2) and started_at <= $3 and (started_at, dedupe_key) <= ($3, $4) \
     order by started_at, dedupe_key limit $5",
);

// Uses the index call_model.
const CALLS_OF_MODEL: Sql = Sql::same(
    "agents_recompute_calls_of_model",
    "select started_at, dedupe_key, session_key from agent_calls where model_key = $6 and billed_nano is null \
     and started_at >= $1 and (started_at, dedupe_key) > ($1, $2) and started_at <= $3 and (started_at, dedupe_key) <= ($3, $4) \
     order by started_at, dedupe_key limit $5",
);

// Uses the index session_started, and the primary key of session_usage.
const SESSIONS: Sql = Sql::same(
    "agents_recompute_sessions",
    "select s.started_at, s.session_id, s.session_key from session_ledger as s \
     join session_usage as u on u.session_key = s.session_key \
     where u.call_count = 0 and u.sent_billed_nano is null and (u.sent_prompt is not null or u.sent_completion is not null) \
     and s.started_at >= $1 and (s.started_at, s.session_id) > ($1, $2) \
     and s.started_at <= $3 and (s.started_at, s.session_id) <= ($3, $4) \
     order by s.started_at, s.session_id limit $5",
);

// Uses the index session_model, and the primary key of session_usage.
const SESSIONS_OF_MODEL: Sql = Sql::same(
    "agents_recompute_sessions_of_model",
    "select s.started_at, s.session_id, s.session_key from session_ledger as s \
     join session_usage as u on u.session_key = s.session_key \
     where s.model_key = $6 and u.call_count = 0 and u.sent_billed_nano is null \
     and (u.sent_prompt is not null or u.sent_completion is not null) \
     and s.started_at >= $1 and (s.started_at, s.session_id) > ($1, $2) \
     and s.started_at <= $3 and (s.started_at, s.session_id) <= ($3, $4) \
     order by s.started_at, s.session_id limit $5",
);

// Uses the index call_started.
const NEWEST_CALL: Sql =
    Sql::same("agents_recompute_newest_call", "select started_at from agent_calls order by started_at desc limit 1");

// Uses the index session_started.
const NEWEST_SESSION: Sql = Sql::same(
    "agents_recompute_newest_session",
    "select started_at from session_ledger order by started_at desc limit 1",
);

/// Subjects after a place, up to another one and with it; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn between(
    read: &Read<'_>,
    subject: Subject,
    model_key: Option<i64>,
    (after, until): (&Place, &Place),
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let mut values: Vec<Value> = params![after.at, after.id.as_str(), until.at, until.id.as_str(), limit].to_vec();
    values.extend(model_key.map(Value::Int));
    let sql = match (subject, model_key) {
        (Subject::Call, None) => &CALLS,
        (Subject::Call, Some(_)) => &CALLS_OF_MODEL,
        (Subject::Session, None) => &SESSIONS,
        (Subject::Session, Some(_)) => &SESSIONS_OF_MODEL,
    };
    read.all(sql, &values)
}

/// When the newest call or session began; none when there is none.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>, subject: Subject) -> Result<Option<i64>, StoreError> {
    let sql = match subject {
        Subject::Call => &NEWEST_CALL,
        Subject::Session => &NEWEST_SESSION,
    };
    Ok(read.one::<(i64,)>(sql, &[])?.map(|row| row.0))
}

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { place: Place { at: row.get(0)?, id: row.get(1)? }, session_key: row.get(2)? })
    }
}
