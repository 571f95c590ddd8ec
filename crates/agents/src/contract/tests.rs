//! The contract of spec/agents.md section 3: AG-13 to AG-17.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::money::Nano;
use crate::state::SessionState;

fn decoded(value: &Value) -> Document {
    decode(value.to_string().as_bytes(), Options::default()).unwrap_or_else(|error| panic!("{value}: {error:?}"))
}

fn body_of(value: &Value) -> String {
    let rejection = decode(value.to_string().as_bytes(), Options::default()).expect_err("refused");
    String::from_utf8(rejection.body()).expect("text")
}

fn session() -> Value {
    json!({
        "sessionId": "s-1", "agentId": "a", "modelId": "m", "state": "Completed", "startedAt": "2026-01-02T03:04:05Z",
        "endedAt": "2026-01-02T03:05:05.250Z", "promptTokens": 12, "completionTokens": 3, "billedCostUsd": 0.25,
    })
}

fn events() -> Value {
    json!([
        { "eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": { "text": "hello" } },
        { "eventType": "tool_call", "eventTs": "2026-01-02T03:04:07Z", "payload": { "tool": "ls", "n": 1 } },
    ])
}

fn v1(session: Value) -> Value {
    json!({ "envelope_version": "v1", "payload": { "session": session } })
}

