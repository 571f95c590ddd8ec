//! The contract of V4.1: keys, provenance and prices that last, readiness, and alerts with a life.

use serde_json::{Value, json};

use super::{Client, INGEST, LEDGER, USAGE, envelope, invalid, least, with};
use crate::world::{Backend, World};

both_backends! {
    v41_ag_31_every_answer_has_its_shape,
    v41_ag_01_it_is_ready_in_exact_bytes,
    v41_ag_14_the_version_is_judged_before_the_payload,
    v41_ag_18_ag_19_keys_outlive_a_death,
    v41_ag_23_ag_24_every_number_says_where_it_comes_from,
    v41_ag_23_provenance_counts_what_was_asked_for_alone,
    v41_ag_27_a_jittering_value_is_told_once,
}

const RULES: &str = "/api/v3/alerts/rules";
const ACTIVE: &str = "/api/v3/alerts/active";
const TRANSITIONS: &str = "/v1/agents/alerts/transitions";

fn v3(session: &Value) -> Value {
    envelope("v3", &json!({ "session": session }))
}

fn keyed(key: &Value, session: &Value) -> Value {
    with(v3(session), &json!({ "idempotency_key": key }))
}

/// The fields in which V4.1 says where the numbers of a session come from: always there.
const GOVERNANCE: [&str; 6] =
    ["tokenSource", "runtimeSource", "costSource", "tokenConfidence", "runtimeConfidence", "costConfidenceLevel"];

