//! The third contract: the ledger, analytics and alerts below `/api/v3`, and documents with calls.

mod alerts;

use serde_json::{Value, json};

use super::{Client, LEDGER, USAGE, envelope, invalid, least, with};
use crate::world::{Backend, World};

both_backends! {
    v3_ag_31_every_answer_of_the_ledger_has_its_shape,
    v3_ag_31_every_answer_of_analytics_has_its_shape,
    v3_ag_17_what_older_clients_send_is_taken_in,
    v3_ag_16_calls_that_are_wrong_are_refused_whole,
    v3_ag_32_cost_orders_by_cost_and_percent_is_no_wildcard,
    v3_ag_33_moments_are_ordered_and_bounds_are_read_as_written,
}

const MODELS: &str = "/api/v3/analytics/performance";

fn v3(payload: &Value) -> Value {
    envelope("v3", payload)
}

/// A session with everything that can be told, with events and calls.
fn whole() -> Value {
    let session = with(
        least("whole", "failed"),
        &json!({
            "agentLabel": "The builder", "provider": "acme", "taskCategory": "build", "runId": "run-1", "errorCode": "E1",
            "errorMessage": "it broke", "sourceVersion": "1.2.3", "title": "Build it", "task": "Build it well.", "revision": 3,
            "endedAt": "2026-01-02T03:05:05.250Z", "artifactCount": 2, "metadata": {"branch": "main"},
        }),
    );
    let events = json!([
        {"eventId": "e-2", "seq": 2, "eventType": "error", "eventTs": "2026-01-02T03:04:07Z", "payload": {"code": "E1"}},
        {"eventId": "e-1", "seq": 1, "eventType": "tool_call", "eventTs": "2026-01-02T03:04:06Z", "payload": {"b": 1, "a": [null]}},
    ]);
    let calls = json!([
        {"callId": "c-2", "startedAt": "2026-01-02T03:04:30Z", "status": "success", "provider": "acme", "responseId": "r-2",
         "rawUsage": {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}},
         "semantics": "inclusive", "billedCostUsd": 0.002, "durationMs": 1_500, "serviceTier": "batch"},
        {"callId": "c-1", "startedAt": "2026-01-02T03:04:10Z", "status": "failed", "errorCode": "overloaded",
         "usage": {"inputUncached": 10, "cacheRead": 5, "cacheWrite5m": 3, "cacheWrite1h": 2, "output": 7, "reasoning": 4},
         "estimatedCostUsd": 0.001, "pricingVersion": "litellm@1"},
    ]);
    json!({"session": session, "events": events, "calls": calls})
}

/// Sessions of two agents and two models over three days, in every state.
fn some_sessions(client: &mut Client) {
    client.taken(&v3(&whole()));
    for (id, state, more) in [
        ("killed", "killed", json!({"agentId": "other", "totalTokens": 100, "billedCostUsd": 0.3, "runtimeMs": 500})),
        ("cancelled", "canceled", json!({"modelId": "beta", "startedAt": "2026-01-03T00:00:00Z", "runtimeMs": 700})),
        (
            "ended",
            "success",
            json!({"promptTokens": 40, "completionTokens": 2, "billedCostUsd": 0.05, "runtimeMs": 100}),
        ),
        ("running", "running", json!({"startedAt": "2026-01-04T23:59:59.999Z", "taskCategory": "chat"})),
        ("queued", "queued", json!({"modelId": "beta", "startedAt": "2026-01-04T12:00:00+05:00"})),
    ] {
        client.taken(&v3(&json!({"session": with(least(id, state), &more)})));
    }
}

