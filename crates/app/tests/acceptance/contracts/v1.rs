//! The first contract: status, logs and orders below routes without a version, and documents `{session,events?}` in the first envelope.

use serde_json::{Value, json};

use super::{Client, INGEST, LEDGER, envelope, invalid, least, with};
use crate::server::control::gateway;
use crate::server::token;
use crate::world::{Backend, World};

both_backends! {
    v1_ag_31_every_answer_has_its_shape,
    v1_ag_17_what_older_clients_send_is_taken_in,
    v1_ag_17_documents_without_an_envelope_are_taken_when_asked_for,
    v1_ag_13_a_document_is_known_however_it_is_written,
    v1_ag_16_what_is_wrong_writes_nothing,
    v1_ag_18_a_replay_doubles_no_event,
    v1_ag_19_an_event_never_changes,
    v1_ag_20_late_news_of_an_ended_session_are_stale,
    v1_ag_35_ag_37_an_order_reaches_real_ids_and_forges_nothing,
}

const LOG: &str = "2026-01-02T03:04:05Z WARN slow answer\n[2026-01-02T03:04:06Z] [ERROR] no answer\n\
                   {\"time\":\"2026-01-02T03:04:07Z\",\"level\":\"info\",\"msg\":\"an object\"}\nand it goes on\n";

fn v1(session: &Value) -> Value {
    envelope("v1", &json!({"session": session}))
}

fn v1_ag_31_every_answer_has_its_shape(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &[]);
    let mut client = Client::new(&world, backend);
    client.get("Logs", "/api/logs");
    let folder = world.path().join(".openclaw/state/logs");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("openclaw.log"), LOG).expect("a file");
    let logs = client.get("Logs", "/api/logs");
    assert_eq!(logs["logs"].as_array().map(Vec::len), Some(4), "{logs}");
    client.get("Status", "/api/system/status");
    orders(&mut client);
    documents(&mut client);
    refusals(&mut client);
    strangers(&mut client, &token(&world, "read"));
    client.is_as_committed("v1");
}

