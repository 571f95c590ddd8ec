//! What holds for every usage object: AG-41.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::objects::*;
use super::*;
use crate::contract::Semantics;

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

type Read = fn(&Map<String, Value>) -> Normalised;

/// Every reader, for tests that hold for all of them.
const READERS: [Read; 8] = [openai, anthropic, claude_log, codex, codex_log, openclaw, otel, litellm];

/// Names that some reader asks for.
const NAMES: [&str; 24] = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens_details",
    "cache_creation",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cached_input_tokens",
    "reasoning_output_tokens",
    "input_token_count",
    "cached_token_count",
    "output_token_count",
    "input",
    "cacheRead",
    "cacheWrite",
    "totalTokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
];

fn any_value() -> impl Strategy<Value = Value> {
    let count = prop_oneof![
        any::<i64>().prop_map(Value::from),
        (0..1_000_i64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[-0-9]{0,40}".prop_map(Value::from),
        Just(Value::Null),
        Just(json!([1])),
    ];
    let inner = prop::collection::btree_map(
        prop::sample::select(vec![
            "cached_tokens",
            "reasoning_tokens",
            "cache_creation_tokens",
            "ephemeral_5m_input_tokens",
        ]),
        count.clone(),
        0..4,
    );
    prop_oneof![
        3 => count,
        1 => inner.prop_map(|map| Value::Object(map.into_iter().map(|(name, it)| (name.to_owned(), it)).collect())),
    ]
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), any_value(), 0..10)
        .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #[test]
    fn no_object_panics_and_no_bucket_is_negative(map in any_object()) {
        let mut all: Vec<Normalised> = READERS.iter().map(|read| read(&map)).collect();
        for semantics in Semantics::EVERY {
            all.push(of_contract(&Usage::Raw(map.clone(), *semantics)));
        }
        for Normalised { usage, .. } in all {
            prop_assert!(usage.counts.named().iter().all(|(_, count)| count.is_none_or(|it| (0..=COUNT_MAX).contains(&it))));
            prop_assert!(usage.total_only.is_none() || (usage.input().is_none() && usage.output().is_none()));
            prop_assert_eq!(usage.total().is_none(), usage.provenance == Provenance::MISSING);
            if let (Some(reasoning), Some(output)) = (usage.counts.reasoning, usage.counts.output) {
                prop_assert!(reasoning <= output);
            }
        }
    }

    /// AG-41: however the input is cut, the sum is what the source counted.
    #[test]
    fn ag_41_the_sum_is_that_of_the_source(uncached in 0..1_000_000_i64, read in 0..1_000_000_i64, write in 0..1_000_000_i64, output in 0..1_000_000_i64) {
        let input = uncached + read + write;
        let inclusive = otel(&object(&json!({
            "gen_ai.usage.input_tokens": input, "gen_ai.usage.cache_read.input_tokens": read,
            "gen_ai.usage.cache_creation.input_tokens": write, "gen_ai.usage.output_tokens": output,
        })));
        let exclusive = openclaw(&object(&json!({
            "input": uncached, "cacheRead": read, "cacheWrite": write, "output": output, "totalTokens": input + output,
        })));
        prop_assert_eq!(inclusive.usage.counts, exclusive.usage.counts);
        prop_assert_eq!(inclusive.usage.total(), Some(input + output));
        prop_assert!(inclusive.findings.is_empty() && exclusive.findings.is_empty());
    }
}
