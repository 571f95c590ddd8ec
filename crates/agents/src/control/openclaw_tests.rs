//! The client against the fake gateway: handshake, orders, and all that can go wrong on a wire.

use std::sync::Arc;

use exhibit_model::time::{FixedClock, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::control::fake_gateway::{Behaviour, FakeGateway, FakeSession, FakeSettings};
use crate::control::rows::Liveness;
use crate::control::status::StatusBoard;
use crate::control::words::Word;

const TOKEN: &str = "let-me-in";

fn gateway() -> FakeGateway {
    let settings = FakeSettings {
        token: TOKEN.to_owned(),
        agents: vec!["main".to_owned(), "idle".to_owned()],
        sessions: vec![FakeSession::running("main", "real-id-1"), FakeSession::running("main", "main")],
        clock: Arc::new(FixedClock::new(Timestamp(1_800_000_000_000_000))),
    };
    FakeGateway::start(settings, 0).unwrap()
}

fn client_with(gateway: &FakeGateway, token: Option<&str>) -> OpenClaw {
    let url = GatewayUrl::loopback(&gateway.url()).unwrap();
    OpenClaw::new(OpenClawSettings { url, token: token.map(str::to_owned), logs: Vec::new() })
}

fn client(gateway: &FakeGateway) -> OpenClaw {
    client_with(gateway, Some(TOKEN))
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn model() -> ModelRef {
    ModelRef { provider: Word::parse("anthropic").unwrap(), model: Word::parse("claude").unwrap() }
}

#[test]
fn the_handshake_lets_in_whoever_knows_the_token() {
    let gateway = gateway();
    let right = client(&gateway);
    assert_eq!(right.health(soon()), Ok(Health { connected: true, healthy: true }));
    assert_eq!(right.agents(soon()).unwrap().len(), 2);
    assert_eq!(right.sessions(soon()).unwrap()[0].session_id, "real-id-1");
    assert_eq!(gateway.greetings(), 1, "one connection serves them all");
    for wrong in [Some("wrong"), None] {
        let error = client_with(&gateway, wrong).health(soon()).unwrap_err();
        assert!(error.detail().contains("wrong token"), "{error:?}");
        assert!(matches!(error, ControlError::NotLetIn { .. }));
    }
    assert_eq!(gateway.greetings(), 1);
    let shown = format!("{right:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

/// AG-35: a wrong token is no gateway that is down, and whoever has to mend it is told.
#[test]
fn ag_35_a_gateway_that_does_not_let_us_in_says_why() {
    let gateway = gateway();
    let client = client_with(&gateway, Some("of nobody"));
    // At once, and while the gateway is left alone.
    for _ in 0..2 {
        let error = client.health(soon()).unwrap_err();
        assert_eq!(error.to_string(), "the gateway does not let us in: wrong token (UNAUTHORIZED)");
    }
    let status = StatusBoard::new().read(&client, &FixedClock::new(Timestamp(1_800_000_000_000_000))).0;
    let problem = "the gateway does not let us in: wrong token (UNAUTHORIZED)";
    assert_eq!((status.gateway.connected, status.gateway.problem.as_deref()), (false, Some(problem)));
}

#[test]
fn a_gateway_that_is_not_there_is_left_alone_for_a_while() {
    let gateway = gateway();
    // Whoever gets the port next does not let this token in.
    let client = client_with(&gateway, Some("of nobody"));
    drop(gateway);
    assert!(matches!(client.health(soon()), Err(ControlError::Unavailable { .. })));
    let again = client.health(soon()).unwrap_err();
    assert!(again.detail().contains("a moment ago"), "{again:?}");
}

#[test]
fn sessions_are_found_by_their_real_id_and_by_their_key() {
    let gateway = gateway();
    let client = client(&gateway);
    for name in ["real-id-1", "agent:main:real-id-1"] {
        let row = client.describe(&id(name), soon()).unwrap().unwrap();
        assert_eq!((row.key.as_str(), row.liveness()), ("agent:main:real-id-1", Liveness::Live));
    }
    for name in ["none", "agent:main:none"] {
        assert_eq!(client.describe(&id(name), soon()), Ok(None));
    }
}

/// AG-35: each order reaches the gateway as its protocol wants it.
#[test]
fn ag_35_orders_change_what_is_read_back() {
    let gateway = gateway();
    let client = client(&gateway);
    let row = client.describe(&id("real-id-1"), soon()).unwrap().unwrap();
    assert_eq!(client.kill(&row, soon()), Ok("aborted".to_owned()));
    assert_eq!(client.describe(&id("real-id-1"), soon()).unwrap().unwrap().state_word(), "killed");

    let order = SpawnOrder {
        agent_id: AgentId::parse("idle").unwrap(),
        prompt: "do it\nwell".to_owned(),
        model: Some(model()),
        idempotency_key: "once".to_owned(),
    };
    let spawned = client.spawn(&order, soon()).unwrap();
    let row = client.describe(&spawned.session_id.unwrap(), soon()).unwrap().unwrap();
    assert_eq!((row.liveness(), row.provider.as_deref()), (Liveness::Live, Some("anthropic")));
    assert_eq!(gateway.session(&row.session_id).unwrap().prompts, ["do it\nwell"]);
    assert!(
        gateway
            .requests()
            .iter()
            .any(|(method, params)| { method == "chat.send" && params["idempotencyKey"] == "once" })
    );
    let nobody = SpawnOrder { agent_id: AgentId::parse("nobody").unwrap(), ..order };
    assert_eq!(client.spawn(&nobody, soon()), Err(ControlError::refused("no such agent")));

    let agent = ModelTarget::Agent(AgentId::parse("main").unwrap());
    let session = client.set_model(&agent, &model(), soon()).unwrap();
    assert_eq!(gateway.session(session.as_str()).unwrap().model, "anthropic/claude");
    assert_eq!(session.as_str(), "main", "the main session");
    let unknown = ModelTarget::Session(id("none"));
    assert_eq!(client.set_model(&unknown, &model(), soon()), Err(ControlError::NotFound));
}

#[test]
fn what_goes_wrong_after_an_order_is_told_apart_from_a_refusal() {
    let gateway = gateway();
    let client = client(&gateway);
    let row = client.describe(&id("real-id-1"), soon()).unwrap().unwrap();
    gateway.behave("sessions.abort", Some(Behaviour::Refuse { message: "not\nnow".to_owned() }));
    let refused = client.kill(&row, soon());
    assert_eq!(refused, Err(ControlError::Refused { reason: "not\\u{a}now (INVALID_REQUEST)".to_owned() }));
    for (behaviour, text) in [
        (Behaviour::Rubbish, "no JSON object"),
        (Behaviour::Oversized, "too long"),
        (Behaviour::CloseMidAnswer, "connection was lost"),
        (Behaviour::CloseBefore, "connection was lost"),
    ] {
        gateway.behave("sessions.abort", Some(behaviour.clone()));
        let error = client.kill(&row, soon()).unwrap_err();
        assert!(error.is_open(), "{behaviour:?}: {error:?}");
        assert!(error.detail().to_lowercase().contains(&text.to_lowercase()), "{behaviour:?}: {error:?}");
    }
    gateway.behave("sessions.abort", Some(Behaviour::Silent));
    let error = client.kill(&row, Deadline::within(Duration::from_millis(60))).unwrap_err();
    assert!(matches!(error, ControlError::NoAnswer { .. }), "{error:?}");
    // Broken connections are not lent again.
    assert_eq!(client.health(soon()), Ok(Health { connected: true, healthy: true }));
}

#[test]
fn a_question_survives_a_connection_that_died_while_it_rested() {
    let gateway = gateway();
    let client = client(&gateway);
    client.health(soon()).unwrap();
    gateway.hang_up();
    assert_eq!(client.agents(soon()).unwrap().len(), 2);
    assert_eq!(gateway.greetings(), 2);
}

#[test]
fn a_session_that_took_over_a_key_is_not_the_one_that_was_meant() {
    let gateway = gateway();
    let client = client(&gateway);
    client.remember_key(&id("gone"), "agent:main:real-id-1");
    assert_eq!(client.describe(&id("gone"), soon()), Ok(None));
}

#[test]
fn many_callers_share_few_connections() {
    let gateway = gateway();
    let client = client(&gateway);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..32).map(|_| scope.spawn(|| client.agents(soon()))).collect();
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap().len(), 2);
        }
    });
    assert!(gateway.greetings() <= CONNECTIONS_MAX);
}

