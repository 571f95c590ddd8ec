//! The room as it changes: whatever way something is taken in, its alerts are evaluated, and who listens is told.

use std::collections::BTreeSet;
use std::path::Path;

use exhibit_model::time::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::work::Events;
use super::{Served, now, token};
use crate::world::{Backend, PATIENCE, World, items, text};

both_backends! {
    ag_29_each_way_in_is_evaluated_and_told,
    who_listens_is_told_of_all_that_changes_and_goes_on_after_a_break,
}

const INGEST: &str = "/api/v3/ingest/session";
const EVENTS: &str = "/v1/agents/events";

/// Some seconds ago, in microseconds: within every window, and never to come.
fn lately_us() -> i64 {
    now().0 - 10_000_000
}

fn lately() -> String {
    Timestamp(lately_us()).to_string()
}

/// A session of an agent that was billed 7.50 USD.
fn session(agent: &str) -> Value {
    json!({"envelope_version": "v1", "payload": {"session": {
        "sessionId": format!("s-{agent}"), "agentId": agent, "modelId": "m", "state": "running", "startedAt": lately(),
        "billedCostUsd": 7.5,
    }}})
}

/// More than 5 USD of any agent within a day are critical.
fn rule(served: &Served, token: &str) -> String {
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "agent", "warnThreshold": 1, "criticalThreshold": 5, "window": "24h",
        "comparison": "gte",
    });
    let made = served.post("/api/v3/alerts/rules", token, &rule);
    assert_eq!(made.status, 201, "{made:?}");
    text(&made.json()["ruleId"])
}

fn attribute(name: &str, value: Value) -> Value {
    json!({"key": name, "value": value})
}

fn say(word: &str) -> Value {
    json!({"stringValue": word})
}

/// A call that Claude Code logs.
fn log(agent: &str) -> Value {
    let nanos = (lately_us() * 1_000).to_string();
    let attributes = json!([
        attribute("session.id", say("logged")),
        attribute("event.name", say("api_request")),
        attribute("event.sequence", json!({"intValue": "1"})),
        attribute("agent.name", say(agent)),
        attribute("model", say("m")),
        attribute("input_tokens", json!({"intValue": "4"})),
        attribute("output_tokens", json!({"intValue": "1"})),
        attribute("cost_usd", json!({"doubleValue": 7.5})),
        attribute("app.version", say("2.0.14")),
    ]);
    let record = json!({"timeUnixNano": nanos, "body": say("claude_code.api_request"), "attributes": attributes});
    json!({"resourceLogs": [{"resource": {"attributes": [attribute("service.name", say("claude-code"))]},
        "scopeLogs": [{"logRecords": [record]}]}]})
}

/// A call in a span.
fn span(agent: &str) -> Value {
    let nanos = |plus: i64| ((lately_us() + plus) * 1_000).to_string();
    let attributes = json!([
        attribute("gen_ai.operation.name", say("chat")),
        attribute("gen_ai.conversation.id", say("traced")),
        attribute("gen_ai.agent.id", say(agent)),
        attribute("gen_ai.response.model", say("m")),
        attribute("gen_ai.usage.input_tokens", json!({"intValue": "4"})),
        attribute("gen_ai.usage.output_tokens", json!({"intValue": "1"})),
        attribute("gen_ai.usage.cost.amount", json!({"doubleValue": 7.5})),
        attribute("gen_ai.usage.cost.source", say("provider")),
    ]);
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b102", "name": "chat m",
        "startTimeUnixNano": nanos(0), "endTimeUnixNano": nanos(1_000_000), "attributes": attributes,
    });
    json!({"resourceSpans": [{"resource": {"attributes": [attribute("service.name", say("shop"))]},
        "scopeSpans": [{"spans": [span]}]}]})
}

/// A call that LiteLLM logs.
fn payload(agent: &str) -> Value {
    let seconds = lately_us() as f64 / 1e6;
    json!({
        "id": "chatcmpl-1", "session_id": "proxied", "agent_id": agent, "status": "success", "model": "m",
        "response_cost": 7.5, "startTime": seconds, "endTime": seconds + 1.0, "total_tokens": 5, "prompt_tokens": 4,
        "completion_tokens": 1,
    })
}

