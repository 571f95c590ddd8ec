//! What happened to the instances of rules. Append-only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value};

use super::alerts_rules::{count, known};
use super::alerts_states::{measure, standing};
use super::table::{Table, Type};
use crate::alerts::{Cause, RuleId, Transition, TransitionKind};

const TRANSITIONS: Table = Table {
    name: "alert_transitions",
    columns: &[
        ("rule_id", Type::Text),
        ("scope_key", Type::Text),
        ("episode", Type::Int),
        ("ordinal", Type::Int),
        ("kind", Type::Text),
        ("from_status", Type::Text),
        ("from_lifecycle", Type::Text),
        ("to_status", Type::Text),
        ("to_lifecycle", Type::Text),
        ("value", Type::Text),
        ("sample", Type::Int),
        ("threshold", Type::Real),
        ("at", Type::Int),
        ("notified", Type::Int),
        ("cause", Type::Text),
        ("actor", Type::Text),
    ],
    key: &["rule_id", "scope_key", "episode", "ordinal"],
};

static APPEND: LazyLock<Sql> = LazyLock::new(|| TRANSITIONS.insert("agents_alert_transition_append"));

// Uses the index alert_transition_at.
static PAGE: LazyLock<Sql> = LazyLock::new(|| {
    TRANSITIONS.select(
        "agents_alert_transitions",
        "(at, rule_id, scope_key, episode, ordinal) < ($1, $2, $3, $4, $5) \
         order by at desc, rule_id desc, scope_key desc, episode desc, ordinal desc limit $6",
    )
});

// Uses the index alert_transition_rule.
static PAGE_OF_RULE: LazyLock<Sql> = LazyLock::new(|| {
    TRANSITIONS.select(
        "agents_alert_transitions_of_rule",
        "rule_id = $2 and (at, scope_key, episode, ordinal) < ($1, $3, $4, $5) \
         order by at desc, scope_key desc, episode desc, ordinal desc limit $6",
    )
});

// Uses the primary key.
const EPISODES: Sql = Sql::pair(
    "agents_alert_episodes",
    "select scope_key, max(episode) from alert_transitions \
     where rule_id = $1 and scope_key in (select value from json_each($2)) group by scope_key",
    "select scope_key, max(episode) from alert_transitions where rule_id = $1 and scope_key = any($2::text[]) group by scope_key",
);

/// A transition with the instance that it happened to.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// The rule.
    pub rule_id: RuleId,
    /// The instance.
    pub scope_key: String,
    /// What happened.
    pub transition: Transition,
}

/// The place of a transition in the order of pages, which is from the newest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it happened.
    pub at: Timestamp,
    /// The rule.
    pub rule_id: String,
    /// The instance.
    pub scope_key: String,
    /// The episode.
    pub episode: i64,
    /// The place in the episode.
    pub ordinal: i64,
}

impl Place {
    /// Before all that ever happens.
    pub fn newest() -> Self {
        let (rule_id, scope_key) = (String::new(), String::new());
        Self { at: Timestamp(i64::MAX), rule_id, scope_key, episode: 0, ordinal: 0 }
    }

    /// The place of a transition.
    pub fn of(happened: &Happened) -> Self {
        let Happened { rule_id, scope_key, transition } = happened;
        Self {
            at: transition.at,
            rule_id: rule_id.as_str().to_owned(),
            scope_key: scope_key.clone(),
            episode: transition.episode,
            ordinal: transition.ordinal,
        }
    }
}

/// Appends what happened.
///
/// # Errors
/// When the database cannot be written, or when one of them stands already.
pub fn append(tx: &mut Tx<'_>, rows: &[&Happened]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|happened| transition_values(happened)).collect();
    tx.execute_many(&APPEND, &rows)?;
    Ok(())
}

/// What happened before a place, the newest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn page(read: &Read<'_>, before: &Place, limit: usize) -> Result<Vec<Happened>, StoreError> {
    page_of(read, &PAGE, before, limit)
}

/// What happened to a rule before a place, the newest first; `limit` at most. The rule of the place is not looked at.
///
/// # Errors
/// When the database cannot be read.
pub fn page_of_rule(
    read: &Read<'_>,
    rule_id: &RuleId,
    before: &Place,
    limit: usize,
) -> Result<Vec<Happened>, StoreError> {
    let before = Place { rule_id: rule_id.as_str().to_owned(), ..before.clone() };
    page_of(read, &PAGE_OF_RULE, &before, limit)
}

/// The last episode of each of these instances that ever had one.
///
/// # Errors
/// When the database cannot be read.
pub fn episodes(read: &Read<'_>, rule_id: &RuleId, scope_keys: &[String]) -> Result<BTreeMap<String, i64>, StoreError> {
    if scope_keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = Value::List(scope_keys.iter().map(|key| Value::from(key.as_str())).collect());
    Ok(read.all::<(String, i64)>(&EPISODES, &[rule_id.as_str().into(), keys])?.into_iter().collect())
}

/// The statements of this file, with values that they may be asked with and the index that each needs.
#[cfg(test)]
pub(super) fn statements() -> Vec<(Sql, Vec<Value>, Option<&'static str>)> {
    vec![
        (PAGE.clone(), exhibit_store::values![0_i64, "r", "k", 1_i64, 1_i64, 9_i64], Some("alert_transition_at")),
        (
            PAGE_OF_RULE.clone(),
            exhibit_store::values![0_i64, "r", "k", 1_i64, 1_i64, 9_i64],
            Some("alert_transition_rule"),
        ),
        (EPISODES.clone(), exhibit_store::values!["r", vec![Value::from("k")]], Some("alert_transitions")),
    ]
}

fn page_of(read: &Read<'_>, sql: &Sql, before: &Place, limit: usize) -> Result<Vec<Happened>, StoreError> {
    let (rule_id, scope_key) = (before.rule_id.as_str(), before.scope_key.as_str());
    let values = [
        before.at.0.into(),
        rule_id.into(),
        scope_key.into(),
        before.episode.into(),
        before.ordinal.into(),
        count(limit),
    ];
    Ok(read.all::<TransitionRow>(sql, &values)?.into_iter().map(|row| row.0).collect())
}

fn transition_values(happened: &Happened) -> Vec<Value> {
    let transition = &happened.transition;
    exhibit_store::values![
        happened.rule_id.as_str(),
        happened.scope_key.as_str(),
        transition.episode,
        transition.ordinal,
        transition.kind.as_str(),
        transition.from.status.as_str(),
        transition.from.lifecycle.as_str(),
        transition.to.status.as_str(),
        transition.to.lifecycle.as_str(),
        transition.value.map(|value| value.to_string()),
        transition.sample,
        transition.threshold,
        transition.at.0,
        transition.notified,
        transition.cause.as_str(),
        transition.actor.clone(),
    ]
}

struct TransitionRow(Happened);

impl FromRow for TransitionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(Happened {
            rule_id: RuleId::kept(row.get(0)?),
            scope_key: row.get(1)?,
            transition: Transition {
                episode: row.get(2)?,
                ordinal: row.get(3)?,
                kind: known(TransitionKind::of_word(&row.get::<String>(4)?), "a transition")?,
                from: standing(row, 5)?,
                to: standing(row, 7)?,
                value: measure(row, 9)?,
                sample: row.get(10)?,
                threshold: row.get(11)?,
                at: Timestamp(row.get(12)?),
                notified: row.get(13)?,
                cause: known(Cause::of_word(&row.get::<String>(14)?), "the cause")?,
                actor: row.get(15)?,
            },
        }))
    }
}
