//! Rules of alerts, and the channels that they are told to.

use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value, params};

use super::table::{Table, Type};
use crate::alerts::{Channel, Comparison, Metric, NoData, Rule, RuleId, Scope, ScopeType, Secret, Window, Zone};

const RULES: Table = Table {
    name: "alert_rules",
    columns: &[
        ("rule_id", Type::Text),
        ("enabled", Type::Int),
        ("metric", Type::Text),
        ("scope_type", Type::Text),
        ("scope_agent", Type::Text),
        ("scope_model", Type::Text),
        ("warn_threshold", Type::Real),
        ("critical_threshold", Type::Real),
        ("time_window", Type::Text),
        ("comparison", Type::Text),
        ("cooldown_sec", Type::Int),
        ("name", Type::Text),
        ("hysteresis_pct", Type::Real),
        ("min_sample", Type::Int),
        ("no_data", Type::Text),
        ("time_zone", Type::Text),
        ("channels", Type::Text),
        ("created_at", Type::Int),
        ("updated_at", Type::Int),
        ("silenced_until", Type::Int),
    ],
    key: &["rule_id"],
};

static PUT: LazyLock<Sql> = LazyLock::new(|| RULES.put("agents_alert_rule_put"));

// A list of few: those that people made and did not delete.
static LIVE: LazyLock<Sql> =
    LazyLock::new(|| RULES.select("agents_alert_rules_live", "deleted_at is null order by rule_id limit $1"));

// Uses the primary key.
static LIVE_BY_ID: LazyLock<Sql> =
    LazyLock::new(|| RULES.select("agents_alert_rule_live", "rule_id = $1 and deleted_at is null"));

// Uses the primary key.
static BY_IDS: LazyLock<Sql> = LazyLock::new(|| RULES.select_in("agents_alert_rules_by_ids", "rule_id", Type::Text));

// A list of few, counted when a person makes a rule.
const COUNT: Sql =
    Sql::same("agents_alert_rules_count", "select count(*), count(*) - count(deleted_at) from alert_rules");

// Uses the primary key.
const DELETE: Sql = Sql::same(
    "agents_alert_rule_delete",
    "update alert_rules set deleted_at = $2, updated_at = $2 where rule_id = $1 and deleted_at is null",
);

const CHANNELS: Table = Table {
    name: "alert_channels",
    columns: &[
        ("channel_id", Type::Text),
        ("url", Type::Text),
        ("secret", Type::Text),
        ("enabled", Type::Int),
        ("created_at", Type::Int),
        ("updated_at", Type::Int),
    ],
    key: &["channel_id"],
};

static CHANNEL_INSERT: LazyLock<Sql> = LazyLock::new(|| CHANNELS.insert("agents_alert_channel_insert"));

// Uses the primary key.
const CHANNEL_CHANGE: Sql = Sql::same(
    "agents_alert_channel_change",
    "update alert_channels set url = $2, secret = $3, enabled = $4, updated_at = $5 where channel_id = $1",
);

// A list of few: those that people made.
static CHANNELS_ALL: LazyLock<Sql> =
    LazyLock::new(|| CHANNELS.select("agents_alert_channels", "channel_id >= $1 order by channel_id limit $2"));

// Uses the primary key.
static CHANNEL_BY_ID: LazyLock<Sql> = LazyLock::new(|| CHANNELS.select("agents_alert_channel", "channel_id = $1"));

// Uses the primary key.
const CHANNEL_DELETE: Sql =
    Sql::same("agents_alert_channel_delete", "delete from alert_channels where channel_id = $1");

/// How many rules were ever made, and how many of them are not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleCount {
    /// Deleted ones included.
    pub ever: u64,
    /// Without those.
    pub live: u64,
}

/// Rules that are not deleted, by id; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn live(read: &Read<'_>, limit: usize) -> Result<Vec<Rule>, StoreError> {
    Ok(read.all::<RuleRow>(&LIVE, &[count(limit)])?.into_iter().map(|row| row.0).collect())
}

/// A rule that is not deleted.
///
/// # Errors
/// When the database cannot be read.
pub fn live_by_id(read: &Read<'_>, rule_id: &RuleId) -> Result<Option<Rule>, StoreError> {
    Ok(read.one::<RuleRow>(&LIVE_BY_ID, params![rule_id.as_str()])?.map(|row| row.0))
}

/// Rules with these ids, deleted ones too.
///
/// # Errors
/// When the database cannot be read.
pub fn by_ids<'a>(read: &Read<'_>, rule_ids: impl IntoIterator<Item = &'a RuleId>) -> Result<Vec<Rule>, StoreError> {
    let ids: Vec<Value> = rule_ids.into_iter().map(|id| Value::from(id.as_str())).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(read.all::<RuleRow>(&BY_IDS, &[Value::List(ids)])?.into_iter().map(|row| row.0).collect())
}

/// How many rules there are.
///
/// # Errors
/// When the database cannot be read.
pub fn counted(read: &Read<'_>) -> Result<RuleCount, StoreError> {
    let (ever, live) = read.one::<(u64, u64)>(&COUNT, &[])?.unwrap_or_default();
    Ok(RuleCount { ever, live })
}

