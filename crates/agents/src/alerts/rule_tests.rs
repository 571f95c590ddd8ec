//! Tests of the reading and writing of rules.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{at, body, rule};
use super::{Comparison, Metric, NoData, Problem, Rule, RuleId, ScopeType, Window};

fn problem(body: &Value) -> String {
    Rule::create(body, 0, at("2026-02-18T00:00:00Z")).map_or_else(|problem| problem.to_string(), |_| "fine".to_owned())
}

/// The body of [`body`] without a field.
fn without(name: &str) -> Value {
    let mut body = body(&json!({}));
    body.as_object_mut().unwrap().remove(name);
    body
}

#[test]
fn the_first_problem_counts_in_the_order_of_the_contract() {
    let mut broken = json!({
        "comparison": "lt", "window": "2h", "dedupCooldownSec": -1, "banana": 1, "enabled": "yes"
    });
    for (expected, name, mended) in [
        ("metric is required", "metric", json!("cpu")),
        ("scopeType is required", "scopeType", json!("team")),
        ("warnThreshold must be a number", "warnThreshold", json!(5)),
        ("criticalThreshold must be a number", "criticalThreshold", json!(4)),
        ("criticalThreshold must be >= warnThreshold", "criticalThreshold", json!(5)),
        ("metric is not supported", "metric", json!("failure_rate")),
        ("scopeType is not supported", "scopeType", json!("global")),
        ("window is not supported", "window", json!("5m")),
        ("comparison is not supported", "comparison", json!("gte")),
        ("banana is not supported", "banana", Value::Null),
    ] {
        assert_eq!(problem(&broken), expected);
        broken[name] = mended;
        if name == "banana" {
            broken.as_object_mut().unwrap().remove("banana");
        }
    }
    assert_eq!(problem(&broken), "enabled is not valid");
    broken["enabled"] = json!(false);
    assert_eq!(problem(&broken), "dedupCooldownSec is not valid");
    for (name, expected) in [("window", "window is required"), ("comparison", "comparison is required")] {
        assert_eq!(problem(&without(name)), expected);
    }
}

#[test]
fn what_older_clients_called_missing_is_missing() {
    for nothing in [json!(null), json!(""), json!(false), json!(0)] {
        for name in ["metric", "scopeType", "window", "comparison"] {
            assert_eq!(problem(&body(&json!({ name: nothing }))), format!("{name} is required"));
        }
    }
    for wrong in [json!("10"), json!(null), json!([10])] {
        for name in ["warnThreshold", "criticalThreshold"] {
            assert_eq!(problem(&body(&json!({ name: wrong }))), format!("{name} must be a number"));
        }
    }
    for nothing in [json!(null), json!([]), json!("rule"), json!(1)] {
        assert_eq!(problem(&nothing), "metric is required", "JSON without any field");
    }
}

/// AG-28: words that are not in the list are refused in POST and PATCH.
#[test]
fn ag_28_bad_words_are_refused_in_post_and_patch() {
    let good = rule(&json!({}));
    for (name, wrong) in [
        ("metric", json!("daily_cost")),
        ("metric", json!("DAILY_COST_USD")),
        ("metric", json!(7)),
        ("scopeType", json!("agents")),
        ("window", json!("24H")),
        ("comparison", json!("lt")),
        ("noData", json!("ignore")),
        ("noData", json!(1)),
    ] {
        let expected = format!("{name} is not supported");
        assert_eq!(problem(&body(&json!({ name: wrong }))), expected);
        let patched = good.patched(&json!({ name: wrong }), at("2026-02-19T00:00:00Z"));
        assert_eq!(patched.map_err(|problem| problem.to_string()), Err(expected));
    }
}

