//! A golden for each usage object, and how far it is trusted: AG-41.

use serde_json::{Map, Value, json};

use super::objects::*;
use super::*;
use crate::contract::{Semantics, ServiceTier};
use crate::provenance::{Level, Source};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// AG-41: an object of Anthropic that names no cache is one of Anthropic still, and its searches count.
#[test]
fn ag_41_searches_count_without_a_cache() {
    let said = json!({"input_tokens": 7, "output_tokens": 3, "server_tool_use": {"web_search_requests": 2}});
    let used = of_contract(&crate::contract::Usage::Raw(object(&said), Semantics::Exclusive)).usage;
    assert_eq!((used.counts.web_search_requests, used.counts.input_uncached), (Some(2), Some(7)));
}

/// Input uncached, read, written (no split, 5 m, 1 h), output, reasoning.
type Buckets = [Option<i64>; 7];

fn buckets_of(usage: &CallUsage) -> Buckets {
    let counts = usage.counts;
    [
        counts.input_uncached,
        counts.cache_read,
        counts.cache_write,
        counts.cache_write_5m,
        counts.cache_write_1h,
        counts.output,
        counts.reasoning,
    ]
}

/// An object, how it is read, its buckets, and the sum that the source gives.
type Golden = (&'static str, fn(&Map<String, Value>) -> Normalised, Value, Buckets, i64);

fn inclusive_goldens() -> Vec<Golden> {
    vec![
        (
            "OpenAI chat",
            openai,
            json!({
                "prompt_tokens": 1_200, "completion_tokens": 300, "total_tokens": 1_500,
                "prompt_tokens_details": { "cached_tokens": 1_024, "audio_tokens": 0 },
                "completion_tokens_details": { "reasoning_tokens": 128, "accepted_prediction_tokens": 0 },
            }),
            [Some(176), Some(1_024), None, None, None, Some(300), Some(128)],
            1_500,
        ),
        (
            "OpenAI responses",
            openai,
            json!({
                "input_tokens": 328, "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": 52.0, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 380,
            }),
            [Some(328), Some(0), None, None, None, Some(52), Some(0)],
            380,
        ),
        (
            "Codex JSONL",
            codex,
            json!({
                "input_tokens": 7_823, "cached_input_tokens": 5_504, "output_tokens": 251,
                "reasoning_output_tokens": 64, "total_tokens": 8_074,
            }),
            [Some(2_319), Some(5_504), None, None, None, Some(251), Some(64)],
            8_074,
        ),
        (
            "Codex log",
            codex_log,
            json!({
                "event.kind": "response.completed", "input_token_count": "900", "cached_token_count": 400,
                "output_token_count": 60, "reasoning_token_count": "20", "tool_token_count": 960,
            }),
            [Some(500), Some(400), None, None, None, Some(60), Some(20)],
            960,
        ),
        (
            "OpenTelemetry",
            otel,
            json!({
                "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.cache_read.input_tokens": 600,
                "gen_ai.usage.cache_creation.input_tokens": 100, "gen_ai.usage.output_tokens": 40,
                "gen_ai.provider.name": "anthropic",
            }),
            [Some(300), Some(600), Some(100), None, None, Some(40), None],
            1_040,
        ),
        (
            "LiteLLM",
            litellm,
            json!({
                "prompt_tokens": 130, "completion_tokens": 25, "total_tokens": 155,
                "cache_read_input_tokens": 20, "cache_creation_input_tokens": 10,
                "prompt_tokens_details": {
                    "cached_tokens": 20, "cache_creation_tokens": 10,
                    "cache_creation_token_details": { "ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 3 },
                },
            }),
            [Some(100), Some(20), None, Some(7), Some(3), Some(25), None],
            155,
        ),
    ]
}

fn exclusive_goldens() -> Vec<Golden> {
    vec![
        (
            "Anthropic",
            anthropic,
            json!({
                "input_tokens": 4, "cache_read_input_tokens": 12_000, "cache_creation_input_tokens": 900,
                "cache_creation": { "ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 300 },
                "output_tokens": 77, "service_tier": "standard",
            }),
            [Some(4), Some(12_000), Some(100), Some(500), Some(300), Some(77), None],
            12_981,
        ),
        (
            "Anthropic without a split",
            anthropic,
            json!({ "input_tokens": 4, "cache_creation_input_tokens": 900, "cache_read_input_tokens": 0, "output_tokens": 7 }),
            [Some(4), Some(0), Some(900), None, None, Some(7), None],
            911,
        ),
        (
            "Anthropic, all of it split",
            anthropic,
            json!({
                "input_tokens": 1, "cache_creation_input_tokens": 9, "output_tokens": 1,
                "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 9 },
            }),
            [Some(1), None, None, Some(0), Some(9), Some(1), None],
            11,
        ),
        (
            "Claude log",
            claude_log,
            json!({
                "input_tokens": "3", "cache_read_tokens": 50, "cache_creation_tokens": 20, "output_tokens": 9,
                "cost_usd": 0.01, "model": "claude-sonnet-4-5",
            }),
            [Some(3), Some(50), Some(20), None, None, Some(9), None],
            82,
        ),
        (
            "OpenClaw",
            openclaw,
            json!({
                "input": 10, "output": 20, "cacheRead": 30, "cacheWrite": 40, "totalTokens": 100,
                "cost": { "total": 0.1 },
            }),
            [Some(10), Some(30), Some(40), None, None, Some(20), None],
            100,
        ),
    ]
}

/// AG-41: the buckets of each usage object do not overlap, and their sum is that of the source.
#[test]
fn ag_41_golden_per_usage_object() {
    let goldens = [(UsageSemantics::Inclusive, inclusive_goldens()), (UsageSemantics::Exclusive, exclusive_goldens())];
    for (semantics, goldens) in goldens {
        for (name, read, value, buckets, total) in goldens {
            let Normalised { usage, findings } = read(&object(&value));
            assert!(findings.is_empty(), "{name}: {findings}");
            assert_eq!(buckets_of(&usage), buckets, "{name}");
            assert_eq!(usage.total(), Some(total), "{name}");
            assert_eq!(usage.semantics, semantics, "{name}");
            assert_eq!(usage.provenance, Provenance::new(Source::ProviderReported, Level::High), "{name}");
        }
    }
}

/// AG-41: an object of the contract is recognised by its names, and its sender's semantics say the same as ours.
#[test]
fn ag_41_raw_objects_are_recognised() {
    let goldens = [(Semantics::Inclusive, inclusive_goldens()), (Semantics::Exclusive, exclusive_goldens())];
    for (semantics, goldens) in goldens {
        for (name, read, value, ..) in goldens {
            // Only a reader of attributes takes texts for counts, and these are recognised as such.
            let raw = Usage::Raw(object(&value), semantics);
            assert_eq!(of_contract(&raw), read(&object(&value)), "{name}");
        }
    }
}

#[test]
fn the_sender_decides_what_the_input_means() {
    let value = object(&json!({ "input_tokens": 100, "cache_read_input_tokens": 30, "output_tokens": 5 }));
    let read = |semantics| of_contract(&Usage::Raw(value.clone(), semantics)).usage;
    assert_eq!(read(Semantics::Inclusive).counts.input_uncached, Some(70));
    assert_eq!(read(Semantics::Exclusive).counts.input_uncached, Some(100));
    let total = read(Semantics::TotalOnly);
    assert_eq!((total.total_only, total.semantics), (Some(105), UsageSemantics::TotalOnly));
    assert_eq!(total.input(), None);
    let unknown = of_contract(&Usage::Raw(object(&json!({ "tokens": 5 })), Semantics::Inclusive));
    assert_eq!(unknown.usage, CallUsage::UNKNOWN);
    assert_eq!(unknown.findings.iter().map(|it| it.code).collect::<Vec<_>>(), ["unknown_object"]);
}

#[test]
fn every_alias_of_a_span_is_read() {
    for (input, read, write, output) in [
        (
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.completion_tokens",
        ),
        (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.output_tokens",
        ),
        (
            "llm.token_count.prompt",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_write",
            "llm.token_count.completion",
        ),
    ] {
        let mut attributes = Map::new();
        for (name, count) in [(input, 100), (read, 30), (write, 20), (output, 7), ("llm.usage.total_tokens", 107)] {
            attributes.insert(name.to_owned(), Value::from(count));
        }
        let Normalised { usage, findings } = otel(&attributes);
        assert!(findings.is_empty(), "{findings}");
        assert_eq!(buckets_of(&usage), [Some(50), Some(30), Some(20), None, None, Some(7), None], "{input}");
    }
}

/// What is told in part is trusted in part, and what contradicts itself little.
#[test]
fn levels_follow_what_is_told() {
    type Case =
        (fn(&Map<String, Value>) -> Normalised, Value, Option<i64>, UsageSemantics, Level, &'static [&'static str]);
    let cases: [Case; 10] = [
        (openai, json!({ "prompt_tokens": 5 }), Some(5), UsageSemantics::Inclusive, Level::Medium, &[]),
        (openai, json!({ "total_tokens": 5 }), Some(5), UsageSemantics::TotalOnly, Level::Medium, &[]),
        (openai, json!({}), None, UsageSemantics::Unknown, Level::Unknown, &[]),
        (openai, json!({ "prompt_tokens": null }), None, UsageSemantics::Unknown, Level::Unknown, &[]),
        (
            openai,
            json!({ "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 8 }),
            Some(7),
            UsageSemantics::Inclusive,
            Level::Low,
            &["total_differs"],
        ),
        (
            codex,
            json!({ "input_tokens": 5, "cached_input_tokens": 6, "output_tokens": 1 }),
            Some(12),
            UsageSemantics::ExclusiveInferred,
            Level::Low,
            &["cache_exceeds_input"],
        ),
        (
            openai,
            json!({ "prompt_tokens": -5, "completion_tokens": 2 }),
            Some(2),
            UsageSemantics::Inclusive,
            Level::Low,
            &["negative_count"],
        ),
        (
            anthropic,
            json!({ "input_tokens": 1.5, "output_tokens": 1e300 }),
            None,
            UsageSemantics::Unknown,
            Level::Unknown,
            &["not_a_count", "count_out_of_range"],
        ),
        (
            anthropic,
            json!({
                "input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 3,
                "cache_creation": { "ephemeral_5m_input_tokens": 5 },
            }),
            Some(7),
            UsageSemantics::Exclusive,
            Level::Low,
            &["split_exceeds_total"],
        ),
        (
            openai,
            json!({ "prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": 7 }),
            Some(7),
            UsageSemantics::Inclusive,
            Level::Low,
            &["not_an_object"],
        ),
    ];
    for (read, value, total, semantics, level, codes) in cases {
        let Normalised { usage, findings } = read(&object(&value));
        assert_eq!((usage.total(), usage.semantics, usage.provenance.level), (total, semantics, level), "{value}");
        assert_eq!(findings.iter().map(|it| it.code).collect::<Vec<_>>(), codes, "{value}");
    }
}

#[test]
fn buckets_of_the_contract_are_kept() {
    let counts = Counts { input_uncached: Some(3), cache_read: Some(2), output: Some(1), ..Counts::default() };
    let Normalised { usage, findings } = of_contract(&Usage::Counted(counts));
    assert!(findings.is_empty());
    assert_eq!((usage.counts, usage.semantics, usage.total()), (counts, UsageSemantics::Disjoint, Some(6)));
    assert_eq!(usage.provenance.level, Level::High);
    let searches = Counts { web_search_requests: Some(1), ..Counts::default() };
    assert_eq!(of_contract(&Usage::Counted(searches)).usage.provenance, Provenance::MISSING);
    let wrong = Counts { input_uncached: Some(-1), output: Some(1), ..Counts::default() };
    let Normalised { usage, findings } = of_contract(&Usage::Counted(wrong));
    assert_eq!((usage.counts.input_uncached, usage.provenance.level), (None, Level::Low));
    assert_eq!(findings.iter().count(), 1);
    assert_eq!(of_contract(&Usage::Unknown).usage, CallUsage::UNKNOWN);
}

#[test]
fn counts_of_a_session_are_one_prompt() {
    let usage = of_session_counts(Some(10), Some(5), None);
    assert_eq!((usage.counts.input_uncached, usage.output(), usage.total()), (Some(10), Some(5), Some(15)));
    assert_eq!(of_session_counts(None, None, Some(9)).total_only, Some(9));
    assert_eq!(of_session_counts(None, None, None), CallUsage::UNKNOWN);
    assert_eq!(of_session_counts(Some(-1), None, None), CallUsage::UNKNOWN);
}

#[test]
fn services_are_named_in_the_object() {
    for (value, tier) in [
        (json!({ "service_tier": "batch" }), Some(ServiceTier::Batch)),
        (json!({ "service_tier": "default" }), Some(ServiceTier::Standard)),
        (json!({ "service_tier": "auto" }), None),
        (json!({ "service_tier": 1 }), None),
        (json!({}), None),
    ] {
        assert_eq!(service_tier(&object(&value)), tier, "{value}");
    }
}
