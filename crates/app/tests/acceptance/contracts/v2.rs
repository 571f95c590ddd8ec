//! The second contract: `{run,timeline?}` with the same field names, integers as ids, and refusals in the names of the canonical document.

use serde_json::{Value, json};

use super::{Client, LEDGER, envelope, invalid, least, with};
use crate::world::{Backend, World};

both_backends! {
    v2_ag_31_every_answer_has_its_shape,
    v2_ag_17_what_older_clients_send_is_taken_in,
    v2_ag_13_a_run_is_the_session_of_the_other_contracts,
    v2_ag_16_wrong_types_and_unknown_words_are_refused,
    v2_ag_19_keys_are_kept_and_what_contradicts_them_is_evidence,
}

fn v2(run: &Value, timeline: &Value) -> Value {
    envelope("v2", &json!({"run": run, "timeline": timeline}))
}

fn timeline() -> Value {
    json!([
        {"eventId": 7, "seq": 2, "eventType": "tool_call", "eventTs": "2026-01-02T03:04:07Z", "payload": {"tool": "ls"}},
        {"seq": 1, "eventType": "message", "eventTs": "2026-01-02T03:04:06.5Z", "payload": {"text": "hello"}},
    ])
}

fn v2_ag_31_every_answer_has_its_shape(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let run = with(least("to be replaced", "in_progress"), &json!({"sessionId": 4_711, "runId": 12, "title": "Count"}));
    let first = client.taken(&v2(&run, &timeline()));
    assert_eq!(first["sessionId"], "4711", "an integer becomes its decimal text");
    client.taken(&v2(&run, &timeline()));
    let ended = with(run, &json!({"state": "aborted", "endedAt": "2026-01-02T03:05:05Z", "totalTokens": 9}));
    client.taken(&v2(&ended, &timeline()));
    let detail = client.get("Detail", &format!("{LEDGER}/4711"));
    let ids: Vec<&Value> = detail["events"].as_array().expect("events").iter().map(|event| &event["seq"]).collect();
    assert_eq!((ids, &detail["events"][1]["eventId"]), (vec![&json!(1), &json!(2)], &json!("7")), "by their place");
    assert_eq!((&detail["ledger"]["runId"], &detail["ledger"]["runtimeMs"]), (&json!("12"), &json!(60_000)));
    client.get("Ledger", LEDGER);
    let said = client.refused(&envelope("v2", &json!({"session": least("s", "done")})), 400);
    assert_eq!(said, invalid(&[("run", "run object is required"), ("session", "unsupported field")]));
    client.refused(&json!({"envelope_version": "v2", "payload": []}), 400);
    let said = client.refused(&v2(&least("", "banana"), &json!([{"eventType": "dance"}])), 400);
    // A client of the second contract reads the names of the canonical document.
    let expected = [
        ("events[0].eventTs", "must be a non-empty string"),
        ("events[0].eventType", "unsupported value"),
        ("events[0].payload", "must be an object"),
        ("session.sessionId", "must be a non-empty string"),
        ("session.state", "unsupported value"),
    ];
    assert_eq!(said, invalid(&expected));
    client.is_as_committed("v2");
}

/// Runs as they were sent over the years.
fn runs_of_old() -> Vec<Value> {
    let of = |id: &Value, state: &str, more: &Value| with(with(least("", state), &json!({"sessionId": id})), more);
    vec![
        of(&json!(1), "queued", &json!({})),
        of(&json!("1b"), "pending", &json!({})),
        of(&json!(9_007_199_254_740_991_i64), "executing", &json!({"agentId": 3, "modelId": 5, "runId": 8})),
        of(&json!(-4), "error", &json!({"errorCode": "E1", "errorMessage": "it broke"})),
        of(&json!("no tokens"), "success", &json!({"billedCostUsd": 0.125})),
        of(&json!("no cost"), "success", &json!({"promptTokens": 3, "completionTokens": 4})),
        of(&json!("no runtime"), "crashed", &json!({"totalTokens": 4})),
        of(&json!("nulls"), "stopped", &json!({"runId": null, "task": null, "artifactCount": null})),
    ]
}

