//! Orders to agents through the real server, a gateway for drills, and the command line.

use serde_json::{Value, json};

use super::{Served, token};
use crate::world::{Backend, Running, World};

both_backends! {
    ag_34_without_a_controller_nothing_is_connected,
    ag_35_ag_37_a_session_is_ended_through_a_gateway_and_noted,
    ag_35_a_kill_without_effect_is_told,
    ag_36_who_may_order,
}

const KILL: &str = "/api/control/kill";
const AUDIT: &str = "/v1/agents/control/audit";

/// A gateway for drills, and a configuration that names it.
pub fn gateway(world: &mut World, behave: &[&str]) -> Running {
    let mut running = world.start(&[&["agents", "fake-gateway", "--port", "0", "--json"], behave].concat());
    let said: Value = serde_json::from_str(&running.line().expect("where it listens")).expect("JSON");
    let file = world.path().join("gateway-token");
    std::fs::write(&file, "drill\n").expect("a file");
    world.set("EXHIBIT_AGENTS__CONTROL__CONTROLLER", "openclaw");
    world.set("EXHIBIT_AGENTS__CONTROL__URL", said["listen"].as_str().expect("an address"));
    world.set("EXHIBIT_AGENTS__CONTROL__TOKEN_FILE", file.to_str().expect("text"));
    world.set("EXHIBIT_AGENTS__CONTROL__ALLOWED_MODELS", "[\"anthropic/claude\"]");
    running
}

fn ag_34_without_a_controller_nothing_is_connected(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,control");
    let served = Served::new(&world);
    let status = served.get("/api/system/status", &token).json();
    assert_eq!((&status["controller"], &status["agents"]), (&json!("none"), &json!([])));
    assert_eq!(status["gateway"], json!({"connected": false, "healthy": false, "stale": false}));
    let logs = served.get("/api/logs", &token);
    assert_eq!((logs.status, logs.text().as_str()), (200, r#"{"logs":[]}"#));
    let kill = served.post(KILL, &token, &json!({"sessionId": "s"}));
    assert_eq!((kill.status, &kill.json()["error"]), (500, &json!("kill not done: not supported by this controller")));
}

fn ag_35_ag_37_a_session_is_ended_through_a_gateway_and_noted(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &[]);
    let token = token(&world, "read,control");
    let served = Served::new(&world);
    let status = served.get("/api/system/status", &token).json();
    assert_eq!(status["gateway"]["connected"], true, "{status}");
    assert_eq!(status["agents"][0]["sessions"][0]["sessionId"], "main-0001");

    let (bearer, claim) = (format!("Bearer {token}"), "1.2.3.4\u{2028}outcome root");
    let lines = [("authorization", bearer.as_str()), ("x-forwarded-for", claim)];
    let killed = served.ask("POST", KILL, &lines, r#"{"sessionId":"main-0001"}"#);
    assert_eq!((killed.status, killed.header("content-type")), (200, Some("application/json")), "{killed:?}");
    assert_eq!((&killed.json()["ok"], &killed.json()["finalState"]), (&json!(true), &json!("killed")));
    let missing = served.post(KILL, &token, &json!({"sessionId": "nobody"}));
    assert_eq!((missing.status, &missing.json()["error"]), (404, &json!("Session not found")));
    let option = served.post(KILL, &token, &json!({"sessionId": "-x\nforged"}));
    assert_eq!((option.status, &option.json()["error"]), (500, &json!("kill refused: sessionId begins with a dash")));
    let model = json!({"provider": "anthropic", "model": "claude", "sessionId": "writer-0001"});
    assert_eq!(served.post("/api/control/model", &token, &model).json()["finalState"], "anthropic/claude");
    let spawned = served.post("/api/control/spawn", &token, &json!({"agentId": "spare", "prompt": "go"}));
    assert_eq!((spawned.status, &spawned.json()["sessionId"]), (200, &json!("fake-1")), "{spawned:?}");

    let audit = served.get(AUDIT, &token).json();
    let orders = audit["items"].as_array().expect("orders");
    let outcomes: Vec<&Value> = orders.iter().map(|order| &order["outcome"]).collect();
    assert_eq!(outcomes, ["confirmed", "confirmed", "refused", "failed", "confirmed"]);
    let first = &orders[4];
    assert_eq!((&first["target"], &first["remoteAddr"]), (&json!("session=main-0001"), &json!("127.0.0.1")));
    assert_eq!(first["forwardedFor"], "1.2.3.4\\u{2028}outcome root");
    assert!(first["actor"].as_str().expect("who").ends_with(" a test"), "{first}");
    assert_eq!(orders[2]["target"], "session=-x\\u{a}forged");

    let address = format!("http://{}", served.host);
    let tokens = world.path().join("token");
    std::fs::write(&tokens, &token).expect("a file");
    let remote = |arguments: &[&str]| {
        let global = ["--server", address.as_str(), "--token-file", tokens.to_str().expect("text")];
        world.exhibit(&[&global[..], arguments].concat())
    };
    let asked = remote(&["agents", "kill", "fake-1"]);
    let message = "exhibit: this would end the session fake-1; add --yes to do it, or --dry-run to try it on paper\n";
    assert_eq!((asked.code, asked.stderr.as_str()), (2, message));
    let killed = remote(&["agents", "kill", "fake-1", "--yes"]);
    assert_eq!((killed.code, killed.stdout.as_str()), (0, "fake-1  confirmed  killed  aborted\n"), "{killed:?}");
    let unknown = remote(&["agents", "kill", "nobody", "--yes"]);
    let said = "exhibit: Session not found (session nobody, state absent, audit ";
    assert!(unknown.code == 2 && unknown.stderr.starts_with(said), "{unknown:?}");
    let here = world.exhibit(&["agents", "kill", "fake-1", "--yes"]);
    assert_eq!(here.stdout, "fake-1  already_ended  killed  session already killed\n", "{here:?}");
    let listed: Value = serde_json::from_str(&remote(&["--json", "agents", "audit"]).stdout).expect("JSON");
    assert_eq!(listed, world.json(&["agents", "audit"]));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(8));
    assert_eq!(listed["items"][0]["remoteAddr"], "local");
}

fn ag_35_a_kill_without_effect_is_told(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &["--behave", "sessions.abort=no-effect"]);
    let token = token(&world, "control");
    let served = Served::new(&world);
    let vain = served.post(KILL, &token, &json!({"sessionId": "main-0001"}));
    let id = vain.json()["auditId"].clone();
    let expected = json!({
        "error": "kill not confirmed: session still running", "outcome": "unconfirmed", "finalState": "running", "auditId": id,
    });
    assert_eq!(vain.status, 500);
    for field in ["error", "outcome", "finalState", "auditId"] {
        assert_eq!(vain.json()[field], expected[field], "{vain:?}");
    }
    drop(served);
    let text = world.exhibit(&["agents", "kill", "main-0001", "--yes"]);
    let said = "exhibit: kill not confirmed: session still running (session main-0001, state running, audit ";
    assert!(text.code == 1 && text.stderr.starts_with(said), "{text:?}");
    let json = world.exhibit(&["--json", "agents", "kill", "main-0001", "--yes"]);
    let body: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((json.code, &body["outcome"], &body["finalState"]), (1, &json!("unconfirmed"), &json!("running")));
    assert!(body["auditId"].is_string(), "{body}");
}

