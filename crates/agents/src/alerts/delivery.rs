//! What a webhook is sent, and when it is tried again.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Number, Value};

use super::ids::{DeliveryId, RuleId, TransitionId};
use super::rule::Rule;
use super::state::{State, Transition};
use super::wire;
use super::words::{Comparison, Level, Lifecycle, Metric, ScopeType, TransitionKind, Window};

/// The header with the id of the delivery; the same over all attempts, so that a receiver can drop what it has.
pub const DELIVERY_HEADER: &str = "x-exhibit-delivery";

/// The header with the signature, which each attempt makes anew.
pub const SIGNATURE_HEADER: &str = "x-exhibit-signature";

/// The version of the body.
const SCHEMA: &str = "exhibit.alert/1";

/// Seconds before each attempt after the first. The last one is more than seven hours after the first: a night's outage ends as dead rows
/// that a person sees, not as a flood in the morning.
const RETRIES_SEC: [u64; 7] = [1, 5, 30, 120, 600, 3_600, 21_600];

/// Attempts after which a delivery is dead.
pub const ATTEMPTS_MAX: u32 = RETRIES_SEC.len() as u32 + 1;

/// How long to wait after so many failed attempts; nothing before the first, `None` when the delivery is dead.
pub fn retry_delay(attempts: u32) -> Option<Duration> {
    let Some(retry) = attempts.checked_sub(1) else { return Some(Duration::ZERO) };
    RETRIES_SEC.get(usize::try_from(retry).ok()?).map(|seconds| Duration::from_secs(*seconds))
}

/// The body of a webhook. Every key is always there, in this order; what is unknown is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    schema: &'static str,
    /// The id of the delivery, also in the header [`DELIVERY_HEADER`].
    pub delivery_id: DeliveryId,
    /// The id of the transition, the same for all channels.
    pub transition_id: TransitionId,
    event: TransitionKind,
    rule_id: RuleId,
    metric: Metric,
    scope_type: ScopeType,
    scope: Value,
    status: &'static str,
    previous_status: Level,
    lifecycle: Lifecycle,
    value: Option<Number>,
    sample: i64,
    threshold: Option<Number>,
    warn_threshold: Number,
    critical_threshold: Number,
    window: Window,
    comparison: Comparison,
    transition_at: String,
    triggered_at: String,
    episode: i64,
}

impl Payload {
    /// What a channel is told of a transition; `state` is the one that came out of the same step. `triggeredAt` is when the episode began.
    pub fn new(rule: &Rule, state: &State, transition: &Transition, channel_id: &str) -> Self {
        let transition_id = TransitionId::of(&rule.rule_id, &state.scope_key(), transition);
        Self {
            schema: SCHEMA,
            delivery_id: DeliveryId::of(&transition_id, channel_id),
            transition_id,
            event: transition.kind,
            rule_id: rule.rule_id.clone(),
            metric: rule.metric,
            scope_type: rule.scope.scope_type,
            scope: state.instance.shown(rule.scope.scope_type),
            status: shown(transition.to.status),
            previous_status: transition.from.status,
            lifecycle: transition.to.lifecycle,
            value: transition.value.map(|value| wire::number(value.wire())),
            sample: transition.sample,
            threshold: transition.threshold.map(wire::number),
            warn_threshold: wire::number(rule.warn_threshold),
            critical_threshold: wire::number(rule.critical_threshold),
            window: rule.window,
            comparison: rule.comparison,
            transition_at: wire::iso(transition.at),
            triggered_at: wire::iso(state.opened_at.unwrap_or(transition.at)),
            episode: transition.episode,
        }
    }

    /// The bytes that are kept, signed and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts and finite numbers cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A level as people are told of it: what does not fire any more is resolved.
pub(super) fn shown(level: Level) -> &'static str {
    match level {
        Level::Ok => "resolved",
        Level::Warning | Level::Critical => level.as_str(),
    }
}
