//! AG-39 for Claude Code.

use proptest::prelude::*;

use super::*;
use crate::collect::testing::{assert_golden, assert_passes_the_gate, fold, parse, raw, sample};

const FIRST: &str = "6f1c1f0e-0000-4000-8000-000000000001";
const SECOND: &str = "6f1c1f0e-0000-4000-8000-000000000002";

fn documents(every: usize) -> (Vec<Document>, Vec<BadLine>) {
    parse(&mut ClaudeFile::new("session.jsonl"), &sample("claude/session.jsonl"), every)
}

/// AG-39: streaming, no requestId, two sessions, a sidechain, word for word.
#[test]
fn ag_39_claude_golden() {
    let (documents, bad) = documents(usize::MAX);
    assert_eq!(bad, [BadLine::NotJson]);
    assert_golden("claude/session.expected.json", &documents);
}

/// AG-39: an answer that streams is one call, with the time of its first line and the counts of its last.
#[test]
fn ag_39_a_streamed_answer_is_one_call() {
    let stood = fold(&documents(usize::MAX).0);
    let call = &stood[FIRST].calls["msg_A"];
    assert_eq!(
        (raw(call, "output_tokens"), call.started_at.to_string()),
        (Some(120), "2026-01-02T03:04:08.000000Z".into())
    );
    assert_eq!(call.response_id.as_deref(), Some("req_A"));
    let calls: Vec<&str> = stood[FIRST].calls.keys().map(String::as_str).collect();
    assert_eq!(calls, ["msg_A", "msg_B", "msg_C"], "no call without a model, none twice");
}

/// AG-39: without a request the message stands for itself, in each session that holds it under the same id.
#[test]
fn ag_39_one_message_in_two_sessions_has_one_id() {
    let stood = fold(&documents(usize::MAX).0);
    assert_eq!(stood[FIRST].calls["msg_B"], stood[SECOND].calls["msg_B"]);
    assert_eq!(stood[FIRST].calls["msg_B"].response_id, None, "no request, and the message is the key already");
    assert_eq!(Feed::ClaudeJsonl.call_scope(), super::super::CallScope::Global);
}

/// AG-39: what a subagent says is a call of the session, and does not change its model.
#[test]
fn ag_39_a_sidechain_is_part_of_the_session() {
    let stood = fold(&documents(usize::MAX).0);
    assert_eq!(stood[FIRST].session.model_id, "claude-sonnet-4-5-20250929");
    assert_eq!(stood[FIRST].calls["msg_C"].model_id.as_deref(), Some("claude-haiku-4-5-20251001"));
}

/// AG-39: the file of a subagent adds its calls, and takes nothing from what the file of the session said.
#[test]
fn ag_39_the_file_of_a_subagent_renames_nothing() {
    let line = format!(
        r#"{{"type":"assistant","isSidechain":true,"sessionId":"{FIRST}","timestamp":"2026-01-02T04:00:00Z",
        "message":{{"id":"msg_E","model":"claude-haiku-4-5-20251001","usage":{{"input_tokens":1,"output_tokens":2}}}}}}"#
    );
    let mut side = ClaudeFile::new("agent-1.jsonl");
    assert_eq!(side.line(line.as_bytes()), Ok(()));
    let mut all = documents(usize::MAX).0;
    let before = fold(&all)[FIRST].session.clone();
    all.extend(side.take());
    let after = &fold(&all)[FIRST];
    assert_eq!((&after.session, after.calls.len()), (&before, 4));
}

#[test]
fn titles_are_the_first_line_that_a_person_wrote() {
    let stood = fold(&documents(usize::MAX).0);
    assert_eq!(stood[FIRST].session.title.as_deref(), Some("Fix the failing test"));
    assert_eq!(stood[SECOND].session.title.as_deref(), Some("And the docs?"));
    let estimated = stood[SECOND].calls["msg_D"].estimated.as_ref().map(|(nano, version)| (nano.0, version.as_str()));
    assert_eq!(estimated, Some((12_500_000, "claude-code@2.0.14")));
}

#[test]
fn a_line_needs_a_time_and_an_id() {
    let mut file = ClaudeFile::new("s.jsonl");
    let line = br#"{"type":"assistant","sessionId":"s","message":{}}"#;
    assert_eq!(file.line(line), Err(BadLine::Incomplete("timestamp")));
    let line = br#"{"type":"assistant","timestamp":"2026-01-02T03:04:05Z","message":{"model":"m","usage":{"output_tokens":1}}}"#;
    assert_eq!(file.line(line), Err(BadLine::Incomplete("message.id")));
    assert_eq!(file.take()[0].session.session_id, "s", "the file names the session");
}

/// A tool may print anything, and what the answer cost is still known.
#[test]
fn odd_content_does_not_hide_the_usage() {
    let line = br#"{"type":"assistant","sessionId":"s","timestamp":"2026-01-02T03:04:05Z","message":{"id":"m","model":"x\u0000y",
        "content":[{"type":"tool_use","id":"t\u0000","name":"B\u0000","input":{"n":99999999999999999999,"a":"\u0000"}}],
        "usage":{"output_tokens":3,"input_tokens":1e400}}}"#;
    let mut file = ClaudeFile::new("s.jsonl");
    assert_eq!(file.line(line), Err(BadLine::NotJson), "1e400 is no number");
    let line = String::from_utf8_lossy(line).replace("1e400", "18446744073709551615");
    assert_eq!(file.line(line.as_bytes()), Ok(()));
    let documents = file.take();
    assert_eq!((documents[0].calls.len(), documents[0].events.len(), file.refused()), (1, 1, 0));
    assert_eq!(raw(&documents[0].calls[0], "output_tokens"), Some(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ag_39_pieces_do_not_change_the_end(every in 1_usize..20) {
        prop_assert_eq!(fold(&documents(every).0), fold(&documents(usize::MAX).0));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0_usize..6_000, other in any::<u8>()) {
        let mut file = ClaudeFile::new("s.jsonl");
        let _rubbish = file.line(&bytes);
        let mut text = sample("claude/session.jsonl");
        let place = place % text.len();
        text[place] = other;
        let (documents, _bad) = parse(&mut file, &text, 3);
        documents.iter().for_each(assert_passes_the_gate);
    }
}
