//! Frames, read and written.

use proptest::prelude::*;

use super::*;

#[test]
fn frames_are_read_and_faults_are_named() {
    let event = Frame::Event { event: "tick".to_owned(), payload: json!({"ts": 1}) };
    assert_eq!(Frame::parse(r#"{"type":"event","event":"tick","payload":{"ts":1},"seq":4}"#), Ok(event));
    assert_eq!(
        Frame::parse(r#"{"type":"res","id":"1","ok":false,"error":{"code":"X","message":"no\nway"}}"#),
        Ok(Frame::Response {
            id: "1".to_owned(),
            answer: Err(PeerError { code: "X".to_owned(), message: "no\\u{a}way".to_owned() }),
        })
    );
    let bare = PeerError { code: "UNKNOWN".to_owned(), message: "no reason given".to_owned() };
    assert_eq!(
        Frame::parse(r#"{"type":"res","id":"1","ok":false}"#),
        Ok(Frame::Response { id: "1".to_owned(), answer: Err(bare) })
    );
    assert_eq!(Frame::parse(r#"{"type":"new"}"#), Ok(Frame::Other));
    for (text, fault) in [
        ("", WireFault::NotAnObject),
        ("[]", WireFault::NotAnObject),
        ("{\"type\":\"res\"", WireFault::NotAnObject),
        (r#"{"type":"res","ok":true}"#, WireFault::Missing { frame: "res", field: "id" }),
        (r#"{"type":"res","id":"1","ok":"yes"}"#, WireFault::Missing { frame: "res", field: "ok" }),
        (r#"{"type":"event"}"#, WireFault::Missing { frame: "event", field: "event" }),
        (r#"{"type":"req","id":"1"}"#, WireFault::Missing { frame: "req", field: "method" }),
    ] {
        assert_eq!(Frame::parse(text), Err(fault), "{text}");
    }
}

#[test]
fn the_client_says_who_it_is() {
    let params = connect_params(Some("secret"));
    assert_eq!(params["client"]["id"], "gateway-client");
    assert_eq!(params["client"]["mode"], "backend");
    assert_eq!((params["role"].as_str(), params["maxProtocol"].as_u64()), (Some("operator"), Some(4)));
    assert_eq!(params["scopes"], json!(["operator.read", "operator.write"]));
    assert_eq!(params["auth"], json!({"token": "secret"}));
    assert_eq!(connect_params(None).get("auth"), None);
}

#[test]
fn only_a_greeting_in_a_known_protocol_counts() {
    assert_eq!(check_greeting(&json!({"type": "hello-ok", "protocol": 3})), Ok(()));
    for payload in [
        json!({"type": "hello-ok", "protocol": 5}),
        json!({"type": "hello-ok"}),
        json!({"type": "hello-ok", "protocol": "4"}),
        json!({"protocol": 4}),
        json!(null),
    ] {
        assert!(check_greeting(&payload).is_err(), "{payload}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\{\"type\":\"(res|req|event)\",.{0,40}\\})|.{0,80}") {
        Frame::parse(&text).ok();
    }

    #[test]
    fn what_is_written_is_read_back(id in "[a-z0-9]{1,8}", method in "[a-z.]{1,12}", text in "\\PC{0,20}", ok in any::<bool>()) {
        let answer = if ok {
            Ok(json!({"text": text}))
        } else {
            Err(PeerError { code: "C".to_owned(), message: "m".to_owned() })
        };
        for frame in [
            Frame::Request { id: id.clone(), method: method.clone(), params: json!({"text": text}) },
            Frame::Event { event: method, payload: json!([text]) },
            Frame::Response { id, answer },
        ] {
            prop_assert_eq!(Frame::parse(&frame.to_text()), Ok(frame));
        }
    }
}
