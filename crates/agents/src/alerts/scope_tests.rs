//! Tests of scopes, instances, zones and windows.

use std::collections::BTreeSet;

use exhibit_model::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::testing::{at, rule};
use super::{INSTANCES_MAX, Instance, Metric, Scope, ScopeType, Window, Zone, instances, span_of};

fn scope(scope_type: ScopeType, agent_id: Option<&str>, model_id: Option<&str>) -> Scope {
    Scope { scope_type, agent_id: agent_id.map(str::to_owned), model_id: model_id.map(str::to_owned) }
}

fn keys(scope: &Scope, standing: &[Instance], seen: &[(&str, &str)]) -> Vec<String> {
    instances(scope, standing, seen.iter().copied()).instances.iter().map(Instance::key).collect()
}

const SEEN: [(&str, &str); 4] = [("A", "m1"), ("A", "m2"), ("B", "m1"), ("A", "m1")];

/// AG-28: a rule on agent A knows nothing of B, whatever the metric, because it counts nothing that B did.
#[test]
fn ag_28_a_rule_on_one_agent_ignores_the_other_for_every_metric() {
    for metric in Metric::EVERY {
        let rule = rule(&json!({"metric": metric.as_str(), "scopeType": "agent", "scopeRef": {"agentId": "A"}}));
        assert_eq!(keys(&rule.scope, &[], &SEEN), ["agent=A"]);
        assert_eq!(rule.scope.instance_of("B", "m1"), None);
        let instance = rule.scope.instance_of("A", "m1").unwrap();
        assert!(instance.holds("A", "m2") && !instance.holds("B", "m1"));
    }
}

/// AG-28: an open scope makes an instance for each value that has data.
#[test]
fn ag_28_an_open_scope_makes_instances() {
    for (scope_type, agent_id, model_id, expected) in [
        (ScopeType::Global, None, None, vec!["global"]),
        (ScopeType::Agent, None, None, vec!["agent=A", "agent=B"]),
        (ScopeType::Model, None, None, vec!["model=m1", "model=m2"]),
        (ScopeType::Model, None, Some("m2"), vec!["model=m2"]),
        (ScopeType::AgentModel, None, None, vec!["agent=A;model=m1", "agent=A;model=m2", "agent=B;model=m1"]),
        (ScopeType::AgentModel, Some("A"), None, vec!["agent=A;model=m1", "agent=A;model=m2"]),
        (ScopeType::AgentModel, None, Some("m1"), vec!["agent=A;model=m1", "agent=B;model=m1"]),
        (ScopeType::AgentModel, Some("C"), Some("m9"), vec!["agent=C;model=m9"]),
        (ScopeType::AgentModel, Some("C"), None, vec![]),
    ] {
        assert_eq!(keys(&scope(scope_type, agent_id, model_id), &[], &SEEN), expected);
    }
}

#[test]
fn an_instance_that_stands_is_looked_at_though_its_data_are_gone() {
    let gone = Instance { agent_id: Some("Z".to_owned()), model_id: None };
    let of_another_type = Instance { agent_id: Some("Z".to_owned()), model_id: Some("m".to_owned()) };
    let open = scope(ScopeType::Agent, None, None);
    assert_eq!(keys(&open, &[gone.clone(), of_another_type.clone()], &[("A", "m1")]), ["agent=A", "agent=Z"]);
    assert!(open.covers(&gone) && !open.covers(&of_another_type) && !open.covers(&Instance::default()));
    assert!(!scope(ScopeType::Agent, Some("A"), None).covers(&gone));
}

#[test]
fn instances_are_bounded_and_the_cut_is_told() {
    let ids: Vec<String> = (0..=INSTANCES_MAX).map(|n| format!("{n:06}")).collect();
    let seen = || ids.iter().map(|id| (id.as_str(), "m"));
    let open = scope(ScopeType::Agent, None, None);
    let opened = instances(&open, &[], seen());
    assert_eq!((opened.instances.len(), opened.is_cut), (INSTANCES_MAX, true));
    let opened = instances(&open, &[], seen().take(INSTANCES_MAX).chain(seen().take(5)));
    assert_eq!((opened.instances.len(), opened.is_cut), (INSTANCES_MAX, false));
}