fn orders(client: &mut Client) {
    let (kill, spawn, model) = ("/api/control/kill", "/api/control/spawn", "/api/control/model");
    let killed = client.ask("Killed", ("POST", kill), r#"{"sessionId":" main-0001 "}"#, 200);
    assert_eq!(killed["sessionId"], "main-0001", "ids are trimmed");
    let begun = json!({"agentId": "spare", "prompt": "go"}).to_string();
    client.ask("Spawned", ("POST", spawn), &begun, 200);
    let set = json!({"provider": "anthropic", "model": "claude", "sessionId": "writer-0001"}).to_string();
    client.ask("ModelSet", ("POST", model), &set, 200);
    for (path, sentence) in [
        (kill, "sessionId is required"),
        (spawn, "agentId and prompt are required"),
        (model, "provider and model are required"),
    ] {
        client.told(("POST", path), "{}", 400, sentence);
        client.told(("POST", path), "{", 400, "Invalid JSON payload");
        client.told(("GET", path), "", 405, "Method not allowed");
    }
    let nobody = client.ask("Failed", ("POST", kill), r#"{"sessionId":"nobody"}"#, 404);
    assert_eq!(nobody["error"], "Session not found");
}

fn documents(client: &mut Client) {
    let events = json!([{"eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": {"text": "hello"}}]);
    let whole = envelope("v1", &json!({"session": least("s", "done"), "events": events}));
    let first = client.taken(&whole);
    let replay = client.taken(&whole);
    assert_eq!(replay, with(first, &json!({"idempotent_replay": true})), "the same body, and that it is one");
    let late = client.taken(&v1(&least("s", "running")));
    assert_eq!(late["stale"], true);
    let conflict = client.refused(&v1(&least("s", "failed")), 409);
    let told = json!({"code": "IDEMPOTENCY_CONFLICT", "message": "IDEMPOTENCY CONFLICT",
        "details": [{"field": "idempotency_key", "message": "conflicting payload for idempotency key"}]});
    assert_eq!(conflict, json!({ "error": told }));
    let detail = client.get("Detail", &format!("{LEDGER}/s"));
    assert_eq!(detail["events"][0]["payload"], json!({"text": "hello"}));
}

fn refusals(client: &mut Client) {
    let said = client.refused(&json!({"envelope_version": "v1"}), 400);
    assert_eq!(said, invalid(&[("payload", "is required")]));
    let said = client.refused(&json!({"payload": {"session": least("t", "done")}}), 400);
    assert_eq!(said, invalid(&[("envelope_version", "is required")]));
    let said = client.refused(&envelope("v1", &json!({"run": least("t", "done")})), 400);
    assert_eq!(said, invalid(&[("run", "unsupported field"), ("session", "session object is required")]));
    client.refused(&json!({"envelope_version": "v9"}), 422);
    client.told(("POST", INGEST), "{\"a\":NaN}", 400, "Invalid JSON payload");
    client.told(("GET", INGEST), "", 405, "Method not allowed");
    client.told(("GET", "/api/nothing"), "", 404, "Not found");
    client.told(("GET", &format!("{LEDGER}/nobody")), "", 404, "Session not found");
    let too_large = client.ask("Refused", ("POST", INGEST), &" ".repeat(8 * 1024 * 1024 + 1), 413);
    assert_eq!(too_large["error"]["details"], json!([{"field": "body", "message": "exceeds 8388608 bytes"}]));
}

/// Those who may not ask, or not that.
fn strangers(client: &mut Client, reader: &str) {
    let unknown = client.served.ask("GET", "/api/logs", &[], "");
    client.note("Said", ("GET", "/api/logs without a token"), &unknown, 401);
    for (path, scope) in [(INGEST, "ingest"), ("/api/control/kill", "control")] {
        let answer = client.served.post(path, reader, &json!({}));
        let said = client.note("Forbidden", ("POST", &format!("{path} with another scope")), &answer, 403);
        assert_eq!(said, json!({"error": "Forbidden", "requiredScope": scope}));
    }
}

/// Documents as they were sent over the years, whole and by halves.
fn documents_of_old() -> Vec<Value> {
    let of = |id: &str, state: &str, more: &Value| with(least(id, state), more);
    vec![
        of("least", "running", &json!({})),
        of("no tokens", "success", &json!({"billedCostUsd": 0.25, "runtimeMs": 1_000})),
        of(
            "no cost",
            "failed",
            &json!({"promptTokens": 10, "completionTokens": 2, "totalTokens": 12, "runtimeMs": 1_000}),
        ),
        of("no runtime", "completed", &json!({"totalTokens": 12, "billedCostUsd": 0})),
        of("one side", "succeeded", &json!({"promptTokens": 10})),
        of("another total", "finished", &json!({"promptTokens": 10, "completionTokens": 2, "totalTokens": 99})),
        of("terminal only", "timed_out", &json!({"terminalAt": "2026-01-02T04:04:05+01:00", "errorCode": "timeout"})),
        of("ends before it begins", "killed", &json!({"endedAt": "2026-01-02T03:04:04.5Z"})),
        of(
            "everything",
            " Done ",
            &json!({
                "agentLabel": "The builder", "provider": "acme", "taskCategory": "build", "runId": "run-1", "errorCode": "none",
                "sourceVersion": "1.2.3", "title": "Build it", "task": "Build it well.", "errorMessage": "nothing went wrong",
                "endedAt": "2026-01-02T03:05:05.123456Z", "terminalAt": "2026-01-02T03:05:06Z", "promptTokens": 12.0,
                "completionTokens": 3e0, "totalTokens": 15, "artifactCount": 2, "runtimeMs": 61_000, "billedCostUsd": 1.000000001,
                "metadata": {"branch": "main", "nested": {"deep": [1, null]}},
            }),
        ),
        of("nulls", "canceled", &json!({"agentLabel": null, "endedAt": null, "promptTokens": null, "metadata": null})),
        of("ünïcödé 会話", "paused", &json!({"title": "→ 数"})),
    ]
}

fn v1_ag_17_what_older_clients_send_is_taken_in(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let documents = documents_of_old();
    for session in &documents {
        client.taken(&v1(session));
    }
    let listed = client.get("Ledger", &format!("{LEDGER}?pageSize=100&include=usage"));
    assert_eq!(listed["total"], json!(documents.len()));
    let usage = |id: &str| {
        let rows = listed["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["sessionId"] == id).unwrap_or_else(|| panic!("{id} is lost")).clone()
    };
    // What was not sent is left out, and is never 0.
    for (id, lacking) in [
        ("least", &["promptTokens", "completionTokens", "totalTokens", "costUsd", "pricingVersion"][..]),
        ("no tokens", &["promptTokens", "completionTokens", "totalTokens"]),
        ("no cost", &["costUsd", "pricingVersion"]),
        ("one side", &["completionTokens", "costUsd"]),
    ] {
        let row = usage(id);
        assert!(lacking.iter().all(|field| row["usage"].get(field).is_none()), "{id}: {row:#}");
    }
    assert_eq!(usage("no runtime")["usage"]["costUsd"], 0.0, "a known zero is no unknown");
    assert_eq!(usage("another total")["usage"]["totalTokens"], 99, "what was sent stands");
    assert_eq!(usage("terminal only")["runtimeMs"], 0);
    assert_eq!(usage("ends before it begins")["runtimeMs"], 0);
    assert_eq!(usage("nulls")["agentLabel"], "builder");
}

fn v1_ag_17_documents_without_an_envelope_are_taken_when_asked_for(backend: Backend) {
    let mut world = World::new(backend);
    world.set("HELICARRIER_CONTRACT_STRICT", "false");
    let mut client = Client::new(&world, backend);
    for session in &documents_of_old() {
        let bare = json!({"session": with(session.clone(), &json!({"fieldOfOld": 1}))});
        let first = client.taken(&bare);
        let wrapped = client.taken(&v1(session));
        // AG-13: what nobody knows is left out before the fingerprint is taken.
        assert_eq!(wrapped, with(first, &json!({"idempotent_replay": true})), "{session}");
    }
}

fn v1_ag_13_a_document_is_known_however_it_is_written(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let first =
        client.taken(&v1(&with(least("s", "done"), &json!({"promptTokens": 12, "endedAt": "2026-01-02T03:05:05Z"}))));
    let other = r#"{"payload":{"session":{"endedAt":"2026-01-02T05:05:05.000+02:00","promptTokens":12.0,
        "startedAt":"2026-01-02T03:04:05+00:00","state":" COMPLETED","modelId":"alpha","agentId":"builder","agentLabel":"builder",
        "task":null,"sessionId":"s"}},"envelope_version":"v1"}"#;
    let again = client.ask("Taken", ("POST", INGEST), other, 200);
    assert_eq!(again, with(first, &json!({"idempotent_replay": true})));
}

