//! Tests of payloads, retries and the feed.

use std::time::Duration;

use serde_json::{Value, json};

use super::testing::{Fed, at, later, rule};
use super::{
    ATTEMPTS_MAX, Cause, DELIVERY_HEADER, Input, Instance, Measure, Payload, Rule, RuleId, SIGNATURE_HEADER, State,
    feed, retry_delay,
};

fn named_rule(fields: Value) -> Rule {
    Rule { rule_id: RuleId::parse("r1").unwrap(), ..rule(&fields) }
}

/// AG-30: the bytes of the body.
#[test]
fn ag_30_payloads_are_stable() {
    let rule = named_rule(json!({"scopeType": "agent", "warnThreshold": 10, "criticalThreshold": 50.5}));
    let mut fed = Fed::new(rule.clone(), at("2026-02-18T09:00:00Z"));
    fed.state.instance = Instance { agent_id: Some("coder".to_owned()), model_id: None };
    fed.cost(20);
    fed.wait(90).cost(60);
    fed.wait(30).cost(1);
    let bodies: Vec<String> = fed
        .transitions
        .iter()
        .map(|happened| String::from_utf8(Payload::new(&rule, &fed.state, happened, "ops").to_bytes()).unwrap())
        .collect();
    let same = r#""ruleId":"r1","metric":"rolling_cost_usd","scopeType":"agent","scope":{"agentId":"coder"},"#;
    let limits = r#""warnThreshold":10,"criticalThreshold":50.5,"window":"1h","comparison":"gt","#;
    let expected = [
        format!(
            "{}{same}{}{limits}{}",
            r#"{"schema":"exhibit.alert/1","deliveryId":"D0","transitionId":"T0","event":"open","#,
            r#""status":"warning","previousStatus":"ok","lifecycle":"active","value":20,"sample":10,"threshold":10,"#,
            r#""transitionAt":"2026-02-18T09:00:00.000Z","triggeredAt":"2026-02-18T09:00:00.000Z","episode":1}"#,
        ),
        format!(
            "{}{same}{}{limits}{}",
            r#"{"schema":"exhibit.alert/1","deliveryId":"D1","transitionId":"T1","event":"escalate","#,
            r#""status":"critical","previousStatus":"warning","lifecycle":"active","value":60,"sample":10,"threshold":50.5,"#,
            r#""transitionAt":"2026-02-18T09:01:30.000Z","triggeredAt":"2026-02-18T09:00:00.000Z","episode":1}"#,
        ),
        format!(
            "{}{same}{}{limits}{}",
            r#"{"schema":"exhibit.alert/1","deliveryId":"D2","transitionId":"T2","event":"resolve","#,
            r#""status":"resolved","previousStatus":"critical","lifecycle":"resolved","value":1,"sample":10,"threshold":50.5,"#,
            r#""transitionAt":"2026-02-18T09:02:00.000Z","triggeredAt":"2026-02-18T09:00:00.000Z","episode":1}"#,
        ),
    ];
    let ids = IDS;
    for (number, (body, expected)) in bodies.iter().zip(expected).enumerate() {
        let (delivery, transition) = ids[number];
        let expected = expected
            .replace(&format!("\"D{number}\""), &format!("\"{delivery}\""))
            .replace(&format!("\"T{number}\""), &format!("\"{transition}\""));
        assert_eq!(*body, expected);
    }
}

/// The ids of the three deliveries and transitions: they follow from rule, scope, episode, ordinal and channel alone.
const IDS: [(&str, &str); 3] = [
    ("5135bf64-f15b-8c11-88a1-4fdffadcedca", "cc2eaee0-bb62-8100-9bea-aa6c903e3901"),
    ("d6554428-be9d-8431-a502-864243f8c5a0", "c66f462c-76e9-8981-b3c1-44b3e6086215"),
    ("aed21d42-e1a9-862e-ae18-edabe3e1263d", "725a7471-f0ec-8f48-ac9c-af49cad07cc5"),
];

