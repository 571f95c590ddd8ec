//! The feed: which alerts stand, and which ended a short while ago.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use exhibit_model::time::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value};

use super::delivery::shown;
use super::ids::RuleId;
use super::rule::Rule;
use super::state::State;
use super::wire;
use super::words::{Level, Lifecycle, Metric, ScopeType};

/// Hours for which an alert that ended stays in the feed.
pub const FEED_HOURS: i64 = 24;

/// Rows of the feed: nobody reads more, and the worst come first.
pub const FEED_ROWS_MAX: usize = 10_000;

/// A row of the feed, as the API writes it: fields in this order, absent ones omitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveAlert {
    rule_id: RuleId,
    metric: Metric,
    scope: Value,
    value: Number,
    warn_threshold: Number,
    critical_threshold: Number,
    status: &'static str,
    triggered_at: String,
    deduped: bool,
    scope_type: ScopeType,
    scope_key: String,
    lifecycle: Lifecycle,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until: Option<String>,
    episode: i64,
    opened_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acked_at: Option<String>,
    sample: i64,
}

/// The rows that stand at a moment: critical, warning, resolved; the latest transition first; then by rule and scope. States of rules that
/// are not given or not enabled are left out, and so are those that their rule does not cover any more. It decides nothing: what the last
/// evaluation wrote is shown.
pub fn feed(rules: &[Rule], states: &[State], now: Timestamp) -> Vec<ActiveAlert> {
    let rules: BTreeMap<&RuleId, &Rule> =
        rules.iter().filter(|rule| rule.enabled).map(|rule| (&rule.rule_id, rule)).collect();
    let mut shown: Vec<(&Rule, &State)> = states
        .iter()
        .filter(|state| is_shown(state, now))
        .filter_map(|state| Some((*rules.get(&state.rule_id)?, state)))
        .filter(|(rule, state)| rule.scope.covers(&state.instance))
        .collect();
    shown.sort_by_cached_key(|(_, state)| {
        let when = Reverse((state.standing.status, state.last_transition_at));
        (when, state.rule_id.clone(), state.scope_key())
    });
    shown.truncate(FEED_ROWS_MAX);
    shown.into_iter().map(|(rule, state)| row(rule, state)).collect()
}

/// Whether a state fires, or ended by itself within the last hours. One that was closed has no end of its own.
fn is_shown(state: &State, now: Timestamp) -> bool {
    let since = Timestamp(now.0.saturating_sub(FEED_HOURS * 3_600 * 1_000_000));
    state.standing.status.is_firing() || state.resolved_at.is_some_and(|at| since < at)
}

fn row(rule: &Rule, state: &State) -> ActiveAlert {
    let is_firing = state.standing.status.is_firing();
    // Nothing is told before both are over; they are told apart, as only a person ends the second one early.
    let (suppressed_until, silenced_until) = (state.suppressed_until, state.silenced_until);
    ActiveAlert {
        rule_id: rule.rule_id.clone(),
        metric: rule.metric,
        scope: state.instance.shown(rule.scope.scope_type),
        // Older clients need a number; `sample` 0 says that there was none.
        value: wire::number(state.last_value.map_or(0.0, super::measure::Measure::wire)),
        warn_threshold: wire::number(rule.warn_threshold),
        critical_threshold: wire::number(rule.critical_threshold),
        status: shown(state.standing.status),
        triggered_at: wire::iso(state.last_transition_at),
        deduped: state.deduped,
        scope_type: rule.scope.scope_type,
        scope_key: state.scope_key(),
        lifecycle: state.standing.lifecycle,
        suppressed_until: suppressed_until.filter(|_| is_firing).map(wire::iso),
        silenced_until: silenced_until.filter(|_| is_firing).map(wire::iso),
        episode: state.episode,
        opened_at: wire::iso(state.opened_at.unwrap_or(state.last_transition_at)),
        resolved_at: state.resolved_at.map(wire::iso).filter(|_| state.standing.status == Level::Ok),
        acked_at: state.acked_at.map(wire::iso),
        sample: state.last_sample,
    }
}
