//! One call however many records tell of it: which record counts, to which session it belongs, and since when.

use std::cmp::Ordering;

use crate::collect::{CallScope, Feed};
use crate::record::API_FEED;
use crate::sql::calls::CallRow;

/// What makes a call one call: the answer of the provider when it has an id, else the id that the feed gives it, within its session where
/// that is unique there alone. Lengths stand before names, so that no two can be confused.
pub fn dedupe_key(
    feed: &str,
    session_id: &str,
    call_id: &str,
    provider: Option<&str>,
    response_id: Option<&str>,
) -> String {
    match (provider, response_id) {
        (Some(provider), Some(response)) => format!("response:{}:{provider}:{response}", provider.len()),
        _ if Feed::of_word(feed).is_some_and(|feed| feed.call_scope() == CallScope::Global) => {
            format!("call:{feed}:{call_id}")
        }
        _ => format!("call:{feed}:{}:{session_id}:{call_id}", session_id.len()),
    }
}

/// How much the word of a feed counts: what a client says itself more than what was read behind its back. What was billed stands above all.
pub fn rank(feed: &str) -> u8 {
    match Feed::of_word(feed) {
        Some(feed) => feed.rank(),
        None if feed == API_FEED => u8::MAX,
        None => 0,
    }
}

/// Whether what comes counts more than what stands: a bill, then the feed, then the greater output; the later of two that are equal.
pub fn counts_more(new: &CallRow, new_rank: u8, old: &CallRow, old_rank: u8) -> bool {
    let billed = new.billed.is_some().cmp(&old.billed.is_some());
    let feed = new_rank.cmp(&old_rank);
    let output = new.usage.counts.output.cmp(&old.usage.counts.output);
    billed.then(feed).then(output) != Ordering::Less
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_calls() {
        let key = |feed, session, call| dedupe_key(feed, session, call, Some("p"), None);
        assert_eq!(key("claude_jsonl", "s", "m"), key("claude_jsonl", "t", "m"), "one message in two sessions");
        assert_ne!(key("codex_jsonl", "s", "m"), key("codex_jsonl", "t", "m"));
        assert_ne!(key("api", "s:1", "m"), key("api", "s", "1:m"));
        let answer = |feed| dedupe_key(feed, "s", "x", Some("p"), Some("r"));
        assert_eq!(answer("otlp_span"), answer("litellm"), "one answer in two feeds");
        assert!(rank("api") > rank("litellm") && rank("litellm") > rank("otlp_span"));
        assert!(rank("x") <= rank("codex_jsonl"));
    }
}
