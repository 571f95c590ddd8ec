//! The agents room over HTTP: the contract of ingest in its exact bytes, the ledger, and who may ask.

use std::io::Write as _;

use serde_json::{Value, json};

use super::client::{Answer, ask};
use super::{Served, token};
use crate::world::{Backend, World, text};

both_backends! {
    ag_14_an_unknown_version_is_refused_and_counted,
    ag_15_a_mistake_is_told_in_the_same_bytes_always,
    ag_15_each_invalid_document_is_refused_alike_in_two_processes_and_after_a_restart,
    ag_18_a_replay_changes_nothing_also_after_a_restart,
    ag_18_ag_19_ag_20_the_rules_hold_over_http_and_a_restart,
    ag_21_a_packed_body_is_unpacked_within_its_limit,
    ag_31_ag_33_the_ledger_is_listed_as_older_clients_know_it,
    ag_36_who_may_ask,
    ag_36_who_may_administer_and_what_the_secret_opens,
    ag_36_no_secret_is_in_what_a_browser_gets,
    sixty_four_clients_at_once_are_all_answered,
    a_file_is_taken_in_by_the_program_as_by_a_server,
}

const INGEST: &str = "/api/v3/ingest/session";
const LEDGER: &str = "/api/v3/ledger";

fn session(id: &str, state: &str) -> Value {
    json!({"sessionId": id, "agentId": "builder", "modelId": "claude-sonnet-4", "state": state, "startedAt": "2026-01-02T03:04:05Z"})
}

fn v1(session: &Value) -> Value {
    json!({"envelope_version": "v1", "payload": {"session": session}})
}

#[track_caller]
fn is(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, body));
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
}

fn ag_14_an_unknown_version_is_refused_and_counted(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let records = served.get("/v1/status", &token).json()["records"].clone();
    let body = r#"{"error":{"code":"UNSUPPORTED_CONTRACT_VERSION","message":"UNSUPPORTED CONTRACT VERSION","details":[{"field":"envelope_version","message":"unsupported"}]}}"#;
    for version in [json!("v9"), json!(3), json!({})] {
        is(&served.post(INGEST, &token, &json!({"envelope_version": version})), 422, body);
        is(&served.post(INGEST, &token, &json!({"envelope_version": version, "payload": {"session": 1}})), 422, body);
    }
    let metrics = served.get("/metrics", &token).text();
    let line = "contract_rejection_total{code=\"UNSUPPORTED_CONTRACT_VERSION\",version=\"unknown\"} 6";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    assert_eq!(served.get(LEDGER, &token).json()["total"], 0);
    assert_eq!(served.get("/v1/status", &token).json()["records"], records, "nothing is written");
}