fn v3_ag_31_every_answer_of_the_ledger_has_its_shape(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    client.get("Ledger", LEDGER);
    some_sessions(&mut client);
    let replay = client.taken(&v3(&whole()));
    assert_eq!((&replay["idempotent_replay"], &replay["revision"]), (&json!(true), &json!(3)), "as the sender counts");
    let all = client.get("Ledger", LEDGER);
    let ids: Vec<&Value> = all["rows"].as_array().expect("rows").iter().map(|row| &row["sessionId"]).collect();
    assert_eq!(ids[..3], ["running", "queued", "cancelled"], "the newest first");
    for query in
        ["sort=cost&pageSize=2", "sort=runtime&page=2&pageSize=2", "status=failed&include=usage", "q=bui&agent=builder"]
    {
        client.get("Ledger", &format!("{LEDGER}?{query}"));
    }
    let detail = client.get("Detail", &format!("{LEDGER}/whole"));
    let ids: Vec<&Value> = detail["events"].as_array().expect("events").iter().map(|event| &event["eventId"]).collect();
    assert_eq!(ids, ["e-1", "e-2"], "by seq");
    client.get("Detail", &format!("{LEDGER}/whole?include=calls"));
    let bare = client.get("Detail", &format!("{LEDGER}/queued"));
    let entry = bare["ledger"].as_object().expect("an object");
    let fields: Vec<&str> = entry.keys().map(String::as_str).collect();
    let expected = [
        "agentId",
        "agentLabel",
        "artifactCount",
        "ingestedAt",
        "modelId",
        "runtimeMs",
        "sessionId",
        "startedAt",
        "status",
    ];
    assert_eq!(fields, expected, "what is unknown is left out");
    client.told(("GET", &format!("{LEDGER}/nobody")), "", 404, "Session not found");
    for (query, parameter) in [
        ("sort=name", "sort"),
        ("page=abc", "page"),
        ("pageSize=1.5", "pageSize"),
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("tz=Mars/Olympus", "tz"),
        ("q=a&match=maybe", "match"),
    ] {
        client.told(("GET", &format!("{LEDGER}?{query}")), "", 400, &format!("Invalid {parameter} value"));
    }
    client.is_as_committed("v3-ledger");
}

fn v3_ag_31_every_answer_of_analytics_has_its_shape(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    client.get("Analytics", USAGE);
    client.get("Matrix", MODELS);
    some_sessions(&mut client);
    let usage = client.get("Analytics", USAGE);
    let days: Vec<&Value> = usage["series"].as_array().expect("days").iter().map(|day| &day["date"]).collect();
    assert_eq!(days, ["2026-01-02", "2026-01-03", "2026-01-04"], "ascending, days with data alone");
    assert_eq!(usage["totals"]["runs"], 6, "every status is a run");
    for query in [
        "agent=other",
        "from=2026-01-03",
        "task=build&tz=Asia/Tokyo",
        "model=nobody",
        "groupBy=model",
        "basis=spend&groupBy=week",
    ] {
        client.get("Analytics", &format!("{USAGE}?{query}"));
    }
    let matrix = client.get("Matrix", MODELS);
    let row = &matrix["rows"][0];
    assert_eq!((&row["modelId"], &row["runsTotal"]), (&json!("alpha"), &json!(3)), "the most first, terminal alone");
    assert_eq!((&row["successCount"], &row["failureCount"], &row["killedCount"]), (&json!(1), &json!(1), &json!(1)));
    let third = row["successRate"].as_f64().expect("a rate");
    assert!((third - 1.0 / 3.0).abs() < 1e-9, "killed ones stay in the denominator: {row}");
    assert_eq!((&row["sampleWarning"], &row["medianRuntimeMs"]), (&json!(true), &json!(500.0)));
    client.get("Matrix", &format!("{MODELS}?from=2026-01-02&to=2026-01-02&agent=builder&minSample=1"));
    for (path, parameter) in
        [(USAGE, "from"), (USAGE, "to"), (USAGE, "tz"), (USAGE, "groupBy"), (USAGE, "basis"), (MODELS, "minSample")]
    {
        client.told(("GET", &format!("{path}?{parameter}=abc")), "", 400, &format!("Invalid {parameter} value"));
    }
    client.is_as_committed("v3-analytics");
}

