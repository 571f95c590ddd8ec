//! What is handed over, and how often.

use serde_json::json;

use super::*;
use crate::contract::{Counts, Usage};

fn call(id: &str, at: i64, output: i64) -> Call {
    let usage = Usage::Counted(Counts { output: Some(output), ..Counts::default() });
    Call { usage, ..Call::new(id.to_owned(), Timestamp(at)) }
}

fn tell(gathering: &mut Gathering, call: Call) {
    let at = call.started_at;
    gathering.session("s", "a", at).expect("room").call(call);
}

#[test]
fn only_what_is_new_is_handed_over() {
    let mut gathering = Gathering::new(Feed::ClaudeJsonl);
    assert!(gathering.take().is_empty());
    tell(&mut gathering, call("c", 5, 1));
    let documents = gathering.take();
    assert_eq!((documents.len(), documents[0].calls.len()), (1, 1));
    assert_eq!(documents[0].source.as_deref(), Some("claude_jsonl"));
    assert!(gathering.take().is_empty());
    tell(&mut gathering, call("c", 6, 1));
    let documents = gathering.take();
    assert!(documents.iter().all(|document| document.calls[0].started_at == Timestamp(5)), "the first timestamp stays");
    tell(&mut gathering, call("c", 6, 1));
    assert!(gathering.take().is_empty(), "nothing changed");
    tell(&mut gathering, call("c", 7, 9));
    assert_eq!(gathering.take()[0].calls, [call("c", 5, 9)]);
}

#[test]
fn a_changed_header_alone_is_news() {
    let mut gathering = Gathering::new(Feed::ClaudeJsonl);
    tell(&mut gathering, call("c", 5, 1));
    gathering.take();
    gathering.session("s", "other", Timestamp(5)).expect("room").header().title = Some("t".to_owned());
    let documents = gathering.take();
    assert_eq!((documents.len(), documents[0].calls.len()), (1, 0));
    assert_eq!(documents[0].session.agent_id, "a", "the agent of the first record");
}

#[test]
fn events_of_one_line_keep_their_order() {
    let mut gathering = Gathering::new(Feed::ClaudeJsonl);
    for (place, id) in [(1, "a"), (0, "b"), (0, "b")] {
        let payload = payload([("n", Some(json!(place))), ("none", None)]);
        let mut told = gathering.session("s", "a", Timestamp(5)).expect("room");
        told.event(Some(id.to_owned()), place, EventType::Message, Timestamp(5), payload);
    }
    let documents = gathering.take();
    assert_eq!(documents[0].events.iter().map(|event| event.event_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn much_news_is_cut_into_documents_and_no_more_than_can_wait_is_taken() {
    let mut gathering = Gathering::new(Feed::OtlpSpan);
    for index in 0..PENDING_MAX {
        assert_eq!(gathering.room(), Ok(()));
        tell(&mut gathering, call(&index.to_string(), 5, 1));
    }
    assert_eq!(gathering.room(), Err(BadLine::Full));
    let documents = gathering.take();
    assert_eq!(documents.len(), PENDING_MAX / DOCUMENT_ITEMS_MAX);
    assert_eq!(documents.iter().map(|document| document.calls.len()).sum::<usize>(), PENDING_MAX);
    assert_eq!((gathering.room(), gathering.refused()), (Ok(()), 0));
    assert!(gathering.recent.calls.len() <= RECENT_CALLS_MAX);
}

#[test]
fn one_source_tells_of_so_many_sessions_and_no_more() {
    let mut gathering = Gathering::new(Feed::LiteLlm);
    for index in 0..SESSIONS_MAX {
        gathering.session(&index.to_string(), "a", Timestamp(5)).expect("room");
    }
    assert_eq!(gathering.session("one more", "a", Timestamp(5)).err(), Some(BadLine::Sessions));
    assert!(gathering.session("0", "a", Timestamp(5)).is_ok());
}
