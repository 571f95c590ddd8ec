//! Orders, their audit and the status page, through the handlers of the routes and against a gateway on a real socket.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::handler::Handler as _;
use axum::http::{HeaderValue, Request};
use exhibit_agents::alerts::deliver::Bell;
use exhibit_agents::alerts::evaluator::{Commits, Evaluator};
use exhibit_agents::control::audit::{self, Audit as _, AuditId, Outcome, Verdict};
use exhibit_agents::control::audit_store::StoreAudit;
use exhibit_agents::control::controller::{Controller, Pace};
use exhibit_agents::control::controls::{Controls, ControlsOptions};
use exhibit_agents::control::fake_gateway::{Behaviour, FakeGateway, FakeSession, FakeSettings};
use exhibit_agents::control::nobody::Nobody;
use exhibit_agents::control::openclaw::{GatewayUrl, OpenClaw, OpenClawSettings};
use exhibit_agents::http::{Api, ApiOptions, routes};
use exhibit_agents::sql::control_audit;
use exhibit_http::{Caller, Remote, Scopes};
use exhibit_model::time::{Clock, CountingIds, FixedClock, Timestamp};
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::world::{NOW, World, block_on};

both!(
    ag_34_the_status_degrades_after_ten_seconds_and_without_a_controller,
    ag_34_logs_that_cannot_be_read_are_empty,
    ag_35_a_kill_is_told_when_it_was_read_back,
    ag_35_a_session_is_spawned_with_the_model_that_was_set,
    ag_35_a_model_that_was_set_shows_in_the_session,
    ag_37_the_audit_has_intent_and_outcome_and_nothing_is_forged,
    ag_37_an_outcome_is_written_once_and_outlives_a_restart,
    the_audit_is_read_in_pages,
    wrong_bodies_are_told_in_exact_words,
);

/// Waiting only moves the clock.
struct HandPace(Arc<FixedClock>);

impl Clock for HandPace {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Pace for HandPace {
    fn wait(&self, millis: u64) {
        self.0.advance_micros(i64::try_from(millis).expect("a short wait") * 1000);
    }
}

/// A room whose controller is a fake gateway.
struct Room {
    world: World,
    gateway: FakeGateway,
    controls: Controls,
    api: Api,
}

struct Answer {
    status: u16,
    body: Value,
}

fn open(world: &World, controller: Arc<dyn Controller>, seed: u64) -> (Controls, Api) {
    let options = ControlsOptions {
        controller,
        pace: Arc::new(HandPace(Arc::clone(&world.clock))),
        ids: Arc::new(CountingIds::new(seed)),
        allowed_models: vec!["anthropic/claude".to_owned()],
    };
    let controls = block_on(async { Controls::open(options, &world.store).await }).expect("controls");
    let api = ApiOptions {
        store: world.store.clone(),
        allow_bare: false,
        commits: Commits::default(),
        evaluator: evaluator(world),
        ids: Arc::new(CountingIds::new(seed)),
        controls: controls.clone(),
        import: Default::default(),
    };
    (controls, Api::new(api))
}

fn evaluator(world: &World) -> Arc<Evaluator> {
    let clock = Arc::clone(world.store.clock());
    Arc::new(Evaluator::new(world.store.clone(), clock, Bell::default()))
}

fn client(gateway: &FakeGateway, logs: Vec<PathBuf>) -> Arc<dyn Controller> {
    let url = GatewayUrl::loopback(&gateway.url()).expect("an address");
    Arc::new(OpenClaw::new(OpenClawSettings { url, token: Some("let-me-in".to_owned()), logs }))
}

impl Room {
    fn new(backend: Backend) -> Self {
        let world = World::new(backend);
        let settings = FakeSettings {
            token: "let-me-in".to_owned(),
            agents: vec!["main".to_owned(), "spare".to_owned()],
            sessions: vec![FakeSession::running("main", "real-1"), FakeSession::running("main", "real-2")],
            clock: Arc::clone(&world.clock) as Arc<_>,
        };
        let gateway = FakeGateway::start(settings, 0).expect("a gateway");
        let (controls, api) = open(&world, client(&gateway, Vec::new()), 1);
        Self { world, gateway, controls, api }
    }