#[test]
fn values_are_bounded() {
    for (fields, expected) in [
        (json!({"warnThreshold": -1}), "warnThreshold is not valid"),
        (json!({"dedupCooldownSec": 31_622_401}), "dedupCooldownSec is not valid"),
        (json!({"dedupCooldownSec": 1.5}), "dedupCooldownSec is not valid"),
        (json!({"dedupCooldownSec": 60.0}), "fine"),
        (json!({"name": "x".repeat(257)}), "name is not valid"),
        (json!({"hysteresisPct": 100}), "hysteresisPct is not valid"),
        (json!({"hysteresisPct": -0.1}), "hysteresisPct is not valid"),
        (json!({"hysteresisPct": 12.5}), "fine"),
        (json!({"minSample": 0}), "fine"),
        (json!({"minSample": 1_000_001}), "minSample is not valid"),
        (json!({"timeZone": "Europe/Atlantis"}), "timeZone is not valid"),
        (json!({"timeZone": "+02:00"}), "timeZone is not valid"),
        (json!({"timeZone": "Etc/Unknown"}), "timeZone is not valid"),
        (json!({"timeZone": 2}), "timeZone is not valid"),
        (json!({"channels": "ops"}), "channels is not valid"),
        (json!({"channels": ["ops", "ops"]}), "channels is not valid"),
        (json!({"channels": ["o/ps"]}), "channels is not valid"),
        (json!({"channels": (0..17).map(|n| n.to_string()).collect::<Vec<_>>()}), "channels is not valid"),
        (json!({"criticalThreshold": 9_007_199_254_740_991_i64}), "fine"),
        (json!({"criticalThreshold": 9_007_199_254_740_993_i64}), "criticalThreshold is not valid"),
        (json!({"criticalThreshold": 1e300}), "criticalThreshold is not valid"),
        (json!({"warnThreshold": 1e16, "criticalThreshold": 1e16}), "warnThreshold is not valid"),
        (json!({"name": "a\u{0}b"}), "name is not valid"),
        (json!({"scopeType": "agent", "scopeRef": {"agentId": "\u{0}"}}), "scopeRef.agentId is not valid"),
        (json!({"scopeType": "agent", "scopeRef": 5, "banana": 1}), "banana is not supported"),
        (json!({"scopeRef": {"agentId": "a"}}), "scopeRef is not supported"),
        (json!({"scopeRef": "a"}), "scopeRef is not supported"),
        (json!({"scopeRef": {}}), "fine"),
        (json!({"scopeType": "agent", "scopeRef": "a"}), "scopeRef is not valid"),
        (json!({"scopeType": "agent", "scopeRef": {"agentId": 1}}), "scopeRef.agentId is not valid"),
        (json!({"scopeType": "agent", "scopeRef": {"modelId": "m"}}), "scopeRef.modelId is not supported"),
        (json!({"scopeType": "agent", "scopeRef": {"agentId": "a", "modelId": null}}), "fine"),
        (json!({"scopeType": "model", "scopeRef": {"team": "t"}}), "scopeRef.team is not supported"),
        (
            json!({"scopeType": "agent_model", "scopeRef": {"modelId": "x".repeat(257)}}),
            "scopeRef.modelId is not valid",
        ),
    ] {
        assert_eq!(problem(&body(&fields)), expected, "{fields}");
    }
    let long = "x".repeat(1_000);
    assert_eq!(problem(&body(&json!({ long: 1 }))), format!("{} is not supported", "x".repeat(128)));
}

#[test]
fn defaults_are_filled_in_and_what_only_the_service_sets_is_ignored() {
    let rule = rule(&json!({"ruleId": "mine", "createdAt": "never", "updatedAt": 5}));
    assert!(rule.enabled);
    assert_eq!((rule.cooldown_sec, rule.min_sample, rule.no_data), (300, 1, NoData::Resolve));
    assert_eq!((rule.zone.name(), rule.name.as_deref(), rule.channels.len()), ("UTC", None, 0));
    assert_eq!((rule.metric, rule.window), (Metric::RollingCostUsd, Window::Hour));
    assert_eq!((rule.comparison, rule.scope.scope_type), (Comparison::Greater, ScopeType::Global));
    assert_ne!(rule.rule_id.as_str(), "mine");
    assert_eq!(rule.created_at, at("2026-02-18T00:00:00Z"));
    assert!(rule.tells("any"));
}