fn v3_ag_17_what_older_clients_send_is_taken_in(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let call =
        |more: &Value| with(json!({"callId": "c", "startedAt": "2026-01-02T03:04:10Z", "status": "success"}), more);
    for (id, calls, more) in [
        ("no calls", json!([]), json!({})),
        ("null calls", Value::Null, json!({})),
        ("a call of which nothing is known", json!([call(&json!({}))]), json!({})),
        (
            "a total alone",
            json!([call(&json!({"rawUsage": {"total_tokens": 9}, "semantics": "total_only"}))]),
            json!({}),
        ),
        (
            "cached, inclusive",
            json!([call(&json!({"semantics": "inclusive", "rawUsage":
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}}))]),
            json!({}),
        ),
        (
            "cached, exclusive",
            json!([call(&json!({"semantics": "exclusive", "rawUsage":
            {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 4}}))]),
            json!({}),
        ),
        ("billed", json!([call(&json!({"usage": {"output": 1}, "billedCostUsd": 0}))]), json!({"revision": 0})),
        (
            "estimated",
            json!([call(&json!({"estimatedCostUsd": 0.5, "pricingVersion": "openclaw@1"}))]),
            json!({"totalTokens": 3}),
        ),
        ("twice the same", json!([call(&json!({})), call(&json!({}))]), json!({"revision": 2})),
    ] {
        let document = v3(&json!({"session": with(least(id, "done"), &more), "calls": calls, "events": null}));
        client.taken(&document);
        let path = format!("{LEDGER}/{}?include=calls", id.replace(' ', "%20").replace(',', "%2C"));
        let detail = client.get("Detail", &path);
        let expected = usize::from(calls.as_array().is_some_and(|calls| !calls.is_empty()));
        assert_eq!(detail["calls"].as_array().map(Vec::len), Some(expected), "{id}: {detail:#}");
    }
    let inclusive = client.send("GET", &format!("{LEDGER}/cached%2C%20inclusive"), "").json();
    let exclusive = client.send("GET", &format!("{LEDGER}/cached%2C%20exclusive"), "").json();
    assert_eq!((&inclusive["usage"]["promptTokens"], &exclusive["usage"]["promptTokens"]), (&json!(10), &json!(14)));
}

fn v3_ag_16_calls_that_are_wrong_are_refused_whole(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let call =
        |more: &Value| with(json!({"callId": "c", "startedAt": "2026-01-02T03:04:10Z", "status": "success"}), more);
    for (more, field, message) in [
        (json!({"status": "done"}), "calls[1].status", "unsupported value"),
        (json!({"usage": {"input": 1}}), "calls[1].usage.input", "unsupported field"),
        (json!({"usage": {"output": -1}}), "calls[1].usage.output", "must be a non-negative integer"),
        (json!({"serviceTier": "gold"}), "calls[1].serviceTier", "unsupported value"),
        (json!({"rawUsage": {}, "semantics": "mixed"}), "calls[1].semantics", "unsupported value"),
        (json!({"callId": ""}), "calls[1].callId", "must be a non-empty string"),
        (json!({"estimatedCostUsd": 1}), "calls[1].pricingVersion", "must be a non-empty string"),
    ] {
        let calls = json!([with(call(&json!({})), &json!({"callId": "right"})), call(&more)]);
        let said = client.refused(&v3(&json!({"session": least("s", "done"), "calls": calls})), 400);
        assert!(
            said == invalid(&[(field, message)])
                || more.get("rawUsage").is_some() && said["error"]["details"][0]["field"] == field,
            "{more}: {said:#}"
        );
    }
    assert_eq!(client.sessions(), 0);
    assert_eq!(client.send("GET", "/v1/agents/calls", "").json()["items"], json!([]));
}