    fn post(&self, path: &'static str, body: &Value) -> Answer {
        ask(&self.api, "POST", path, path, &[], body.to_string())
    }

    fn audit(&self) -> Vec<Value> {
        let page = ask(&self.api, "GET", AUDIT, AUDIT, &[], String::new());
        assert_eq!(page.status, 200, "{}", page.body);
        page.body["items"].as_array().expect("items").clone()
    }
}

const KILL: &str = "/api/control/kill";
const SPAWN: &str = "/api/control/spawn";
const MODEL: &str = "/api/control/model";
const AUDIT: &str = "/v1/agents/control/audit";
const STATUS: &str = "/api/system/status";
const LOGS: &str = "/api/logs";

/// Calls the handler of a route as the server does behind its guard.
fn ask(
    api: &Api,
    method: &str,
    route: &'static str,
    uri: &str,
    headers: &[(&'static str, &[u8])],
    body: String,
) -> Answer {
    let handler = routes(api).into_iter().find(|found| found.path == route).expect("a route").handler;
    let mut request = Request::builder().method(method).uri(uri).body(Body::from(body)).expect("a request");
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value).expect("a value"));
    }
    let caller =
        Caller { token: "tok".to_owned(), name: "ops\nteam".to_owned(), scopes: Scopes::every(), expires_us: None };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Remote(Some([10, 0, 0, 7].into())));
    block_on(async move {
        let response = handler.call(request, ()).await;
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        Answer { status, body: serde_json::from_slice(&bytes).expect("JSON") }
    })
}

