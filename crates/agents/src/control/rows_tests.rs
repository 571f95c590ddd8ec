//! What gateways say about agents and sessions, read leniently.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// AG-34: "inactive" is not running, nor is any other word that only contains one of ours.
#[test]
fn ag_34_status_words_are_whole() {
    for (word, state) in [
        ("error", AgentState::Failed),
        ("Crashed", AgentState::Failed),
        (" RUNNING ", AgentState::Running),
        ("in_progress", AgentState::Running),
        ("executing", AgentState::Running),
        ("completed", AgentState::Done),
        ("succeeded", AgentState::Done),
        ("inactive", AgentState::Idle),
        ("not failed", AgentState::Idle),
        ("undone", AgentState::Idle),
        ("running!", AgentState::Idle),
        ("", AgentState::Idle),
    ] {
        assert_eq!(AgentState::of_word(word), state, "{word}");
    }
}

#[test]
fn each_fact_is_the_first_that_is_present() {
    let agent = |value: Value| AgentRow::of_value(&value).map(|row| (row.id, row.name));
    let both = |id: &str, name: &str| Some((id.to_owned(), name.to_owned()));
    assert_eq!(agent(json!({"id": "a", "agentId": "b", "name": "N"})), both("a", "N"));
    assert_eq!(agent(json!({"id": " ", "agentId": "b", "label": "L"})), both("b", "L"));
    assert_eq!(agent(json!({"id": null, "name": "n"})), both("n", "n"));
    assert_eq!(agent(json!({"label": "l", "identity": {"name": "I"}})), both("l", "l"));
    assert_eq!(agent(json!("bare")), both("bare", "bare"));
    assert_eq!(agent(json!({"id": 7})), both("7", "7"));
    assert_eq!(agent(json!({})), None);

    let session = |value: Value| SessionRow::of_value(&value).unwrap();
    assert_eq!(session(json!({"id": "s", "agent": {"name": "x"}})).agent_id.as_deref(), Some("x"));
    assert_eq!(session(json!({"id": "s", "agent_id": "y", "agent": {"id": "x"}})).agent_id.as_deref(), Some("y"));
    let real = session(json!({
        "key": "agent:main:main", "sessionId": "5c", "hasActiveRun": true, "activeRunIds": ["r1"], "status": "done",
        "modelProvider": "anthropic", "model": "claude", "updatedAt": 1_700_000_000_123_i64,
    }));
    assert_eq!((real.session_id.as_str(), real.key.as_str()), ("5c", "agent:main:main"));
    assert_eq!((real.agent_id.as_deref(), real.run_id.as_deref()), (Some("main"), Some("r1")));
    assert_eq!((real.status(), real.liveness()), (AgentState::Running, Liveness::Live));
    assert_eq!(real.last_activity_at, Some(Timestamp(1_700_000_000_123_000)));
    assert_eq!(SessionRow::of_value(&json!({"status": "running"})), None);
}

#[test]
fn a_sign_of_life_outweighs_a_sign_of_the_end() {
    for (row, liveness) in [
        (json!({"id": "s", "status": "running", "hasActiveRun": false}), Liveness::Live),
        (json!({"id": "s", "status": "queued"}), Liveness::Live),
        (json!({"id": "s", "status": "killed"}), Liveness::Ended),
        (json!({"id": "s", "status": "Idle"}), Liveness::Ended),
        (json!({"id": "s", "hasActiveRun": false}), Liveness::Ended),
        (json!({"id": "s", "status": "banana"}), Liveness::Unknown),
        (json!({"id": "s"}), Liveness::Unknown),
    ] {
        assert_eq!(SessionRow::of_value(&row).unwrap().liveness(), liveness, "{row}");
    }
    let failed = SessionRow::of_value(&json!({"id": "s", "status": "done", "error": {"message": "boom"}})).unwrap();
    assert_eq!(failed.status(), AgentState::Failed);
}

#[test]
fn times_are_text_seconds_or_milliseconds() {
    for (value, at) in [
        (json!("2026-01-02T03:04:05+01:00"), Some(1_767_319_445_000_000)),
        (json!("2026-01-02T03:04:05"), None),
        (json!(1_767_319_445), Some(1_767_319_445_000_000)),
        (json!(1_767_319_445_000_i64), Some(1_767_319_445_000_000)),
        (json!(1_767_319_445_000.5), Some(1_767_319_445_000_000)),
        (json!(-1), None),
        (json!(i64::MAX), None),
        (json!(1e300), None),
        (json!(true), None),
    ] {
        assert_eq!(time_of(&value).map(|at| at.0), at, "{value}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("id"),
        Just("agentId"),
        Just("agent"),
        Just("key"),
        Just("sessionId"),
        Just("status"),
        Just("error"),
        Just("updatedAt"),
        Just("activeRunIds"),
        Just("hasActiveRun"),
        Just("model"),
        Just("sessions"),
        Just("agents"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "agent:.{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_panics(answer in any_json()) {
        for row in sessions_of(&answer) {
            prop_assert!(!row.session_id.is_empty());
            row.status();
            row.liveness();
        }
        for row in agents_of(&answer) {
            prop_assert!(!row.id.is_empty() && !row.name.is_empty());
        }
    }
}
