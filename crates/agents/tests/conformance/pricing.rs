//! What things cost, through the database: to the nano-dollar, with the words that say where each number comes from.

use exhibit_agents::money::Nano;
use exhibit_agents::sql::calls::CallRow;
use exhibit_agents::sql::usage::UsageRow;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::aggregates::{figures, holds, kept, rows};
use crate::truth::{Figures, SECOND_LIST_AT, cost_under, price_files};
use crate::world::{World, keyed, session, with, with_calls};

both!(
    ag_22_no_cost_stands_without_its_prices,
    ag_23_every_number_says_where_it_comes_from,
    ag_24_caches_tiers_and_models_to_the_nano,
    ag_18_a_replay_moves_no_sum,
    a_call_that_began_before_the_prices_changed_costs_what_it_did,
    a_session_that_loses_its_calls_loses_their_cost,
    a_session_that_is_told_anew_moves_its_sums,
);

/// Usage and calls of a session.
pub fn usage_of(world: &World, id: &str) -> (UsageRow, Vec<CallRow>) {
    let found = rows(world).into_iter().find(|(row, _, _)| row.standing.session_id == id);
    found.map(|(_, usage, calls)| (usage, calls)).expect("a session")
}

fn ag_22_no_cost_stands_without_its_prices(backend: Backend) {
    let world = World::new(backend);
    let call = json!([{"callId": "c", "startedAt": "2026-01-02T03:04:05Z", "status": "success", "billedCostUsd": 0}]);
    world.takes(&with_calls("billed", &json!({}), &call));
    world.takes(&session("unknown", "running"));
    let (usage, calls) = usage_of(&world, "billed");
    for cost in [&usage.cost, &calls[0].cost] {
        let version = cost.pricing_version().map(|version| version.as_str());
        assert_eq!((cost.amount(), version), (Some(Nano(0)), Some("provider_native")), "0 is a known zero");
    }
    let before = rows(&world);
    for text in [
        "update session_usage set pricing_version = null where cost_nano = 0",
        "update session_usage set cost_nano = null where cost_nano = 0",
        "update session_usage set cost_source = 'missing' where cost_nano = 0",
        "update session_usage set cost_confidence = 'unknown' where cost_nano = 0",
        "update session_usage set cost_confidence_level = 'unknown' where cost_nano = 0",
        "update session_usage set cost_nano = -1 where cost_nano = 0",
        "update session_usage set cost_nano = 0 where cost_nano is null",
        "update session_usage set pricing_version = 'px-0000000000000000' where cost_nano is null",
        "update session_usage set cost_source = 'paid' where cost_nano = 0",
        "update agent_calls set pricing_version = null",
        "update agent_calls set cost_nano = null",
        "update agent_calls set cost_nano = 5, pricing_version = null",
        "update agent_calls set cost_source = 'missing'",
        "insert into cost_rows (subject, subject_key, revision, cost_nano, pricing_version, cost_source, cost_confidence_level, \
         cost_confidence, computed_at, reason) values ('call', 1, 1, 0, null, 'derived', 'medium', 'estimated', 0, 'recompute')",
        "insert into cost_rows (subject, subject_key, revision, cost_nano, pricing_version, cost_source, cost_confidence_level, \
         cost_confidence, computed_at, reason) values ('call', 1, 1, 5, 'px', 'missing', 'unknown', 'unknown', 0, 'recompute')",
    ] {
        assert!(world.tampers(text).is_err(), "taken: {text}");
    }
    assert_eq!(rows(&world), before);
}

