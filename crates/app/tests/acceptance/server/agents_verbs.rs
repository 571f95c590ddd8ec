//! The verbs of alerts, calls and proofs: on the home and on a server they say the same.

use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use super::{Served, now, token};
use crate::world::{Backend, Output, World, items, text};

both_backends! {
    alerts_are_looked_at_and_quieted_by_the_program,
    a_session_is_proved_by_the_program_as_by_a_server,
}

fn document(id: &str, cost: f64) -> Value {
    let at = Timestamp(now().0 - 10_000_000).to_string();
    let call = json!({"callId": format!("call of {id}"), "startedAt": at, "status": "success", "modelId": "m", "billedCostUsd": cost,
        "usage": {"inputUncached": 5, "cacheRead": 2, "output": 3}});
    json!({"envelope_version": "v3", "payload": {"calls": [call],
        "session": {"sessionId": id, "agentId": "builder", "modelId": "m", "state": "running", "startedAt": at}}})
}

fn ingest(world: &World, document: &Value) {
    let file = world.path().join("document.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    world.ok(&["agents", "ingest", file.to_str().expect("text")]);
}

/// A question to a server, by the program.
fn remotely(world: &World, served: &Served, token: &str, arguments: &[&str]) -> Output {
    let (address, file) = (format!("http://{}", served.host), world.path().join("token"));
    std::fs::write(&file, token).expect("a file");
    let global = ["--server", address.as_str(), "--token-file", file.to_str().expect("text")];
    world.exhibit(&[&global[..], arguments].concat())
}

#[track_caller]
fn is_refused(output: &Output, message: &str) {
    assert_eq!((output.code, output.stderr.as_str()), (2, format!("exhibit: {message}\n").as_str()));
}

fn alerts_are_looked_at_and_quieted_by_the_program(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,control");
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "agent", "warnThreshold": 1, "criticalThreshold": 5, "window": "24h",
        "comparison": "gte", "name": "dear",
    });
    let rule = text(&Served::new(&world).post("/api/v3/alerts/rules", &token, &rule).json()["ruleId"]);
    assert_eq!(world.json(&["agents", "alerts", "list"]), json!({"rows": []}));
    let dry = world.json(&["agents", "alerts", "eval", "--dry-run"]);
    assert_eq!((&dry["rules"], &dry["happened"]), (&json!(1), &json!(0)));
    // Nobody serves, and yet what is taken in is evaluated.
    ingest(&world, &document("s", 7.5));
    let active = world.json(&["agents", "alerts", "list"]);
    assert_eq!((&active["rows"][0]["status"], &active["rows"][0]["value"]), (&json!("critical"), &json!(7.5)));
    let happened = items(world.json(&["agents", "alerts", "transitions", "--rule", &rule]));
    let first = happened.last().expect("a transition");
    assert_eq!(
        (&first["kind"], &first["cause"], &first["scopeKey"]),
        (&json!("open"), &json!("ingest"), &json!("agent=builder"))
    );
    let line = world.ok(&["agents", "alerts", "list"]);
    assert!(
        line.starts_with("critical  active") && line.contains("agent=builder  7.5") && line.contains(&rule),
        "{line}"
    );
    assert!(world.ok(&["agents", "alerts", "rules"]).contains("rolling_cost_usd"));
    // What is to come is only tried on paper, and so is a day from now everything over.
    let later = ["agents", "alerts", "eval", "--at", "2200-01-01"];
    is_refused(&world.exhibit(&later), "--at is to come; add --dry-run to see what would happen then");
    let dry = world.json(&[&later[..], &["--dry-run"]].concat());
    assert_eq!(dry["transitions"][0]["kind"], "resolve");
    let wrong = "--at is a day such as 2026-01-31, or a time such as 2026-01-31T12:00Z";
    is_refused(&world.exhibit(&["agents", "alerts", "eval", "--at", "soon"]), wrong);
    let past = world.json(&["agents", "alerts", "eval", "--at", "2026-01-01T00:00Z"]);
    assert_eq!(past["happened"], 0, "what happened since is not changed by an older look");
    let by = |arguments: &[&str]| world.exhibit(&[&["agents", "alerts"], arguments].concat());
    is_refused(&by(&["ack", "nobody"]), "Rule not found; `exhibit agents alerts rules` shows them");
    let scope = by(&["ack", &rule, "--scope", "model=m"]);
    is_refused(&scope, "Scope not found; `exhibit agents alerts list` shows what fires");
    is_refused(&by(&["silence", &rule, "--seconds", "4294967295"]), "seconds is not valid");
    assert_eq!(by(&["silence", &rule]).code, 2, "for how long has to be said");
    let acked = items(world.json(&["agents", "alerts", "ack", &rule, "--scope", "agent=builder"]));
    assert_eq!(acked[0]["lifecycle"], "suppressed");
    assert!(text(&acked[0]["ackedBy"]).starts_with("user "), "{acked:?}");
    let silenced = items(world.json(&["agents", "alerts", "silence", &rule, "--seconds", "3600"]));
    assert!(silenced[0]["silencedUntil"].is_string(), "{silenced:?}");
    // On a server the same.
    let served = Served::new(&world);
    let remote = |arguments: &[&str]| remotely(&world, &served, &token, arguments);
    let both = |arguments: &[&str]| {
        let told: Value = serde_json::from_str(&remote(&[&["--json"], arguments].concat()).stdout).expect("JSON");
        assert_eq!(told, world.json(arguments), "{arguments:?}");
    };
    both(&["agents", "alerts", "rules"]);
    both(&["agents", "alerts", "list"]);
    both(&["agents", "alerts", "transitions", "--limit", "1"]);
    both(&["agents", "alerts", "transitions", "--rule", "nobody"]);
    is_refused(&remote(&["agents", "alerts", "ack", "nobody"]), "Rule not found");
    assert_eq!(remote(&["agents", "alerts", "eval", "--at", "2200-01-01"]).code, 2);
    let dry = remote(&["--json", "agents", "alerts", "eval", "--at", "2200-01-01", "--dry-run"]);
    assert_eq!(dry.json()["transitions"][0]["kind"], "resolve", "{dry:?}");
    let loud = remote(&["--json", "agents", "alerts", "silence", &rule, "--seconds", "0", "--scope", "agent=builder"]);
    let until = text(&loud.json()["items"][0]["silencedUntil"]);
    assert!(until < text(&silenced[0]["silencedUntil"]), "it ends now, and not in an hour: {until}");
    let acked = remote(&["--json", "agents", "alerts", "ack", &rule]).json();
    assert_eq!(acked["items"][0]["scopeKey"], "agent=builder", "{acked}");
}

