//! Lists that are made from the files of LiteLLM and models.dev.

use exhibit_model::findings::Findings;
use exhibit_model::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::contract::ServiceTier;

fn head() -> Head {
    Head { origin: "file".to_owned(), owner: "ops".to_owned(), effective_from: Timestamp(0), review_at: None }
}

fn loaded(load: fn(&[u8], Head) -> Result<Loaded, Findings>, value: &Value) -> Loaded {
    load(value.to_string().as_bytes(), head()).unwrap_or_else(|findings| panic!("{findings}"))
}

fn prices(input: i64, output: i64, read: Option<i64>, write: Option<i64>, hour: Option<i64>) -> Prices {
    Prices { input, output, cache_read: read, cache_write: write, cache_write_1h: hour, per_search: None }
}

#[test]
fn a_map_of_litellm_becomes_a_list() {
    let file = json!({
        "sample_spec": { "input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "mode": "one of: chat" },
        "fallback_generalizations": { "rules": [] },
        "claude-sonnet-4-5": {
            "litellm_provider": "anthropic", "mode": "chat",
            "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
            "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
            "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
            "input_cost_per_token_batches": 1.5e-06,
            "search_context_cost_per_query": { "search_context_size_medium": 0.01 },
        },
        "gemini/gemini-2.5-pro": {
            "litellm_provider": "gemini", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
            "input_cost_per_token_above_200k_tokens_priority": 5e-06,
        },
        "text-embedding-3-small": { "litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 2e-08 },
        "dall-e-3": { "litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04 },
        "negative": { "input_cost_per_token": -1.0, "output_cost_per_token": 1e-06 },
        "odd": 5,
    });
    let Loaded { snapshot, without_prices, unusable } = loaded(litellm::load, &file);
    assert_eq!((without_prices, unusable), (1, 2));
    let [sonnet, gemini, embedding] = snapshot.models() else { panic!("{:?}", snapshot.models()) };
    let base = prices(3_000_000_000, 15_000_000_000, Some(300_000_000), Some(3_750_000_000), Some(6_000_000_000));
    let per_search = Some(10_000_000);
    assert_eq!((sonnet.model.as_str(), sonnet.prices), ("claude-sonnet-4-5", Prices { per_search, ..base }));
    let tiers = [
        (None, Some(ServiceTier::Batch), Prices { input: 1_500_000_000, per_search, ..base }),
        (
            Some(200_000),
            None,
            Prices {
                per_search,
                ..prices(6_000_000_000, 22_500_000_000, Some(300_000_000), Some(3_750_000_000), Some(12_000_000_000))
            },
        ),
    ];
    let tiers = tiers.map(|(above_input, service_tier, prices)| Tier { above_input, service_tier, prices });
    assert_eq!(sonnet.tiers, tiers);
    assert_eq!(
        (gemini.model.as_str(), gemini.aliases.as_slice()),
        ("gemini-2.5-pro", &["gemini/gemini-2.5-pro".to_owned()][..])
    );
    let priority = Tier {
        above_input: Some(200_000),
        service_tier: Some(ServiceTier::Priority),
        prices: prices(5_000_000_000, 10_000_000_000, None, None, None),
    };
    assert_eq!(gemini.tiers, [priority]);
    assert_eq!(embedding.prices, prices(20_000_000, 0, None, None, None));
    // The same provider under the name that a span has for it.
    let found = snapshot.find(Some("gcp.gemini"), "gemini-2.5-pro").expect("found");
    assert_eq!(found.by, MatchBy::ProviderAndModel);
}

#[test]
fn a_file_of_models_dev_becomes_a_list() {
    let file = json!({
        "anthropic": { "id": "anthropic", "models": {
            "claude-haiku-4-5": { "cost": { "input": 1, "output": 5, "cache_read": 0.1, "cache_write": 1.25 } },
            "no-cost": { "name": "x" },
        } },
        "openai": { "models": {
            "gpt-5.5": { "cost": {
                "input": 5, "output": 30, "cache_read": 0.5, "context_over_200k": { "input": 9, "output": 9 },
                "tiers": [{ "input": 10, "output": 45, "cache_read": 1, "tier": { "type": "context", "size": 272_000 } }],
            } },
            "odd-tier": { "cost": { "input": 1, "output": 1, "tiers": [{ "input": 1, "output": 1, "tier": { "type": "moon", "size": 1 } }] } },
            "half": { "cost": { "input": 1 } },
        } },
        "google": { "models": {
            "gemini-2.5-pro": { "cost": { "input": 1.25, "output": 10, "cache_read": 0.31, "context_over_200k": { "input": 2.5, "output": 15 } } },
        } },
        "reseller": { "models": { "claude-haiku-4-5": { "cost": { "input": 0, "output": 0 } } } },
        "empty": {},
    });
    let Loaded { snapshot, without_prices, unusable } = loaded(models_dev::load, &file);
    assert_eq!((without_prices, unusable), (1, 3));
    assert_eq!(snapshot.models().len(), 4);
    let model = |provider: &str, name: &str| snapshot.find(Some(provider), name).expect(name).model;
    assert_eq!(
        model("anthropic", "claude-haiku-4-5").prices,
        prices(1_000_000_000, 5_000_000_000, Some(100_000_000), Some(1_250_000_000), None)
    );
    let tier = |above, prices| Tier { above_input: Some(above), service_tier: None, prices };
    let above = prices(10_000_000_000, 45_000_000_000, Some(1_000_000_000), None, None);
    assert_eq!(model("openai", "gpt-5.5").tiers, [tier(272_000, above)]);
    let above = prices(2_500_000_000, 15_000_000_000, Some(310_000_000), None, None);
    assert_eq!(model("google", "gemini-2.5-pro").tiers, [tier(200_000, above)]);
    // Nobody says who served it: the maker's price, not the reseller's nothing.
    let found = snapshot.find(None, "claude-haiku-4-5").expect("found");
    assert_eq!((found.model.provider.as_deref(), found.contested), (Some("anthropic"), false));
    assert_eq!(model("reseller", "claude-haiku-4-5").prices.input, 0);
}

#[test]
fn files_without_prices_are_refused() {
    for load in [litellm::load, models_dev::load] {
        for text in ["{}", "[]", "5", "", "{\"a\":{\"models\":{}}}"] {
            assert!(load(text.as_bytes(), head()).is_err(), "{text}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        "\\PC{0,8}".prop_map(Value::from),
        (0..1_000_i64).prop_map(|it| json!(it)),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "models",
            "cost",
            "input",
            "output",
            "cache_read",
            "tiers",
            "tier",
            "type",
            "size",
            "context_over_200k",
            "input_cost_per_token",
            "output_cost_per_token",
            "input_cost_per_token_above_200k_tokens",
            "output_cost_per_token_flex",
            "input_cost_per_token_above_99999999999999999999k_tokens",
            "litellm_provider",
            "search_context_cost_per_query",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            4 => prop::collection::btree_map(name.clone(), inner.clone(), 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

proptest! {
    #[test]
    fn no_file_panics(value in any_json(), bytes in prop::collection::vec(any::<u8>(), 0..32)) {
        for load in [litellm::load, models_dev::load] {
            load(&bytes, head()).expect_err("no file");
            if let Ok(Loaded { snapshot, .. }) = load(value.to_string().as_bytes(), head()) {
                prop_assert!(!snapshot.models().is_empty());
            }
        }
    }
}