/// Sessions as complete and as partial as they come; with their tokens, runtime and cost as source and confidence.
fn told() -> Vec<(Value, [&'static str; 6])> {
    let of = |id: &str, state: &str, more: &Value| with(least(id, state), more);
    let (reported, derived, missing) = ("provider_reported", "derived", "missing");
    vec![
        (
            of(
                "complete",
                "done",
                &json!({"promptTokens": 10, "completionTokens": 2, "totalTokens": 12, "runtimeMs": 5, "billedCostUsd": 0.5}),
            ),
            [reported, "high", reported, "high", reported, "high"],
        ),
        (
            of("both ends", "done", &json!({"totalTokens": 12, "endedAt": "2026-01-02T03:04:06Z", "billedCostUsd": 0})),
            [reported, "medium", reported, "high", reported, "high"],
        ),
        (
            of("seen to end", "done", &json!({"promptTokens": 10, "terminalAt": "2026-01-02T03:04:06Z"})),
            [reported, "medium", derived, "medium", missing, "unknown"],
        ),
        (
            of(
                "a total that differs",
                "done",
                &json!({"promptTokens": 10, "completionTokens": 2, "totalTokens": 99, "endedAt": "2026-01-02T03:04:04Z"}),
            ),
            [reported, "low", derived, "low", missing, "unknown"],
        ),
        (of("nothing", "running", &json!({})), [missing, "unknown", missing, "unknown", missing, "unknown"]),
    ]
}

fn v41_ag_31_every_answer_has_its_shape(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    for (session, _) in told() {
        client.taken(&v3(&session));
    }
    let listed = client.get("Ledger", &format!("{LEDGER}?include=usage"));
    for row in listed["rows"].as_array().expect("rows") {
        assert!(GOVERNANCE.iter().all(|field| row["usage"][field].is_string()), "{row:#}");
    }
    client.get("Analytics", USAGE);
    client.get("Matrix", "/api/v3/analytics/performance");
    client.taken(&keyed(&json!("k-1"), &least("keyed", "running")));
    client.taken(&keyed(&json!("k-1"), &least("keyed", "running")));
    client.refused(&keyed(&json!("k-1"), &least("keyed", "done")), 409);
    client.taken(&keyed(&json!("k-2"), &least("keyed", "done")));
    client.taken(&v3(&with(least("keyed", "running"), &json!({"title": "late"}))));
    client.refused(&v3(&with(least("keyed", "failed"), &json!({"title": "another end"}))), 409);
    client.taken(&keyed(&json!(""), &least("no key", "done")));
    client.refused(&keyed(&json!(7), &least("no key", "done")), 400);
    client.refused(&keyed(&json!("k".repeat(257)), &least("no key", "done")), 400);
    client.is_as_committed("v41");
}

fn v41_ag_01_it_is_ready_in_exact_bytes(backend: Backend) {
    let world = World::new(backend);
    let client = Client::new(&world, backend);
    for (path, body) in [("/healthz", r#"{"status":"ok"}"#), ("/readyz", r#"{"status":"ready"}"#)] {
        let answer = client.served.ask("GET", path, &[], "");
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{path}");
    }
}

fn v41_ag_14_the_version_is_judged_before_the_payload(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let told = json!({"error": {"code": "UNSUPPORTED_CONTRACT_VERSION", "message": "UNSUPPORTED CONTRACT VERSION",
        "details": [{"field": "envelope_version", "message": "unsupported"}]}});
    for version in [json!("v9"), json!("v4.1"), json!("V3"), json!(3), json!({}), json!(true)] {
        for payload in
            [json!(null), json!(7), json!({"session": least("s", "banana")}), json!({"session": least("s", "done")})]
        {
            let sent = json!({"envelope_version": version, "payload": payload, "idempotency_key": 7});
            assert_eq!(client.refused(&sent, 422), told, "{sent}");
        }
    }
    for version in [json!(null), json!(""), json!(0), json!(false)] {
        let sent = json!({"envelope_version": version, "payload": {"session": least("s", "done")}});
        assert_eq!(client.refused(&sent, 400), invalid(&[("envelope_version", "is required")]), "{sent}");
    }
    assert_eq!(client.sessions(), 0);
    let metrics = client.send("GET", "/metrics", "").text();
    let line = "contract_rejection_total{code=\"UNSUPPORTED_CONTRACT_VERSION\",version=\"unknown\"} 24";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}

/// The rules R1 to R7, each before a death and after it.
fn v41_ag_18_ag_19_keys_outlive_a_death(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let running = least("s", "running");
    let first = client.taken(&keyed(&json!("k"), &running));
    let bare = client.taken(&v3(&with(least("t", "running"), &json!({"title": "one"}))));
    let ended = client.taken(&v3(&least("t", "done")));
    let before = [LEDGER, USAGE].map(|path| client.send("GET", path, "").text());
    let mut client = client.after_a_death(&world);
    let replayed = |answer: Value| with(answer, &json!({"idempotent_replay": true}));
    assert_eq!(client.taken(&keyed(&json!("k"), &running)), replayed(first), "R2: a key that is known");
    let again = client.taken(&v3(&with(least("t", "running"), &json!({"title": "one"}))));
    assert_eq!(again, replayed(bare), "R2: the key of a live session");
    assert_eq!(client.taken(&v3(&least("t", "done"))), replayed(ended), "R2: the key of an end");
    client.refused(&keyed(&json!("k"), &with(running, &json!({"title": "another"}))), 409);
    client.refused(&v3(&least("t", "failed")), 409);
    assert_eq!([LEDGER, USAGE].map(|path| client.send("GET", path, "").text()), before, "R3, R6: no row was touched");
    let late = client.taken(&v3(&with(least("t", "running"), &json!({"title": "two"}))));
    assert_eq!(late["stale"], true, "R5");
    let corrected = client.taken(&keyed(&json!("new"), &least("t", "failed")));
    assert!(corrected.get("stale").is_none() && corrected["revision"].as_i64() > Some(2), "R7: {corrected}");
    let lower = with(least("u", "running"), &json!({"revision": 5}));
    client.taken(&v3(&lower));
    assert_eq!(
        client.taken(&v3(&with(lower, &json!({"revision": 4, "title": "older"}))))["stale"],
        true,
        "R5: a lower revision"
    );
    let conflicts = client.send("GET", "/v1/agents/ingest/conflicts", "").json();
    assert_eq!(conflicts["items"].as_array().map(Vec::len), Some(2), "the evidence is kept: {conflicts:#}");
}

fn v41_ag_23_ag_24_every_number_says_where_it_comes_from(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    for (session, expected) in told() {
        client.taken(&v3(&session));
        let id = session["sessionId"].as_str().expect("an id").replace(' ', "%20");
        let usage = client.get("Detail", &format!("{LEDGER}/{id}"))["usage"].clone();
        let fields = [
            "tokenSource",
            "tokenConfidence",
            "runtimeSource",
            "runtimeConfidence",
            "costSource",
            "costConfidenceLevel",
        ];
        assert_eq!(fields.map(|field| usage[field].as_str().unwrap_or_default()), expected, "{session}");
        // A cost has the version of its prices, and without one there is no cost, not even 0.
        let billed = session.get("billedCostUsd");
        assert_eq!(usage.get("costUsd").map(|cost| cost.as_f64()), billed.map(|cost| cost.as_f64()), "{session}");
        let version = billed.map(|_| json!("provider_native"));
        assert_eq!(usage.get("pricingVersion"), version.as_ref(), "{session}");
    }
    // A model that is in no list has no cost; an estimate of somebody else carries their name.
    let call =
        |more: &Value| with(json!({"callId": "c", "startedAt": "2026-01-02T03:04:10Z", "status": "success"}), more);
    for (id, more, cost, version, source) in [
        ("unknown model", json!({"usage": {"inputUncached": 1_000_000, "output": 5}}), None, None, "missing"),
        ("total alone", json!({"rawUsage": {"total_tokens": 5}, "semantics": "total_only"}), None, None, "missing"),
        (
            "estimated",
            json!({"estimatedCostUsd": 0.25, "pricingVersion": "litellm@9"}),
            Some(0.25),
            Some("litellm@9"),
            "derived",
        ),
        ("billed", json!({"billedCostUsd": 0.125}), Some(0.125), Some("provider_native"), "provider_reported"),
    ] {
        let session = with(least(id, "done"), &json!({"modelId": "a model that nobody knows"}));
        client.taken(&envelope("v3", &json!({"session": session, "calls": [call(&more)]})));
        let usage = client.get("Detail", &format!("{LEDGER}/{}", id.replace(' ', "%20")))["usage"].clone();
        assert_eq!(
            (usage.get("costUsd").and_then(Value::as_f64), usage.get("pricingVersion").and_then(Value::as_str)),
            (cost, version),
            "{id}"
        );
        assert_eq!(usage["costSource"], source, "{id}");
    }
}

fn v41_ag_23_provenance_counts_what_was_asked_for_alone(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    for (index, (session, _)) in told().into_iter().enumerate() {
        let agent = if index < 2 { "of these" } else { "of others" };
        client.taken(&v3(&with(session, &json!({"agentId": agent}))));
    }
    let all = client.get("Analytics", USAGE);
    let expected = json!({"token": {"provider_reported": 4, "missing": 1},
        "runtime": {"provider_reported": 2, "derived": 2, "missing": 1}, "cost": {"provider_reported": 2, "missing": 3}});
    assert_eq!(all["provenance"], expected);
    assert_eq!(
        all["coverage"],
        json!({"pricedRuns": 2, "unpricedRuns": 3, "liveRuns": 1}),
        "unpriced runs stand apart"
    );
    let some = client.get("Analytics", &format!("{USAGE}?agent=of%20these"));
    let expected = json!({"token": {"provider_reported": 2}, "runtime": {"provider_reported": 2}, "cost": {"provider_reported": 2}});
    assert_eq!(some["provenance"], expected);
    assert_eq!(
        client.get("Analytics", &format!("{USAGE}?agent=nobody"))["provenance"],
        json!({"token": {}, "runtime": {}, "cost": {}})
    );
}

fn v41_ag_27_a_jittering_value_is_told_once(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let rule = json!({"metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 1, "criticalThreshold": 1_000,
        "window": "24h", "comparison": "gte", "dedupCooldownSec": 86_400});
    client.ask("AlertRule", ("POST", RULES), &rule.to_string(), 201);
    let mut told = Vec::new();
    for turn in 0..20 {
        client.send("POST", INGEST, &super::spent(&format!("s{turn}"), "builder", 1.5).to_string());
        assert_eq!(client.send("POST", "/v1/agents/alerts/evaluate", r#"{"dryRun":false}"#).status, 200);
        let active = client.get("Active", ACTIVE);
        told.push(active["rows"][0]["suppressedUntil"].clone());
    }
    let last = client.get("Active", ACTIVE)["rows"][0].clone();
    assert_eq!(
        (&last["deduped"], &last["lifecycle"], &last["episode"]),
        (&json!(true), &json!("suppressed"), &json!(1))
    );
    assert!(told.iter().all(|until| *until == told[0]), "the quiet time is never pushed: {told:?}");
    let transitions = client.send("GET", TRANSITIONS, "").json();
    let kinds: Vec<&Value> = transitions["items"].as_array().expect("items").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["suppress", "open"], "the newest first");
    // What it is told survives a death.
    let mut client = client.after_a_death(&world);
    assert_eq!(client.get("Active", ACTIVE)["rows"][0]["suppressedUntil"], told[0]);
    assert_eq!(client.send("GET", TRANSITIONS, "").json(), transitions);
}
