//! Bodies of orders, good and bad.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn refused<T: std::fmt::Debug>(parsed: Result<T, Answer>) -> (u16, String) {
    let answer = parsed.unwrap_err();
    (answer.status, answer.body["error"].as_str().unwrap().to_owned())
}

#[test]
fn kill_bodies() {
    let parsed = KillRequest::parse(br#"{"sessionId":"  s1 \n"}"#).unwrap();
    assert_eq!(parsed, KillRequest { session_id: "s1".to_owned(), dry_run: false });
    assert!(KillRequest::parse(br#"{"sessionId":"s1","dryRun":true}"#).unwrap().dry_run);
    for (body, text) in [
        ("", "Invalid JSON payload"),
        ("{", "Invalid JSON payload"),
        (r#"{"sessionId":"a","sessionId":"b"}"#, "Invalid JSON payload"),
        ("{}", "sessionId is required"),
        ("[]", "sessionId is required"),
        ("null", "sessionId is required"),
        (r#"{"sessionId":"  "}"#, "sessionId is required"),
        (r#"{"sessionId":7}"#, "sessionId is required"),
        (r#"{"sessionId":"s","dryRun":"yes"}"#, "dryRun must be a boolean"),
        (r#"{"sessionId":"s","dryrun":true}"#, "unsupported field dryrun"),
        (r#"{"sessionId":"s","a\nb":1}"#, "unsupported field a\\u{a}b"),
    ] {
        assert_eq!(refused(KillRequest::parse(body.as_bytes())), (400, text.to_owned()), "{body}");
    }
    let huge = vec![b' '; BODY_BYTES_MAX + 1];
    assert_eq!(refused(KillRequest::parse(&huge)), (413, "Payload too large".to_owned()));
}

#[test]
fn spawn_and_model_bodies() {
    let parsed = SpawnRequest::parse(br#"{"agentId":" a ","prompt":" do\nit "}"#).unwrap();
    assert_eq!((parsed.agent_id.as_str(), parsed.prompt.as_str()), ("a", "do\nit"));
    for body in [r#"{"agentId":"a"}"#, r#"{"prompt":"p"}"#, r#"{"agentId":"a","prompt":" "}"#] {
        assert_eq!(refused(SpawnRequest::parse(body.as_bytes())).1, "agentId and prompt are required");
    }
    let long = json!({"agentId": "a", "prompt": "x".repeat(PROMPT_BYTES_MAX + 1)}).to_string();
    assert_eq!(refused(SpawnRequest::parse(long.as_bytes())).1, "prompt exceeds 262144 bytes");

    let parsed = ModelRequest::parse(br#"{"provider":"p","model":"m","sessionId":null}"#).unwrap();
    assert_eq!((parsed.agent_id, parsed.session_id, parsed.dry_run), (None, None, false));
    for (body, text) in [
        (r#"{"provider":"p"}"#, "provider and model are required"),
        (r#"{"provider":"p","model":"m","agentId":"a","sessionId":"s"}"#, "agentId and sessionId exclude each other"),
        (r#"{"provider":"p","model":"m","agentId":7}"#, "agentId must be a non-empty string"),
        (r#"{"provider":"p","model":"m","sessionId":" "}"#, "sessionId must be a non-empty string"),
    ] {
        assert_eq!(refused(ModelRequest::parse(body.as_bytes())).1, text, "{body}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        KillRequest::parse(&bytes).ok();
        SpawnRequest::parse(&bytes).ok();
        ModelRequest::parse(&bytes).ok();
    }
}
