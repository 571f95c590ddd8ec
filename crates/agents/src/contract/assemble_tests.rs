//! Documents made of parts: the same as those that are read.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value, json};

use super::*;
use crate::money::Nano;
use crate::state::SessionState;

fn session() -> Session {
    let (id, agent, model) = ("s-1".to_owned(), "a".to_owned(), "m".to_owned());
    Session::new(id, agent, model, SessionState::Running, Timestamp(1_767_323_045_000_000))
}

fn payload() -> Map<String, Value> {
    Map::from_iter([("tool".to_owned(), Value::from("ls"))])
}

/// AG-13: what a collector assembles has the fingerprint of the envelope that says the same.
#[test]
fn an_assembled_document_is_the_one_that_an_envelope_says() {
    let at = Timestamp(1_767_323_046_000_000);
    let events = vec![
        Event::new("s-1", Some("late".to_owned()), 9, EventType::Message, at, payload()),
        Event::new("s-1", None, 3, EventType::ToolCall, at, payload()),
    ];
    let mut call = Call::new("c-1".to_owned(), at);
    call.usage = Usage::Counted(Counts { output: Some(5), ..Counts::default() });
    call.estimated = Some((Nano(250_000_000), "openclaw@1".to_owned()));
    let made = Document::assemble("feed", session(), events, vec![call]).expect("nothing is wrong");
    let said = json!({ "envelope_version": "v3", "source": "feed", "payload": {
        "session": { "sessionId": "s-1", "agentId": "a", "modelId": "m", "state": "running", "startedAt": "2026-01-02T03:04:05Z" },
        "events": [
            { "seq": 3, "eventType": "tool_call", "eventTs": "2026-01-02T03:04:06Z", "payload": { "tool": "ls" } },
            { "eventId": "late", "seq": 9, "eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": { "tool": "ls" } },
        ],
        "calls": [{ "callId": "c-1", "startedAt": "2026-01-02T03:04:06Z", "status": "success", "usage": { "output": 5 },
            "estimatedCostUsd": 0.25, "pricingVersion": "openclaw@1" }],
    } });
    let read = decode(said.to_string().as_bytes(), Options::default()).expect("valid");
    assert_eq!(made, read);
}

#[test]
fn an_id_stands_once() {
    let at = Timestamp(5);
    let mut later = Call::new("c".to_owned(), at);
    later.duration_ms = Some(1);
    let calls = vec![Call::new("c".to_owned(), at), later.clone()];
    let first = Event::new("s-1", Some("e".to_owned()), 1, EventType::Message, at, payload());
    let events = vec![first.clone(), Event { seq: 2, ..first.clone() }];
    let made = Document::assemble("feed", session(), events, calls).expect("nothing is wrong");
    assert_eq!((made.calls, made.events), (vec![later], vec![first]));
}

#[test]
fn what_no_sender_could_say_is_not_assembled() {
    let mut wide = Call::new("c".to_owned(), Timestamp(5));
    wide.duration_ms = Some(i64::MAX);
    assert!(Document::assemble("feed", session(), Vec::new(), vec![wide]).is_err());
    let nul = Call::new("c\0".to_owned(), Timestamp(5));
    assert!(Document::assemble("feed", session(), Vec::new(), vec![nul]).is_err());
}