#[track_caller]
fn ids(client: &mut Client, query: &str) -> Vec<String> {
    let answer = client.get("Ledger", &format!("{LEDGER}?{query}"));
    let rows = answer["rows"].as_array().expect("rows");
    rows.iter().map(|row| row["sessionId"].as_str().expect("an id").to_owned()).collect()
}

fn v3_ag_32_cost_orders_by_cost_and_percent_is_no_wildcard(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    for (id, tokens, cost, title) in [
        ("many tokens", 900, Some(0.01), "50% done"),
        ("few tokens", 1, Some(9.0), "all_of_it"),
        ("nobody knows", 5_000, None, "none"),
        ("for nothing", 10, Some(0.0), "free"),
    ] {
        let mut session = with(least(id, "done"), &json!({"totalTokens": tokens, "title": title}));
        if let Some(cost) = cost {
            session["billedCostUsd"] = json!(cost);
        }
        client.taken(&v3(&json!({ "session": session })));
    }
    assert_eq!(ids(&mut client, "sort=cost"), ["few tokens", "many tokens", "for nothing", "nobody knows"]);
    assert_eq!(ids(&mut client, "q=%25"), [""; 0]);
    assert_eq!(ids(&mut client, "q=%25&match=substring"), ["many tokens"]);
    assert_eq!(ids(&mut client, "q=_&match=substring"), ["few tokens"]);
    assert_eq!(ids(&mut client, "q=tok%20man"), ["many tokens"], "words begin with what was asked for, in any order");
    assert_eq!(ids(&mut client, "q=okens"), [""; 0]);
}

fn v3_ag_33_moments_are_ordered_and_bounds_are_read_as_written(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    for (id, started) in [
        // Half past eleven at night on 1 January in Los Angeles is 07:30 on 2 January in Greenwich.
        ("west", "2026-01-01T23:30:00-08:00"),
        ("greenwich", "2026-01-02T00:00:00Z"),
        ("east", "2026-01-02T05:30:00+05:00"),
    ] {
        client.taken(&v3(&json!({"session": with(least(id, "done"), &json!({"startedAt": started}))})));
    }
    assert_eq!(ids(&mut client, ""), ["west", "east", "greenwich"]);
    for (query, expected) in [
        ("from=2026-01-02T05:30:00%2B05:00", &["west", "east"][..]),
        // A plus sign that nobody encoded.
        ("from=2026-01-02T05:30:00+05:00", &["west", "east"]),
        ("to=2026-01-02T05:00:00%2B05:00", &["greenwich"]),
        ("from=2026-01-02T05:00:01%2B05:00&to=2026-01-02T07:29:59Z", &["east"]),
        ("from=2026-01-02&to=2026-01-02", &["west", "east", "greenwich"]),
        ("to=2026-01-01&tz=America/Los_Angeles", &["west", "east", "greenwich"]),
        ("from=2026-01-02&to=2026-01-02&tz=Asia/Karachi", &["west", "east", "greenwich"]),
        ("from=2026-01-02T07:30Z", &["west"]),
    ] {
        assert_eq!(ids(&mut client, query), expected, "{query}");
    }
    for (query, parameter) in [
        ("page=abc", "page"),
        ("page=1e3", "page"),
        ("pageSize=", ""),
        ("pageSize=ten", "pageSize"),
        ("from=2026-02-30", "from"),
        ("to=1767323045", "to"),
    ] {
        match parameter {
            "" => assert_eq!(ids(&mut client, query).len(), 3, "what is empty was not asked"),
            _ => client.told(("GET", &format!("{LEDGER}?{query}")), "", 400, &format!("Invalid {parameter} value")),
        }
    }
    let west = client.get("Analytics", &format!("{USAGE}?tz=America/Los_Angeles"));
    assert_eq!((&west["series"][0]["date"], &west["series"][0]["runs"]), (&json!("2026-01-01"), &json!(3)));
}