fn ag_23_every_number_says_where_it_comes_from(backend: Backend) {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    let at = "2026-01-02T03:04:06Z";
    let counted = |id: &str, model: &str| {
        json!({"callId": id, "startedAt": at, "status": "success", "modelId": model, "provider": "acme",
            "usage": {"inputUncached": 10, "output": 5}})
    };
    let silent = json!({"callId": "n", "startedAt": at, "status": "failed"});
    let billed = json!({"callId": "b", "startedAt": at, "status": "success", "billedCostUsd": 1});
    let ended = json!({"state": "done", "startedAt": at, "endedAt": "2026-01-02T03:04:07Z"});
    let none = ["missing unknown"; 3];
    let with_ended = |more: Value| {
        let mut fields = ended.clone();
        more.as_object().into_iter().flatten().for_each(|(name, value)| fields[name] = value.clone());
        fields
    };
    for (id, fields, calls, [tokens, runtime, cost], confidence) in [
        ("nothing", json!({}), json!([]), none, "unknown"),
        (
            "bill",
            json!({"billedCostUsd": 0.5}),
            json!([]),
            ["missing unknown", "missing unknown", "provider_reported high"],
            "exact",
        ),
        (
            "whole",
            with_ended(json!({"promptTokens": 1, "completionTokens": 2, "totalTokens": 3, "billedCostUsd": 2})),
            json!([]),
            ["provider_reported high", "provider_reported high", "provider_reported high"],
            "exact",
        ),
        (
            "total differs",
            with_ended(json!({"promptTokens": 1, "completionTokens": 2, "totalTokens": 4, "runtimeMs": 5})),
            json!([]),
            ["provider_reported low", "provider_reported high", "missing unknown"],
            "unknown",
        ),
        (
            "one side",
            json!({"promptTokens": 1, "state": "failed", "terminalAt": "2026-01-02T03:04:09Z", "modelId": "alpha", "provider": "acme"}),
            json!([]),
            ["provider_reported medium", "derived medium", "derived low"],
            "estimated",
        ),
        (
            "summed here",
            with_ended(json!({"endedAt": "2026-01-02T03:04:01Z"})),
            json!([counted("a", "beta"), counted("b", "beta")]),
            ["derived medium", "derived low", "derived medium"],
            "estimated",
        ),
        (
            "one call unpriced",
            json!({}),
            json!([counted("a", "beta"), counted("b", "stranger")]),
            ["derived medium", "missing unknown", "derived low"],
            "estimated",
        ),
        (
            "one call silent",
            json!({}),
            json!([billed.clone(), silent.clone()]),
            ["missing unknown", "missing unknown", "derived low"],
            "estimated",
        ),
        ("all silent", json!({}), json!([silent]), none, "unknown"),
        (
            "all billed",
            json!({}),
            json!([billed]),
            ["missing unknown", "missing unknown", "provider_reported high"],
            "exact",
        ),
    ] {
        world.takes(&with_calls(id, &fields, &calls));
        let (usage, _) = usage_of(&world, id);
        let said = |source: &str, level: &str| format!("{source} {level}");
        let found = [
            said(usage.tokens.provenance.source.as_str(), usage.tokens.provenance.level.as_str()),
            said(usage.runtime.source.as_str(), usage.runtime.level.as_str()),
            said(usage.cost.source().as_str(), usage.cost.level().as_str()),
        ];
        assert_eq!(
            (found, usage.cost.confidence().as_str()),
            ([tokens, runtime, cost].map(str::to_owned), confidence),
            "{id}"
        );
    }
    holds(&world);
}

