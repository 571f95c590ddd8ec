//! How the instances of rules stand.

use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value, params};

use super::alerts_rules::{count, known};
use super::table::{Table, Type};
use crate::alerts::{Instance, Level, Lifecycle, Measure, RuleId, ScopeType, Standing, State};

const STATES: Table = Table {
    name: "alert_state",
    columns: &[
        ("rule_id", Type::Text),
        ("scope_key", Type::Text),
        ("scope_json", Type::Text),
        ("status", Type::Text),
        ("lifecycle_state", Type::Text),
        ("suppressed_until", Type::Int),
        ("silenced_until", Type::Int),
        ("acked_at", Type::Int),
        ("acked_by", Type::Text),
        ("last_value", Type::Text),
        ("last_sample", Type::Int),
        ("last_evaluated_at", Type::Int),
        ("last_transition_at", Type::Int),
        ("last_notified_at", Type::Int),
        ("opened_at", Type::Int),
        ("resolved_at", Type::Int),
        ("episode", Type::Int),
        ("ordinal", Type::Int),
        ("active_fp", Type::Bytes),
        ("deduped", Type::Int),
    ],
    key: &["rule_id", "scope_key"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| STATES.put("agents_alert_state_put"));

// Uses the primary key.
static OF_RULE: LazyLock<Sql> =
    LazyLock::new(|| STATES.select("agents_alert_states_of_rule", "rule_id = $1 order by scope_key limit $2"));

// Uses the primary key.
static BY_KEY: LazyLock<Sql> = LazyLock::new(|| STATES.select("agents_alert_state", "rule_id = $1 and scope_key = $2"));

// Uses the index alert_state_status.
static FIRING: LazyLock<Sql> = LazyLock::new(|| {
    STATES.select(
        "agents_alert_states_firing",
        "status = $1 order by last_transition_at desc, rule_id, scope_key limit $2",
    )
});

// Uses the index alert_state_status.
static RESOLVED: LazyLock<Sql> = LazyLock::new(|| {
    STATES.select(
        "agents_alert_states_resolved",
        "status = 'ok' and last_transition_at > $1 and resolved_at is not null \
         order by last_transition_at desc, rule_id, scope_key limit $2",
    )
});

// Uses the primary key.
const REMOVE: Sql = Sql::pair(
    "agents_alert_state_remove",
    "delete from alert_state where rule_id = $1 and scope_key = $2",
    "delete from alert_state using unnest($1::text[], $2::text[]) as old (rule_id, scope_key) \
     where alert_state.rule_id = old.rule_id and alert_state.scope_key = old.scope_key",
);

/// The states of a rule, by key; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn of_rule(read: &Read<'_>, rule_id: &RuleId, limit: usize) -> Result<Vec<State>, StoreError> {
    states(read, &OF_RULE, &[rule_id.as_str().into(), count(limit)])
}

/// The state of an instance.
///
/// # Errors
/// When the database cannot be read.
pub fn by_key(read: &Read<'_>, rule_id: &RuleId, scope_key: &str) -> Result<Option<State>, StoreError> {
    Ok(states(read, &BY_KEY, params![rule_id.as_str(), scope_key])?.pop())
}

/// What fires, critical ones first, then the latest; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn firing(read: &Read<'_>, limit: usize) -> Result<Vec<State>, StoreError> {
    let mut found = states(read, &FIRING, &[Level::Critical.as_str().into(), count(limit)])?;
    let left = limit.saturating_sub(found.len());
    found.extend(states(read, &FIRING, &[Level::Warning.as_str().into(), count(left)])?);
    Ok(found)
}

/// What ended by itself after a moment, the latest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn resolved_after(read: &Read<'_>, after: Timestamp, limit: usize) -> Result<Vec<State>, StoreError> {
    states(read, &RESOLVED, &[after.0.into(), count(limit)])
}