/// AG-30: every key is there when nothing was measured.
#[test]
fn ag_30_payloads_without_a_value_say_null() {
    let mut fed = Fed::new(named_rule(json!({"noData": "alert"})), at("2026-02-18T09:00:00Z"));
    let happened = fed.hear(Input::Evaluated { value: None, sample: 0, cause: Cause::Timer }).unwrap();
    let body = serde_json::to_value(Payload::new(&fed.rule, &fed.state, &happened, "ops")).unwrap();
    assert_eq!((body.as_object().unwrap().len(), &body["value"]), (21, &Value::Null));
    assert_eq!(body["scope"], json!({"type": "global"}));
}

/// AG-30: the id of a delivery is the same for every attempt and rerun, and no other delivery has it.
#[test]
fn ag_30_ids_of_deliveries_are_stable() {
    let story = |channel: &str| {
        let mut fed = Fed::new(named_rule(json!({})), at("2026-02-18T09:00:00Z"));
        let happened = fed.cost(20).unwrap();
        Payload::new(&fed.rule, &fed.state, &happened, channel)
    };
    assert_eq!(story("ops"), story("ops"));
    assert_eq!(story("ops").transition_id, story("dev").transition_id);
    assert_ne!(story("ops").delivery_id, story("dev").delivery_id);
    assert_eq!((DELIVERY_HEADER, SIGNATURE_HEADER), ("x-exhibit-delivery", "x-exhibit-signature"));
}

/// AG-30: seven more attempts, then dead.
#[test]
fn ag_30_attempts_wait_longer_and_end() {
    let seconds: Vec<Option<u64>> =
        (0..=9).map(|attempts| retry_delay(attempts).map(|delay| delay.as_secs())).collect();
    let expected = [Some(0), Some(1), Some(5), Some(30), Some(120), Some(600), Some(3_600), Some(21_600), None, None];
    assert_eq!(seconds, expected);
    assert_eq!((retry_delay(ATTEMPTS_MAX), retry_delay(u32::MAX)), (None, None));
    assert_eq!(retry_delay(ATTEMPTS_MAX - 1), Some(Duration::from_secs(21_600)));
}

/// The only row of the feed of an instance.
fn row_of(fed: &Fed) -> Value {
    let rows = feed(std::slice::from_ref(&fed.rule), std::slice::from_ref(&fed.state), fed.now);
    assert_eq!(rows.len(), 1);
    serde_json::to_value(&rows[0]).unwrap()
}

