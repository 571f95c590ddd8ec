//! How an alert stood in an older version, as far as this one can go on from there.

use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde_json::{Map, Number, Value};

use super::measure::Measure;
use super::reading::{self, Problem};
use super::rule::Rule;
use super::scope::Instance;
use super::state::{Standing, State};
use super::words::{Level, Lifecycle, Metric, ScopeType};
use crate::money::Nano;

/// Fields of an alert: as the feed has them, and as older versions kept them. Thresholds and the metric are those of the rule; what was
/// evaluated last, and the mark of what was told, are made anew.
const FIELDS: [&str; 24] = [
    "ruleId",
    "metric",
    "scope",
    "value",
    "warnThreshold",
    "criticalThreshold",
    "status",
    "triggeredAt",
    "deduped",
    "scopeType",
    "scopeKey",
    "lifecycle",
    "suppressedUntil",
    "episode",
    "openedAt",
    "resolvedAt",
    "ackedAt",
    "sample",
    "lifecycleState",
    "lastValue",
    "lastEvaluatedAt",
    "lastTransitionAt",
    "lastNotifiedAt",
    "activeFingerprint",
];

impl State {
    /// Reads a row of an older file. Without a lifecycle, `ok` and `resolved` are resolved, all else is active. What fires is taken to have
    /// been told, so that it is not told once more only because it moved house. Older versions kept one state of a rule and named nobody in
    /// it: that is the only instance, where the rule leaves nothing open.
    ///
    /// # Errors
    /// The first problem.
    pub fn import(rule: &Rule, row: &Value) -> Result<Self, Problem> {
        let map = reading::object(row)?;
        if let Some(unknown) = map.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Problem::not_supported(unknown));
        }
        known_word(map, "metric", Metric::of_word)?;
        known_word(map, "scopeType", ScopeType::of_word)?;
        let standing = standing(map)?;
        let instance = instance(rule, map)?;
        let at = first(time(map, "triggeredAt")?, time(map, "lastTransitionAt")?);
        let at = at.ok_or(Problem::Required("triggeredAt"))?;
        time(map, "lastEvaluatedAt")?;
        let fires = standing.status.is_firing();
        let sample = count(map, "sample")?.unwrap_or(0);
        let mut state = Self {
            standing,
            suppressed_until: time(map, "suppressedUntil")?,
            acked_at: time(map, "ackedAt")?,
            last_value: value(rule.metric, map, sample)?,
            last_sample: sample,
            last_notified_at: time(map, "lastNotifiedAt")?.or(Some(at)).filter(|_| fires),
            opened_at: time(map, "openedAt")?.or(fires.then_some(at)),
            resolved_at: time(map, "resolvedAt")?.or(Some(at)).filter(|_| !fires),
            // It stands in an episode at least.
            episode: count(map, "episode")?.unwrap_or(1).max(1),
            deduped: flag(map, "deduped")?,
            ..Self::new(rule.rule_id.clone(), instance, at)
        };
        state.active_fp = state.fingerprint();
        Ok(state)
    }
}

/// Of two names of one thing, that of the feed counts.
fn first<T>(of_feed: Option<T>, as_kept: Option<T>) -> Option<T> {
    of_feed.or(as_kept)
}

fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|value| !value.is_null())
}

/// A word of a closed list that may be absent.
fn known_word<T>(
    map: &Map<String, Value>,
    name: &str,
    of_word: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(value) = get(map, name) else { return Ok(None) };
    let word = value.as_str().and_then(of_word);
    word.map(Some).ok_or_else(|| Problem::not_supported(name))
}

