//! What the routes of the agents room answer: documents, telemetry, alerts, prices, orders.

use serde_json::{Value, json};

use super::Client;

/// Rules that there may be at a time, as the documentation says it.
const RULES_MAX: usize = 100;

/// Sessions that make a recompute take long enough to be met by another one.
const SESSIONS: usize = 2_000;

const RULES: &str = "/api/v3/alerts/rules";
const RULE: &str = "/v1/agents/alerts/rules/{rule_id}";
const CHANNELS: &str = "/v1/agents/alerts/channels";
const CHANNEL: &str = "/v1/agents/alerts/channels/{channel_id}";
const RECOMPUTE: &str = "/v1/agents/prices/recompute";

/// Whether a route takes documents or telemetry in, packed or not, and reads the bytes by itself.
pub fn takes_in(path: &str) -> bool {
    path.contains("/ingest/") || path.contains("/collect/") || ["/v1/traces", "/v1/metrics", "/v1/logs"].contains(&path)
}

/// Bytes that are too many for a route: each of the room has a limit of its own, and the largest of them are 20 MiB.
pub fn too_large(path: &str) -> String {
    let of_agents = takes_in(path) || path.starts_with("/v1/agents/") || path.starts_with("/api/");
    " ".repeat(if of_agents { 20 } else { 1 } * 1024 * 1024 + 1)
}

/// Everything of the room, with a gateway for drills behind it.
pub fn answer(client: &Client<'_>) {
    documents(client);
    telemetry(client);
    alerts(client);
    prices(client);
    orders(client);
    imports(client);
}

fn session(id: &str, state: &str) -> Value {
    json!({"sessionId": id, "agentId": "a", "modelId": "m", "state": state, "startedAt": "2026-01-02T03:04:05Z", "promptTokens": 7})
}

fn document(version: &str, session: &Value) -> Value {
    json!({"envelope_version": version, "payload": {"session": session}})
}

/// Documents of agents: taken in, refused, listed.
fn documents(client: &Client<'_>) {
    let (ingest, batch) = ("/api/v3/ingest/session", "/v1/agents/ingest/batch");
    for (state, wanted) in [("success", 200), ("failed", 409)] {
        client.post(ingest, ingest, &document("v1", &session("s", state)), wanted);
    }
    client.post(ingest, ingest, &document("v9", &session("s", "success")), 422);
    let lines = |number| document("v1", &session(&format!("s{number}"), "success")).to_string() + "\n";
    let many: String = (0..SESSIONS).map(lines).collect();
    assert_eq!(client.ask(&format!("POST {batch}"), batch, &[], &many).status, 200);
    client.get("/api/v3/ledger/{session_id}", "/api/v3/ledger/s", 200);
    for path in [
        "/api/v3/ledger",
        "/api/v3/analytics/usage",
        "/api/v3/analytics/performance",
        "/v1/agents/analytics/parity",
        "/v1/agents/calls",
        "/v1/agents/events",
        "/v1/agents/ingest/conflicts",
    ] {
        client.get(path, path, 200);
    }
}

/// What collectors send, and what is known of them.
fn telemetry(client: &Client<'_>) {
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs", "/v1/agents/collect/litellm"] {
        client.post(path, path, &json!({}), 200);
    }
    client.get("/v1/agents/collectors", "/v1/agents/collectors", 200);
}

