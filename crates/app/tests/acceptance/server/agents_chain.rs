//! From a document to a notice: one chain through the real server, and what of it survives a death in the middle.

use std::io::Write as _;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use exhibit_agents::alerts::{DELIVERY_HEADER, SIGNATURE_HEADER, Secret, verify};
use exhibit_model::time::Timestamp;
use exhibit_testkit::receiver::{Received, Receiver};
use serde_json::{Value, json};

use super::browser::journeys;
use super::client::{Answer, connect, read};
use super::{Served, now, token};
use crate::proof::Raw;
use crate::world::{Backend, PATIENCE, World};

both_backends! {
    ag_38_a_document_becomes_a_notice,
    ag_29_a_rule_is_tried_before_it_is_made,
    ag_12_a_death_under_load_loses_no_acknowledged_session,
    ag_38_ag_30_a_notice_outlives_the_server_that_owes_it,
}

const INGEST: &str = "/api/v3/ingest/session";

/// Promised: within a second. Asserted with five times as much, because other tests run beside it.
const CHAIN_WITHIN: Duration = Duration::from_secs(5);

fn session(id: &str, cost: f64) -> Value {
    let now = now().to_string();
    json!({"envelope_version": "v1", "payload": {"session": {
        "sessionId": id, "agentId": "builder", "modelId": "claude-sonnet-4", "state": "success", "startedAt": now,
        "endedAt": now, "totalTokens": 1_000, "billedCostUsd": cost,
    }}})
}

const SECRET: &str = "a secret of the test";

/// Seconds that the clocks may be apart: both are that of this machine, and a loaded one may take long.
const TOLERANCE_S: u32 = 300;

/// What a receiver makes of a notice: it checks the signature, then it reads.
#[track_caller]
fn notice(received: &Received) -> Value {
    let now = now().0 / 1_000_000;
    let secret = Secret::parse(SECRET).expect("a secret");
    let signature = received.headers.get(SIGNATURE_HEADER).expect("a signature");
    assert_eq!(verify(&secret, signature, &received.body, now, TOLERANCE_S), Ok(()));
    let notice: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(received.headers.get(DELIVERY_HEADER).map(String::as_str), notice["deliveryId"].as_str());
    notice
}

/// A channel to a receiver, and a rule for the cost of one agent; the id of the rule.
#[track_caller]
fn watched(served: &Served, token: &str, receiver: &Receiver) -> String {
    let channel = json!({"id": "pager", "url": receiver.url, "secret": SECRET, "enabled": true});
    let made = served.post("/v1/agents/alerts/channels", token, &channel);
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!made.text().contains("a secret"), "a secret is never shown");
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "agent", "scopeRef": {"agentId": "builder"}, "warnThreshold": 1,
        "criticalThreshold": 5, "window": "24h", "comparison": "gte",
    });
    let rule = served.post("/api/v3/alerts/rules", token, &rule);
    assert_eq!(rule.status, 201, "{rule:?}");
    rule.json()["ruleId"].as_str().expect("an id").to_owned()
}

/// How often alerts opened.
#[track_caller]
fn opened(served: &Served, token: &str) -> usize {
    let transitions = served.get("/v1/agents/alerts/transitions", token).json();
    transitions["items"].as_array().expect("items").iter().filter(|item| item["kind"] == "open").count()
}