fn ag_35_a_kill_is_told_when_it_was_read_back(backend: Backend) {
    let room = Room::new(backend);
    let dry = room.post(KILL, &json!({"sessionId": "real-1", "dryRun": true}));
    assert_eq!((dry.status, &dry.body["outcome"]), (200, &json!("dry_run")));
    assert_eq!(room.gateway.session("real-1").expect("a session").status, "running");

    let killed = room.post(KILL, &json!({"sessionId": " real-1 "}));
    let id = killed.body["auditId"].clone();
    let expected = json!({
        "ok": true, "sessionId": "real-1", "output": "aborted", "outcome": "confirmed", "finalState": "killed", "auditId": id,
    });
    assert_eq!((killed.status, &killed.body), (200, &expected));
    assert_eq!(room.gateway.session("real-1").expect("a session").status, "killed");
    let again = room.post(KILL, &json!({"sessionId": "real-1"}));
    assert_eq!((again.status, &again.body["outcome"]), (200, &json!("already_ended")));

    room.gateway.behave("sessions.abort", Some(Behaviour::NoEffect));
    let vain = room.post(KILL, &json!({"sessionId": "real-2"}));
    assert_eq!(vain.status, 500, "{}", vain.body);
    assert_eq!(vain.body["error"], "kill not confirmed: session still running");
    assert_eq!((&vain.body["outcome"], &vain.body["finalState"]), (&json!("unconfirmed"), &json!("running")));

    let unknown = room.post(KILL, &json!({"sessionId": "nobody"}));
    assert_eq!((unknown.status, &unknown.body["error"]), (404, &json!("Session not found")));
    let outcomes: Vec<Value> = room.audit().iter().map(|order| order["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "unconfirmed", "already_ended", "confirmed", "dry_run"], "newest first");
}

fn ag_35_a_session_is_spawned_with_the_model_that_was_set(backend: Backend) {
    let room = Room::new(backend);
    let order = json!({"agentId": "spare", "prompt": "do it\nwell"});
    let spawned = room.post(SPAWN, &order);
    assert_eq!((spawned.status, &spawned.body["ok"]), (200, &json!(true)), "{}", spawned.body);
    let id = spawned.body["sessionId"].as_str().expect("an id");
    let session = room.gateway.session(id).expect("a session");
    assert_eq!((session.prompts, session.model.as_str()), (vec!["do it\nwell".to_owned()], "fake/model"));

    let set = room.post(MODEL, &json!({"provider": "anthropic", "model": "claude"}));
    assert_eq!((set.status, &set.body["finalState"]), (200, &json!("anthropic/claude")), "{}", set.body);
    // The choice outlives the program: it stands in the audit.
    let (_, api) = open(&room.world, client(&room.gateway, Vec::new()), 2);
    let spawned = ask(&api, "POST", SPAWN, SPAWN, &[], order.to_string());
    let id = spawned.body["sessionId"].as_str().expect("an id");
    assert_eq!(room.gateway.session(id).expect("a session").model, "anthropic/claude");

    room.gateway.behave("chat.send", Some(Behaviour::NoEffect));
    let vain = room.post(SPAWN, &order);
    assert_eq!((vain.status, &vain.body["outcome"]), (500, &json!("unconfirmed")), "{}", vain.body);
}

fn ag_35_a_model_that_was_set_shows_in_the_session(backend: Backend) {
    let room = Room::new(backend);
    let order = json!({"provider": "anthropic", "model": "claude", "sessionId": "real-1"});
    let set = room.post(MODEL, &order);
    let id = set.body["auditId"].clone();
    let expected = json!({
        "ok": true, "provider": "anthropic", "model": "claude", "outcome": "confirmed", "finalState": "anthropic/claude",
        "auditId": id,
    });
    assert_eq!((set.status, &set.body), (200, &expected));
    assert_eq!(room.gateway.session("real-1").expect("a session").model, "anthropic/claude");
    let other = room.post(MODEL, &json!({"provider": "anthropic", "model": "other", "sessionId": "real-1"}));
    assert_eq!(other.status, 500);
    assert_eq!(other.body["error"], "model refused: not in agents.control.allowed_models");
    room.gateway.behave("sessions.patch", Some(Behaviour::NoEffect));
    let vain = room.post(MODEL, &json!({"provider": "anthropic", "model": "claude", "sessionId": "real-2"}));
    assert_eq!((vain.status, &vain.body["error"]), (500, &json!("model not confirmed: session still has fake/model")));
}

fn ag_37_the_audit_has_intent_and_outcome_and_nothing_is_forged(backend: Backend) {
    let room = Room::new(backend);
    let forwarded: &[(&'static str, &[u8])] =
        &[("x-forwarded-for", "1.2.3.4\u{2028}intent actor=root".as_bytes()), ("x-forwarded-for", b"caf\xe9")];
    let body = json!({"sessionId": "real-1\nintent actor=root"}).to_string();
    let refused = ask(&room.api, "POST", KILL, KILL, forwarded, body);
    assert_eq!(refused.status, 500);
    assert_eq!(refused.body["error"], "kill refused: sessionId holds a control character");
    let option = room.post(KILL, &json!({"sessionId": "-x"}));
    assert_eq!((option.status, &option.body["error"]), (500, &json!("kill refused: sessionId begins with a dash")));
    let option = room.post(SPAWN, &json!({"agentId": "-x", "prompt": "p"}));
    assert_eq!(option.body["error"], "spawn refused: agentId begins with a dash");
    assert!(room.gateway.requests().is_empty(), "nothing of it reached the gateway");

    let audit = room.audit();
    assert_eq!(audit.len(), 3);
    let mut forged = audit[2].clone();
    assert_eq!(forged["auditId"], refused.body["auditId"]);
    forged.as_object_mut().expect("an object").remove("auditId");
    let expected = json!({
        "at": "2023-11-14T22:13:20.000Z", "actor": "tok ops\\u{a}team", "remoteAddr": "10.0.0.7",
        "forwardedFor": "1.2.3.4\\u{2028}intent actor=root, caf\u{fffd}", "action": "kill",
        "target": "session=real-1\\u{a}intent actor=root", "controller": "openclaw", "dryRun": false,
        "endedAt": "2023-11-14T22:13:20.000Z", "outcome": "refused", "detail": "kill refused: sessionId holds a control character",
    });
    assert_eq!(forged, expected);
    for order in audit {
        let breaks = |text: &str| text.chars().any(|c| c.is_control() || c == '\u{2028}');
        assert!(order.as_object().expect("an object").values().filter_map(Value::as_str).all(|text| !breaks(text)));
    }
}

fn ag_37_an_outcome_is_written_once_and_outlives_a_restart(backend: Backend) {
    let world = World::new(backend);
    let runtime = block_on(async { tokio::runtime::Handle::current() });
    let audit = StoreAudit::new(world.store.clone(), Arc::new(CountingIds::new(5)), runtime);
    let who = audit::Caller::new("tok ops", "10.0.0.7", None);
    let intent = audit::Intent::new(Timestamp(NOW), &who, audit::Action::Kill, "session=s", "openclaw");
    let (left, done) = (audit.intent(&intent).expect("an id"), audit.intent(&intent).expect("an id"));
    assert!(AuditId::parse(&left.0).as_ref() == Some(&left) && AuditId::parse("aud_1").is_none());
    let verdict = Verdict {
        at: Timestamp(NOW + 1),
        outcome: Outcome::Confirmed,
        final_state: Some("killed\u{0}\n".to_owned()),
        detail: None,
    };
    audit.outcome(&done, &verdict).expect("an outcome");
    let other = Verdict { outcome: Outcome::Failed, ..verdict.clone() };
    assert!(audit.outcome(&done, &other).is_err(), "what was noted stands");
    assert!(audit.outcome(&AuditId("aud_unknown".to_owned()), &verdict).is_err(), "no outcome without an intent");
    let store = world.open_again();
    let rows = block_on(store.read(|read| control_audit::page(read, None, 10))).expect("rows");
    let told: Vec<_> = rows.iter().map(|row| (row.audit_id.as_str(), row.outcome.as_deref())).collect();
    assert_eq!(told, [(done.0.as_str(), Some("confirmed")), (left.0.as_str(), None)]);
    assert_eq!(rows[0].final_state.as_deref(), Some("killed\\u{0}\\u{a}"));
    assert_eq!((rows[0].at, rows[0].ended_at, rows[1].ended_at), (Timestamp(NOW), Some(Timestamp(NOW + 1)), None));
}

fn the_audit_is_read_in_pages(backend: Backend) {
    let room = Room::new(backend);
    for number in 0..5 {
        room.post(KILL, &json!({"sessionId": format!("-{number}")}));
    }
    let mut targets = Vec::new();
    let mut uri = format!("{AUDIT}?limit=2");
    for _ in 0..3 {
        let page = ask(&room.api, "GET", AUDIT, &uri, &[], String::new()).body;
        targets.extend(page["items"].as_array().expect("items").iter().map(|order| order["target"].clone()));
        match page["next"].as_str() {
            Some(next) => uri = format!("{AUDIT}?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(targets, ["session=-4", "session=-3", "session=-2", "session=-1", "session=-0"]);
    for wrong in ["cursor=rubbish", "cursor=aud_x", "limit=0", "limit=1001", "other=1"] {
        let answer = ask(&room.api, "GET", AUDIT, &format!("{AUDIT}?{wrong}"), &[], String::new());
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

fn wrong_bodies_are_told_in_exact_words(backend: Backend) {
    let room = Room::new(backend);
    for (path, body, error) in [
        (KILL, "{", "Invalid JSON payload"),
        (KILL, "[]", "sessionId is required"),
        (KILL, r#"{"sessionId":"  "}"#, "sessionId is required"),
        (KILL, r#"{"sessionId":7}"#, "sessionId is required"),
        (SPAWN, r#"{"agentId":"main"}"#, "agentId and prompt are required"),
        (MODEL, r#"{"provider":"anthropic"}"#, "provider and model are required"),
    ] {
        let answer = ask(&room.api, "POST", path, path, &[], body.to_owned());
        assert_eq!((answer.status, &answer.body), (400, &json!({ "error": error })), "{path} {body}");
    }
    assert!(room.audit().is_empty(), "what is no order is not in the audit");
}

fn ag_34_the_status_degrades_after_ten_seconds_and_without_a_controller(backend: Backend) {
    let room = Room::new(backend);
    let look = |api: &Api| {
        let answer = ask(api, "GET", STATUS, STATUS, &[], String::new());
        assert_eq!(answer.status, 200);
        answer.body
    };
    let status = look(&room.api);
    assert_eq!((&status["source"], &status["controller"]), (&json!("gateway-ws"), &json!("openclaw")));
    assert_eq!(status["gateway"], json!({"connected": true, "healthy": true, "stale": false}));
    assert_eq!(status["generatedAt"], "2023-11-14T22:13:20.000Z");
    let main = &status["agents"][0];
    assert_eq!((&main["status"], &main["reason"]), (&json!("running"), &json!("active session")));
    assert_eq!(main["sessions"][0]["sessionId"], "real-1", "real ids");
    assert_eq!(status["agents"][1]["lastActivityAt"], Value::Null);
    assert_eq!(status["agents"][1]["reason"], "no active session");

    let Room { world, gateway, controls, api } = room;
    drop(gateway);
    world.clock.advance_micros(5_000_000);
    let stale = look(&api);
    let gateway = json!({"connected": false, "healthy": false, "stale": true, "problem": "gateway unavailable"});
    assert_eq!(stale["gateway"], gateway);
    assert_eq!(stale["agents"][0]["status"], "running", "the last data, for ten seconds");
    world.clock.advance_micros(5_000_001);
    let lost = look(&api);
    assert_eq!(
        (&lost["agents"][0]["status"], &lost["agents"][0]["reason"]),
        (&json!("idle"), &json!("gateway unavailable"))
    );
    assert_eq!(block_on(controls.status()).expect("a status").agents.len(), 2);
    assert_eq!(world.clock.now(), Timestamp(NOW + 10_000_001));

    let (_, api) = open(&world, Arc::new(Nobody::default()), 3);
    let status = look(&api);
    assert_eq!((&status["controller"], &status["agents"]), (&json!("none"), &json!([])));
    assert_eq!(status["gateway"], json!({"connected": false, "healthy": false, "stale": false}));
    let kill = ask(&api, "POST", KILL, KILL, &[], json!({"sessionId": "s"}).to_string());
    assert_eq!((kill.status, &kill.body["outcome"]), (500, &json!("unsupported")));
    assert_eq!(kill.body["error"], "kill not done: not supported by this controller");
}

fn ag_34_logs_that_cannot_be_read_are_empty(backend: Backend) {
    let room = Room::new(backend);
    let read = |api: &Api| ask(api, "GET", LOGS, LOGS, &[], String::new()).body;
    assert_eq!(read(&room.api), json!({"logs": []}));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("openclaw.log");
    let lines: Vec<String> = (0..200).map(|number| format!("2026-01-02T03:04:05Z WARN line {number}")).collect();
    std::fs::write(&file, lines.join("\n") + "\nand more\n").expect("a file");
    let (_, api) = open(&room.world, client(&room.gateway, vec![folder.path().join("none"), file]), 4);
    let logs = read(&api)["logs"].as_array().expect("lines").clone();
    assert_eq!(logs.len(), 120);
    assert_eq!(logs[118], json!({"ts": "2026-01-02T03:04:05Z", "level": "WARN", "msg": "line 199"}));
    assert_eq!(logs[119], json!({"ts": "2026-01-02T03:04:05Z", "level": "INFO", "msg": "and more"}));
}
