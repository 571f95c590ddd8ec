//! One call however many records tell of it: which record counts, to which session it belongs, and since when.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use crate::collect::{CallScope, Feed};
use crate::record::API_FEED;
use crate::sql::calls::CallRow;

/// Records of one answer up to which they are compared with each other: a handful of feeds tell of an answer. An id that more of them bear is
/// one that its sender repeats, and tells nothing apart.
pub const ANSWER_RECORDS_MAX: usize = 64;

/// What makes a call one call in its feed: the id that the feed gives it, within its session where that is unique there alone.
pub fn dedupe_key(feed: &str, session_id: &str, call_id: &str) -> String {
    if Feed::of_word(feed).is_some_and(|feed| feed.call_scope() == CallScope::Global) {
        format!("call:{feed}:{call_id}")
    } else {
        format!("call:{feed}:{}:{session_id}:{call_id}", session_id.len())
    }
}

/// What an answer of a provider is known by. Lengths stand before names, so that no two can be confused.
pub fn answer_key(provider: &str, response_id: &str) -> String {
    format!("response:{}:{provider}:{response_id}", provider.len())
}

/// That a feed told of an answer.
pub fn told_key(feed: &str, answer_key: &str) -> String {
    format!("told:{}:{feed}:{answer_key}", feed.len())
}

/// Which records of one answer tell of one call: one of each feed at most. The feed with the most records says how many calls there are, ties
/// by how much its word counts and by key; those of the others are taken to the nearest start, the nearest pair first, ties by start and key. So neither the order in which
/// they came matters, nor does a call of one feed swallow another one of the same feed.
pub fn calls_of_answer(records: &[CallRow], rank_of: impl Fn(i64) -> u8) -> Vec<Vec<&CallRow>> {
    if records.len() > ANSWER_RECORDS_MAX {
        return records.iter().map(|record| vec![record]).collect();
    }
    let mut feeds: BTreeMap<i64, Vec<&CallRow>> = BTreeMap::new();
    for record in records {
        feeds.entry(record.feed_key).or_default().push(record);
    }
    let mut feeds: Vec<Vec<&CallRow>> = feeds.into_values().collect();
    feeds.iter_mut().for_each(|feed| feed.sort_by_key(|record| (record.started_at, &record.dedupe_key)));
    feeds.sort_by_key(|feed| {
        let rank = feed.first().map(|record| rank_of(record.feed_key));
        (Reverse(feed.len()), Reverse(rank), feed.iter().map(|record| &record.dedupe_key).min())
    });
    let mut feeds = feeds.into_iter();
    let first = feeds.next().unwrap_or_default();
    let mut calls: Vec<Vec<&CallRow>> = first.iter().map(|record| vec![*record]).collect();
    for feed in feeds {
        let mut pairs: Vec<(u64, usize, usize)> = Vec::with_capacity(feed.len() * first.len());
        for (place, record) in feed.iter().enumerate() {
            pairs.extend(
                first
                    .iter()
                    .enumerate()
                    .map(|(call, one)| (one.started_at.0.abs_diff(record.started_at.0), call, place)),
            );
        }
        pairs.sort_unstable();
        let (mut taken, mut placed) = (BTreeSet::new(), BTreeSet::new());
        for (_, call, place) in pairs {
            if !taken.contains(&call) && placed.insert(place) {
                taken.insert(call);
                calls[call].push(feed[place]);
            }
        }
    }
    calls
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
        assert_eq!(
            dedupe_key("claude_jsonl", "s", "m"),
            dedupe_key("claude_jsonl", "t", "m"),
            "one message in two sessions"
        );
        assert_ne!(dedupe_key("codex_jsonl", "s", "m"), dedupe_key("codex_jsonl", "t", "m"));
        assert_ne!(dedupe_key("api", "s:1", "m"), dedupe_key("api", "s", "1:m"));
        assert_ne!(answer_key("p:1", "r"), answer_key("p", "1:r"));
        assert!(rank("api") > rank("litellm") && rank("litellm") > rank("otlp_span"));
        assert!(rank("x") <= rank("codex_jsonl"));
    }
}
