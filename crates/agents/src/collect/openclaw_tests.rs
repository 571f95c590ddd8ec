//! AG-39 for OpenClaw.

use proptest::prelude::*;

use super::*;
use crate::collect::testing::{assert_golden, assert_passes_the_gate, fold, parse, raw, sample};

const NAME: &str = "0c000000-0000-4000-8000-000000000001.jsonl";

fn documents(name: &str, every: usize) -> Vec<Document> {
    let mut file = OpenClawFile::new("main", name, Some("2026.1.1")).expect("a session file");
    let (documents, bad) = parse(&mut file, &sample(&format!("openclaw/{NAME}")), every);
    assert_eq!(bad, []);
    documents
}

/// AG-39, word for word.
#[test]
fn ag_39_openclaw_golden() {
    assert_golden("openclaw/session.expected.json", &documents(NAME, usize::MAX));
}

#[test]
fn models_prices_and_failures_come_out_right() {
    let stood = fold(&documents(NAME, usize::MAX));
    let session = &stood["0c000000-0000-4000-8000-000000000001"];
    let calls: Vec<_> = session
        .calls
        .values()
        .map(|call| {
            let cost = call.estimated.as_ref().map(|(nano, version)| (nano.0, version.as_str()));
            (call.call_id.as_str(), call.model_id.as_deref().unwrap_or(""), raw(call, "output"), call.status, cost)
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("a0000003", "claude-opus-4-5", Some(60), CallStatus::Success, Some((13_500_000, "openclaw@2026.1.1"))),
            ("a0000005", "qwen3:8b", Some(10), CallStatus::Success, None),
            ("a0000007", "claude-opus-4-5", Some(0), CallStatus::Failed, Some((0, "openclaw@2026.1.1"))),
            ("a0000008", "gpt-5.2", Some(5), CallStatus::Success, Some((100_000, "openclaw@2026.1.1"))),
        ]
    );
    assert_eq!(session.session.agent_id, "main");
    let tools = session.events.values().filter(|event| event.event_type == EventType::ToolCall).count();
    assert_eq!(tools, 2, "the model used one id for two tool calls");
}

/// AG-39: a file that was put aside tells of the same session.
#[test]
fn ag_39_put_aside_files_are_the_same_session() {
    for rest in [".deleted.2026-01-03T00-00-00.000Z", ".reset.2026-01-03T00-00-00.000Z"] {
        assert_eq!(documents(&format!("{NAME}{rest}"), usize::MAX), documents(NAME, usize::MAX));
    }
    for other in
        ["sessions.json", "a.jsonl.lock", ".jsonl", "a.trajectory.jsonl", "a.checkpoint.1.jsonl", "a.jsonl.bak"]
    {
        assert_eq!(session_of(other), None, "{other}");
    }
    assert!(OpenClawFile::new("main", "sessions.json", None).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ag_39_pieces_do_not_change_the_end(every in 1_usize..12) {
        prop_assert_eq!(fold(&documents(NAME, every)), fold(&documents(NAME, usize::MAX)));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0_usize..4_000, other in any::<u8>()) {
        let mut file = OpenClawFile::new("main", NAME, None).expect("a session file");
        let _rubbish = file.line(&bytes);
        let mut text = sample(&format!("openclaw/{NAME}"));
        let place = place % text.len();
        text[place] = other;
        let (documents, _bad) = parse(&mut file, &text, 3);
        documents.iter().for_each(assert_passes_the_gate);
    }
}
