//! From a document to a notice: one chain through the real server, and what of it survives a death in the middle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Answer, connect, read};
use super::{Served, token};
use crate::world::{Backend, PATIENCE, World};

both_backends! {
    ag_38_a_document_becomes_a_notice,
    ag_29_a_rule_is_tried_before_it_is_made,
    ag_12_a_death_under_load_loses_no_acknowledged_session,
}

const INGEST: &str = "/api/v3/ingest/session";

/// Promised: within a second. Asserted with five times as much, because other tests run beside it.
const CHAIN_WITHIN: Duration = Duration::from_secs(5);

/// A listener for notices: its address, and the bodies that come.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .ok();
            let Ok(body) = serde_json::from_slice(&body) else { continue };
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (address, bodies)
}

fn session(id: &str, cost: f64) -> Value {
    let now = jiff_now();
    json!({"envelope_version": "v1", "payload": {"session": {
        "sessionId": id, "agentId": "builder", "modelId": "claude-sonnet-4", "state": "success", "startedAt": now,
        "endedAt": now, "totalTokens": 1_000, "billedCostUsd": cost,
    }}})
}

/// The present moment, as documents have it.
fn jiff_now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    exhibit_model::time::Timestamp(i64::try_from(since.as_micros()).expect("a moment")).to_string()
}

fn ag_38_a_document_becomes_a_notice(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let (url, notices) = receiver();
    let channel = json!({"id": "pager", "url": url, "secret": "a secret of the test", "enabled": true});
    let made = served.post("/v1/agents/alerts/channels", &token, &channel);
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!made.text().contains("a secret"), "a secret is never shown");
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "agent", "scopeRef": {"agentId": "builder"}, "warnThreshold": 1,
        "criticalThreshold": 5, "window": "24h", "comparison": "gte",
    });
    let rule = served.post("/api/v3/alerts/rules", &token, &rule);
    assert_eq!(rule.status, 201, "{rule:?}");
    let rule_id = rule.json()["ruleId"].as_str().expect("an id").to_owned();
    let began = Instant::now();
    assert_eq!(served.post(INGEST, &token, &session("s", 7.5)).status, 200);
    let notice = notices.recv_timeout(PATIENCE).expect("a notice");
    let took = began.elapsed();
    assert!(took < CHAIN_WITHIN, "the notice took {took:?}");
    assert_eq!(
        (&notice["schema"], &notice["ruleId"], &notice["status"], &notice["value"]),
        (&json!("exhibit.alert/1"), &json!(rule_id), &json!("critical"), &json!(7.5))
    );
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
    let transitions = served.get("/v1/agents/alerts/transitions", &token).json();
    let kinds: Vec<&str> =
        transitions["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "open").count(), 1, "{kinds:?}");
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
        let found = json!([{"scopeKey": "agent=builder", "status": status, "value": 8.0, "sample": tried.json()["values"][0]["sample"]}]);
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
