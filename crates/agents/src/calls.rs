//! One call however many records tell of it: which record counts, to which session it belongs, and since when.

use std::cmp::Ordering;

use crate::record::API_FEED;
use crate::sql::calls::CallRow;

/// Feeds whose ids of calls are unique over all sessions.
const GLOBAL_FEEDS: [&str; 4] = ["claude_jsonl", "otlp_span", "claude_log", "litellm"];

/// Whose word about a call counts most, best first. What was billed stands above them all.
const RANKS: [&str; 8] =
    [API_FEED, "litellm", "claude_log", "codex_log", "otlp_span", "claude_jsonl", "codex_jsonl", "openclaw_jsonl"];

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
        _ if GLOBAL_FEEDS.contains(&feed) => format!("call:{feed}:{call_id}"),
        _ => format!("call:{feed}:{}:{session_id}:{call_id}", session_id.len()),
    }
}

/// How much the word of a feed counts: lower is more.
pub fn rank(feed: &str) -> usize {
    RANKS.iter().position(|known| *known == feed).unwrap_or(RANKS.len())
}

/// Whether what comes counts more than what stands: a bill, then the feed, then the greater output; the later of two that are equal.
pub fn counts_more(new: &CallRow, new_rank: usize, old: &CallRow, old_rank: usize) -> bool {
    let billed = new.billed.is_some().cmp(&old.billed.is_some());
    let feed = old_rank.cmp(&new_rank);
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
        assert!(
            rank("api") < rank("litellm") && rank("litellm") < rank("otlp_span") && rank("x") > rank("codex_jsonl")
        );
    }
}
