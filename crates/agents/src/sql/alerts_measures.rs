//! What rules measure: costs by the time of calls, and sessions by their end, each for a stretch of time and by agent and model.

#[cfg(test)]
use exhibit_store::Value;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, params};

use crate::aggregates::Basis;

/// What an agent spent with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The agent.
    pub agent_key: i64,
    /// The model.
    pub model_key: i64,
    /// Nano-USD, as far as 64 bits go.
    pub nano: i64,
    /// What was priced: calls, and sessions that were billed as a whole or told no calls.
    pub priced: i64,
}

/// A session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// The agent.
    pub agent_key: i64,
    /// The model.
    pub model_key: i64,
    /// How long it ran, in milliseconds; `None` when nobody knows.
    pub runtime_ms: Option<i64>,
    /// Whether it succeeded; `None` when it was killed or cancelled.
    pub is_success: Option<bool>,
}

/// Nano-USD of a dollar: sums are made of whole dollars and of what is left, because a sum of nano-USD could be more than a database adds.
const DOLLAR: i64 = 1_000_000_000;

// Uses the primary key.
const OF_BUCKETS: Sql = Sql::pair(
    "agents_alert_spent_buckets",
    "select agent_key, model_key, sum(cost_nano_total / 1000000000), sum(cost_nano_total % 1000000000), \
     sum(cost_reported + cost_derived) from daily_usage_agg \
     where basis = $1 and grain = $2 and bucket_at >= $3 and bucket_at < $4 group by agent_key, model_key",
    "select agent_key, model_key, sum(cost_nano_total / 1000000000)::bigint, sum(cost_nano_total % 1000000000)::bigint, \
     sum(cost_reported + cost_derived)::bigint from daily_usage_agg \
     where basis = $1 and grain = $2 and bucket_at >= $3 and bucket_at < $4 group by agent_key, model_key",
);

// Uses the index call_started. A session that was billed as a whole costs what was billed, whatever its calls say.
const OF_CALLS: Sql = Sql::pair(
    "agents_alert_spent_calls",
    "select s.agent_key, c.model_key, sum(c.cost_nano / 1000000000), sum(c.cost_nano % 1000000000), count(*) \
     from agent_calls c join session_ledger s on s.session_key = c.session_key \
     join session_usage u on u.session_key = c.session_key \
     where c.started_at >= $1 and c.started_at < $2 and c.cost_nano is not null and u.sent_billed_nano is null \
     group by s.agent_key, c.model_key",
    "select s.agent_key, c.model_key, sum(c.cost_nano / 1000000000)::bigint, sum(c.cost_nano % 1000000000)::bigint, count(*) \
     from agent_calls c join session_ledger s on s.session_key = c.session_key \
     join session_usage u on u.session_key = c.session_key \
     where c.started_at >= $1 and c.started_at < $2 and c.cost_nano is not null and u.sent_billed_nano is null \
     group by s.agent_key, c.model_key",
);

// Uses the index session_started. Sessions that tell a cost and no calls, and those that were billed as a whole, count at their start.
const OF_SESSIONS: Sql = Sql::pair(
    "agents_alert_spent_sessions",
    "select s.agent_key, s.model_key, sum(u.cost_nano / 1000000000), sum(u.cost_nano % 1000000000), count(*) \
     from session_ledger s join session_usage u on u.session_key = s.session_key \
     where s.started_at >= $1 and s.started_at < $2 and u.cost_nano is not null \
     and (u.call_count = 0 or u.sent_billed_nano is not null) group by s.agent_key, s.model_key",
    "select s.agent_key, s.model_key, sum(u.cost_nano / 1000000000)::bigint, sum(u.cost_nano % 1000000000)::bigint, count(*) \
     from session_ledger s join session_usage u on u.session_key = s.session_key \
     where s.started_at >= $1 and s.started_at < $2 and u.cost_nano is not null \
     and (u.call_count = 0 or u.sent_billed_nano is not null) group by s.agent_key, s.model_key",
);

