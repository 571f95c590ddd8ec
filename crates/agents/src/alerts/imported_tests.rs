//! Rows of alerts as older versions kept them, and as the feed shows them.

use serde_json::json;

use super::*;

fn rule(fields: &Value) -> Rule {
    let mut row = json!({
        "ruleId": "r", "metric": "daily_cost_usd", "scopeType": "global", "warnThreshold": 1, "criticalThreshold": 2, "window": "24h",
        "comparison": "gt", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
    });
    for (name, value) in fields.as_object().unwrap() {
        row[name] = value.clone();
    }
    Rule::import(&row).unwrap()
}

fn at(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
}

/// AG-10: the state of an alert as V3 and V4.1 kept it.
#[test]
fn a_state_as_v3_kept_it() {
    let row = json!({
        "ruleId": "r", "status": "critical", "lifecycleState": "suppressed", "suppressedUntil": "2026-01-03T00:10:00Z", "lastValue": 2.5,
        "lastEvaluatedAt": "2026-01-03T00:05:00Z", "lastTransitionAt": "2026-01-03T00:00:00Z",
        "lastNotifiedAt": "2026-01-03T00:00:01Z", "activeFingerprint": "f", "deduped": true,
    });
    let state = State::import(&rule(&json!({})), &row).unwrap();
    assert_eq!(state.standing, Standing { status: Level::Critical, lifecycle: Lifecycle::Suppressed });
    assert_eq!((state.scope_key().as_str(), state.deduped, state.episode), ("global", true, 1));
    assert_eq!(state.last_value, Some(Measure::Cost(Nano(2_500_000_000))));
    assert_eq!(Some(state.last_transition_at), at("2026-01-03T00:00:00Z"));
    assert_eq!(state.last_notified_at, at("2026-01-03T00:00:01Z"));
    assert_eq!(state.suppressed_until, at("2026-01-03T00:10:00Z"));
    let named = rule(&json!({"scopeType": "agent", "scopeRef": {"agentId": "a"}}));
    assert_eq!(
        State::import(&named, &row).unwrap().scope_key(),
        "agent=a",
        "nobody is named where only one can be meant"
    );
}

#[test]
fn what_is_over_is_resolved_whatever_is_said_beside_it() {
    for status in ["ok", "resolved"] {
        for lifecycle in [Value::Null, json!("active"), json!("suppressed"), json!("resolved")] {
            let row =
                json!({"status": status, "lifecycleState": lifecycle, "lastTransitionAt": "2026-01-03T00:00:00Z"});
            let state = State::import(&rule(&json!({})), &row).unwrap();
            assert_eq!(state.standing, Standing { status: Level::Ok, lifecycle: Lifecycle::Resolved });
            assert_eq!((state.last_notified_at, state.resolved_at), (None, at("2026-01-03T00:00:00Z")));
        }
    }
}

#[test]
fn what_cannot_be_a_state_is_told() {
    let open = json!({"scopeType": "agent"});
    let fields = [
        (json!({}), json!({"status": "loud"}), "status is not supported"),
        (json!({}), json!({"lifecycleState": "asleep"}), "lifecycleState is not supported"),
        (json!({}), json!({"lifecycleState": "resolved"}), "lifecycle is not valid"),
        (json!({}), json!({"lastTransitionAt": "yesterday"}), "lastTransitionAt is not valid"),
        (json!({}), json!({"lastTransitionAt": null}), "triggeredAt is required"),
        (json!({}), json!({"lastEvaluatedAt": 7}), "lastEvaluatedAt is not valid"),
        (json!({}), json!({"lastValue": "much"}), "value must be a number"),
        (json!({}), json!({"mood": 1}), "mood is not supported"),
        (open, json!({}), "scope is not valid"),
    ];
    for (of_rule, fields, words) in fields {
        let mut row = json!({"status": "warning", "lastTransitionAt": "2026-01-03T00:00:00Z"});
        for (name, value) in fields.as_object().unwrap() {
            row[name] = value.clone();
        }
        assert_eq!(State::import(&rule(&of_rule), &row).unwrap_err().to_string(), words, "{row}");
    }
}
