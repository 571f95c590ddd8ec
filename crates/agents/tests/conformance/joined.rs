//! AG-40: one answer that two feeds tell of is one call, and two calls of one feed stay two, whatever id their answers bear.

use std::collections::BTreeMap;

use exhibit_agents::sql::calls;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::aggregates::{holds, rows};
use crate::world::{World, with_calls};

both!(
    ag_40_calls_of_one_feed_are_never_merged,
    ag_40_one_answer_in_two_feeds_is_one_call,
    ag_40_the_order_of_arrival_does_not_matter,
    ag_39_a_message_is_one_call_in_whichever_session,
    an_id_that_too_many_bear_joins_nothing,
);

/// One call of a feed: session, id of the call, its answer, the second in which it began, what it put out.
type Said<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, u32, i64);

fn tell(world: &World, (feed, session, id, answer, second, output): Said<'_>) {
    let mut call = json!([{"callId": id, "startedAt": format!("2026-01-02T03:04:{second:02}Z"), "status": "success",
        "provider": "acme", "usage": {"inputUncached": 10, "output": output}}]);
    if let Some(answer) = answer {
        call[0]["responseId"] = answer.into();
    }
    world.collects(feed, &with_calls(session, &json!({}), &call));
}

/// What stands, without the keys of the database and without the key of the call, which is that of whichever record came first.
fn shown(world: &World) -> BTreeMap<String, (String, Vec<String>)> {
    let found = rows(world).into_iter().map(|(row, usage, calls)| {
        let mut calls: Vec<String> = calls
            .iter()
            .map(|call| format!("{} {} {:?} {:?}", call.call_id, call.started_at, call.response_id, call.usage))
            .collect();
        calls.sort();
        (row.standing.session_id, (format!("{:?} {:?} {}", usage.tokens, usage.buckets, usage.call_count), calls))
    });
    found.collect()
}

fn outputs(world: &World) -> Vec<i64> {
    let calls = rows(world).into_iter().flat_map(|(_, _, calls)| calls);
    let mut outputs: Vec<i64> = calls.filter_map(|call| call.usage.counts.output).collect();
    outputs.sort_unstable();
    outputs
}

fn ag_40_calls_of_one_feed_are_never_merged(backend: Backend) {
    for feed in ["litellm", "api", "otlp_span"] {
        let world = World::new(backend);
        tell(&world, (feed, "s", "r@1", Some("r"), 5, 7));
        tell(&world, (feed, "s", "r@2", Some("r"), 9, 5));
        // Said again is no third.
        tell(&world, (feed, "s", "r@2", Some("r"), 9, 5));
        assert_eq!(outputs(&world), [5, 7], "{feed}");
        holds(&world);
    }
}

fn ag_40_one_answer_in_two_feeds_is_one_call(backend: Backend) {
    for order in [[0, 1], [1, 0]] {
        let world = World::new(backend);
        let said = [("otlp_span", "s", "span", Some("r"), 5, 7), ("litellm", "s", "r@6", Some("r"), 6, 9)];
        order.into_iter().for_each(|place| tell(&world, said[place]));
        assert_eq!(outputs(&world), [9], "{order:?}");
        let session = rows(&world);
        assert_eq!((session[0].2[0].call_id.as_str(), session[0].1.call_count), ("r@6", 1));
        assert!(session[0].2[0].started_at.to_string().ends_with("05.000000Z"), "the first start stays");
        holds(&world);
    }
}

/// Two of one feed and one of another, which came between them in time and is nearer to the second; then a third feed with two.
fn ag_40_the_order_of_arrival_does_not_matter(backend: Backend) {
    let said: [Said<'_>; 5] = [
        ("litellm", "s", "r@10", Some("r"), 10, 100),
        ("litellm", "s", "r@20", Some("r"), 20, 200),
        ("otlp_span", "other", "span", Some("r"), 18, 1),
        ("claude_jsonl", "file", "m1", Some("r"), 8, 2),
        ("claude_jsonl", "file", "m2", Some("r"), 30, 3),
    ];
    let mut first = None;
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1], [2, 1, 3, 0, 4], [3, 2, 1, 4, 0]] {
        let world = World::new(backend);
        order.into_iter().for_each(|place| tell(&world, said[place]));
        holds(&world);
        let shown = shown(&world);
        assert_eq!(outputs(&world), [100, 200], "{order:?}");
        assert_eq!(shown["other"].1.len(), 1, "the second belongs to the span, which began first");
        assert_eq!(*first.get_or_insert_with(|| shown.clone()), shown, "{order:?}");
        assert_eq!(world.read(|read| calls::records_by_responses(read, &["r"])).len(), 5);
    }
}

/// AG-39: the same message in another session without its request, and two messages of one request.
fn ag_39_a_message_is_one_call_in_whichever_session(backend: Backend) {
    for order in [[0, 1], [1, 0]] {
        let world = World::new(backend);
        let said = [("claude_jsonl", "s1", "msg_A", Some("req_A"), 5, 7), ("claude_jsonl", "s2", "msg_A", None, 5, 7)];
        order.into_iter().for_each(|place| tell(&world, said[place]));
        tell(&world, ("claude_jsonl", "s1", "msg_B", Some("req_B"), 6, 8));
        tell(&world, ("claude_jsonl", "s1", "msg_C", Some("req_B"), 7, 9));
        tell(&world, ("claude_log", "s1", "req_A", Some("req_A"), 6, 7));
        assert_eq!(outputs(&world), [7, 8, 9], "{order:?}");
        assert_eq!(shown(&world)["s2"].1, Vec::<String>::new(), "ties by id");
        holds(&world);
    }
}

fn an_id_that_too_many_bear_joins_nothing(backend: Backend) {
    let world = World::new(backend);
    let many = exhibit_agents::calls::ANSWER_RECORDS_MAX;
    let calls: Vec<Value> = (0..many)
        .map(|place| {
            json!({"callId": format!("c{place:03}"), "startedAt": "2026-01-02T03:04:05Z", "status": "success", "provider": "acme",
                "responseId": "same", "usage": {"output": 1}})
        })
        .collect();
    tell(&world, ("otlp_span", "s", "span", Some("same"), 5, 1));
    world.collects("litellm", &with_calls("s", &json!({}), &calls[..many - 1].into()));
    assert_eq!(outputs(&world).len(), many - 1, "one of them is the span's");
    world.collects("litellm", &with_calls("s", &json!({}), &calls.into()));
    assert_eq!(outputs(&world).len(), many + 1, "each stands alone");
    tell(&world, ("claude_log", "s", "log", Some("same"), 5, 1));
    assert_eq!(outputs(&world).len(), many + 2);
    holds(&world);
}