/// Document, row, sums, alert, notice, answers, and after a death the pages that a person looks at.
fn ag_38_a_document_becomes_a_notice(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let receiver = Receiver::start();
    receiver.answers("204 No Content");
    let rule_id = watched(&served, &token, &receiver);
    let began = Instant::now();
    assert_eq!(served.post(INGEST, &token, &session("s", 7.5)).status, 200);
    let notice = notice(&receiver.next());
    let took = began.elapsed();
    assert!(took < CHAIN_WITHIN, "the notice took {took:?}");
    assert_eq!(
        (&notice["schema"], &notice["ruleId"], &notice["status"], &notice["value"], &notice["event"]),
        (&json!("exhibit.alert/1"), &json!(rule_id), &json!("critical"), &json!(7.5), &json!("open"))
    );
    let rows = "select session_id, status, cost_nano from session_ledger join session_usage using (session_key)";
    assert_eq!(Raw::new(&world, backend).sql(rows), "s|success|7500000000", "the row stands");
    let active = served.get("/api/v3/alerts/active", &token).json();
    assert_eq!(
        (&active["rows"][0]["status"], &active["rows"][0]["scope"]),
        (&json!("critical"), &json!({"agentId": "builder"}))
    );
    let usage = served.get("/api/v3/analytics/usage", &token).json();
    assert_eq!(
        (&usage["totals"]["runs"], &usage["totals"]["costUsd"], &usage["totals"]["tokens"]),
        (&json!(1), &json!(7.5), &json!(1_000))
    );
    assert_eq!(served.get("/v1/agents/analytics/parity", &token).json()["holds"], true);
    assert_eq!(served.get("/api/v3/ledger", &token).json()["rows"][0]["sessionId"], "s");
    // After a death everything stands, and nothing is told a second time.
    served.running.kill();
    let served = Served::new(&world);
    assert_eq!(served.get("/api/v3/alerts/active", &token).json()["rows"][0]["episode"], 1);
    let replay = served.post(INGEST, &token, &session("t", 0.5));
    assert_eq!(replay.status, 200);
    assert_eq!(opened(&served, &token), 1);
    assert!(receiver.is_quiet(), "it was told once");
    journeys(&world, &served, backend, &["agents_chain"]);
}

/// The receiver refuses, the server is killed, and its successor tells the same notice under the same id; what was taken in meanwhile is no news.
fn ag_38_ag_30_a_notice_outlives_the_server_that_owes_it(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let receiver = Receiver::start();
    // Refused twice: then five seconds go by until the next attempt, and the kill does not meet it.
    receiver.answers("503 Service Unavailable");
    receiver.answers("503 Service Unavailable");
    watched(&served, &token, &receiver);
    assert_eq!(served.post(INGEST, &token, &session("s", 7.5)).status, 200);
    let (first, again) = (receiver.next(), receiver.next());
    let deadline = Instant::now() + PATIENCE;
    let owed = || served.get("/v1/agents/alerts/deliveries", &token).json()["items"][0].clone();
    // While it is sent it is claimed for a minute; once the second refusal is noted it waits for five seconds.
    let waits = |delivery: &Value| {
        let next = delivery["nextAt"].as_str().and_then(Timestamp::parse).map_or(i64::MAX, |at| at.0);
        delivery["attempts"] == 2 && next < now().0 + 30_000_000
    };
    while !waits(&owed()) {
        assert!(Instant::now() < deadline, "the refusals are never noted: {}", owed());
        std::thread::yield_now();
    }
    assert_eq!(owed()["state"], "pending");
    served.running.kill();
    let served = Served::new(&world);
    receiver.answers("204 No Content");
    let last = receiver.next();
    for other in [again, last] {
        assert_eq!((notice(&other), &other.body), (notice(&first), &first.body), "the same bytes under the same id");
    }
    let delivered = || served.get("/v1/agents/alerts/deliveries?state=delivered", &token).json()["items"].clone();
    while delivered() == json!([]) {
        assert!(Instant::now() < deadline, "it is never settled");
        std::thread::yield_now();
    }
    // More of the same within the cooldown is no news.
    assert_eq!(served.post(INGEST, &token, &session("t", 0.5)).status, 200);
    let all = served.get("/v1/agents/alerts/deliveries", &token).json();
    assert_eq!((all["items"].as_array().map(Vec::len), opened(&served, &token)), (Some(1), 1));
    assert!(receiver.is_quiet(), "it was told once");
    let checked = world.json(&["agents", "aggregates", "check"]);
    assert_eq!(checked["holds"], true, "{checked}");
}

