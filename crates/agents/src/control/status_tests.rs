//! Which session decides, and what is said when a gateway is lost.

use std::sync::Arc;

use exhibit_model::time::FixedClock;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::control::fake_gateway::{FakeGateway, FakeSettings};
use crate::control::openclaw::{GatewayUrl, OpenClaw, OpenClawSettings};
use crate::control::rows::{agents_of, sessions_of};
use crate::control::testing::ScriptedController;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn seconds_ago(seconds: i64) -> i64 {
    NOW.0 / 1000 - seconds * 1000
}

fn of_main(sessions: Value) -> AgentStatus {
    let agents = agents_of(&json!([{"id": "main", "name": "Main"}]));
    agent_statuses(&agents, &sessions_of(&sessions), NOW).remove(0)
}

fn session(id: &str, status: &str, age_seconds: i64) -> Value {
    json!({"sessionId": id, "agentId": "main", "status": status, "updatedAt": seconds_ago(age_seconds)})
}

/// AG-34: the newest decides, an old failure ages out, "inactive" is not running.
#[test]
fn ag_34_the_newest_session_that_counts_decides() {
    for (sessions, status, reason) in [
        (json!([]), "idle", "no active session"),
        (json!([session("a", "inactive", 1)]), "idle", "idle"),
        (json!([session("a", "failed", 899)]), "failed", "session error"),
        (json!([session("a", "failed", 901)]), "idle", "no active session"),
        (json!([session("a", "failed", 60), session("b", "done", 30)]), "done", "last session completed"),
        (json!([session("b", "done", 30), session("a", "failed", 20)]), "failed", "session error"),
        (json!([session("a", "running", 7200)]), "running", "active session"),
        (json!([session("a", "running", 7200), session("b", "failed", 60)]), "failed", "session error"),
        (json!([session("a", "running", 7200), session("b", "failed", 1000)]), "running", "active session"),
        // At one moment the worse wins.
        (json!([session("a", "done", 5), session("b", "running", 5)]), "running", "active session"),
        (json!([session("a", "running", 5), session("b", "crashed", 5)]), "failed", "session error"),
        (json!([session("a", "weird", 5), session("b", "done", 5)]), "done", "last session completed"),
        // What was ended by hand says nothing while another one runs.
        (json!([session("a", "running", 60), session("b", "killed", 5)]), "running", "active session"),
        (json!([session("a", "running", 60), session("b", "cancelled", 5)]), "running", "active session"),
        (json!([session("a", "running", 60), session("b", "idle", 5)]), "running", "active session"),
        (
            json!([session("a", "running", 60), session("b", "failed", 30), session("c", "killed", 5)]),
            "failed",
            "session error",
        ),
        (json!([session("a", "failed", 60), session("b", "killed", 5)]), "idle", "idle"),
        // A clock far ahead does not make a failure eternal.
        (json!([session("a", "failed", -3600)]), "idle", "no active session"),
        (json!([session("a", "failed", -5)]), "failed", "session error"),
        // No time: only a live one counts.
        (json!([{"id": "a", "agentId": "main", "status": "failed"}]), "idle", "no active session"),
        (json!([{"id": "a", "agentId": "main", "status": "active"}]), "running", "active session"),
        (json!([{"id": "a", "agentId": "other", "status": "active"}]), "idle", "no active session"),
    ] {
        let agent = of_main(sessions.clone());
        assert_eq!((agent.status, agent.reason), (status, reason), "{sessions}");
    }
}

#[test]
fn agents_that_only_sessions_name_are_shown_too() {
    let statuses = agent_statuses(
        &agents_of(&json!({"agents": ["one", "one"]})),
        &sessions_of(
            &json!({"sessions": [{"key": "agent:two:main", "sessionId": "s", "model": "m"}, {"id": "nobody"}]}),
        ),
        NOW,
    );
    let ids: Vec<_> = statuses.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
    assert_eq!(statuses[1].sessions[0].session_id, "s");
    assert_eq!(statuses[1].sessions[0].model_id.as_deref(), Some("m"));
}

#[test]
fn the_body_has_the_names_of_the_contract() {
    let clock = FixedClock::new(NOW);
    let controller = ScriptedController::default();
    controller.set_agents(json!([{"id": "main", "name": "Main"}]));
    controller.set_sessions(json!([session("s1", "running", 1)]));
    let (status, error) = StatusBoard::new().read(&controller, &clock);
    assert_eq!(error, None);
    assert_eq!(
        serde_json::to_value(status).unwrap(),
        json!({
            "generatedAt": "2027-01-15T08:00:00.000Z", "source": "gateway-ws", "controller": "scripted",
            "gateway": {"connected": true, "healthy": true, "stale": false},
            "agents": [{
                "id": "main", "name": "Main", "status": "running", "reason": "active session",
                "lastActivityAt": "2027-01-15T07:59:59.000Z",
                "sessions": [{
                    "sessionId": "s1", "state": "running", "modelId": null, "lastActivityAt": "2027-01-15T07:59:59.000Z",
                }],
            }],
        })
    );
}