/// A session file of OpenClaw.
fn write_session_file(home: &Path, agent: &str) {
    let folder = home.join(".openclaw/agents").join(agent).join("sessions");
    std::fs::create_dir_all(&folder).expect("a folder");
    let id = "0c000000-0000-4000-8000-000000000001";
    let usage =
        json!({"input": 4, "output": 1, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 5, "cost": {"total": 7.5}});
    let message = json!({"role": "assistant", "model": "m", "content": [], "usage": usage, "stopReason": "stop"});
    let lines = [
        json!({"type": "session", "version": 3, "id": id, "timestamp": lately(), "cwd": "/src"}),
        json!({"type": "message", "id": "a0000001", "parentId": null, "timestamp": lately(), "message": message}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join(format!("{id}.jsonl")), text).expect("a file");
}

/// Waits until the listener is told that an alert of an agent opened.
#[track_caller]
fn opens(events: &mut Events, rule: &str, agent: &str) {
    let scope = format!("agent={agent}");
    loop {
        let (name, _, data) = events.next();
        assert_ne!(name, "lost");
        if name == "alert" && data["scopeKey"] == scope.as_str() {
            let told = (&data["ruleId"], &data["kind"], &data["status"]);
            assert_eq!(told, (&json!(rule), &json!("open"), &json!("critical")), "{data}");
            return;
        }
    }
}

fn ag_29_each_way_in_is_evaluated_and_told(backend: Backend) {
    let mut world = World::new(backend);
    let token = token(&world, "read,ingest,control");
    let served = Served::new(&world);
    let rule = rule(&served, &token);
    let mut events = Events::open_at(&served, EVENTS, &token, None);
    assert_eq!(events.next().0, "ready");
    let post = |path: &str, body: &Value| {
        let answer = served.post(path, &token, body);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    };
    for (agent, path, body) in [
        ("by-ingest", INGEST, session("by-ingest")),
        ("by-batch", "/v1/agents/ingest/batch", session("by-batch")),
        ("by-log", "/v1/logs", log("by-log")),
        ("by-span", "/v1/traces", span("by-span")),
        ("by-litellm", "/v1/agents/collect/litellm", payload("by-litellm")),
    ] {
        post(path, &body);
        opens(&mut events, &rule, agent);
    }
    // The program beside the server, on the same database.
    let file = world.path().join("session.json");
    std::fs::write(&file, session("by-program").to_string()).expect("a file");
    world.ok(&["agents", "ingest", file.to_str().expect("text")]);
    opens(&mut events, &rule, "by-program");
    write_session_file(world.path(), "by-file");
    world.ok(&["agents", "tail", "--once"]);
    let nothing_new = world.json(&["agents", "tail", "--once"]);
    assert!(nothing_new["feeds"].is_array(), "one document also when nothing is new: {nothing_new}");
    assert_eq!((&nothing_new["closed"], &nothing_new["problems"]), (&json!(0), &json!([])));
    opens(&mut events, &rule, "by-file");
    drop(events);
    drop(served);
    // A server that reads files itself.
    world.set("EXHIBIT_AGENTS__COLLECT__FILES", "true");
    world.set("EXHIBIT_AGENTS__COLLECT__EVERY_S", "1");
    let served = Served::new(&world);
    let mut events = Events::open_at(&served, EVENTS, &token, None);
    write_session_file(world.path(), "by-tailer");
    opens(&mut events, &rule, "by-tailer");
    let happened = items(served.json("/v1/agents/alerts/transitions", &token));
    let opened: Vec<&Value> = happened.iter().filter(|it| it["kind"] == "open").collect();
    assert_eq!(opened.len(), 8, "{happened:#?}");
    assert!(opened.iter().all(|it| it["cause"] == "ingest"), "no minute had to go by: {opened:#?}");
}

fn who_listens_is_told_of_all_that_changes_and_goes_on_after_a_break(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = super::control::gateway(&mut world, &[]);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    rule(&served, &token);
    let channel =
        json!({"id": "pager", "url": "http://127.0.0.1:9/", "secret": "sixteen bytes of it", "enabled": true});
    assert_eq!(served.post("/v1/agents/alerts/channels", &token, &channel).status, 201);
    let mut events = Events::open_at(&served, EVENTS, &token, None);
    let (name, first, _) = events.next();
    assert_eq!(name, "ready");
    assert_eq!(served.post(INGEST, &token, &session("a")).status, 200);
    assert_eq!(served.post("/v1/agents/collect/litellm", &token, &payload("b")).status, 200);
    let model = json!({"model": "m", "in": 1_000, "out": 1_000});
    let list =
        json!({"origin": "a test", "owner": "nobody", "effectiveFrom": "2026-01-01T00:00:00Z", "models": [model]});
    let version = text(&served.post("/v1/agents/prices", &token, &list).json()["pricingVersion"]);
    assert_eq!(served.post("/api/control/kill", &token, &json!({"sessionId": "main-0001"})).status, 200);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let (mut sessions, mut last) = (BTreeSet::new(), String::new());
    while seen.len() < 6 || sessions.len() < 2 {
        let (name, id, data) = events.next();
        assert!(data.to_string().len() < 1_000, "small: {data}");
        match name.as_str() {
            "session" => {
                let revision = data["revision"].as_i64().expect("a number");
                assert!(sessions.insert((text(&data["sessionId"]), revision)), "told twice: {data}");
            }
            "price" => assert_eq!(data, json!({"pricingVersion": version})),
            "collector" => assert_eq!((&data["collector"], &data["documents"]), (&json!("litellm"), &json!(1))),
            "control" => assert_eq!((&data["action"], &data["target"]), (&json!("kill"), &json!("session=main-0001"))),
            "delivery" => assert_eq!(data["channelId"], "pager"),
            other => assert_eq!(other, "alert"),
        }
        seen.insert(name);
        last = id;
    }
    assert!(sessions.contains(&("s-a".to_owned(), 1)) && sessions.contains(&("proxied".to_owned(), 1)), "{sessions:?}");
    drop(events);
    // Meanwhile nobody listens.
    assert_eq!(served.post(INGEST, &token, &session("c")).status, 200);
    let mut events = Events::open_at(&served, EVENTS, &token, Some(&last));
    loop {
        let (name, _, data) = events.next();
        assert_ne!(name, "lost");
        if name == "session" {
            assert_eq!(data["sessionId"], "s-c", "what was told is not told again");
            break;
        }
    }
    // Whoever was there from the beginning on hears of all three, and an id of another ledger is told that it is none of this one.
    let mut early = Events::open_at(&served, EVENTS, &token, Some(&first));
    let mut told = BTreeSet::new();
    while told.len() < 3 {
        let (name, _, data) = early.next();
        if name == "session" {
            told.insert(text(&data["sessionId"]));
        }
    }
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), ["proxied", "s-a", "s-c"]);
    let mut strange = Events::open_at(&served, EVENTS, &token, Some("9000000-1"));
    loop {
        let (name, _, _) = strange.next();
        if name == "lost" {
            break;
        }
        assert_ne!(name, "session");
    }
    // The server does not wait for those who listen.
    served.running.signal(Signal::TERM);
    assert!(served.running.ends_within(PATIENCE));
    assert!(events.ends() && early.ends() && strange.ends(), "the streams end in order");
}
