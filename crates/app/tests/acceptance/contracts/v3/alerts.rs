//! Rules and the feed of alerts, as clients of the third contract know them.

use serde_json::{Value, json};

use crate::contracts::{Client, INGEST, spent, with};
use crate::world::{Backend, World};

both_backends! {
    v3_ag_31_every_answer_of_alerts_has_its_shape,
    v3_ag_28_words_that_nobody_knows_are_refused_in_rules,
    v3_ag_29_looking_at_alerts_writes_nothing,
    v3_ag_31_alerts_come_the_worst_first,
}

const RULES: &str = "/api/v3/alerts/rules";
const ACTIVE: &str = "/api/v3/alerts/active";

fn rule() -> Value {
    json!({"metric": "rolling_cost_usd", "scopeType": "agent", "scopeRef": {"agentId": "builder"}, "warnThreshold": 1,
        "criticalThreshold": 5, "window": "24h", "comparison": "gte"})
}

#[track_caller]
fn evaluate(client: &Client) {
    let done = client.send("POST", "/v1/agents/alerts/evaluate", r#"{"dryRun":false}"#);
    assert_eq!(done.status, 200, "{done:?}");
}

/// Evaluates twice. Commits and a timer evaluate, too, whenever they come to it; after a second look within the cooldown what fires is
/// suppressed, and stays as it is.
#[track_caller]
fn evaluate_until_quiet(client: &Client) {
    evaluate(client);
    evaluate(client);
}

fn v3_ag_31_every_answer_of_alerts_has_its_shape(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    client.get("Rules", RULES);
    client.get("Active", ACTIVE);
    let sent = with(rule(), &json!({"ruleId": "mine", "createdAt": "2000-01-01T00:00:00Z"}));
    let made = client.ask("AlertRule", ("POST", RULES), &sent.to_string(), 201);
    assert_ne!(made["ruleId"], "mine", "ids and times of clients are passed over");
    assert_eq!((&made["enabled"], &made["dedupCooldownSec"]), (&json!(true), &json!(300)), "defaults");
    let global = json!({"metric": "failure_rate", "scopeType": "global", "warnThreshold": 0.5, "criticalThreshold": 0.9, "window": "1h",
        "comparison": "gt", "enabled": false, "dedupCooldownSec": 60});
    let other = client.ask("AlertRule", ("POST", RULES), &global.to_string(), 201);
    assert!(other.get("scopeRef").is_none(), "left out: {other}");
    let path = format!("{RULES}/{}", made["ruleId"].as_str().expect("an id"));
    let changed = client.ask("AlertRule", ("PATCH", &path), r#"{"warnThreshold":2.5}"#, 200);
    assert_eq!((&changed["warnThreshold"], &changed["window"]), (&json!(2.5), &made["window"]));
    client.get("Rules", RULES);
    client.told(("PATCH", &format!("{RULES}/nobody")), "{}", 404, "Rule not found");
    client.told(("PATCH", &path), r#"{"criticalThreshold":1}"#, 400, "criticalThreshold must be >= warnThreshold");
    client.told(("POST", RULES), "{}", 400, "metric is required");
    client.told(("POST", RULES), "{", 400, "Invalid JSON payload");
    client.send("POST", INGEST, &spent("s", "builder", 7.5).to_string());
    evaluate_until_quiet(&client);
    let active = client.get("Active", ACTIVE);
    let alert = &active["rows"][0];
    assert_eq!((&alert["status"], &alert["value"]), (&json!("critical"), &json!(7.5)));
    assert_eq!(alert["scope"], json!({"agentId": "builder"}));
    assert_eq!((&alert["lifecycle"], &alert["deduped"]), (&json!("suppressed"), &json!(true)));
    client.is_as_committed("v3-alerts");
}

fn v3_ag_28_words_that_nobody_knows_are_refused_in_rules(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let made = client.ask("AlertRule", ("POST", RULES), &rule().to_string(), 201);
    let path = format!("{RULES}/{}", made["ruleId"].as_str().expect("an id"));
    for (more, sentence) in [
        (json!({"metric": "cost"}), "metric is not supported"),
        (json!({"scopeType": "team"}), "scopeType is not supported"),
        (json!({"window": "2h"}), "window is not supported"),
        (json!({"comparison": "lt"}), "comparison is not supported"),
        (json!({"noData": "panic"}), "noData is not supported"),
        (json!({"scopeType": "global"}), "scopeRef is not supported"),
        (json!({"colour": "red"}), "colour is not supported"),
        (json!({"warnThreshold": "1"}), "warnThreshold must be a number"),
        (json!({"warnThreshold": 6}), "criticalThreshold must be >= warnThreshold"),
        (json!({"timeZone": "Mars/Olympus"}), "timeZone is not valid"),
        (json!({"enabled": "yes"}), "enabled is not valid"),
    ] {
        client.told(("POST", RULES), &with(rule(), &more).to_string(), 400, sentence);
        client.told(("PATCH", &path), &more.to_string(), 400, sentence);
    }
    let rules = client.get("Rules", RULES);
    assert_eq!(rules["rows"], json!([made]), "nothing changed");
}

/// AG-28 besides: what agent B spends is nothing to a rule of agent A.
fn v3_ag_29_looking_at_alerts_writes_nothing(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    client.ask("AlertRule", ("POST", RULES), &rule().to_string(), 201);
    client.send("POST", INGEST, &spent("of another", "other", 50.0).to_string());
    evaluate(&client);
    assert_eq!(client.get("Active", ACTIVE)["rows"], json!([]));
    client.send("POST", INGEST, &spent("s", "builder", 7.5).to_string());
    evaluate_until_quiet(&client);
    let transitions = |client: &Client| client.send("GET", "/v1/agents/alerts/transitions", "").text();
    let before = (client.send("GET", ACTIVE, "").text(), transitions(&client));
    for _ in 0..20 {
        client.get("Active", ACTIVE);
    }
    assert_eq!((client.send("GET", ACTIVE, "").text(), transitions(&client)), before);
}

fn v3_ag_31_alerts_come_the_worst_first(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let mut made = Vec::new();
    for (warn, critical) in [(5, 500), (1, 6), (2, 3), (4, 400)] {
        let more = json!({"warnThreshold": warn, "criticalThreshold": critical, "dedupCooldownSec": 86_400});
        let rule = client.ask("AlertRule", ("POST", RULES), &with(rule(), &more).to_string(), 201);
        made.push(rule["ruleId"].as_str().expect("an id").to_owned());
    }
    client.send("POST", INGEST, &spent("s", "builder", 7.5).to_string());
    evaluate_until_quiet(&client);
    // The limits of the third are raised over the value: that ends it, and it stays in the feed for a day.
    let raised = r#"{"warnThreshold":100,"criticalThreshold":200}"#;
    client.ask("AlertRule", ("PATCH", &format!("{RULES}/{}", made[2])), raised, 200);
    evaluate_until_quiet(&client);
    let active = client.get("Active", ACTIVE);
    let rows = active["rows"].as_array().expect("rows");
    let states: Vec<&str> = rows.iter().filter_map(|row| row["status"].as_str()).collect();
    assert_eq!(states, ["critical", "warning", "warning", "resolved"]);
    assert_eq!((&rows[0]["ruleId"], &rows[3]["ruleId"]), (&json!(made[1]), &json!(made[2])));
    assert!(rows[3]["resolvedAt"].is_string() && rows[0].get("resolvedAt").is_none(), "{active:#}");
    let latest = |row: &Value| row["triggeredAt"].as_str().expect("a moment").to_owned();
    let (first, second) = (&rows[1], &rows[2]);
    let in_order = latest(first) > latest(second)
        || latest(first) == latest(second) && first["ruleId"].as_str() < second["ruleId"].as_str();
    assert!(in_order, "the latest first, then by rule: {active:#}");
}