/// A POST to a server that may die meanwhile.
fn try_post(host: &str, token: &str, body: &str) -> Option<Answer> {
    let head =
        format!("POST {INGEST} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let rest = format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    stream.write_all((head + &rest).as_bytes()).ok()?;
    read(&mut stream)
}

fn ag_29_a_rule_is_tried_before_it_is_made(backend: Backend) {
    const EVALUATE: &str = "/v1/agents/alerts/evaluate";
    let world = World::new(backend);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    for (id, cost) in [("s", 7.5), ("t", 0.5)] {
        assert_eq!(served.post(INGEST, &token, &session(id, cost)).status, 200);
    }
    let records = served.get("/v1/status", &token).json()["records"].clone();
    let rule = |critical: f64| {
        json!({
            "metric": "rolling_cost_usd", "scopeType": "agent", "warnThreshold": 1, "criticalThreshold": critical, "window": "24h",
            "comparison": "gte",
        })
    };
    for (critical, status) in [(5.0, "critical"), (50.0, "warning")] {
        let tried = served.post(EVALUATE, &token, &json!({"dryRun": true, "rule": rule(critical)}));
        assert_eq!(tried.status, 200, "{tried:?}");
        let found = json!([{"scopeKey": "agent=builder", "status": status, "value": 8, "sample": tried.json()["values"][0]["sample"]}]);
        assert_eq!((&tried.json()["values"], &tried.json()["happened"]), (&found, &json!(1)));
        assert!(tried.json()["values"][0]["sample"].as_i64() > Some(0), "{tried:?}");
    }
    let wrong = served.post(EVALUATE, &token, &json!({"dryRun": true, "rule": {"metric": "rolling_cost_usd"}}));
    assert_eq!((wrong.status, &wrong.json()["detail"]), (400, &json!("scopeType is required")));
    let real = served.post(EVALUATE, &token, &json!({"rule": rule(5.0)}));
    assert_eq!(real.status, 400, "a rule that is not saved writes nothing: {real:?}");
    assert_eq!(served.get("/api/v3/alerts/rules", &token).json(), json!({"rows": []}));
    assert_eq!(served.get("/v1/agents/alerts/transitions", &token).json()["items"], json!([]));
    assert_eq!(served.get("/v1/status", &token).json()["records"], records, "nothing is written");
}

fn ag_12_a_death_under_load_loses_no_acknowledged_session(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3 {
        let served = Served::new(&world);
        // Somebody is connected and says nothing.
        let _idle = connect(&served.host);
        let (sender, heard) = channel();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (host, token, sender) = (served.host.clone(), token.clone(), sender.clone());
                std::thread::spawn(move || {
                    for number in 0.. {
                        let id = format!("r{round}w{writer}n{number}");
                        let Some(answer) = try_post(&host, &token, &session(&id, 0.25).to_string()) else { return };
                        assert_eq!(answer.status, 200, "{answer:?}");
                        if sender.send(id).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        acknowledged.extend(heard.iter().take(20 + round * 11));
        served.running.kill();
        for writer in writers {
            writer.join().expect("each answer was whole");
        }
        acknowledged.extend(heard.iter());
    }
    let served = Served::new(&world);
    for id in &acknowledged {
        let found = served.get(&format!("/api/v3/ledger/{id}"), &token).json();
        assert_eq!(found["usage"]["costUsd"], 0.25, "{id}");
    }
    let total = served.get("/api/v3/ledger?pageSize=1", &token).json()["total"].as_u64().expect("a count");
    assert!(total >= acknowledged.len() as u64 && total <= acknowledged.len() as u64 + 12, "each once: {total}");
    let usage = served.get("/api/v3/analytics/usage", &token).json();
    assert_eq!(usage["totals"]["runs"], total);
    assert_eq!(served.get("/v1/agents/analytics/parity", &token).json()["holds"], true, "the sums are exact");
    drop(served);
    world.verify_clean();
}