#[test]
fn the_wire_has_every_field_in_its_place() {
    let made = rule(&json!({}));
    let text = serde_json::to_string(&made).unwrap();
    let expected = concat!(
        r#""enabled":true,"metric":"rolling_cost_usd","scopeType":"global","warnThreshold":10,"criticalThreshold":50,"#,
        r#""window":"1h","comparison":"gt","dedupCooldownSec":300,"createdAt":"2026-02-18T00:00:00.000Z","#,
        r#""updatedAt":"2026-02-18T00:00:00.000Z","hysteresisPct":0,"minSample":1,"noData":"resolve","timeZone":"UTC","#,
        r#""channels":[]}"#
    );
    assert_eq!(text, format!(r#"{{"ruleId":"{}",{expected}"#, made.rule_id));

    let full = rule(&json!({
        "enabled": false, "metric": "daily_cost_usd", "scopeType": "agent_model",
        "scopeRef": {"modelId": "m", "agentId": "a"}, "warnThreshold": 0.1, "criticalThreshold": 0.25, "window": "7d",
        "comparison": "gte", "dedupCooldownSec": 0, "name": "Night", "hysteresisPct": 12.5, "minSample": 3, "noData": "keep",
        "timeZone": "europe/berlin", "channels": ["ops"]
    }));
    let expected = concat!(
        r#""enabled":false,"metric":"daily_cost_usd","scopeType":"agent_model","scopeRef":{"agentId":"a","modelId":"m"},"#,
        r#""warnThreshold":0.1,"criticalThreshold":0.25,"window":"7d","comparison":"gte","dedupCooldownSec":0,"#,
        r#""createdAt":"2026-02-18T00:00:00.000Z","updatedAt":"2026-02-18T00:00:00.000Z","name":"Night","#,
        r#""hysteresisPct":12.5,"minSample":3,"noData":"keep","timeZone":"Europe/Berlin","channels":["ops"]}"#
    );
    assert_eq!(serde_json::to_string(&full).unwrap(), format!(r#"{{"ruleId":"{}",{expected}"#, full.rule_id));
    assert!(full.tells("ops") && !full.tells("other"));
}

#[test]
fn ids_follow_from_what_a_rule_says_and_from_its_ordinal() {
    let now = at("2026-02-18T00:00:00Z");
    let id = |fields: Value, ordinal| Rule::create(&body(&fields), ordinal, now).unwrap().rule_id;
    assert_eq!(id(json!({}), 0).as_str(), "1596d451-1afa-8036-b566-ddebf514be8e");
    assert_eq!(id(json!({}), 0), id(json!({"enabled": true, "ruleId": "x"}), 0));
    assert_ne!(id(json!({}), 0), id(json!({}), 1));
    assert_ne!(id(json!({}), 0), id(json!({"warnThreshold": 11}), 0));
}

#[test]
fn a_patch_is_checked_as_a_whole() {
    let made = rule(&json!({"scopeType": "agent", "scopeRef": {"agentId": "a"}, "name": "Night", "minSample": 5}));
    let now = at("2026-03-01T00:00:00Z");
    let patched = made.patched(&json!({"warnThreshold": 20, "ruleId": "x", "createdAt": "y"}), now).unwrap();
    assert_eq!(patched, Rule { warn_threshold: 20.0, updated_at: now, ..made.clone() });
    let cleared =
        made.patched(&json!({"name": null, "scopeRef": null, "minSample": null, "metric": null}), now).unwrap();
    assert_eq!((cleared.name, cleared.scope.agent_id, cleared.min_sample), (None, None, 5));
    let disabled = made.patched(&json!({"enabled": false}), now).unwrap();
    assert!(!disabled.patched(&json!({"enabled": null}), now).unwrap().enabled);
    let widened = made.patched(&json!({"scopeType": "global", "scopeRef": null}), now).unwrap();
    assert_eq!(widened.scope.scope_type, ScopeType::Global);
    for (patch, expected) in [
        (json!({"warnThreshold": 60}), Problem::CriticalBelowWarning),
        (json!({"warnThreshold": "60"}), Problem::NotANumber("warnThreshold")),
        (json!({"metric": ""}), Problem::Required("metric")),
        (json!({"scopeType": "global"}), Problem::NotSupported("scopeRef".to_owned())),
        (json!({"deletedAt": 1}), Problem::NotSupported("deletedAt".to_owned())),
        (json!([]), Problem::NotAnObject),
    ] {
        assert_eq!(made.patched(&patch, now), Err(expected), "{patch}");
    }
}

#[test]
fn rows_of_a_file_keep_their_id_and_times() {
    let row = json!({
        "ruleId": "r1", "enabled": true, "metric": "failure_rate", "scopeType": "global", "warnThreshold": 0.2,
        "criticalThreshold": 0.8, "window": "24h", "comparison": "gte", "dedupCooldownSec": 300,
        "createdAt": "2026-02-18T00:00:00.000Z", "updatedAt": "2026-02-19T00:00:00.000Z"
    });
    let rule = Rule::import(&row).unwrap();
    assert_eq!((rule.rule_id.as_str(), rule.updated_at), ("r1", at("2026-02-19T00:00:00Z")));
    let again = Rule::import(&serde_json::to_value(&rule).unwrap()).unwrap();
    assert_eq!(again, rule);
    for (name, wrong) in [("ruleId", json!("")), ("createdAt", json!("yesterday")), ("updatedAt", json!(null))] {
        let mut row = row.clone();
        row[name] = wrong;
        assert_eq!(Rule::import(&row), Err(Problem::NotValid(name.to_owned())));
    }
    let unknown = json!({"ruleId": "r1", "metric": "cpu"});
    assert_eq!(Rule::import(&unknown), Err(Problem::Required("scopeType")));
}

/// Any JSON, with names that rules know more often than not.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["gt", "5m", "global", "agent", "failure_rate", "keep", "UTC"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 40, 8, |inner| {
        let name = prop::sample::select(vec![
            "metric",
            "scopeType",
            "scopeRef",
            "agentId",
            "warnThreshold",
            "criticalThreshold",
            "window",
            "comparison",
            "dedupCooldownSec",
            "name",
            "hysteresisPct",
            "minSample",
            "noData",
            "timeZone",
            "channels",
            "enabled",
            "x",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..17)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_panics_and_what_is_read_reads_back(fields in json_value()) {
        let now = at("2026-02-18T00:00:00Z");
        let merged = if fields.is_object() { body(&fields) } else { fields };
        if let Ok(rule) = Rule::create(&merged, 0, now) {
            let wire = serde_json::to_value(&rule).unwrap();
            prop_assert_eq!(Rule::import(&wire).unwrap(), rule.clone());
            prop_assert_eq!(rule.patched(&json!({}), now).unwrap(), rule);
        }
    }

    #[test]
    fn no_text_panics_as_an_id(text in "\\PC{0,140}") {
        if let Some(id) = RuleId::parse(&text) {
            prop_assert_eq!(id.as_str(), text);
        }
    }
}
