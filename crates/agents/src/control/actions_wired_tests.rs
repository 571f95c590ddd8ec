//! Orders the whole way: through the handshake to the fake gateway, and read back from it.

use exhibit_model::time::{FixedClock, Timestamp};
use serde_json::json;

use super::*;
use crate::control::fake_gateway::{Behaviour, FakeGateway, FakeSession, FakeSettings};
use crate::control::openclaw::{GatewayUrl, OpenClaw, OpenClawSettings};
use crate::control::testing::{MemoryAudit, QuickPace};

fn caller() -> Caller {
    Caller::new("token:ops", "127.0.0.1:5", None)
}

struct Wired {
    gateway: FakeGateway,
    audit: Arc<MemoryAudit>,
    actions: Actions,
}

fn wired() -> Wired {
    let settings = FakeSettings {
        token: "t".to_owned(),
        agents: vec!["main".to_owned()],
        sessions: vec![FakeSession::running("main", "real-id-1")],
        clock: Arc::new(FixedClock::new(Timestamp(1_800_000_000_000_000))),
    };
    let gateway = FakeGateway::start(settings, 0).unwrap();
    let url = GatewayUrl::loopback(&gateway.url()).unwrap();
    let client = OpenClaw::new(OpenClawSettings { url, token: Some("t".to_owned()), logs: Vec::new() });
    let audit = Arc::new(MemoryAudit::default());
    let allowed = vec!["anthropic/claude".to_owned()];
    let actions = Actions::new(Arc::new(client), audit.clone(), Arc::new(QuickPace::new()), allowed);
    Wired { gateway, audit, actions }
}

/// AG-35: the whole way through the handshake, with a real id, read back; no effect is an error.
#[test]
fn ag_35_on_the_fake_gateway_only_effects_are_confirmed() {
    let body = br#"{"sessionId":"real-id-1"}"#;
    for (behaviour, status, outcome) in [
        (None, 200, "confirmed"),
        (Some(Behaviour::Slow { looks: 5 }), 200, "confirmed"),
        (Some(Behaviour::CloseMidAnswer), 200, "confirmed"),
        (Some(Behaviour::NoEffect), 500, "unconfirmed"),
        (Some(Behaviour::CloseBefore), 500, "unconfirmed"),
        (Some(Behaviour::Refuse { message: "no".to_owned() }), 500, "refused"),
    ] {
        let wired = wired();
        wired.gateway.behave("sessions.abort", behaviour.clone());
        let answer = wired.actions.kill(&caller(), body);
        assert_eq!((answer.status, &answer.body["outcome"]), (status, &json!(outcome)), "{behaviour:?} {answer:?}");
        let is_dead = wired.gateway.session("real-id-1").unwrap().status == "killed";
        assert_eq!(is_dead, status == 200, "{behaviour:?}");
        assert_eq!(wired.audit.only().1.unwrap().outcome.as_str(), outcome);
        if matches!(behaviour, Some(Behaviour::NoEffect)) {
            assert_eq!(answer.body["error"], "kill not confirmed: session still running");
        }
    }
}

/// AG-35: spawn and model on the fake gateway; what they changed is there.
#[test]
fn ag_35_on_the_fake_gateway_spawn_and_model_alter_state() {
    let wired = wired();
    let answer = wired.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"go"}"#);
    assert_eq!((answer.status, &answer.body["finalState"]), (200, &json!("running")), "{answer:?}");
    let spawned = answer.body["sessionId"].as_str().unwrap();
    assert_eq!(wired.gateway.session(spawned).unwrap().prompts, ["go"]);

    let body = json!({"provider": "anthropic", "model": "claude", "sessionId": spawned}).to_string();
    assert_eq!(wired.actions.model(&caller(), body.as_bytes()).status, 200);
    assert_eq!(wired.gateway.session(spawned).unwrap().model, "anthropic/claude");

    wired.gateway.behave("sessions.patch", Some(Behaviour::NoEffect));
    let body = br#"{"provider":"anthropic","model":"claude","sessionId":"real-id-1"}"#;
    let answer = wired.actions.model(&caller(), body);
    assert_eq!((answer.status, &answer.body["finalState"]), (500, &json!("fake/model")));
    wired.gateway.behave("chat.send", Some(Behaviour::NoEffect));
    let answer = wired.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"go"}"#);
    assert_eq!((answer.status, &answer.body["outcome"]), (500, &json!("unconfirmed")));
}