fn ag_15_a_mistake_is_told_in_the_same_bytes_always(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let mut wrong = session("", "banana");
    wrong["promptTokens"] = json!(-1);
    wrong["colour"] = json!("red");
    let events = json!([{"eventType": "dance", "eventTs": "yesterday"}]);
    let invalid = json!({"envelope_version": "v1", "payload": {"session": wrong, "events": events}}).to_string();
    let told = r#"{"error":{"code":"VALIDATION_ERROR","message":"Invalid ingest payload","details":[{"field":"events[0].eventTs","message":"must be an RFC 3339 date-time with offset"},{"field":"events[0].eventType","message":"unsupported value"},{"field":"events[0].payload","message":"must be an object"},{"field":"session.colour","message":"unsupported field"},{"field":"session.promptTokens","message":"must be a non-negative integer"},{"field":"session.sessionId","message":"must be a non-empty string"},{"field":"session.state","message":"unsupported value"}]}}"#;
    for _ in 0..2 {
        let served = Served::new(&world);
        let bearer = format!("Bearer {token}");
        let post = |body: &str| served.ask("POST", INGEST, &[("authorization", bearer.as_str())], body);
        for _ in 0..10 {
            is(&post(&invalid), 400, told);
            is(&post("{\"a\":1,\"a\":2}"), 400, r#"{"error":"Invalid JSON payload"}"#);
            is(
                &post("[]"),
                400,
                r#"{"error":{"code":"VALIDATION_ERROR","message":"Invalid ingest payload","details":[{"field":"payload","message":"payload must be an object"}]}}"#,
            );
        }
        assert_eq!(served.get(LEDGER, &token).json()["total"], 0, "AG-16: zero rows");
    }
}

/// Documents with which something is wrong, and the status that each is refused with.
fn invalid() -> Vec<(u16, Vec<u8>)> {
    let with = |field: &str, value: Value| {
        let mut said = session("s", "running");
        said[field] = value;
        v1(&said)
    };
    let event = |event: Value| json!({"envelope_version": "v1", "payload": {"session": session("s", "running"), "events": [event]}});
    let call = |call: Value| json!({"envelope_version": "v3", "payload": {"session": session("s", "running"), "calls": [call]}});
    let at = "2026-01-02T03:04:05Z";
    let wrong = [
        json!({}),
        json!({"envelope_version": "v1"}),
        json!({"envelope_version": "", "payload": 5}),
        json!({"envelope_version": "v1", "payload": []}),
        json!({"envelope_version": "v1", "payload": {}}),
        json!({"envelope_version": "v2", "payload": {"session": {}}}),
        json!({"envelope_version": "v3", "payload": {"session": {}}}),
        json!({"envelope_version": "v1", "payload": {"session": session("s", "running"), "calls": []}}),
        json!({"envelope_version": "v1", "payload": {"session": session("s", "running"), "events": {}}}),
        json!({"envelope_version": "v1", "idempotency_key": "k".repeat(257), "payload": {"session": session("s", "running")}}),
        json!({"envelope_version": "v1", "nonsense": 1, "payload": {"session": session("s", "running")}}),
        v1(&session("", "banana")),
        with("colour", json!("red")),
        with("state", json!("inactive")),
        with("startedAt", json!("yesterday")),
        with("endedAt", json!("2026-01-02T03:04:05")),
        with("promptTokens", json!(-1)),
        with("totalTokens", json!(1.5)),
        with("completionTokens", json!(9_007_199_254_740_992_u64)),
        with("billedCostUsd", json!("1")),
        with("metadata", json!([])),
        with("title", json!("\u{e9}".repeat(513))),
        with("task", json!("x".repeat(256 * 1024 + 1))),
        event(json!(5)),
        event(json!({"eventType": "dance", "eventTs": at, "payload": {}})),
        event(json!({"eventType": "error", "eventTs": at})),
        event(json!({"eventType": "error", "eventTs": "soon", "payload": [], "x": 1})),
        call(json!({})),
        call(json!({"callId": "c", "startedAt": at, "status": "fine", "usage": {"output": -1}})),
        call(
            json!({"callId": "c", "startedAt": at, "status": "success", "estimatedCostUsd": 1, "pricingVersion": "provider_native"}),
        ),
    ];
    let unknown = [json!("v9"), json!(3), json!({})].map(|version| json!({"envelope_version": version, "payload": 1}));
    let rubbish: [&[u8]; 7] = [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"{\"a\":1,\"a\":2}", b"{\"a\":NaN}", b"{} {}"];
    let deep = [vec![b'['; 65], vec![b']'; 65]].concat();
    let bytes = |documents: &[Value], status| {
        documents.iter().map(|document| (status, document.to_string().into_bytes())).collect::<Vec<_>>()
    };
    let mut all = bytes(&wrong, 400);
    all.extend(bytes(&unknown, 422));
    all.extend(rubbish.iter().map(|bytes| (400, bytes.to_vec())));
    all.extend([(400, b"[]".to_vec()), (400, deep), (413, vec![b' '; 8 * 1024 * 1024 + 1])]);
    all
}

/// What each is answered, ten times over.
fn refusals(served: &Served, token: &str, documents: &[(u16, Vec<u8>)]) -> Vec<Vec<u8>> {
    let bearer = format!("Bearer {token}");
    let mut told = Vec::new();
    for (status, document) in documents {
        let post = || ask(&served.host, "POST", INGEST, &[("authorization", bearer.as_str())], document);
        let first = post();
        let start: String = String::from_utf8_lossy(document).chars().take(200).collect();
        assert_eq!((first.status, first.header("content-type")), (*status, Some("application/json")), "{start}");
        for _ in 1..10 {
            let again = post();
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{start}");
        }
        let details: Vec<(String, String)> = match first.json()["error"]["details"].as_array() {
            Some(details) => details.iter().map(|it| (text(&it["field"]), text(&it["message"]))).collect(),
            None => Vec::new(),
        };
        assert!(details.is_sorted(), "by field and message: {details:?}");
        told.push(first.body);
    }
    told
}

fn ag_15_each_invalid_document_is_refused_alike_in_two_processes_and_after_a_restart(backend: Backend) {
    let (world, other) = (World::new(backend), World::new(backend));
    let tokens = [&world, &other].map(|world| token(world, "read,ingest"));
    let documents = invalid();
    let (served, beside) = (Served::new(&world), Served::new(&other));
    let told = refusals(&served, &tokens[0], &documents);
    assert_eq!(told, refusals(&beside, &tokens[1], &documents), "another process says the same");
    drop((served, beside));
    let served = Served::new(&world);
    assert_eq!(told, refusals(&served, &tokens[0], &documents), "and so does the next one");
    assert_eq!(served.get(LEDGER, &tokens[0]).json()["total"], 0);
}

fn ag_18_a_replay_changes_nothing_also_after_a_restart(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let at = "2026-01-02T03:04:06Z";
    let mut said = session("s", "completed");
    said["billedCostUsd"] = json!(0.5);
    let call = json!({"callId": "c", "startedAt": at, "status": "success", "usage": {"output": 7}});
    let event = json!({"eventType": "message", "eventTs": at, "payload": {"text": "hello"}});
    let document = json!({
        "envelope_version": "v3", "idempotency_key": "once", "payload": {"session": said, "calls": [call], "events": [event]},
    });
    let stands = |served: &Served| {
        let detail = served.get(&format!("{LEDGER}/s?include=calls,costs"), &token);
        assert_eq!(detail.status, 200, "{detail:?}");
        let usage = served.get("/api/v3/analytics/usage", &token).json();
        (detail.text(), usage["totals"].clone(), served.get("/v1/status", &token).json()["records"].clone())
    };
    let mut served = Served::new(&world);
    let first = served.post(INGEST, &token, &document).json();
    let before = stands(&served);
    assert_eq!(serde_json::from_str::<Value>(&before.0).expect("JSON")["events"].as_array().map(Vec::len), Some(1));
    for _ in 0..2 {
        let replay = served.post(INGEST, &token, &document);
        let mut wanted = first.clone();
        wanted["idempotent_replay"] = json!(true);
        assert_eq!((replay.status, replay.json()), (200, wanted));
        assert_eq!(stands(&served), before, "no row, no time, no event and no sum changes");
        served.running.kill();
        served = Served::new(&world);
    }
    assert_eq!(stands(&served), before);
}

fn ag_18_ag_19_ag_20_the_rules_hold_over_http_and_a_restart(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let first = served.post(INGEST, &token, &v1(&session("s", "running")));
    let fingerprint = first.json()["fingerprint"].as_str().expect("a fingerprint").to_owned();
    is(&first, 200, &format!(r#"{{"ok":true,"sessionId":"s","revision":1,"fingerprint":"{fingerprint}"}}"#));
    drop(served);
    let served = Served::new(&world);
    let replay = served.post(INGEST, &token, &v1(&session("s", "running")));
    is(
        &replay,
        200,
        &format!(
            r#"{{"ok":true,"sessionId":"s","revision":1,"fingerprint":"{fingerprint}","idempotent_replay":true}}"#
        ),
    );
    assert_eq!(served.post(INGEST, &token, &v1(&session("s", "completed"))).json()["revision"], 2);
    let mut late = session("s", "running");
    late["title"] = json!("late");
    assert_eq!(served.post(INGEST, &token, &v1(&late)).json()["stale"], true);
    let conflict = r#"{"error":{"code":"IDEMPOTENCY_CONFLICT","message":"IDEMPOTENCY CONFLICT","details":[{"field":"idempotency_key","message":"conflicting payload for idempotency key"}]}}"#;
    is(&served.post(INGEST, &token, &v1(&session("s", "failed"))), 409, conflict);
    let detail = served.get(&format!("{LEDGER}/s"), &token).json();
    assert_eq!(detail["ledger"]["status"], "success");
    is(&served.get(&format!("{LEDGER}/nobody"), &token), 404, r#"{"error":"Session not found"}"#);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut input = child.stdin.take().expect("its input");
    let bytes = bytes.to_vec();
    let writing = std::thread::spawn(move || input.write_all(&bytes).expect("a write"));
    let packed = child.wait_with_output().expect("its output").stdout;
    writing.join().expect("the writer");
    packed
}

fn ag_21_a_packed_body_is_unpacked_within_its_limit(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let bearer = format!("Bearer {token}");
    let post = |encoding: &str, body: &[u8]| {
        let lines = [("authorization", bearer.as_str()), ("content-encoding", encoding)];
        ask(&served.host, "POST", INGEST, &lines, body)
    };
    let packed = gzip(v1(&session("s", "running")).to_string().as_bytes());
    assert_eq!(post("gzip", &packed).status, 200);
    let too_large = r#"{"error":{"code":"PAYLOAD_TOO_LARGE","message":"PAYLOAD TOO LARGE","details":[{"field":"body","message":"exceeds 8388608 bytes"}]}}"#;
    is(&post("gzip", &gzip(&vec![b' '; 64 * 1024 * 1024])), 413, too_large);
    is(&post("identity", &vec![b' '; 8 * 1024 * 1024 + 1]), 413, too_large);
    assert_eq!(post("br", b"{}").status, 415);
    is(&post("gzip", b"rubbish"), 400, r#"{"error":"Invalid JSON payload"}"#);
    // Also what nobody could read is counted.
    let metrics = served.get("/metrics", &token).text();
    for (code, count) in [("PAYLOAD_TOO_LARGE", 2), ("VALIDATION_ERROR", 1), ("INVALID_JSON", 1)] {
        let line = format!("contract_rejection_total{{code=\"{code}\",version=\"unknown\"}} {count}");
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
}

fn ag_31_ag_33_the_ledger_is_listed_as_older_clients_know_it(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    for (id, started, tokens) in
        [("a", "2026-01-01T23:30:00-08:00", 10), ("b", "2026-01-02T00:00:00Z", 30), ("c", "2026-01-03T12:00:00.5Z", 20)]
    {
        let mut said = session(id, "completed");
        said["startedAt"] = json!(started);
        said["title"] = json!(format!("Refactor the parser {id}"));
        said["totalTokens"] = json!(tokens);
        said["billedCostUsd"] = json!(f64::from(tokens) / 1000.0);
        assert_eq!(served.post(INGEST, &token, &v1(&said)).status, 200);
    }
    let ids = |query: &str| -> Vec<String> {
        let answer = served.get(&format!("{LEDGER}?{query}"), &token);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let rows = answer.json()["rows"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["sessionId"].as_str().expect("an id").to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["c", "a", "b"]),
        ("sort=cost", vec!["b", "c", "a"]),
        ("q=pars+ref", vec!["c", "a", "b"]),
        ("q=arser", vec![]),
        ("q=ARSER&match=substring", vec!["c", "a", "b"]),
        ("q=%25", vec![]),
        ("q=%25&match=substring", vec![]),
        ("from=2026-01-02&to=2026-01-02", vec!["a", "b"]),
        ("to=2026-01-03T12:00:00Z", vec!["c", "a", "b"]),
        ("to=2026-01-03T12:00:00.4Z", vec!["a", "b"]),
        ("from=2026-01-02&to=2026-01-02&tz=America/Los_Angeles", vec![]),
        ("from=2026-01-02T05:00:00%2B05:00&to=2026-01-02T05:00:00%2B05:00", vec!["b"]),
        ("status=banana", vec![]),
        ("agent=nobody", vec![]),
        ("pageSize=1&page=2", vec!["a"]),
        ("pageSize=0", vec!["c"]),
        ("page=-4&pageSize=2", vec!["c", "a"]),
    ] {
        assert_eq!(ids(query), expected, "{query}");
    }
    for (query, message) in [
        ("page=abc", "Invalid page value"),
        ("page=1&page=2", "Invalid page value"),
        ("q=a%00b", "Invalid q value"),
        ("pageSize=x", "Invalid pageSize value"),
        ("sort=best", "Invalid sort value"),
        ("from=yesterday", "Invalid from value"),
        ("to=2026-02-30", "Invalid to value"),
        ("tz=Nowhere", "Invalid tz value"),
        ("match=fuzzy", "Invalid match value"),
    ] {
        is(&served.get(&format!("{LEDGER}?{query}"), &token), 400, &json!({ "error": message }).to_string());
    }
    let first = served.get(&format!("{LEDGER}?pageSize=2"), &token).json();
    let next = first["next"].as_str().expect("a cursor");
    assert_eq!(ids(&format!("pageSize=2&cursor={next}")), ["b"]);
    // Optional fields are left out, and names are those of the contract.
    let detail = served.get(&format!("{LEDGER}/b"), &token).json();
    let ingested = detail["ledger"]["ingestedAt"].clone();
    let expected = json!({
        "sessionId": "b", "agentId": "builder", "agentLabel": "builder", "modelId": "claude-sonnet-4",
        "taskTitle": "Refactor the parser b", "status": "success", "startedAt": "2026-01-02T00:00:00.000Z", "runtimeMs": 0,
        "artifactCount": 0, "ingestedAt": ingested,
    });
    assert_eq!(detail["ledger"], expected);
    let computed = detail["usage"]["computedAt"].clone();
    let usage = json!({
        "sessionId": "b", "totalTokens": 30, "runtimeMs": 0, "costUsd": 0.03, "costConfidence": "exact",
        "pricingVersion": "provider_native", "computedAt": computed, "tokenSource": "provider_reported",
        "tokenConfidence": "medium", "runtimeSource": "missing", "runtimeConfidence": "unknown",
        "costSource": "provider_reported", "costConfidenceLevel": "high",
    });
    assert_eq!(detail["usage"], usage);
    assert_eq!(detail["events"], json!([]));
    is(&served.get("/api/v3/nothing", &token), 404, r#"{"error":"Not found"}"#);
    is(&served.post(LEDGER, &token, &json!({})), 405, r#"{"error":"Method not allowed"}"#);
}

fn ag_36_who_may_ask(backend: Backend) {
    let mut world = World::new(backend);
    let body = v1(&session("s", "running")).to_string();
    let unauthorized = r#"{"error":"Unauthorized"}"#;
    let unset = r#"{"error":"Server auth is not configured."}"#;
    let with = |served: &Served, name: &str, value: &str| served.ask("POST", INGEST, &[(name, value)], &body);
    {
        let served = Served::new(&world);
        // The login link of the greeting is no way in for programs, but somebody who could get in exists.
        let login = served.ask("GET", LEDGER, &[], "");
        assert!([401, 500].contains(&login.status), "{login:?}");
        for (name, value) in [("authorization", "Bearer rubbish"), ("x-secret-key", "any")] {
            let other = served.ask("GET", LEDGER, &[(name, value)], "");
            assert_eq!((other.status, other.text()), (login.status, login.text()), "whatever is sent: {name}");
        }
    }
    let (reader, writer) = (token(&world, "read"), token(&world, "ingest"));
    {
        let served = Served::new(&world);
        is(&served.ask("POST", INGEST, &[], &body), 401, unauthorized);
        is(&with(&served, "authorization", "Bearer rubbish"), 401, unauthorized);
        is(&with(&served, "x-secret-key", "anything"), 401, unauthorized);
        let forbidden = served.ask("POST", INGEST, &[("authorization", &format!("Bearer {reader}"))], &body);
        is(&forbidden, 403, r#"{"error":"Forbidden","requiredScope":"ingest"}"#);
        is(&served.get(LEDGER, &writer), 403, r#"{"error":"Forbidden","requiredScope":"read"}"#);
        assert_eq!(with(&served, "authorization", &format!("Bearer {writer}")).status, 200);
    }
    world.set("HELICARRIER_SECRET", "hunter2");
    {
        let served = Served::new(&world);
        assert_eq!(with(&served, "x-secret-key", "hunter2").status, 200);
        is(&with(&served, "x-secret-key", "hunter3"), 401, unauthorized);
        let both = [("x-secret-key", "hunter2"), ("authorization", "Bearer rubbish")];
        is(&served.ask("POST", INGEST, &both, &body), 401, unauthorized);
        assert_eq!(served.ask("GET", "/v1/status", &[("x-secret-key", "hunter2")], "").status, 401);
    }
    world.set("HELICARRIER_SECRET", "");
    let served = Served::new(&world);
    is(&with(&served, "x-secret-key", ""), 500, unset);
    is(&served.ask("GET", LEDGER, &[], ""), 500, unset);
    for bearer in ["rubbish", &writer] {
        is(&with(&served, "authorization", &format!("Bearer {bearer}")), 500, unset);
    }
}

fn ag_36_who_may_administer_and_what_the_secret_opens(backend: Backend) {
    let mut world = World::new(backend);
    let all_but_admin = token(&world, "read,ingest,control");
    let admin = token(&world, "admin");
    world.set("OPENCLAW_AUTH_TOKEN", "hunter2");
    let secret = ("x-secret-key", "hunter2");
    let prices = "/v1/agents/prices";
    {
        let served = Served::new(&world);
        for (method, path) in [
            ("POST", prices),
            ("POST", "/v1/agents/prices/recompute"),
            ("GET", "/v1/agents/alerts/channels"),
            ("POST", "/v1/agents/alerts/channels"),
            ("PATCH", "/v1/agents/alerts/channels/x"),
            ("DELETE", "/v1/agents/alerts/channels/x"),
        ] {
            let ask = |headers: &[(&str, &str)]| {
                let json = [("content-type", "application/json")];
                served.ask(method, path, &[&json[..], headers].concat(), if method == "GET" { "" } else { "{}" })
            };
            let (others, may) = (format!("Bearer {all_but_admin}"), format!("Bearer {admin}"));
            assert_eq!(ask(&[]).code(), "login-missing", "{method} {path}");
            assert_eq!(ask(&[secret]).code(), "login-missing", "{method} {path}: a secret is for older clients alone");
            let refused = ask(&[("authorization", &others)]);
            assert_eq!((refused.status, refused.code().as_str()), (403, "scope-missing"), "{method} {path}");
            let let_in = ask(&[("authorization", &may)]).status;
            assert!(![401, 403].contains(&let_in), "{method} {path}: {let_in}");
        }
        // The older name of the secret opens what the newer one does.
        assert_eq!(served.ask("GET", LEDGER, &[secret], "").status, 200);
        let rules = "/api/v3/alerts/rules";
        assert_eq!(served.ask("POST", rules, &[secret], "{}").status, 400, "it may control");
    }
    world.set("EXHIBIT_AGENTS__SECRET_SCOPES", "[\"ingest\"]");
    let bearer = format!("Bearer {admin}");
    let served = Served::new(&world);
    let body = v1(&session("s", "running")).to_string();
    assert_eq!(served.ask("POST", INGEST, &[secret], &body).status, 200);
    for (method, path, scope) in [
        ("GET", LEDGER, "read"),
        ("GET", "/api/v3/analytics/usage", "read"),
        ("POST", "/api/v3/alerts/rules", "control"),
        ("POST", "/api/control/kill", "control"),
    ] {
        let told = format!(r#"{{"error":"Forbidden","requiredScope":"{scope}"}}"#);
        is(&served.ask(method, path, &[secret], if method == "GET" { "" } else { "{}" }), 403, &told);
    }
    let json = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let told = served.ask("POST", "/v1/agents/prices/recompute", &json, "{}").json();
    let required = json!([{"pointer": "/pricingVersion", "code": "body-invalid", "message": "is required"}]);
    assert_eq!(told["errors"], required);
    drop(served);
    // It would open nothing: no older route needs it.
    world.set("EXHIBIT_AGENTS__SECRET_SCOPES", "[\"ingest\",\"admin\"]");
    let refused = world.exhibit(&["ls"]);
    assert!(refused.code != 0 && refused.stderr.contains("agents.secret_scopes"), "{refused:?}");
}

fn ag_36_no_secret_is_in_what_a_browser_gets(backend: Backend) {
    let mut world = World::new(backend);
    let secret = "a-secret-that-nobody-may-see";
    world.set("HELICARRIER_SECRET", secret);
    let admin = token(&world, "read,ingest,control,admin");
    let hidden = admin.rsplit('_').next().expect("a secret").to_owned();
    let served = Served::new(&world);
    let channel =
        json!({"id": "pager", "url": "http://127.0.0.1:9/", "secret": "the-key-of-a-channel", "enabled": true});
    assert_eq!(served.post("/v1/agents/alerts/channels", &admin, &channel).status, 201);
    let page = served.ask("GET", "/", &[("accept", "text/html")], "");
    assert_eq!(page.status, 200, "{page:?}");
    // The page, all that it names, and all that this names in turn.
    let (mut wanted, mut got) = (vec!["/".to_owned()], std::collections::BTreeMap::new());
    while let Some(path) = wanted.pop() {
        let answer = served.ask("GET", &path, &[("accept", "text/html")], "");
        let body = answer.text();
        for name in body.split(['"', '\'', '`', '(', ')']).filter(|name| name.contains("assets/")) {
            let found = format!("/assets/{}", name.rsplit("assets/").next().unwrap_or_default());
            let is_file = found.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            if is_file && !got.contains_key(&found) && !wanted.contains(&found) {
                wanted.push(found);
            }
        }
        got.insert(path, body);
    }
    // Where the UI was not built, the program holds a placeholder; its sources know of no secret in any case.
    assert!(!got["/"].contains("assets/") || got.keys().any(|path| path.ends_with(".js")), "{:?}", got.keys());
    sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src")), &mut got);
    assert!(got.keys().filter(|path| path.contains("/web/src/")).count() > 20, "{:?}", got.keys());
    let settings = served.get("/v1/settings", &admin);
    assert_eq!(settings.status, 200);
    got.insert("/v1/settings".to_owned(), settings.text());
    for path in ["/openapi.json", "/v1/agents/alerts/channels"] {
        got.insert(path.to_owned(), served.get(path, &admin).text());
    }
    for (path, body) in &got {
        for word in [secret, hidden.as_str(), "the-key-of-a-channel"] {
            assert!(!body.contains(word), "a secret stands in {path}");
        }
        let is_ours = path == "/" || path.starts_with("/assets/") || path.contains("/web/src/");
        for word in ["HELICARRIER_SECRET", "OPENCLAW_AUTH_TOKEN", "x-secret-key"] {
            assert!(!is_ours || !body.to_lowercase().contains(&word.to_lowercase()), "{path} knows of {word}");
        }
    }
    assert!(!world.log().contains(secret), "no secret in the log");
}

/// The texts of a folder, by path.
fn sources(folder: &std::path::Path, texts: &mut std::collections::BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, texts);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            texts.insert(path.display().to_string(), text);
        }
    }
}

fn sixty_four_clients_at_once_are_all_answered(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    std::thread::scope(|scope| {
        for client in 0..64 {
            let (served, token) = (&served, &token);
            scope.spawn(move || {
                for turn in 0..3 {
                    // Half of them speak about one session.
                    let id = if client % 2 == 0 { "shared".to_owned() } else { format!("own-{client}") };
                    let mut said = session(&id, "running");
                    said["title"] = json!(format!("{client} {turn}"));
                    let answer = served.post(INGEST, token, &v1(&said));
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            });
        }
    });
    assert_eq!(served.get(LEDGER, &token).json()["total"], 33);
    let replay = served.post(INGEST, &token, &v1(&session("shared", "running")));
    assert_eq!(replay.json()["revision"], 97, "96 documents about one session are 96 revisions");
}

fn a_file_is_taken_in_by_the_program_as_by_a_server(backend: Backend) {
    let world = World::new(backend);
    let file = world.path().join("sessions.ndjson");
    let lines = [v1(&session("s", "completed")), v1(&session("t", "banana")), v1(&session("u", "running"))];
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&file, text.join("\n")).expect("a file");
    let path = file.to_str().expect("text");
    let first = world.exhibit(&["agents", "ingest", path]);
    assert_eq!((first.code, first.stdout.as_str()), (3, "s  revision 1\nu  revision 1\n"), "{first:?}");
    assert!(first.stderr.contains("document 2 was refused (400)"), "{}", first.stderr);
    let local = world.json(&["agents", "sessions", "list"]);
    let shown = world.json(&["agents", "sessions", "show", "s"]);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let address = format!("http://{}", served.host);
    let tokens = world.path().join("token");
    std::fs::write(&tokens, &token).expect("a file");
    let remote = |arguments: &[&str]| {
        let global = ["--server", address.as_str(), "--token-file", tokens.to_str().expect("text"), "--json"];
        let output = world.exhibit(&[&global[..], arguments].concat());
        serde_json::from_str::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let again = remote(&["agents", "ingest", path]);
    assert_eq!(again["results"][0]["body"]["idempotent_replay"], true, "{again}");
    assert_eq!((&again["results"][1]["status"], &again["results"][2]["index"]), (&json!(400), &json!(2)));
    assert_eq!(remote(&["agents", "sessions", "list"]), local);
    assert_eq!(remote(&["agents", "sessions", "show", "s"]), shown);
    let unknown = world.exhibit(&["agents", "sessions", "show", "nobody"]);
    let message = "exhibit: there is no session `nobody`; `exhibit agents sessions list` shows them\n";
    assert_eq!((unknown.code, unknown.stderr.as_str()), (2, message));
}