#[test]
fn keys_and_shown_scopes_are_unambiguous() {
    let instance = |agent_id: Option<&str>, model_id: Option<&str>| Instance {
        agent_id: agent_id.map(str::to_owned),
        model_id: model_id.map(str::to_owned),
    };
    for (instance, key, shown) in [
        (instance(None, None), "global", r#"{"type":"global"}"#),
        (instance(Some("a"), None), "agent=a", r#"{"agentId":"a"}"#),
        (instance(None, Some("m")), "model=m", r#"{"modelId":"m"}"#),
        (instance(Some("a"), Some("m")), "agent=a;model=m", r#"{"agentId":"a","modelId":"m"}"#),
        (instance(Some("a;model=m"), None), "agent=a%3Bmodel%3Dm", r#"{"agentId":"a;model=m"}"#),
        (instance(Some("50%25"), Some("é")), "agent=50%2525;model=é", r#"{"agentId":"50%25","modelId":"é"}"#),
    ] {
        assert_eq!(instance.key(), key);
        assert_eq!(Instance::parse_key(key), Some(instance.clone()));
        assert_eq!(instance.shown(ScopeType::Global).to_string(), shown);
    }
    for wrong in
        ["", "agent", "team=a", "model=m;agent=a", "agent=a;agent=b", "agent=%", "agent=%2", "agent=%3b", "agent=%é"]
    {
        assert_eq!(Instance::parse_key(wrong), None, "{wrong}");
    }
}

#[test]
fn windows_move_with_the_clock() {
    let now = at("2026-02-18T12:34:56.789012Z");
    for metric in Metric::EVERY {
        for (window, seconds) in
            [(Window::FiveMinutes, 300), (Window::Hour, 3_600), (Window::Day, 86_400), (Window::Week, 604_800)]
        {
            if *metric == Metric::DailyCostUsd && seconds >= 86_400 {
                continue;
            }
            let span = span_of(*metric, window, &Zone::parse("Asia/Tokyo").unwrap(), now).unwrap();
            assert_eq!((span.after, span.until), (Timestamp(now.0 - seconds * 1_000_000), now));
            assert!(!span.contains(span.after) && span.contains(Timestamp(span.after.0 + 1)));
            assert!(span.contains(now) && !span.contains(Timestamp(now.0 + 1)));
        }
    }
}

/// AG-29: a day is a calendar day of the zone, on the days of clock changes too.
#[test]
fn ag_29_days_are_those_of_the_zone() {
    for (zone, window, now, start) in [
        ("UTC", Window::Day, "2026-02-18T12:00:00Z", "2026-02-18T00:00:00Z"),
        ("UTC", Window::Day, "2026-02-18T00:00:00Z", "2026-02-18T00:00:00Z"),
        ("UTC", Window::Week, "2026-02-18T12:00:00Z", "2026-02-12T00:00:00Z"),
        ("America/New_York", Window::Day, "2026-02-18T03:00:00Z", "2026-02-17T05:00:00Z"),
        // The day on which the clock goes forward has 23 hours, the one on which it goes back has 25.
        ("Europe/Berlin", Window::Day, "2026-03-29T21:59:59Z", "2026-03-28T23:00:00Z"),
        ("Europe/Berlin", Window::Day, "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Berlin", Window::Day, "2026-10-25T22:59:59Z", "2026-10-24T22:00:00Z"),
        ("Europe/Berlin", Window::Week, "2026-03-30T12:00:00Z", "2026-03-23T23:00:00Z"),
        ("Europe/Berlin", Window::Week, "2026-10-26T12:00:00Z", "2026-10-19T22:00:00Z"),
        // Midnight itself is skipped, or the middle of it, or the whole day.
        ("America/Sao_Paulo", Window::Day, "2015-10-18T12:00:00Z", "2015-10-18T03:00:00Z"),
        ("America/Toronto", Window::Day, "1919-03-31T12:00:00Z", "1919-03-31T04:30:00Z"),
        ("Pacific/Apia", Window::Week, "2012-01-05T00:00:00Z", "2011-12-30T10:00:00Z"),
        // Midnight comes twice: the first one begins the day.
        ("America/Havana", Window::Day, "2025-11-02T12:00:00Z", "2025-11-02T04:00:00Z"),
    ] {
        let span = span_of(Metric::DailyCostUsd, window, &Zone::parse(zone).unwrap(), at(now)).unwrap();
        assert_eq!((Timestamp(span.after.0 + 1), span.until), (at(start), at(now)), "{zone} {now}");
    }
}

#[test]
fn zones_have_their_names_from_the_bundled_database() {
    for (text, name) in
        [("UTC", "UTC"), ("utc", "UTC"), ("america/new_york", "America/New_York"), ("Asia/Kolkata", "Asia/Kolkata")]
    {
        assert_eq!(Zone::parse(text).unwrap().name(), name);
    }
    for wrong in ["", "Mars/Olympus", "+01:00", "Etc/Unknown", "../etc/passwd", &"x".repeat(65)] {
        assert_eq!(Zone::parse(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn keys_read_back(agent_id in prop::option::of("[%;=a-zé253BD ]{0,12}"), model_id in prop::option::of("\\PC{0,8}")) {
        let instance = Instance { agent_id, model_id };
        prop_assert_eq!(Instance::parse_key(&instance.key()), Some(instance));
    }

    #[test]
    fn no_key_panics(key in "(agent=|model=|global)?[%;=\\PC]{0,20}") {
        if let Some(instance) = Instance::parse_key(&key) {
            prop_assert_eq!(instance.key(), key);
        }
    }

    #[test]
    fn what_instances_hold_is_what_the_scope_speaks_of(
        type_at in 0..4_usize, agent_id in prop::option::of("[AB]"), model_id in prop::option::of("[mn]"),
        seen in prop::collection::vec(("[AB]", "[mn]"), 0..6),
    ) {
        let scope = Scope { scope_type: ScopeType::EVERY[type_at], agent_id, model_id };
        let opened = instances(&scope, &[], seen.iter().map(|(agent_id, model_id)| (agent_id.as_str(), model_id.as_str())));
        for instance in &opened.instances {
            prop_assert!(scope.covers(instance));
        }
        for (agent_id, model_id) in &seen {
            let holding: BTreeSet<&Instance> = opened.instances.iter().filter(|instance| instance.holds(agent_id, model_id)).collect();
            prop_assert!(holding.len() <= 1);
        }
    }

    #[test]
    fn no_moment_panics(us in any::<i64>(), metric_at in 0..4_usize, window_at in 0..4_usize) {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        if let Ok(span) = span_of(Metric::EVERY[metric_at], Window::EVERY[window_at], &zone, Timestamp(us)) {
            prop_assert!(us == i64::MIN || span.contains(Timestamp(us)));
        }
    }
}