/// AG-24: hand-made numbers under prices of 3 and 15 dollars per million tokens, 0.3 from a cache, 3.75 and 6 into it.
fn ag_24_caches_tiers_and_models_to_the_nano(backend: Backend) {
    let world = World::new(backend);
    world.has_prices(&json!({"origin": "by hand", "owner": "tests", "effectiveFrom": "2025-01-01T00:00:00Z", "models": [
        {"provider": "acme", "model": "large", "in": 3_000_000_000_i64, "out": 15_000_000_000_i64, "cacheRead": 300_000_000,
         "cacheWrite": 3_750_000_000_i64, "cacheWrite1h": 6_000_000_000_i64, "perSearch": 10_000_000, "tiers": [
            {"aboveInput": 200_000, "prices": {"in": 6_000_000_000_i64, "out": 22_500_000_000_i64}},
            {"serviceTier": "batch", "prices": {"in": 1_500_000_000, "out": 7_500_000_000_i64}}]},
        {"provider": "acme", "model": "odd", "in": 1, "out": 499_999, "tiers": []},
    ]}));
    let call = |id: &str, model: &str, usage: Value| json!({"callId": id, "startedAt": "2026-01-02T03:04:05Z", "status": "success", "modelId": model, "provider": "acme", "usage": usage});
    let mut batch = call("batch", "large", json!({"inputUncached": 1_000, "output": 100}));
    batch["serviceTier"] = "batch".into();
    let mut billed = call("billed", "large", json!({"inputUncached": 1_000_000, "output": 1}));
    billed["billedCostUsd"] = serde_json::from_str("0.000000007").expect("a number");
    let calls = json!([
        call(
            "caches",
            "large",
            json!({"inputUncached": 1_000, "cacheRead": 20_001, "cacheWrite5m": 300, "cacheWrite1h": 70,
            "cacheWrite": 5, "output": 41, "webSearchRequests": 2})
        ),
        call("above", "large", json!({"inputUncached": 200_001, "output": 10})),
        batch,
        billed,
        call("rounded down", "odd", json!({"inputUncached": 0, "output": 1})),
        call("rounded up", "odd", json!({"inputUncached": 1, "output": 1})),
        call("unknown", "stranger", json!({"inputUncached": 1, "output": 1})),
    ]);
    world.takes(&with_calls("s", &json!({"provider": "acme"}), &calls));
    let (usage, calls) = usage_of(&world, "s");
    let mut sum = 0;
    for (id, nano) in [
        // 3,000,000 + 6,000,300 + 1,125,000 + 18,750 + 420,000 + 615,000 + two searches
        ("caches", Some(3_000_000 + 6_000_300 + 1_125_000 + 18_750 + 420_000 + 615_000 + 20_000_000)),
        ("above", Some(200_001 * 6_000 + 10 * 22_500)),
        ("batch", Some(1_000 * 1_500 + 100 * 7_500)),
        ("billed", Some(7)),
        ("rounded down", Some(0)),
        ("rounded up", Some(1)),
        ("unknown", None),
    ] {
        let call = calls.iter().find(|call| call.call_id == id).expect("a call");
        assert_eq!(call.cost.amount().map(|amount| amount.0), nano, "{id}");
        let version = call.cost.pricing_version().map(|version| version.as_str().to_owned());
        match id {
            "billed" => assert_eq!(version.as_deref(), Some("provider_native")),
            "unknown" => assert_eq!(version, None, "absent, not 0"),
            _ => assert!(version.is_some_and(|version| version.starts_with("px-"))),
        }
        sum += nano.unwrap_or(0);
    }
    assert_eq!((usage.cost.amount(), usage.unpriced_calls), (Some(Nano(sum)), 1));
    assert_eq!(usage.cost.pricing_version().map(|version| version.as_str()), Some("mixed"));
    let day: Figures = figures(&world).into_iter().filter(|(place, _)| place.0 == 1 && place.1 == 86_400).fold(
        Figures::default(),
        |mut sums, (_, part)| {
            (sums.cost, sums.unpriced, sums.runs) =
                (sums.cost + part.cost, sums.unpriced + part.unpriced, sums.runs + part.runs);
            sums
        },
    );
    assert_eq!((day.cost, day.unpriced, day.runs), (sum, 1, 7), "the unpriced call is counted apart");
    holds(&world);
}

fn ag_18_a_replay_moves_no_sum(backend: Backend) {
    let world = World::new(backend);
    let calls = json!([{"callId": "c", "startedAt": "2026-01-02T03:04:05Z", "status": "success", "billedCostUsd": 3}]);
    let envelope = keyed(with_calls("s", &json!({"state": "done", "promptTokens": 7}), &calls), "once");
    world.takes(&envelope);
    let before = (kept(&world), rows(&world));
    for _ in 0..3 {
        world.clock.advance_micros(60_000_000);
        assert!(world.takes(&envelope).idempotent_replay);
        assert!(world.takes(&with(session("s", "running"), "title", "late")).stale);
        assert!((kept(&world), rows(&world)) == before, "no sum and no time moves");
    }
}