/// Writes a rule, a new one or one that stands.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, rule: &Rule) -> Result<(), StoreError> {
    let row = exhibit_store::values![
        rule.rule_id.as_str(),
        rule.enabled,
        rule.metric.as_str(),
        rule.scope.scope_type.as_str(),
        rule.scope.agent_id.clone(),
        rule.scope.model_id.clone(),
        rule.warn_threshold,
        rule.critical_threshold,
        rule.window.as_str(),
        rule.comparison.as_str(),
        rule.cooldown_sec,
        rule.name.clone(),
        rule.hysteresis_pct,
        rule.min_sample,
        rule.no_data.as_str(),
        rule.zone.name(),
        serde_json::Value::from(rule.channels.clone()).to_string(),
        rule.created_at.0,
        rule.updated_at.0,
        rule.silenced_until.map(|until| until.0),
    ];
    tx.execute_many(&PUT, &[row])?;
    Ok(())
}

/// Marks a rule as deleted; false when it was not there.
///
/// # Errors
/// When the database cannot be written.
pub fn delete(tx: &mut Tx<'_>, rule_id: &RuleId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(&DELETE, params![rule_id.as_str(), now.0])? > 0)
}

/// Channels by id; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn channels(read: &Read<'_>, limit: usize) -> Result<Vec<Channel>, StoreError> {
    let rows = read.all::<ChannelRow>(&CHANNELS_ALL, &["".into(), count(limit)])?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A channel.
///
/// # Errors
/// When the database cannot be read.
pub fn channel(read: &Read<'_>, channel_id: &str) -> Result<Option<Channel>, StoreError> {
    Ok(read.one::<ChannelRow>(&CHANNEL_BY_ID, params![channel_id])?.map(|row| row.0))
}

/// Writes a new channel.
///
/// # Errors
/// When the database cannot be written, or when there is one with that id.
pub fn insert_channel(tx: &mut Tx<'_>, channel: &Channel, now: Timestamp) -> Result<(), StoreError> {
    let secret = channel.secret.reveal();
    let row = exhibit_store::values![channel.id.as_str(), channel.url.as_str(), secret, channel.enabled, now.0, now.0];
    tx.execute_many(&CHANNEL_INSERT, &[row])?;
    Ok(())
}

/// Writes a channel that is there.
///
/// # Errors
/// When the database cannot be written.
pub fn change_channel(tx: &mut Tx<'_>, channel: &Channel, now: Timestamp) -> Result<(), StoreError> {
    let secret = channel.secret.reveal();
    let values = params![channel.id.as_str(), channel.url.as_str(), secret, channel.enabled, now.0];
    tx.execute(&CHANNEL_CHANGE, values)?;
    Ok(())
}

/// Takes a channel out; false when it was not there.
///
/// # Errors
/// When the database cannot be written.
pub fn delete_channel(tx: &mut Tx<'_>, channel_id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(&CHANNEL_DELETE, params![channel_id])? > 0)
}

/// The statements of this file, with values that they may be asked with and the index that each needs; `None` where it reads a list of few.
#[cfg(test)]
pub(super) fn statements() -> Vec<(Sql, Vec<Value>, Option<&'static str>)> {
    vec![
        (LIVE.clone(), exhibit_store::values![9_i64], None),
        (COUNT.clone(), exhibit_store::values![], None),
        (LIVE_BY_ID.clone(), exhibit_store::values!["r"], Some("alert_rules")),
        (BY_IDS.clone(), exhibit_store::values![vec![Value::from("r")]], Some("alert_rules")),
        (DELETE.clone(), exhibit_store::values!["r", 0_i64], Some("alert_rules")),
        (CHANNELS_ALL.clone(), exhibit_store::values!["", 9_i64], Some("alert_channels")),
        (CHANNEL_BY_ID.clone(), exhibit_store::values!["c"], Some("alert_channels")),
        (CHANNEL_CHANGE.clone(), exhibit_store::values!["c", "u", "s", 1_i64, 0_i64], Some("alert_channels")),
        (CHANNEL_DELETE.clone(), exhibit_store::values!["c"], Some("alert_channels")),
    ]
}

/// A number of rows, for `limit`.
pub(super) fn count(rows: usize) -> Value {
    Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// A value that this room wrote reads back, or somebody else wrote it.
pub(super) fn known<T>(value: Option<T>, what: &str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Unexpected(format!("{what} of an alert cannot be read")))
}

struct RuleRow(Rule);

struct ChannelRow(Channel);

impl FromRow for RuleRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let word = |index: usize| row.get::<String>(index);
        Ok(Self(Rule {
            rule_id: RuleId::kept(word(0)?),
            enabled: row.get(1)?,
            metric: known(Metric::of_word(&word(2)?), "the metric")?,
            scope: Scope {
                scope_type: known(ScopeType::of_word(&word(3)?), "the type of the scope")?,
                agent_id: row.get(4)?,
                model_id: row.get(5)?,
            },
            warn_threshold: row.get(6)?,
            critical_threshold: row.get(7)?,
            window: known(Window::of_word(&word(8)?), "the window")?,
            comparison: known(Comparison::of_word(&word(9)?), "the comparison")?,
            cooldown_sec: row.get(10)?,
            name: row.get(11)?,
            hysteresis_pct: row.get(12)?,
            min_sample: row.get(13)?,
            no_data: known(NoData::of_word(&word(14)?), "the rule about no data")?,
            zone: known(Zone::parse(&word(15)?), "the time zone")?,
            channels: known(serde_json::from_str(&word(16)?).ok(), "the list of channels")?,
            created_at: Timestamp(row.get(17)?),
            updated_at: Timestamp(row.get(18)?),
            silenced_until: row.get::<Option<i64>>(19)?.map(Timestamp),
        }))
    }
}

impl FromRow for ChannelRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(Channel {
            id: row.get(0)?,
            url: row.get(1)?,
            secret: known(Secret::parse(&row.get::<String>(2)?), "the secret of a channel")?,
            enabled: row.get(3)?,
        }))
    }
}