/// The text of an object with its keys in another order.
fn shuffled(map: &Map<String, Value>, mut seed: u64) -> String {
    let mut keys: Vec<&String> = map.keys().collect();
    for index in (1..keys.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        keys.swap(index, usize::try_from(seed >> 33).unwrap_or(0) % (index + 1));
    }
    let fields = keys.iter().map(|key| {
        let value = match &map[key.as_str()] {
            Value::Object(inner) => shuffled(inner, seed),
            other => other.to_string(),
        };
        format!("{}:{value}", Value::from(key.as_str()))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// AG-13: one session in every version, with its keys in any order, has one fingerprint.
#[test]
fn ag_13_versions_do_not_change_the_fingerprint() {
    let (session, events) = (session(), events());
    let first = decoded(&json!({ "envelope_version": "v1", "payload": { "session": session, "events": events } }));
    let second = decoded(&json!({ "envelope_version": "v2", "payload": { "run": session, "timeline": events } }));
    let third =
        decoded(&json!({ "envelope_version": "v3", "payload": { "session": session, "events": events, "calls": [] } }));
    let bare = json!({ "session": session, "events": events, "extra": 1 });
    let bare = decode(bare.to_string().as_bytes(), Options { allow_bare: true }).expect("allowed");
    assert_eq!(bare.dropped_fields, 1);
    for other in [&second, &third, &bare] {
        assert_eq!((other.fingerprint, &other.canonical), (first.fingerprint, &first.canonical), "{:?}", other.version);
    }
    let revised = decoded(
        &json!({ "envelope_version": "v3", "payload": { "session": { "revision": 7, "sessionId": "s-1", "agentId": "a",
        "modelId": "m", "state": "DONE", "startedAt": "2026-01-02T03:04:05+00:00", "endedAt": "2026-01-02T05:05:05.25+02:00",
        "promptTokens": 12.0, "completionTokens": 3e0, "billedCostUsd": 0.250, "agentLabel": "a", "task": null }, "events": events } }),
    );
    assert_eq!(revised.session.revision, Some(7));
    assert_eq!(
        revised.fingerprint,
        first.fingerprint,
        "the same in other words: {}",
        String::from_utf8_lossy(&revised.canonical)
    );
    assert_eq!(first.session.state, SessionState::Success);
    assert_eq!(first.session.billed, Some(Nano(250_000_000)));
    let ids: Vec<&str> = first.events.iter().map(|event| event.event_id.as_str()).collect();
    assert!(ids.iter().all(|id| id.len() == 36 && id.starts_with("evt_")) && ids[0] != ids[1], "{ids:?}");
}

/// AG-13: in the second version integers stand for ids; elsewhere they do not.
#[test]
fn ag_13_integer_ids_become_text_in_the_second_version_only() {
    let mut session = session();
    session["sessionId"] = json!(17);
    let document = decoded(&json!({ "envelope_version": "v2", "payload": { "run": session } }));
    assert_eq!(document.session.session_id, "17");
    assert_eq!(
        body_of(&v1(session)),
        r#"{"error":{"code":"VALIDATION_ERROR","message":"Invalid ingest payload","details":[{"field":"session.sessionId","message":"must be a non-empty string"}]}}"#
    );
}

/// AG-14: a version that nobody knows is judged before the payload; one that is falsy is missing.
#[test]
fn ag_14_unknown_versions_are_exact() {
    let exact = r#"{"error":{"code":"UNSUPPORTED_CONTRACT_VERSION","message":"UNSUPPORTED CONTRACT VERSION","details":[{"field":"envelope_version","message":"unsupported"}]}}"#;
    for version in [json!("v9"), json!(3), json!({}), json!([]), json!(true), json!("V1"), json!(" v1")] {
        for rest in [json!({}), json!({ "payload": 5 }), json!({ "payload": { "session": session() } })] {
            let mut envelope = rest;
            envelope["envelope_version"] = version.clone();
            assert_eq!(body_of(&envelope), exact, "{envelope}");
            assert_eq!(decode(envelope.to_string().as_bytes(), Options::default()).unwrap_err().status(), 422);
        }
    }
    let missing = r#"{"error":{"code":"VALIDATION_ERROR","message":"Invalid ingest payload","details":[{"field":"envelope_version","message":"is required"}]}}"#;
    for version in [json!(null), json!(""), json!(0), json!(0.0), json!(false)] {
        assert_eq!(body_of(&json!({ "envelope_version": version, "payload": 5 })), missing, "{version}");
    }
    assert_eq!(body_of(&json!({ "session": session() })), missing, "bare only where it is allowed");
}

/// AG-15: what is wrong is said in exact words, all of it, in byte order.
#[test]
fn ag_15_bodies_of_mistakes_are_exact_and_sorted() {
    let detail = |details: &[(&str, &str)]| {
        let details: Vec<String> =
            details.iter().map(|(field, message)| format!(r#"{{"field":"{field}","message":"{message}"}}"#)).collect();
        format!(
            r#"{{"error":{{"code":"VALIDATION_ERROR","message":"Invalid ingest payload","details":[{}]}}}}"#,
            details.join(",")
        )
    };
    let text = |bytes: &[u8]| {
        let rejection = decode(bytes, Options::default()).expect_err("refused");
        (rejection.status(), String::from_utf8(rejection.body()).expect("text"))
    };
    for rubbish in
        [&b""[..], b"{", b"\xff", b"\xef\xbb\xbf{}", b"{\"a\":1,\"a\":2}", b"{\"a\":NaN}", b"{} {}", b"[1e999]"]
    {
        assert_eq!(text(rubbish), (400, r#"{"error":"Invalid JSON payload"}"#.to_owned()), "{rubbish:?}");
    }
    let deep = [vec![b'['; 65], vec![b']'; 65]].concat();
    assert_eq!(text(&deep).1, r#"{"error":"Invalid JSON payload"}"#);
    for root in [&b"[]"[..], b"5", b"null", b"\"x\""] {
        assert_eq!(text(root), (400, detail(&[("payload", "payload must be an object")])));
    }
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let exact = r#"{"error":{"code":"PAYLOAD_TOO_LARGE","message":"PAYLOAD TOO LARGE","details":[{"field":"body","message":"exceeds 8388608 bytes"}]}}"#;
    assert_eq!(text(&large), (413, exact.to_owned()));
    for (envelope, details) in [
        (json!({ "envelope_version": "v1" }), vec![("payload", "is required")]),
        (json!({ "envelope_version": "v1", "payload": [] }), vec![("payload", "must be an object")]),
        (json!({ "envelope_version": "v1", "payload": {} }), vec![("session", "session object is required")]),
        (
            json!({ "envelope_version": "v2", "payload": { "session": {} } }),
            vec![("run", "run object is required"), ("session", "unsupported field")],
        ),
        (
            json!({ "envelope_version": "v3", "payload": { "session": {} } }),
            vec![
                ("session.agentId", "must be a non-empty string"),
                ("session.modelId", "must be a non-empty string"),
                ("session.sessionId", "must be a non-empty string"),
                ("session.startedAt", "must be a non-empty string"),
                ("session.state", "must be a non-empty string"),
            ],
        ),
        (
            json!({ "envelope_version": "v1", "idempotency_key": "k".repeat(257), "nonsense": 1, "payload": { "session": session(), "events": {} } }),
            vec![
                ("events", "must be an array"),
                ("idempotency_key", "exceeds 256 bytes"),
                ("nonsense", "unsupported field"),
            ],
        ),
        (
            json!({ "envelope_version": "v3", "payload": { "session": session(), "calls": [{}, 5, { "callId": "c", "startedAt": "now", "status": "fine",
            "usage": { "output": -1, "colour": 1 }, "rawUsage": {}, "semantics": "half", "estimatedCostUsd": 1 }] } }),
            vec![
                ("calls[0].callId", "must be a non-empty string"),
                ("calls[0].startedAt", "must be a non-empty string"),
                ("calls[0].status", "must be a non-empty string"),
                ("calls[1]", "must be an object"),
                ("calls[2].pricingVersion", "must be a non-empty string"),
                ("calls[2].rawUsage", "unsupported field"),
                ("calls[2].semantics", "unsupported value"),
                ("calls[2].startedAt", "must be an RFC 3339 date-time with offset"),
                ("calls[2].status", "unsupported value"),
            ],
        ),
        (
            json!({ "envelope_version": "v3", "payload": { "session": session(), "calls": [{ "callId": "c", "startedAt": "2026-01-02T03:04:05Z",
            "status": "success", "estimatedCostUsd": 1, "pricingVersion": "provider_native" }] } }),
            vec![("calls[0].pricingVersion", "unsupported value")],
        ),
    ] {
        assert_eq!(body_of(&envelope), detail(&details), "{envelope}");
    }
}

/// AG-16: what nobody knows is refused, wherever it stands.
#[test]
fn ag_16_unknown_fields_and_values_are_refused() {
    let with = |name: &str, value: Value| {
        let mut session = session();
        session[name] = value;
        body_of(&v1(session))
    };
    for (name, value, message) in [
        ("colour", json!("red"), "unsupported field"),
        ("revision", json!(1), "unsupported field"),
        ("state", json!("banana"), "unsupported value"),
        ("promptTokens", json!(-1), "must be a non-negative integer"),
        ("promptTokens", json!(1.5), "must be a non-negative integer"),
        ("promptTokens", json!("12"), "must be a non-negative integer"),
        ("totalTokens", json!(9_007_199_254_740_992_u64), "is out of range"),
        ("billedCostUsd", json!(-0.1), "must be a non-negative number"),
        ("billedCostUsd", json!("1"), "must be a non-negative number"),
        ("billedCostUsd", json!(1e15), "is out of range"),
        ("endedAt", json!("2026-01-02 03:04:05"), "must be an RFC 3339 date-time with offset"),
        ("endedAt", json!("2026-01-02T03:04:05"), "must be an RFC 3339 date-time with offset"),
        ("endedAt", json!(5), "must be an RFC 3339 date-time with offset"),
        ("metadata", json!([]), "must be an object"),
        ("provider", json!(5), "must be a string"),
        ("provider", json!("p".repeat(257)), "exceeds 256 bytes"),
        ("title", json!("é".repeat(513)), "exceeds 1024 bytes"),
    ] {
        let wanted = format!(r#""details":[{{"field":"session.{name}","message":"{message}"}}]"#);
        assert!(with(name, value.clone()).contains(&wanted), "{name} {value}: {}", with(name, value.clone()));
    }
    for (event, field, message) in [
        (
            json!({ "eventType": "gossip", "eventTs": "2026-01-02T03:04:05Z", "payload": {} }),
            "eventType",
            "unsupported value",
        ),
        (json!({ "eventType": "error", "eventTs": "2026-01-02T03:04:05Z" }), "payload", "must be an object"),
        (
            json!({ "eventType": "error", "eventTs": "2026-01-02T03:04:05Z", "payload": [] }),
            "payload",
            "must be an object",
        ),
        (
            json!({ "eventType": "error", "eventTs": "soon", "payload": {} }),
            "eventTs",
            "must be an RFC 3339 date-time with offset",
        ),
        (
            json!({ "eventType": "error", "eventTs": "2026-01-02T03:04:05Z", "payload": {}, "x": 1 }),
            "x",
            "unsupported field",
        ),
    ] {
        let body =
            body_of(&json!({ "envelope_version": "v1", "payload": { "session": session(), "events": [event] } }));
        assert!(body.contains(&format!(r#"[{{"field":"events[0].{field}","message":"{message}"}}]"#)), "{body}");
    }
    let calls = json!({ "envelope_version": "v1", "payload": { "session": session(), "calls": [] } });
    assert!(body_of(&calls).contains(r#"[{"field":"calls","message":"unsupported field"}]"#));
}

/// AG-17: whatever may be missing may be missing, and is not made up.
#[test]
fn ag_17_partial_sessions_are_taken_in() {
    let least = json!({ "sessionId": "s", "agentId": "a", "modelId": "m", "state": "pending", "startedAt": "2026-01-02T03:04:05-08:00" });
    let document = decoded(&v1(least));
    let said = document.session;
    assert_eq!((said.state, said.agent_label.as_str()), (SessionState::Queued, "a"));
    assert_eq!((said.prompt_tokens, said.billed, said.runtime_ms, said.ended_at), (None, None, None, None));
    assert_eq!(
        String::from_utf8(document.canonical).expect("text"),
        r#"{"calls":[],"events":[],"session":{"agentId":"a","agentLabel":"a","modelId":"m","sessionId":"s","startedAt":1767351845000000,"state":"queued"}}"#
    );
    let call = json!({ "callId": "c", "startedAt": "2026-01-02T03:04:05Z", "status": "failed", "rawUsage": { "total": 5 }, "semantics": "total_only" });
    let mut session = session();
    session["modelId"] = json!("m");
    let document = decoded(
        &json!({ "envelope_version": "v3", "idempotency_key": null, "source": "", "payload": { "session": session, "calls": [call] } }),
    );
    assert_eq!((document.idempotency_key, document.source), (None, None));
    assert_eq!(
        document.calls[0].usage,
        Usage::Raw(Map::from_iter([("total".to_owned(), json!(5))]), Semantics::TotalOnly)
    );
}

/// An id that comes twice with the same content counts once; with other content it is refused.
#[test]
fn ids_stand_for_one_thing() {
    let event = |text: &str| json!({ "eventId": "e", "seq": 1, "eventType": "message", "eventTs": "2026-01-02T03:04:05Z", "payload": { "text": text } });
    let with =
        |events: Value| json!({ "envelope_version": "v1", "payload": { "session": session(), "events": events } });
    assert_eq!(decoded(&with(json!([event("a"), event("a")]))).events.len(), 1);
    let refused = decode(with(json!([event("a"), event("b")])).to_string().as_bytes(), Options::default()).unwrap_err();
    assert_eq!((refused.status(), refused), (409, Rejection::event_conflicts([1])));
}

/// AG-14, AG-15: values that no reader keeps are told in their stage, beside all else, and matter only where they are taken over.
#[test]
fn values_that_no_reader_keeps_are_told_in_their_stage() {
    let said = |text: &str, allow_bare: bool| match decode(text.as_bytes(), Options { allow_bare }) {
        Ok(document) => (200, document.session.session_id),
        Err(rejection) => (rejection.status(), String::from_utf8(rejection.body()).expect("text")),
    };
    let strict = |text: &str| said(text, false);
    let version = Rejection::UnsupportedVersion.body();
    let version = String::from_utf8(version).expect("text");
    for payload in [r#"{"x":9007199254740993}"#, r#""a\u0000""#, "1e300"] {
        assert_eq!(strict(&format!(r#"{{"envelope_version":"v9","payload":{payload}}}"#)), (422, version.clone()));
        assert_eq!(strict(&format!(r#"{{"envelope_version":1e300,"payload":{payload}}}"#)), (422, version.clone()));
        let (status, body) = strict(&format!(r#"{{"payload":{payload}}}"#));
        assert!(status == 400 && body.contains(r#"[{"field":"envelope_version","message":"is required"}]"#), "{body}");
        let (status, body) = strict(&format!("[{payload}]"));
        assert!(
            status == 400 && body.contains(r#"[{"field":"payload","message":"payload must be an object"}]"#),
            "{body}"
        );
    }
    let session = r#""sessionId":"s","agentId":"a","modelId":"m","state":"done","startedAt":"2026-01-02T03:04:05Z""#;
    let (_, body) = strict(&format!(
        r#"{{"envelope_version":"v1","payload":{{"session":{{{session},"promptTokens":9007199254740993,"completionTokens":1e300,
        "totalTokens":-9007199254740993,"artifactCount":-1,"title":"a\u0000b","colour":9007199254740993,
        "metadata":{{"n":[1,9007199254740993]}}}}}}}}"#
    ));
    let details: Value = serde_json::from_str(&body).expect("JSON");
    let pairs: Vec<(&str, &str)> = details["error"]["details"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["field"].as_str().unwrap_or_default(), it["message"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("session.artifactCount", "must be a non-negative integer"),
            ("session.colour", "unsupported field"),
            ("session.completionTokens", "is out of range"),
            ("session.metadata.n[1]", "is out of range"),
            ("session.promptTokens", "is out of range"),
            ("session.title", "unsupported value"),
            ("session.totalTokens", "must be a non-negative integer"),
        ]
    );
    let bare =
        |extra: &str| said(&format!(r#"{{"session":{{{session}{extra}}},"payload":{{"session":1e300}}}}"#), true);
    assert_eq!(bare(r#","colour":{"deep":[9007199254740993,"\u0000"]}"#), (200, "s".to_owned()));
    assert_eq!(bare(r#","a\u0000":1"#), (200, "s".to_owned()));
    assert_eq!(bare(r#","metadata":{"a\u0000":1}"#).0, 400);
    // The list of findings is bounded; what lies behind its end is refused all the same.
    let many: Vec<String> = (0..100).map(|index| format!(r#""a{index:03}":"\u0000""#)).collect();
    assert_eq!(bare(&format!(r#",{},"metadata":{{"z":"\u0000"}}"#, many.join(","))).0, 400);
    // In the second version integers stand for ids, as long as all their digits are there.
    let ids = r#"{"envelope_version":"v2","payload":{"run":{"sessionId":9007199254740993,"agentId":"a","modelId":"m","state":"done","startedAt":"2026-01-02T03:04:05Z"}}}"#;
    assert_eq!(strict(ids), (200, "9007199254740993".to_owned()));
}

/// AG-15: a date that is one, and beyond all that can be kept, is told where it was sent, beside all else.
#[test]
fn dates_out_of_range_are_told_in_their_place() {
    let event = |seq: i64, at: &str| json!({ "seq": seq, "eventType": "message", "eventTs": at, "payload": {} });
    let events =
        json!([event(9, "9999-12-31T23:59:59Z"), event(1, "2026-01-02T03:04:05Z"), event(0, "2300-01-01T00:00:00Z")]);
    let body =
        body_of(&json!({ "envelope_version": "v1", "payload": { "session": { "sessionId": "s" }, "events": events } }));
    assert!(body.contains(r#"{"field":"events[0].eventTs","message":"is out of range"},{"field":"events[2].eventTs","message":"is out of range"},{"field":"session.agentId""#), "{body}");
}

/// Each event that says something else is told.
#[test]
fn all_conflicts_within_a_document_are_told() {
    let event = |id: &str, n: i64| json!({ "eventId": id, "seq": 1, "eventType": "message", "eventTs": "2026-01-02T03:04:05Z", "payload": { "n": n } });
    let events = json!([event("a", 1), event("b", 1), event("a", 2), event("b", 2), event("a", 1)]);
    let envelope = json!({ "envelope_version": "v1", "payload": { "session": session(), "events": events } });
    let refused = decode(envelope.to_string().as_bytes(), Options::default()).unwrap_err();
    assert_eq!(refused, Rejection::event_conflicts([2, 3]));
}

proptest! {
    /// AG-13: the order of keys and events changes nothing.
    #[test]
    fn ag_13_no_order_changes_the_fingerprint(seed in any::<u64>(), swap in any::<bool>()) {
        let mut events = events();
        for (index, event) in events.as_array_mut().expect("a list").iter_mut().enumerate() {
            event["seq"] = json!(index + 1);
        }
        let value = json!({ "envelope_version": "v1", "payload": { "session": session(), "events": events } });
        let first = decoded(&value);
        let mut other = value.clone();
        if swap {
            other["payload"]["events"].as_array_mut().expect("a list").reverse();
        }
        let text = shuffled(other.as_object().expect("an object"), seed);
        let second = decode(text.as_bytes(), Options::default()).expect("the same");
        prop_assert_eq!(first.fingerprint, second.fingerprint);
    }

    /// AG-15: rubbish gets the same bytes each time, and nothing panics.
    #[test]
    fn ag_15_rubbish_is_refused_the_same_way(text in "\\PC{0,200}", bare in any::<bool>()) {
        let options = Options { allow_bare: bare };
        let body = |text: &str| decode(text.as_bytes(), options).map_err(|error| error.body()).err();
        prop_assert_eq!(body(&text), body(&text));
    }

    /// A document with any one thing replaced is taken in or refused, and never panics.
    #[test]
    fn any_value_anywhere_is_judged(place in 0..9_usize, value in prop_oneof![
        Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,20}".prop_map(Value::from), Just(json!([])), Just(json!({})),
    ]) {
        let names = ["sessionId", "state", "startedAt", "promptTokens", "billedCostUsd", "metadata", "title", "endedAt", "runtimeMs"];
        let mut session = session();
        session[names[place]] = value;
        if let Err(rejection) = decode(v1(session).to_string().as_bytes(), Options::default()) {
            prop_assert!(rejection.status() == 400, "{:?}", rejection);
        }
    }
}