/// A call that a span saw at eleven and its client at one belongs to eleven, and costs what it did then, whoever's word counts.
fn a_call_that_began_before_the_prices_changed_costs_what_it_did(backend: Backend) {
    for order in [[0, 1], [1, 0]] {
        let world = World::new(backend);
        for list in price_files() {
            world.has_prices(&list);
        }
        let call = |id: &str, at: i64, output: i64| {
            json!([{"callId": id, "startedAt": exhibit_model::time::Timestamp(at).to_string(), "status": "success",
                "modelId": "alpha", "provider": "acme", "responseId": "r", "usage": {"inputUncached": 1_000, "output": output}}])
        };
        let hour = 3_600_000_000;
        let documents = [
            ("otlp_span", with_calls("span", &json!({}), &call("1", SECOND_LIST_AT - hour, 10))),
            ("api", with_calls("client", &json!({}), &call("2", SECOND_LIST_AT + hour, 70))),
        ];
        for place in order {
            world.collects(documents[place].0, &documents[place].1);
        }
        let (usage, calls) = usage_of(&world, "span");
        let buckets = [1_000, 0, 0, 0, 0, 70, 0, 0];
        let then = cost_under("alpha", &buckets, false, false);
        assert_ne!(then, cost_under("alpha", &buckets, false, true));
        assert_eq!(calls[0].cost.amount().map(|amount| amount.0), then, "{order:?}");
        assert_eq!(usage.cost.amount().map(|amount| amount.0), then);
        assert_eq!(usage_of(&world, "client").1, Vec::new());
        holds(&world);
    }
}

/// An earlier record of its only call takes the call away; what is left is what the session says itself.
fn a_session_that_loses_its_calls_loses_their_cost(backend: Backend) {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    let call = |at: &str| {
        json!([{"callId": "m", "startedAt": at, "status": "success", "modelId": "alpha", "provider": "acme",
            "usage": {"inputUncached": 1_000, "output": 10}}])
    };
    let model = json!({"modelId": "alpha", "provider": "acme"});
    world.collects("claude_jsonl", &with_calls("later", &model, &call("2026-01-02T04:00:00Z")));
    let sums = json!({"modelId": "alpha", "provider": "acme", "promptTokens": 50, "completionTokens": 5});
    world.collects("claude_jsonl", &with_calls("sums", &sums, &call("2026-01-02T03:30:00Z")));
    world.collects("claude_jsonl", &with_calls("first", &model, &call("2026-01-02T03:10:00Z")));
    assert_eq!(usage_of(&world, "first").1.len(), 1);
    let lost = usage_of(&world, "later").0;
    assert_eq!((lost.cost.amount(), lost.call_count, lost.tokens.counts.total), (None, 0, None));
    let told = usage_of(&world, "sums").0;
    let own = cost_under("alpha", &[50, 0, 0, 0, 0, 5, 0, 0], false, false);
    assert_eq!((told.cost.amount().map(|amount| amount.0), told.call_count), (own, 0));
    holds(&world);
}

/// Another agent, model, category, day and state: what it contributed before is nowhere any more.
fn a_session_that_is_told_anew_moves_its_sums(backend: Backend) {
    let world = World::new(backend);
    let calls = json!([{"callId": "c", "startedAt": "2026-01-02T03:04:05Z", "status": "success", "billedCostUsd": 3}]);
    world.takes(&with_calls("s", &json!({"taskCategory": "build"}), &calls));
    let moved = json!({"agentId": "other", "modelId": "beta", "taskCategory": "chat", "startedAt": "2026-01-04T03:04:05Z",
        "state": "failed", "runtimeMs": 9, "billedCostUsd": 4});
    world.takes(&with_calls("s", &moved, &json!([])));
    let kept = figures(&world);
    assert!(kept.keys().all(|place| place.3 == "other" && place.5 == "chat"), "{kept:?}");
    let sum = |basis: i64| -> i64 {
        kept.iter().filter(|(place, _)| (place.0, place.1) == (basis, 3_600)).map(|(_, figures)| figures.cost).sum()
    };
    assert_eq!((sum(0), sum(1)), (4_000_000_000, 4_000_000_000), "the bill of the whole counts once");
    holds(&world);
}