#[test]
fn a_home_whose_agents_are_children_of_its_server_is_asked_there() {
    let mut world = World::new(Backend::Sqlite);
    world.set("EXHIBIT_AGENTS__CONTROL__CONTROLLER", "process");
    for verb in ["status", "logs"] {
        let here = world.exhibit(&["agents", verb]);
        assert!(here.code == 2 && here.stderr.contains("give --server URL"), "{here:?}");
    }
}

#[test]
fn a_fake_gateway_misbehaves_only_in_what_it_answers() {
    let world = World::new(Backend::Sqlite);
    let vain = world.exhibit(&["agents", "fake-gateway", "--port", "0", "--behave", "sessions.kill=silent"]);
    let said = "exhibit: `sessions.kill` is no method of the gateway: health, agents.list, ";
    assert!(vain.code == 2 && vain.stderr.starts_with(said), "{vain:?}");
}

fn ag_36_who_may_order(backend: Backend) {
    let mut world = World::new(backend);
    let (reader, operator) = (token(&world, "read"), token(&world, "control"));
    let unauthorized = r#"{"error":"Unauthorized"}"#;
    let is = |answer: &super::client::Answer, status: u16, body: &str| {
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    };
    {
        let served = Served::new(&world);
        for path in [KILL, "/api/control/spawn", "/api/control/model"] {
            is(&served.ask("POST", path, &[], "{}"), 401, unauthorized);
            is(&served.ask("POST", path, &[("x-secret-key", "any")], "{}"), 401, unauthorized);
            is(&served.post(path, &reader, &json!({})), 403, r#"{"error":"Forbidden","requiredScope":"control"}"#);
            assert_eq!(served.post(path, &operator, &json!({})).status, 400);
            is(&served.get(path, &operator), 405, r#"{"error":"Method not allowed"}"#);
        }
        let forbidden = r#"{"error":"Forbidden","requiredScope":"read"}"#;
        is(&served.get("/api/system/status", &operator), 403, forbidden);
        is(&served.get("/api/logs", &operator), 403, forbidden);
        assert_eq!(served.get(AUDIT, &operator).code(), "scope-missing");
        assert_eq!(served.get(AUDIT, &reader).json(), json!({"items": []}), "nobody got as far as an order");
        let large = format!("{{\"prompt\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
        let bearer = format!("Bearer {operator}");
        let answer = served.ask("POST", "/api/control/spawn", &[("authorization", bearer.as_str())], &large);
        is(&answer, 413, r#"{"error":"Payload too large"}"#);
    }
    world.set("HELICARRIER_SECRET", "hunter2");
    {
        let served = Served::new(&world);
        assert_eq!(served.ask("POST", KILL, &[("x-secret-key", "hunter2")], "{}").status, 400);
        let both = [("x-secret-key", "hunter2"), ("authorization", "Bearer rubbish")];
        is(&served.ask("POST", KILL, &both, "{}"), 401, unauthorized);
    }
    world.set("HELICARRIER_SECRET", "");
    let served = Served::new(&world);
    is(&served.ask("POST", KILL, &[("x-secret-key", "")], "{}"), 500, r#"{"error":"Server auth is not configured."}"#);
}
