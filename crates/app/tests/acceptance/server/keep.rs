//! What the ledger of agents keeps when the database fails or is full of work, what it lets go, and what it hands on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::client::ask;
use super::{Served, token};
use crate::world::{Backend, PATIENCE, World};

both_backends! {
    an_export_is_taken_in_by_another_home,
    retention_is_off_until_it_is_asked_for,
}

const INGEST: &str = "/api/v3/ingest/session";
const LEDGER: &str = "/api/v3/ledger";

fn session(id: &str) -> Value {
    json!({"envelope_version": "v3", "payload": {
        "session": {"sessionId": id, "agentId": "builder", "modelId": "claude-sonnet-4", "state": "done",
            "startedAt": "2024-01-02T03:04:05Z", "endedAt": "2024-01-02T03:05:05Z"},
        "calls": [{"callId": "c", "startedAt": "2024-01-02T03:04:06Z", "status": "success", "billedCostUsd": 0.25,
            "usage": {"inputUncached": 100, "output": 10}}]}})
}

fn sqlite(world: &World) -> Command {
    let mut command = Command::new("sqlite3");
    command.args(["-batch", "-bail", "-cmd", ".timeout 60000"]).arg(world.home().join("store.sqlite"));
    command
}

#[track_caller]
fn tampers(world: &World, text: &str) {
    let done = sqlite(world).arg(text).output().expect("sqlite3 (Debian: package sqlite3)");
    assert!(done.status.success(), "{text}: {done:?}");
}

/// AG-21: the database fails in the middle of a document: 500 and nothing of why, the key is free, and the same document is then new.
#[test]
fn ag_21_a_failure_of_the_store_claims_nothing() {
    let world = World::new(Backend::Sqlite);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let mut keyed = session("s");
    keyed["idempotency_key"] = json!("own");
    let records = served.get("/v1/status", &token).json()["records"].clone();
    // Keys, rows, calls, events and sums are written one after the other; whichever fails, nothing of the others stays.
    for table in ["records", "ingest_keys", "session_ledger", "agent_calls", "session_usage", "daily_usage_agg"] {
        let failure = format!(
            "create trigger injected before insert on {table} begin select raise(abort, 'a failure that was injected'); end"
        );
        tampers(&world, &failure);
        for said in [&session("s"), &keyed] {
            let answer = served.post(INGEST, &token, said);
            let body = r#"{"error":{"code":"INGEST_INTERNAL_ERROR","message":"INTERNAL ERROR","details":[]}}"#;
            assert_eq!((answer.status, answer.text().as_str()), (500, body), "{table}");
            assert!(answer.header("x-request-id").is_some());
        }
        tampers(&world, "drop trigger injected");
        assert_eq!(served.get(LEDGER, &token).json()["total"], 0, "{table}");
        assert_eq!(served.get("/v1/status", &token).json()["records"], records, "{table}");
    }
    assert!(world.log().contains("a failure that was injected"), "the cause is in the log");
    let taken = served.post(INGEST, &token, &keyed);
    assert_eq!(
        (taken.status, &taken.json()["revision"], &taken.json()["idempotent_replay"]),
        (200, &json!(1), &Value::Null)
    );
    assert_eq!(served.post(INGEST, &token, &keyed).json()["idempotent_replay"], true);
    world.ok(&["verify"]);
    world.ok(&["agents", "aggregates", "check"]);
}

/// Another program that holds the right to write.
struct Holder(Child);

impl Holder {
    fn of(world: &World) -> Self {
        let mut child = sqlite(world)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3 (Debian: package sqlite3)");
        writeln!(child.stdin.as_mut().expect("its input"), "begin immediate; select 'held';").expect("a line");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn lets_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it is ours").success());
    }
}

/// Requests that a server works on at a time, and two more.
const CLIENTS: usize = 66;