// Uses the index session_ended, which holds all that is read; but a session without an end and with a runtime of 0 has to be looked up:
// whether that 0 was sent or is unknown only its usage says.
const ENDED: Sql = Sql::pair(
    "agents_alert_ended",
    "select coalesce(ended_at, max(last_activity_at, started_at + min(runtime_ms, 1000000000000) * 1000)), agent_key, model_key, \
     case when ended_at is not null or runtime_ms > 0 then runtime_ms \
     else (select u.runtime_ms from session_usage u where u.session_key = session_ledger.session_key \
     and u.runtime_source <> 'missing') end, case status when 'success' then 1 when 'failed' then 0 end from session_ledger \
     where coalesce(ended_at, max(last_activity_at, started_at + min(runtime_ms, 1000000000000) * 1000)) > $1 \
     and coalesce(ended_at, max(last_activity_at, started_at + min(runtime_ms, 1000000000000) * 1000)) <= $2 \
     and status not in ('queued', 'running') \
     order by coalesce(ended_at, max(last_activity_at, started_at + min(runtime_ms, 1000000000000) * 1000)) desc limit $3",
    "select coalesce(ended_at, greatest(last_activity_at, started_at + least(runtime_ms, 1000000000000) * 1000)), agent_key, model_key, \
     case when ended_at is not null or runtime_ms > 0 then runtime_ms \
     else (select u.runtime_ms from session_usage u where u.session_key = session_ledger.session_key \
     and u.runtime_source <> 'missing') end, (case status when 'success' then 1 when 'failed' then 0 end)::bigint from session_ledger \
     where coalesce(ended_at, greatest(last_activity_at, started_at + least(runtime_ms, 1000000000000) * 1000)) > $1 \
     and coalesce(ended_at, greatest(last_activity_at, started_at + least(runtime_ms, 1000000000000) * 1000)) <= $2 \
     and status not in ('queued', 'running') \
     order by coalesce(ended_at, greatest(last_activity_at, started_at + least(runtime_ms, 1000000000000) * 1000)) desc limit $3",
);

/// The statements of this file, with values that they may be asked with and the index that each needs; `None` where it reads a list of few.
#[cfg(test)]
pub(super) fn statements() -> Vec<(Sql, Vec<Value>, Option<&'static str>)> {
    vec![
        (OF_BUCKETS.clone(), exhibit_store::values![1_i64, 3_600_i64, 0_i64, 1_i64], Some("daily_usage_agg")),
        (OF_CALLS.clone(), exhibit_store::values![0_i64, 1_i64], Some("call_started")),
        (OF_SESSIONS.clone(), exhibit_store::values![0_i64, 1_i64], Some("session_started")),
        (ENDED.clone(), exhibit_store::values![0_i64, 1_i64, 9_i64], Some("session_ended")),
    ]
}

/// What was spent in whole buckets: those of `grain` seconds that begin in `[from_us, before_us)`.
///
/// # Errors
/// When the database cannot be read.
pub fn spent_in_buckets(read: &Read<'_>, grain: i64, from_us: i64, before_us: i64) -> Result<Vec<Spent>, StoreError> {
    read.all(&OF_BUCKETS, params![Basis::CallTime.code(), grain, from_us, before_us])
}

/// What was spent in `[from_us, before_us)`, from the calls and sessions themselves; an agent and model may come twice.
///
/// # Errors
/// When the database cannot be read.
pub fn spent_between(read: &Read<'_>, from_us: i64, before_us: i64) -> Result<Vec<Spent>, StoreError> {
    let mut spent = read.all(&OF_CALLS, params![from_us, before_us])?;
    spent.extend(read.all::<Spent>(&OF_SESSIONS, params![from_us, before_us])?);
    Ok(spent)
}

/// The sessions that ended in `(after_us, until_us]`, from the latest on; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn ended(read: &Read<'_>, (after_us, until_us): (i64, i64), limit: i64) -> Result<Vec<Ended>, StoreError> {
    read.all(&ENDED, params![after_us, until_us, limit])
}

impl FromRow for Spent {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (dollars, rest): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(Self {
            agent_key: row.get(0)?,
            model_key: row.get(1)?,
            nano: dollars.saturating_mul(DOLLAR).saturating_add(rest),
            priced: row.get(4)?,
        })
    }
}

impl FromRow for Ended {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            at_us: row.get(0)?,
            agent_key: row.get(1)?,
            model_key: row.get(2)?,
            runtime_ms: row.get(3)?,
            is_success: row.get(4)?,
        })
    }
}
