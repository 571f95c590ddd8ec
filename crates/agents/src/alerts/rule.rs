//! A rule: what is asked, of whom, over which time, and what is too much.

use exhibit_model::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::ids::RuleId;
use super::reading::{self, Problem};
use super::scope::Scope;
use super::window::Zone;
use super::wire;
use super::words::{Comparison, Metric, NoData, ScopeType, Window};

/// A rule. It serialises as `AlertRule` of the API: fields in a fixed order, absent ones omitted, times ISO with `Z` and milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its id.
    pub rule_id: RuleId,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// What is measured.
    pub metric: Metric,
    /// Of whom.
    pub scope: Scope,
    /// The first threshold, in the unit of the metric; finite and not negative.
    pub warn_threshold: f64,
    /// The second threshold; not below the first.
    pub critical_threshold: f64,
    /// How far back it looks.
    pub window: Window,
    /// When a value crosses a threshold.
    pub comparison: Comparison,
    /// Seconds after a notice in which no repetition is told.
    pub cooldown_sec: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What people call it.
    pub name: Option<String>,
    /// By how much of a threshold a value has to fall below it until its level is left, in percent: 0 to below 100.
    pub hysteresis_pct: f64,
    /// Samples below which a value says nothing.
    pub min_sample: i64,
    /// What no sample at all means.
    pub no_data: NoData,
    /// The zone whose calendar days count.
    pub zone: Zone,
    /// Ids of the channels it is told to; none means every enabled one, because a rule that nobody hears is no use.
    pub channels: Vec<String>,
    /// Until when instances that it opens are silent from the start. No field of a body sets it: a silence of the whole rule does.
    pub silenced_until: Option<Timestamp>,
}

impl Rule {
    /// Reads the body of a request that makes a rule. Its id follows from what it says and from `ordinal`, the number of rules, deleted
    /// ones included, that were made before; an id and times in the body are ignored.
    ///
    /// # Errors
    /// The first problem in the order of the contract.
    pub fn create(body: &Value, ordinal: u64, now: Timestamp) -> Result<Self, Problem> {
        let mut rule = reading::read(&reading::fields(body), RuleId::nameless(), now, now)?;
        rule.rule_id = RuleId::of_rule(&rule, ordinal);
        Ok(rule)
    }

    /// This rule with the fields of a body in place of its own, checked as a whole. `scopeRef` is replaced as one. `null` takes `name` and
    /// `scopeRef` away and leaves every other field as it is: a disabled rule is not enabled by a field that says nothing.
    ///
    /// # Errors
    /// The first problem of the merged rule, in the order of the contract.
    pub fn patched(&self, body: &Value, now: Timestamp) -> Result<Self, Problem> {
        let patch = reading::object(body)?;
        // A view of texts and finite numbers is always an object.
        let Ok(Value::Object(mut merged)) = serde_json::to_value(self.content()) else {
            return Err(Problem::NotAnObject);
        };
        for (name, value) in patch {
            if !value.is_null() {
                merged.insert(name.clone(), value.clone());
            } else if ["name", "scopeRef"].contains(&name.as_str()) {
                merged.remove(name);
            }
        }
        let patched = reading::read(&merged, self.rule_id.clone(), self.created_at, now)?;
        Ok(Self { silenced_until: self.silenced_until, ..patched })
    }

    /// Reads a rule as it is written on the wire or in an imported file, with its id and times.
    ///
    /// # Errors
    /// The first problem in the order of the contract; then `ruleId`, `createdAt`, `updatedAt`.
    pub fn import(row: &Value) -> Result<Self, Problem> {
        let map = reading::object(row)?;
        let mut rule = reading::read(map, RuleId::nameless(), Timestamp(0), Timestamp(0))?;
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        let time = |name: &str| text(name).and_then(Timestamp::parse).ok_or_else(|| Problem::not_valid(name));
        rule.rule_id = text("ruleId").and_then(RuleId::parse).ok_or_else(|| Problem::not_valid("ruleId"))?;
        rule.created_at = time("createdAt")?;
        rule.updated_at = time("updatedAt")?;
        Ok(rule)
    }

    /// Whether a transition is told to the channel with this id, if the channel is enabled.
    pub fn tells(&self, channel_id: &str) -> bool {
        self.channels.is_empty() || self.channels.iter().any(|id| id == channel_id)
    }

    /// Until when an instance that is opened now is silent, when somebody silenced the whole rule.
    pub(super) fn silence_of_new(&self, now: Timestamp) -> Option<Timestamp> {
        self.silenced_until.filter(|until| now < *until)
    }

    /// What the rule says, without its id and times.
    pub(super) fn content(&self) -> View<'_> {
        View {
            rule_id: None,
            enabled: self.enabled,
            metric: self.metric,
            scope_type: self.scope.scope_type,
            scope_ref: self.scope.reference(),
            warn_threshold: wire::number(self.warn_threshold),
            critical_threshold: wire::number(self.critical_threshold),
            window: self.window,
            comparison: self.comparison,
            dedup_cooldown_sec: self.cooldown_sec,
            created_at: None,
            updated_at: None,
            name: self.name.as_deref(),
            hysteresis_pct: wire::number(self.hysteresis_pct),
            min_sample: self.min_sample,
            no_data: self.no_data,
            time_zone: self.zone.name(),
            channels: &self.channels,
        }
    }
}

/// `AlertRule` as the API writes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<&'a RuleId>,
    enabled: bool,
    metric: Metric,
    scope_type: ScopeType,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_ref: Option<Value>,
    warn_threshold: Number,
    critical_threshold: Number,
    window: Window,
    comparison: Comparison,
    dedup_cooldown_sec: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    hysteresis_pct: Number,
    min_sample: i64,
    no_data: NoData,
    time_zone: &'a str,
    channels: &'a [String],
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = View {
            rule_id: Some(&self.rule_id),
            created_at: Some(wire::iso(self.created_at)),
            updated_at: Some(wire::iso(self.updated_at)),
            ..self.content()
        };
        view.serialize(serializer)
    }
}