fn standing(map: &Map<String, Value>) -> Result<Standing, Problem> {
    // `resolved` is what the feed calls an alert that is over.
    let of_word = |word: &str| if word == "resolved" { Some(Level::Ok) } else { Level::of_word(word) };
    let status = known_word(map, "status", of_word)?.ok_or(Problem::Required("status"))?;
    let of_feed = known_word(map, "lifecycle", Lifecycle::of_word)?;
    let sent = first(of_feed, known_word(map, "lifecycleState", Lifecycle::of_word)?);
    // Nothing that is over is active, though V4.1 wrote so wherever nobody had said otherwise.
    let lifecycle = if status.is_firing() { sent.unwrap_or(Lifecycle::Active) } else { Lifecycle::Resolved };
    if status.is_firing() && lifecycle == Lifecycle::Resolved {
        return Err(Problem::not_valid("lifecycle"));
    }
    Ok(Standing { status, lifecycle })
}

/// Of whom it speaks: by its key, else by the names in its scope.
fn instance(rule: &Rule, map: &Map<String, Value>) -> Result<Instance, Problem> {
    let instance = match (get(map, "scopeKey"), get(map, "scope")) {
        (Some(key), _) => key.as_str().and_then(Instance::parse_key).ok_or_else(|| Problem::not_valid("scopeKey"))?,
        (None, None) => rule.scope.closed().unwrap_or_default(),
        (None, Some(scope)) => {
            let scope = scope.as_object().ok_or_else(|| Problem::not_valid("scope"))?;
            if scope.keys().any(|name| !["agentId", "modelId", "type"].contains(&name.as_str())) {
                return Err(Problem::not_supported("scope"));
            }
            let name = |field: &str| match get(scope, field) {
                None => Ok(None),
                Some(Value::String(id)) if !id.is_empty() => Ok(Some(id.clone())),
                Some(_) => Err(Problem::not_valid("scope")),
            };
            Instance { agent_id: name("agentId")?, model_id: name("modelId")? }
        }
    };
    if rule.scope.covers(&instance) { Ok(instance) } else { Err(Problem::not_valid("scope")) }
}

/// The value as exactly as it was kept; a share of failures is one of its sample, and says nothing without one.
fn value(metric: Metric, map: &Map<String, Value>, sample: i64) -> Result<Option<Measure>, Problem> {
    let Some(value) = first(get(map, "value"), get(map, "lastValue")) else { return Ok(None) };
    let number: &Number = match value {
        Value::Number(number) => number,
        _ => return Err(Problem::NotANumber("value")),
    };
    let not_valid = || Problem::not_valid("value");
    let double = number.as_f64().filter(|value| *value >= 0.0).ok_or_else(not_valid)?;
    Ok(match metric {
        Metric::DailyCostUsd | Metric::RollingCostUsd => {
            Some(Measure::Cost(Nano::from_usd(number).ok_or_else(not_valid)?))
        }
        Metric::RuntimeP95Ms => {
            #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are kept, and the cast saturates")]
            let runtime_ms = double.round() as i64;
            Some(Measure::Runtime(runtime_ms))
        }
        Metric::FailureRate => {
            let total = u32::try_from(sample).map_err(|_| Problem::not_valid("sample"))?;
            if double > 1.0 {
                return Err(not_valid());
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of 32 bits has 32 bits"
            )]
            let failed = (double * f64::from(total)).round() as u32;
            (total > 0).then_some(Measure::FailureRate { failed, total })
        }
    })
}

fn time(map: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(value) = get(map, name) else { return Ok(None) };
    let time = value.as_str().and_then(Timestamp::parse);
    time.map(Some).ok_or_else(|| Problem::not_valid(name))
}

fn count(map: &Map<String, Value>, name: &str) -> Result<Option<i64>, Problem> {
    let Some(value) = get(map, name) else { return Ok(None) };
    let count = value.as_i64().filter(|count| (0..=SAFE_INTEGER_MAX).contains(count));
    count.map(Some).ok_or_else(|| Problem::not_valid(name))
}

fn flag(map: &Map<String, Value>, name: &str) -> Result<bool, Problem> {
    let Some(value) = get(map, name) else { return Ok(false) };
    value.as_bool().ok_or_else(|| Problem::not_valid(name))
}

#[cfg(test)]
#[path = "imported_tests.rs"]
mod tests;