/// AG-30: the bytes of the feed, its order, and what is in it.
#[test]
fn ag_30_the_feed_is_stable() {
    let start = at("2026-02-18T09:00:00Z");
    let rules =
        [named_rule(json!({})), Rule { rule_id: RuleId::parse("r2").unwrap(), ..rule(&json!({"scopeType": "model"})) }];
    let story = |rule: &Rule, model_id: Option<&str>, wait: i64, costs: &[i64]| {
        let mut fed = Fed::new(rule.clone(), later(start, wait));
        fed.state.instance.model_id = model_id.map(str::to_owned);
        for dollars in costs {
            fed.wait(10).cost(*dollars);
        }
        fed.state
    };
    let states = [
        story(&rules[1], Some("ok"), 0, &[1]),
        story(&rules[1], Some("m2"), 0, &[20, 1]),
        story(&rules[1], Some("m1"), 0, &[20]),
        story(&rules[1], Some("m0"), 0, &[20]),
        story(&rules[1], None, 0, &[60]),
        story(&rules[0], None, 50, &[60, 61]),
        story(&rules[1], Some("m3"), 5, &[20]),
        story(&rule(&json!({"name": "gone"})), None, 0, &[60]),
    ];
    let text = |now| serde_json::to_string(&feed(&rules, &states, now)).unwrap();
    let critical = concat!(
        r#"{"ruleId":"r1","metric":"rolling_cost_usd","scope":{"type":"global"},"value":61,"warnThreshold":10,"#,
        r#""criticalThreshold":50,"status":"critical","triggeredAt":"2026-02-18T09:01:10.000Z","deduped":true,"#,
        r#""scopeType":"global","scopeKey":"global","lifecycle":"suppressed","suppressedUntil":"2026-02-18T09:06:00.000Z","#,
        r#""episode":1,"openedAt":"2026-02-18T09:01:00.000Z","sample":10}"#
    );
    let warning = |model: &str, second: &str, until: &str| {
        [
            r#"{"ruleId":"r2","metric":"rolling_cost_usd","scope":{"modelId":"M"},"value":20,"warnThreshold":10,"#,
            r#""criticalThreshold":50,"status":"warning","triggeredAt":"2026-02-18T09:00:S.000Z","deduped":false,"#,
            r#""scopeType":"model","scopeKey":"model=M","lifecycle":"active","suppressedUntil":"2026-02-18T09:05:U.000Z","#,
            r#""episode":1,"openedAt":"2026-02-18T09:00:S.000Z","sample":10}"#,
        ]
        .concat()
        .replace("=M", &format!("={model}"))
        .replace(r#""M""#, &format!(r#""{model}""#))
        .replace(":S.", &format!(":{second}."))
        .replace(":U.", &format!(":{until}."))
    };
    let resolved = concat!(
        r#"{"ruleId":"r2","metric":"rolling_cost_usd","scope":{"modelId":"m2"},"value":1,"warnThreshold":10,"#,
        r#""criticalThreshold":50,"status":"resolved","triggeredAt":"2026-02-18T09:00:20.000Z","deduped":false,"#,
        r#""scopeType":"model","scopeKey":"model=m2","lifecycle":"resolved","episode":1,"#,
        r#""openedAt":"2026-02-18T09:00:10.000Z","resolvedAt":"2026-02-18T09:00:20.000Z","sample":10}"#
    );
    let firing = [critical.to_owned(), warning("m3", "15", "15"), warning("m0", "10", "10"), warning("m1", "10", "10")]
        .join(",");
    assert_eq!(text(later(start, 100)), format!("[{firing},{resolved}]"));
    // What ended is shown for a day, to the microsecond.
    assert_eq!(text(later(start, 20 + 86_399)), format!("[{firing},{resolved}]"));
    assert_eq!(text(later(start, 20 + 86_400)), format!("[{firing}]"));
}

#[test]
fn what_was_closed_and_what_a_rule_lost_is_not_in_the_feed() {
    let mut fed = Fed::new(named_rule(json!({})), at("2026-02-18T09:00:00Z"));
    fed.cost(20);
    let shown =
        |rule: &Rule, state: &State, now| feed(std::slice::from_ref(rule), std::slice::from_ref(state), now).len();
    assert_eq!(shown(&fed.rule, &fed.state, fed.now), 1);
    let disabled = Rule { enabled: false, ..fed.rule.clone() };
    assert_eq!(shown(&disabled, &fed.state, fed.now), 0);
    let narrowed = named_rule(json!({"scopeType": "agent"}));
    assert_eq!(shown(&narrowed, &fed.state, fed.now), 0);
    fed.hear(Input::Silenced { until: later(fed.now, 7_200), by: "kim" });
    assert_eq!(row_of(&fed)["suppressedUntil"], "2026-02-18T09:05:00.000Z", "a silence pushes it not");
    assert_eq!(row_of(&fed)["silencedUntil"], "2026-02-18T11:00:00.000Z");
    fed.hear(Input::Stopped { by: Some("kim") });
    assert_eq!(shown(&fed.rule, &fed.state, fed.now), 0);
}

#[test]
fn a_row_always_has_a_number() {
    let mut fed = Fed::new(named_rule(json!({"noData": "alert"})), at("2026-02-18T09:00:00Z"));
    fed.hear(Input::Evaluated { value: None, sample: 0, cause: Cause::Timer });
    assert_eq!((&row_of(&fed)["value"], &row_of(&fed)["sample"]), (&json!(0), &json!(0)));
    fed.state.last_value = Some(Measure::FailureRate { failed: 1, total: 3 });
    assert_eq!(row_of(&fed)["value"], json!(1.0 / 3.0));
}