/// Rules, channels, and what people do with what fires.
fn alerts(client: &Client<'_>) {
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 1, "criticalThreshold": 2, "window": "24h",
        "comparison": "gt", "dedupCooldownSec": 60, "enabled": true,
    });
    let made = client.post(RULES, RULES, &rule, 201).json();
    let id = made["ruleId"].as_str().expect("an id");
    let (one, older) = (format!("/v1/agents/alerts/rules/{id}"), format!("{RULES}/{id}"));
    let change = |route: &str, path: &str| client.ask(&format!("PATCH {route}"), path, &[], "{}").status;
    let delete = |route: &str, path: &str| client.ask(&format!("DELETE {route}"), path, &[], "").status;
    let of_older = "/api/v3/alerts/rules/{rule_id}";
    assert_eq!((change(of_older, &older), change(of_older, &format!("{RULES}/nothing"))), (200, 404));
    client.get(RULE, &one, 200);
    client.post(&format!("{RULE}/ack"), &format!("{one}/ack"), &json!({}), 200);
    client.post(&format!("{RULE}/silence"), &format!("{one}/silence"), &json!({"seconds": 1}), 200);
    for _ in 1..RULES_MAX {
        client.post(RULES, RULES, &rule, 201);
    }
    client.post(RULES, RULES, &rule, 409);
    assert_eq!((delete(RULE, &one), delete(RULE, &one)), (204, 404));
    // Nobody listens there, and nothing fires that could be sent.
    let channel = json!({"id": "some", "url": "http://127.0.0.1:9/", "secret": "sixteen bytes of it"});
    for wanted in [201, 409] {
        client.post(CHANNELS, CHANNELS, &channel, wanted);
    }
    let some = format!("{CHANNELS}/some");
    let mut telling = rule.clone();
    telling["channels"] = json!(["some"]);
    let teller = client.post(RULES, RULES, &telling, 201).json();
    assert_eq!(delete(CHANNEL, &some), 409);
    assert_eq!(delete(RULE, &format!("/v1/agents/alerts/rules/{}", teller["ruleId"].as_str().expect("an id"))), 204);
    assert_eq!((change(CHANNEL, &some), delete(CHANNEL, &some)), (200, 204));
    assert_eq!((change(CHANNEL, &some), delete(CHANNEL, &some)), (404, 404));
    client.post("/v1/agents/alerts/evaluate", "/v1/agents/alerts/evaluate", &json!({"dryRun": true}), 200);
    for path in
        [RULES, "/api/v3/alerts/active", CHANNELS, "/v1/agents/alerts/transitions", "/v1/agents/alerts/deliveries"]
    {
        client.get(path, path, 200);
    }
}

/// Lists of prices, and costs that are reckoned anew.
fn prices(client: &Client<'_>) {
    let list = "/v1/agents/prices";
    let model = json!({"model": "m", "in": 1_000_000_000, "out": 1_000_000_000});
    let prices =
        json!({"origin": "a test", "owner": "nobody", "effectiveFrom": "2026-01-01T00:00:00Z", "models": [model]});
    let loaded = client.post(list, list, &prices, 200).json();
    let version = loaded["pricingVersion"].as_str().expect("a name");
    client.get(list, list, 200);
    client.get("/v1/agents/prices/{version}", &format!("{list}/{version}"), 200);
    client.post(RECOMPUTE, RECOMPUTE, &json!({"pricingVersion": "nothing"}), 404);
    client.twice(RECOMPUTE, RECOMPUTE, &json!({"pricingVersion": version, "dryRun": true}));
    let begun = client.until_begun(RECOMPUTE, &json!({"pricingVersion": version, "dryRun": true}));
    let job = begun["jobId"].as_str().expect("an id");
    client.get("/v1/agents/prices/recompute/{job_id}", &format!("{RECOMPUTE}/{job}"), 200);
}

/// Files of older versions: taken over, refused, and told of. The folder that may be named holds one.
fn imports(client: &Client<'_>) {
    let import = "/v1/agents/import";
    let taken = client.post(import, import, &json!({"kind": "v3_json", "path": "v3.json"}), 200).json();
    client.post(import, import, &json!({"kind": "v3_json", "path": "nothing.json"}), 409);
    let id = taken["reportId"].as_str().expect("an id");
    client.get("/v1/agents/import/reports/{report_id}", &format!("{import}/reports/{id}"), 200);
    for path in ["/v1/agents/import/reports", "/v1/agents/import/drift"] {
        client.get(path, path, 200);
    }
}

/// What agents do, and orders to them.
fn orders(client: &Client<'_>) {
    for (action, body, wanted) in [
        ("kill", json!({"sessionId": "main-0001"}), 200),
        ("kill", json!({"sessionId": "nobody"}), 404),
        ("spawn", json!({"agentId": "spare", "prompt": "go"}), 200),
        ("model", json!({"provider": "anthropic", "model": "claude", "sessionId": "writer-0001"}), 200),
    ] {
        let path = format!("/api/control/{action}");
        client.post(&path, &path, &body, wanted);
    }
    for path in ["/v1/agents/control/audit", "/api/system/status", "/api/logs"] {
        client.get(path, path, 200);
    }
}