#[test]
fn a_peer_that_is_no_gateway_is_unavailable() {
    use std::io::Write;
    for greeting in ["HTTP/1.1 200 OK\r\n\r\n", "", "\u{0}\u{1}rubbish\r\n\r\n"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = GatewayUrl::loopback(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            tcp.write_all(greeting.as_bytes()).ok();
        });
        let client = OpenClaw::new(OpenClawSettings { url, token: None, logs: Vec::new() });
        assert!(matches!(client.health(soon()), Err(ControlError::Unavailable { .. })), "{greeting:?}");
        server.join().unwrap();
    }
}

#[test]
fn a_peer_that_drips_bytes_does_not_outlast_the_deadline() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = GatewayUrl::loopback(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        // One byte of a header that never ends, each time nothing was heard for a moment; until the client leaves.
        while tcp.write_all(b"H").is_ok() {
            if matches!(tcp.read(&mut [0; 4096]), Ok(0)) {
                break;
            }
        }
    });
    let client = OpenClaw::new(OpenClawSettings { url, token: None, logs: Vec::new() });
    let error = client.health(Deadline::within(Duration::from_millis(100))).unwrap_err();
    assert!(matches!(error, ControlError::Unavailable { .. }), "{error:?}");
    server.join().unwrap();
}

proptest! {
    // Each case opens a real connection.
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever bytes follow the handshake, the client neither panics nor waits for ever, and orders nothing.
    #[test]
    fn no_bytes_of_a_gateway_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), as_text in any::<bool>()) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = GatewayUrl::loopback(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            use std::io::Write;
            let (tcp, _) = listener.accept().unwrap();
            let mut socket = tungstenite::accept(tcp).unwrap();
            if as_text {
                socket.send(tungstenite::Message::text(String::from_utf8_lossy(&bytes).into_owned())).ok();
            } else {
                socket.get_mut().write_all(&bytes).ok();
            }
        });
        let client = OpenClaw::new(OpenClawSettings { url, token: None, logs: Vec::new() });
        let answer = client.health(soon());
        prop_assert!(matches!(answer, Err(ControlError::Unavailable { .. })), "{:?}", answer);
        server.join().unwrap();
    }
}