fn a_session_is_proved_by_the_program_as_by_a_server(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read");
    ingest(&world, &document("s", 0.25));
    ingest(&world, &document("t", 0.5));
    let show = ["agents", "sessions", "show", "s", "--proof", "--costs"];
    let shown = world.json(&show);
    assert_eq!(shown["costs"][0]["callId"], "call of s");
    assert_eq!((&shown["proof"]["holds"], &shown["proof"]["kind"]), (&json!(true), &json!("agents.session")));
    assert_eq!(shown["proof"]["body"]["document"]["session"]["sessionId"], "s");
    // What the proof comes to is what a checkpoint signs.
    let checkpoint = world.ok(&["ledger", "checkpoint"]);
    let lines: Vec<&str> = checkpoint.lines().collect();
    let inclusion = &shown["proof"]["inclusion"];
    assert_eq!(lines[1], inclusion["batches"].to_string());
    assert_eq!(lines[2], base64_of(&text(&inclusion["root"])));
    let said = world.ok(&show);
    assert!(
        said.contains("proof     holds: leaf ") && said.contains("cost  call call of s  revision 1  $0.250000"),
        "{said}"
    );
    let plain = world.ok(&["agents", "sessions", "show", "s"]);
    assert!(!plain.contains("proof") && !plain.contains("revision"), "only who asks is told: {plain}");
    let calls = items(world.json(&["agents", "calls"]));
    assert_eq!(calls.iter().map(|call| text(&call["callId"])).collect::<Vec<_>>(), ["call of t", "call of s"]);
    assert_eq!(calls.iter().map(|call| text(&call["sessionId"])).collect::<Vec<_>>(), ["t", "s"]);
    let newest = world.exhibit(&["agents", "calls", "--limit", "1"]);
    assert!(newest.stdout.contains("7 in  3 out  $0.500000  t  call of t"), "{newest:?}");
    assert_eq!(world.exhibit(&["agents", "calls", "--limit", "0"]).code, 2);
    let served = Served::new(&world);
    for arguments in [&show[..], &["agents", "calls"], &["agents", "calls", "--limit", "1"], &["agents", "collectors"]]
    {
        let told = remotely(&world, &served, &token, &[&["--json"], arguments].concat());
        assert_eq!(told.json(), world.json(arguments), "{arguments:?}");
    }
    let ledger = "/api/v3/ledger/s";
    let both = served.get(&format!("{ledger}?include=costs,proof"), &token).json();
    assert!(both["costs"].is_array() && both["proof"].is_object() && both["calls"].is_null(), "{both}");
    for wrong in ["nothing", "calls,", "calls,nothing", "proof%20costs"] {
        let answer = served.get(&format!("{ledger}?include={wrong}"), &token);
        assert_eq!((answer.status, answer.text().as_str()), (400, r#"{"error":"Invalid include value"}"#), "{wrong}");
    }
    drop(served);
    world.verify_clean();
}

/// Base64 (RFC 4648) of bytes that are given as hex digits.
fn base64_of(hex: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