fn v1_ag_16_what_is_wrong_writes_nothing(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let event =
        |more: &Value| with(json!({"eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": {}}), more);
    let session = |more: &Value| json!({"session": with(least("s", "done"), more)});
    let events = |event: Value| json!({"session": least("s", "done"), "events": [event]});
    for (payload, field, message) in [
        (session(&json!({"colour": "red"})), "session.colour", "unsupported field"),
        (session(&json!({"state": "banana"})), "session.state", "unsupported value"),
        (session(&json!({"state": "not done"})), "session.state", "unsupported value"),
        (session(&json!({"promptTokens": -1})), "session.promptTokens", "must be a non-negative integer"),
        (session(&json!({"promptTokens": 1.5})), "session.promptTokens", "must be a non-negative integer"),
        (session(&json!({"promptTokens": "12"})), "session.promptTokens", "must be a non-negative integer"),
        (session(&json!({"billedCostUsd": -0.5})), "session.billedCostUsd", "must be a non-negative number"),
        (session(&json!({"metadata": []})), "session.metadata", "must be an object"),
        (
            session(&json!({"startedAt": "2026-01-02T03:04:05"})),
            "session.startedAt",
            "must be an RFC 3339 date-time with offset",
        ),
        (session(&json!({"sessionId": "x".repeat(257)})), "session.sessionId", "exceeds 256 bytes"),
        (session(&json!({"title": 7})), "session.title", "must be a string"),
        (session(&json!({"revision": 1})), "session.revision", "unsupported field"),
        (events(event(&json!({"eventType": "dance"}))), "events[0].eventType", "unsupported value"),
        (events(event(&json!({"payload": null}))), "events[0].payload", "must be an object"),
        (events(event(&json!({"seq": -1}))), "events[0].seq", "must be a non-negative integer"),
        (json!({"session": least("s", "done"), "events": {}}), "events", "must be an array"),
        (json!({"session": least("s", "done"), "calls": []}), "calls", "unsupported field"),
    ] {
        let said = client.refused(&envelope("v1", &payload), 400);
        assert_eq!(said, invalid(&[(field, message)]), "{payload}");
    }
    assert_eq!(client.sessions(), 0, "zero rows");
}