/// Writes states, new ones and those that stand. All are of one rule or of rules with this type of scope.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, rows: &[(&State, ScopeType)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|(state, scope_type)| state_values(state, *scope_type)).collect();
    tx.execute_many(&PUT, &rows)?;
    Ok(())
}

/// Takes states out.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &mut Tx<'_>, rows: &[(&RuleId, String)]) -> Result<(), StoreError> {
    let row = |(rule_id, scope_key): &(&RuleId, String)| exhibit_store::values![rule_id.as_str(), scope_key.as_str()];
    tx.execute_many(&REMOVE, &rows.iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}

/// The statements of this file, with values that they may be asked with and the index that each needs; `None` where it reads a list of few.
#[cfg(test)]
pub(super) fn statements() -> Vec<(Sql, Vec<Value>, Option<&'static str>)> {
    vec![
        (OF_RULE.clone(), exhibit_store::values!["r", 9_i64], Some("alert_state")),
        (BY_KEY.clone(), exhibit_store::values!["r", "global"], Some("alert_state")),
        (FIRING.clone(), exhibit_store::values!["critical", 9_i64], Some("alert_state_status")),
        (RESOLVED.clone(), exhibit_store::values![0_i64, 9_i64], Some("alert_state_status")),
    ]
}

fn states(read: &Read<'_>, sql: &Sql, params: &[Value]) -> Result<Vec<State>, StoreError> {
    Ok(read.all::<StateRow>(sql, params)?.into_iter().map(|row| row.0).collect())
}

fn state_values(state: &State, scope_type: ScopeType) -> Vec<Value> {
    let time = |at: Option<Timestamp>| at.map(|at| at.0);
    exhibit_store::values![
        state.rule_id.as_str(),
        state.scope_key(),
        state.instance.shown(scope_type).to_string(),
        state.standing.status.as_str(),
        state.standing.lifecycle.as_str(),
        time(state.suppressed_until),
        time(state.silenced_until),
        time(state.acked_at),
        state.acked_by.clone(),
        state.last_value.map(|value| value.to_string()),
        state.last_sample,
        state.last_evaluated_at.0,
        state.last_transition_at.0,
        time(state.last_notified_at),
        time(state.opened_at),
        time(state.resolved_at),
        state.episode,
        state.ordinal,
        state.active_fp,
        state.deduped,
    ]
}

/// Level and lifecycle, in two columns from `first` on.
pub(super) fn standing(row: &Row<'_>, first: usize) -> Result<Standing, StoreError> {
    Ok(Standing {
        status: known(Level::of_word(&row.get::<String>(first)?), "the level")?,
        lifecycle: known(Lifecycle::of_word(&row.get::<String>(first + 1)?), "the lifecycle")?,
    })
}

/// A value, if there is one.
pub(super) fn measure(row: &Row<'_>, index: usize) -> Result<Option<Measure>, StoreError> {
    let text: Option<String> = row.get(index)?;
    text.map(|text| known(Measure::parse(&text), "the value")).transpose()
}

struct StateRow(State);

impl FromRow for StateRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let time = |index: usize| -> Result<Option<Timestamp>, StoreError> {
            Ok(row.get::<Option<i64>>(index)?.map(Timestamp))
        };
        Ok(Self(State {
            rule_id: RuleId::kept(row.get(0)?),
            instance: known(Instance::parse_key(&row.get::<String>(1)?), "the scope")?,
            standing: standing(row, 3)?,
            suppressed_until: time(5)?,
            silenced_until: time(6)?,
            acked_at: time(7)?,
            acked_by: row.get(8)?,
            last_value: measure(row, 9)?,
            last_sample: row.get(10)?,
            last_evaluated_at: Timestamp(row.get(11)?),
            last_transition_at: Timestamp(row.get(12)?),
            last_notified_at: time(13)?,
            opened_at: time(14)?,
            resolved_at: time(15)?,
            episode: row.get(16)?,
            ordinal: row.get(17)?,
            active_fp: row.get(18)?,
            deduped: row.get(19)?,
        }))
    }
}