/// AG-21: as long as nothing can be written and the queue is full, clients hear to come again; those that do are taken in, each once.
#[test]
fn ag_21_a_full_queue_says_when_to_come_again() {
    let world = World::new(Backend::Sqlite);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    let holder = Holder::of(&world);
    let (told, answers) = mpsc::channel();
    let post = |host: &str, token: &str, number: usize| {
        let bearer = format!("Bearer {token}");
        let lines = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        ask(host, "POST", INGEST, &lines, session(&format!("s{number}")).to_string().as_bytes())
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (told, host, token) = (told.clone(), served.host.clone(), token.clone());
            std::thread::spawn(move || told.send(post(&host, &token, number)).expect("the test listens"))
        })
        .collect();
    let overloaded = r#"{"error":{"code":"OVERLOADED","message":"OVERLOADED","details":[]}}"#;
    let first = answers.recv_timeout(PATIENCE).expect("an answer while nothing can be written");
    assert_eq!((first.status, first.text().as_str(), first.header("retry-after")), (503, overloaded, Some("1")));
    holder.lets_go();
    for client in clients {
        client.join().expect("a client");
    }
    for answer in answers.try_iter() {
        let refused = answer.status == 503 && answer.text() == overloaded && answer.header("retry-after") == Some("1");
        assert!(refused || answer.status == 200, "{answer:?}");
    }
    for number in 0..CLIENTS {
        let again = post(&served.host, &token, number);
        assert_eq!((again.status, &again.json()["revision"]), (200, &json!(1)), "{again:?}");
    }
    assert_eq!(served.get(LEDGER, &token).json()["total"], CLIENTS);
}

fn an_export_is_taken_in_by_another_home(backend: Backend) {
    let (world, other) = (World::new(backend), World::new(backend));
    let lines: Vec<String> = (0..30).map(|number| session(&format!("s{number}")).to_string()).collect();
    let file = world.path().join("sessions.ndjson");
    std::fs::write(&file, lines.join("\n")).expect("our folder");
    world.ok(&["agents", "ingest", file.to_str().expect("text")]);
    let exported = world.ok(&["agents", "export"]);
    assert_eq!(exported.lines().count(), 30);
    let written = other.path().join("export.ndjson");
    std::fs::write(&written, &exported).expect("our folder");
    other.ok(&["agents", "ingest", written.to_str().expect("text")]);
    let usage = |world: &World| world.json(&["agents", "usage", "--by", "model"]);
    assert_eq!(usage(&other), usage(&world));
    assert_eq!(usage(&world)["totals"]["costUsd"], 7.5);
    assert_eq!(other.ok(&["agents", "export"]).lines().count(), 30);
    assert_eq!(world.ok(&["agents", "export", "--agent", "nobody"]), "");
    assert_eq!(world.ok(&["agents", "export", "--to", "2024-01-01"]), "");
    let wrong = world.exhibit(&["agents", "export", "--from", "soon"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    let elsewhere = world.exhibit(&["agents", "export", "--server", "http://127.0.0.1:9"]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
}

fn retention_is_off_until_it_is_asked_for(backend: Backend) {
    let mut world = World::new(backend);
    let token = token(&world, "read,ingest");
    let served = Served::new(&world);
    assert_eq!(served.post(INGEST, &token, &session("old")).status, 200);
    drop(served);
    let off = world.exhibit(&["agents", "retention", "--dry-run"]);
    assert!(off.code == 2 && off.stderr.contains("[agents.retention]"), "{off:?}");
    for (variable, days) in [("BODIES_DAYS", "89"), ("HOURS_DAYS", "1"), ("DAYS_DAYS", "364")] {
        world.set(&format!("EXHIBIT_AGENTS__RETENTION__{variable}"), days);
        let short = world.exhibit(&["agents", "sessions", "list"]);
        assert!(short.code == 2 && short.stderr.contains("agents.retention."), "{short:?}");
        world.set(&format!("EXHIBIT_AGENTS__RETENTION__{variable}"), "400");
    }
    // Its records are of today, so only the sums are old enough to go.
    let planned = world.json(&["agents", "retention", "--dry-run"]);
    assert_eq!((&planned["report"]["sessions"], &planned["dryRun"]), (&json!(0), &json!(true)), "{planned}");
    assert!(planned["report"]["hours"].as_u64() > Some(0) && planned["report"]["days"].as_u64() > Some(0), "{planned}");
    let usage = |world: &World| world.json(&["agents", "usage"])["totals"]["runs"].clone();
    assert_eq!(usage(&world), 1, "a dry run lets nothing go");
    // The server does by itself what the command would do.
    let served = Served::new(&world);
    let deadline = std::time::Instant::now() + PATIENCE;
    while served.get("/api/v3/analytics/usage", &token).json()["totals"]["runs"] != 0 {
        assert!(std::time::Instant::now() < deadline, "the server lets nothing go");
        std::thread::yield_now();
    }
    assert_eq!(served.get(LEDGER, &token).json()["total"], 1, "the session itself stays");
    drop(served);
    let done = world.json(&["agents", "retention"]);
    assert_eq!(done["report"]["hours"], 0, "{done}");
    world.ok(&["verify"]);
    world.ok(&["agents", "aggregates", "check"]);
}