fn v1_ag_18_a_replay_doubles_no_event(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let events = json!([
        {"eventType": "tool_call", "eventTs": "2026-01-02T03:04:06Z", "payload": {"tool": "ls"}},
        {"eventType": "message", "eventTs": "2026-01-02T03:04:07Z", "payload": {}},
    ]);
    let document = envelope("v1", &json!({"session": least("s", "running"), "events": events}));
    client.taken(&document);
    let path = format!("{LEDGER}/s");
    let before = client.get("Detail", &path);
    let status = client.send("GET", "/v1/status", "").json()["records"].clone();
    for _ in 0..3 {
        assert_eq!(client.taken(&document)["idempotent_replay"], true);
    }
    let mut client = client.after_a_death(&world);
    assert_eq!(client.taken(&document)["idempotent_replay"], true, "after a restart as well");
    assert_eq!(client.get("Detail", &path), before, "no row, no time, no event is another one");
    assert_eq!(client.send("GET", "/v1/status", "").json()["records"], status);
    // The next revision tells the same events, and a new one.
    let mut more = document.clone();
    more["payload"]["session"]["title"] = json!("goes on");
    let event = json!({"eventType": "artifact", "eventTs": "2026-01-02T03:04:08Z", "payload": {"path": "a"}});
    more["payload"]["events"].as_array_mut().expect("events").push(event);
    assert_eq!(client.taken(&more)["revision"], 2);
    let after = client.get("Detail", &path);
    let seqs: Vec<&Value> = after["events"].as_array().expect("events").iter().map(|event| &event["seq"]).collect();
    assert_eq!(seqs, [1, 2, 3], "by their place, each once");
}

fn v1_ag_19_an_event_never_changes(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let told = |state: &str, text: &str| {
        let event = |id: &str, text: &str| json!({"eventId": id, "eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": {"text": text}});
        let events = json!([event("e-0", "the same"), event("e-1", text)]);
        envelope("v1", &json!({"session": least("s", state), "events": events}))
    };
    client.taken(&told("running", "one"));
    let refused = client.refused(&told("done", "another"), 409);
    let details = json!([{"field": "events[1].eventId", "message": "conflicting content for event id"}]);
    assert_eq!(refused["error"]["details"], details);
    let detail = client.get("Detail", &format!("{LEDGER}/s"));
    assert_eq!(
        (&detail["ledger"]["status"], &detail["events"][1]["payload"]["text"]),
        (&json!("running"), &json!("one"))
    );
    assert_eq!(client.taken(&told("done", "one"))["revision"], 2);
}

fn v1_ag_20_late_news_of_an_ended_session_are_stale(backend: Backend) {
    let world = World::new(backend);
    let mut client = Client::new(&world, backend);
    let running = client.taken(&v1(&least("s", "running")));
    assert_eq!((&running["revision"], running.get("stale")), (&json!(1), None));
    let ended = client.taken(&v1(&with(least("s", "completed"), &json!({"endedAt": "2026-01-02T03:05:05Z"}))));
    assert_eq!((&ended["revision"], ended.get("stale")), (&json!(2), None));
    let before = client.get("Detail", &format!("{LEDGER}/s"));
    let late = client.taken(&v1(&with(least("s", "running"), &json!({"title": "late"}))));
    assert_eq!(late["stale"], true);
    let after = client.get("Detail", &format!("{LEDGER}/s"));
    assert_eq!(
        (&after, &after["ledger"]["status"]),
        (&before, &json!("success")),
        "it is in the ledger and changes no row"
    );
}

fn v1_ag_35_ag_37_an_order_reaches_real_ids_and_forges_nothing(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &[]);
    let mut client = Client::new(&world, backend);
    let status = client.get("Status", "/api/system/status");
    let agents = status["agents"].as_array().expect("agents");
    let id =
        agents.iter().flat_map(|agent| agent["sessions"].as_array()).flatten().next().expect("a session")["sessionId"]
            .clone();
    let forged = json!({"sessionId": "x\noutcome confirmed"}).to_string();
    assert_ne!(client.send("POST", "/api/control/kill", &forged).status, 200);
    let killed = json!({"sessionId": id}).to_string();
    let killed = client.ask("Killed", ("POST", "/api/control/kill"), &killed, 200);
    assert_eq!((&killed["outcome"], &killed["finalState"]), (&json!("confirmed"), &json!("killed")), "read back");
    let audit = client.send("GET", "/v1/agents/control/audit", "").json();
    let targets: Vec<&Value> = audit["items"].as_array().expect("items").iter().map(|order| &order["target"]).collect();
    assert_eq!(targets[1], "session=x\\u{a}outcome confirmed", "one line for one order: {targets:?}");
}