/// AG-34: an answer is kept for a second; a lost gateway shows its last data for ten, then is said to be unavailable.
#[test]
fn ag_34_status_is_degraded_ten_seconds_after_the_gateway_was_lost() {
    let clock = FixedClock::new(NOW);
    let controller = ScriptedController::default();
    controller.set_agents(json!([{"id": "main"}]));
    controller.set_sessions(json!([session("s1", "running", 1)]));
    let board = StatusBoard::new();
    board.read(&controller, &clock);
    board.read(&controller, &clock);
    assert_eq!(controller.times_asked(), 1);

    controller.lose();
    clock.advance_micros(999_999);
    assert!(board.read(&controller, &clock).0.gateway.connected, "still cached");
    clock.advance_micros(1);
    let (status, error) = board.read(&controller, &clock);
    assert!(error.is_some());
    let problem = Some("gateway unavailable".to_owned());
    assert_eq!(status.gateway, GatewayStatus { connected: false, healthy: false, stale: true, problem });
    assert_eq!((status.agents[0].status, status.agents[0].reason), ("running", "active session"));

    clock.advance_micros(9_000_000);
    assert_eq!(board.read(&controller, &clock).0.agents[0].status, "running");
    clock.advance_micros(1_000_000);
    let agent = board.read(&controller, &clock).0.agents.remove(0);
    assert_eq!((agent.status, agent.reason, agent.sessions.len()), ("idle", "gateway unavailable", 0));
    assert!(agent.last_activity_at.is_some(), "what was known of the past stays known");

    controller.find_again();
    clock.advance_micros(1_000_000);
    let status = board.read(&controller, &clock).0;
    assert_eq!((status.gateway.stale, status.agents[0].status), (false, "running"));
}

#[test]
fn a_gateway_that_was_never_reached_has_no_agents() {
    let clock = FixedClock::new(NOW);
    let controller = ScriptedController::default();
    controller.lose();
    let (status, error) = StatusBoard::new().read(&controller, &clock);
    assert!(status.agents.is_empty() && status.gateway.stale && error.is_some());
}

/// AG-34: the same over the wire, with a gateway that goes away.
#[test]
fn ag_34_a_real_connection_that_is_lost_degrades_the_page() {
    let clock = Arc::new(FixedClock::new(NOW));
    let gateway = FakeGateway::start(FakeSettings::drill("t", clock.clone()), 0).unwrap();
    let url = GatewayUrl::loopback(&gateway.url()).unwrap();
    let client = OpenClaw::new(OpenClawSettings { url, token: Some("t".to_owned()), logs: Vec::new() });
    let board = StatusBoard::new();
    let words = |status: &Status| -> Vec<(String, &'static str)> {
        status.agents.iter().map(|agent| (agent.id.clone(), agent.status)).collect()
    };
    let (status, error) = board.read(&client, &*clock);
    assert_eq!(error, None);
    assert!(status.gateway.connected && status.gateway.healthy && !status.gateway.stale);
    let before = words(&status);
    assert_eq!(
        before,
        [("main", "running"), ("writer", "done"), ("tester", "failed"), ("spare", "idle")]
            .map(|(id, status)| (id.to_owned(), status))
    );
    drop(gateway);
    clock.advance_micros(5_000_000);
    let (status, error) = board.read(&client, &*clock);
    assert!(error.is_some() && status.gateway.stale);
    assert_eq!(words(&status), before);
    clock.advance_micros(6_000_000);
    let (status, _) = board.read(&client, &*clock);
    assert!(status.agents.iter().all(|agent| (agent.status, agent.reason) == ("idle", "gateway unavailable")));
    assert_eq!(status.agents.len(), 4);
}

proptest! {
    /// The order in which a gateway lists its sessions changes nothing.
    #[test]
    fn order_of_rows_does_not_matter(rows in prop::collection::vec(("[a-f]", 0_usize..6, -2000_i64..2000), 0..8), turn in 0_usize..8) {
        let words = ["failed", "running", "done", "idle", "inactive", "queued"];
        let mut list: Vec<Value> = rows.iter().map(|(id, word, age)| session(id, words[*word], *age)).collect();
        let one = of_main(Value::from(list.clone()));
        if !list.is_empty() {
            let middle = turn % list.len();
            list.rotate_left(middle);
        }
        let other = of_main(Value::from(list));
        prop_assert_eq!((one.status, one.reason, one.last_activity_at), (other.status, other.reason, other.last_activity_at));
    }
}