fn v2_ag_17_what_older_clients_send_is_taken_in(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let runs = runs_of_old();
    for run in &runs {
        client.taken(&envelope("v2", &json!({"run": run})));
        client.taken(&v2(&with(run.clone(), &json!({"sessionId": format!("{}/t", run["sessionId"])})), &timeline()));
    }
    let listed = client.get("Ledger", &format!("{LEDGER}?pageSize=100"));
    assert_eq!(listed["total"], json!(2 * runs.len()));
}

fn v2_ag_13_a_run_is_the_session_of_the_other_contracts(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let (said, events) = (with(least("17", "done"), &json!({"promptTokens": 5, "completionTokens": 2})), timeline());
    let events_of_others = with(events[0].clone(), &json!({"eventId": "7"}));
    let others = json!([events_of_others, events[1]]);
    let first = client.taken(&v2(&with(said.clone(), &json!({"sessionId": 17})), &events));
    let again = with(first, &json!({"idempotent_replay": true}));
    for (version, payload) in [
        ("v1", json!({"session": said, "events": others})),
        ("v3", json!({"session": said, "events": others})),
        ("v3", json!({"session": said, "events": others, "calls": []})),
        ("v2", json!({"timeline": events, "run": said})),
    ] {
        assert_eq!(client.taken(&envelope(version, &payload)), again, "{version}");
    }
    // In the others an integer is no id.
    let number = with(said, &json!({"sessionId": 17}));
    for version in ["v1", "v3"] {
        let refused = client.refused(&envelope(version, &json!({"session": number})), 400);
        assert_eq!(refused, invalid(&[("session.sessionId", "must be a non-empty string")]));
    }
}

fn v2_ag_16_wrong_types_and_unknown_words_are_refused(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let run = |more: &Value| json!({"run": with(least("s", "done"), more)});
    for (payload, field, message) in [
        (run(&json!({"sessionId": 1.5})), "session.sessionId", "must be a non-empty string"),
        (run(&json!({"sessionId": true})), "session.sessionId", "must be a non-empty string"),
        (run(&json!({"agentId": {}})), "session.agentId", "must be a non-empty string"),
        (run(&json!({"state": 1})), "session.state", "must be a non-empty string"),
        (run(&json!({"state": "half done"})), "session.state", "unsupported value"),
        (run(&json!({"title": 12})), "session.title", "must be a string"),
        (run(&json!({"completionTokens": "4"})), "session.completionTokens", "must be a non-negative integer"),
        (json!({"run": least("s", "done"), "timeline": "none"}), "events", "must be an array"),
        (json!({"run": least("s", "done"), "timeline": [1]}), "events[0]", "must be an object"),
        (json!({"run": least("s", "done"), "events": []}), "events", "unsupported field"),
        (json!({"run": "s"}), "run", "run object is required"),
    ] {
        assert_eq!(client.refused(&envelope("v2", &payload), 400), invalid(&[(field, message)]), "{payload}");
    }
    assert_eq!(client.sessions(), 0);
}

fn v2_ag_19_keys_are_kept_and_what_contradicts_them_is_evidence(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let keyed = |state: &str, title: &str| {
        let run = with(least("s", state), &json!({"title": title}));
        with(envelope("v2", &json!({"run": run})), &json!({"idempotency_key": "k-1"}))
    };
    client.taken(&keyed("done", "one"));
    let before = client.get("Detail", &format!("{LEDGER}/s"));
    let refused = client.refused(&keyed("done", "another"), 409);
    assert_eq!(refused["error"]["details"][0]["message"], "conflicting payload for idempotency key");
    assert_eq!(client.taken(&keyed("done", "one"))["idempotent_replay"], true);
    assert_eq!(client.get("Detail", &format!("{LEDGER}/s")), before, "no row was touched");
    let conflicts = client.send("GET", "/v1/agents/ingest/conflicts", "").json();
    assert_eq!(conflicts["items"].as_array().map(Vec::len), Some(1), "{conflicts}");
    let kept = &conflicts["items"][0];
    assert_eq!((&kept["key"], &kept["reason"], &kept["sessionId"]), (&json!("key:k-1"), &json!("key"), &json!("s")));
}
