//! Prices from `api.json` of models.dev: dollars per million tokens, by provider and model.

use exhibit_model::findings::Findings;
use exhibit_model::json::{JsonLimits, parse_strict};
use serde_json::{Map, Value};

use super::decimal::whole;
use super::snapshot::{
    Draft, Head, Loaded, MODELS_MAX, ModelPrices, NAME_BYTES_MAX, Prices, SNAPSHOT_BYTES_MAX, Snapshot, TIERS_MAX, Tier,
};

/// The size of input above which the older field of the file holds.
const OLD_TIER_ABOVE: i64 = 200_000;

/// Makes a list of the file: `{<provider>: {models: {<model>: {cost: {input, output, cache_read?, cache_write?, tiers?,
/// context_over_200k?}}}}}`. The file says nothing about an hour in a cache, about services and about searches. Its tiers by size of input
/// count; where it has none, its older field for more than 200,000 tokens does. Where a tier leaves a price out, that of the model holds.
/// What was thought is part of the output here and has its price, also where the file has another one for it.
///
/// # Errors
/// Those of [`parse_strict`], `wrong_type` when it is no such file, `no_prices` when nothing in it has a price, and those of
/// [`Snapshot::new`].
pub fn load(bytes: &[u8], head: Head) -> Result<Loaded, Findings> {
    let value = parse_strict(bytes, &JsonLimits::of_bytes(SNAPSHOT_BYTES_MAX))?;
    let Value::Object(providers) = value else {
        return Err(Findings::one("", "wrong_type", "must be an object of providers"));
    };
    let mut models = Vec::new();
    let (mut without_prices, mut unusable) = (0, 0);
    for (provider, entry) in &providers {
        let Some(entries) = entry.get("models").and_then(Value::as_object) else {
            unusable += 1;
            continue;
        };
        for (name, entry) in entries {
            let Some(cost) = entry.get("cost").and_then(Value::as_object) else {
                without_prices += 1;
                continue;
            };
            let named = [provider, name].iter().all(|text| (1..=NAME_BYTES_MAX).contains(&text.len()));
            match model_of(cost).filter(|_| named && models.len() < MODELS_MAX) {
                Some((prices, tiers)) => models.push(ModelPrices {
                    provider: Some(provider.clone()),
                    model: name.clone(),
                    aliases: Vec::new(),
                    prices,
                    tiers,
                }),
                None => unusable += 1,
            }
        }
    }
    if models.is_empty() {
        return Err(Findings::one("", "no_prices", "no model in it has a price"));
    }
    Ok(Loaded { snapshot: Snapshot::new(Draft { head, models })?, without_prices, unusable })
}

/// The prices of a model; `None` when one of them is no price.
fn model_of(cost: &Map<String, Value>) -> Option<(Prices, Vec<Tier>)> {
    let prices = prices_of(cost, None)?;
    let mut tiers: Vec<Tier> = Vec::new();
    for entry in cost.get("tiers").and_then(Value::as_array).into_iter().flatten() {
        let by = entry.get("tier")?;
        if by.get("type").and_then(Value::as_str) != Some("context") {
            return None;
        }
        let above_input = by.get("size").and_then(Value::as_i64)?;
        tiers.push(Tier {
            above_input: Some(above_input),
            service_tier: None,
            prices: prices_of(entry.as_object()?, Some(&prices))?,
        });
    }
    if tiers.is_empty()
        && let Some(over) = cost.get("context_over_200k").and_then(Value::as_object)
    {
        let prices = prices_of(over, Some(&prices))?;
        tiers.push(Tier { above_input: Some(OLD_TIER_ABOVE), service_tier: None, prices });
    }
    tiers.sort_by_key(|tier| tier.above_input);
    let sizes_differ = tiers.windows(2).all(|pair| pair[0].above_input != pair[1].above_input);
    let sizes_fit = tiers.iter().all(|tier| tier.above_input.is_some_and(|above| above >= 0));
    (sizes_differ && sizes_fit && tiers.len() <= TIERS_MAX).then_some((prices, tiers))
}

fn prices_of(object: &Map<String, Value>, base: Option<&Prices>) -> Option<Prices> {
    // Absent is the price of the model, when there is one; a price that cannot be read is neither.
    let read = |name: &str, instead: Option<i64>| match object.get(name) {
        None | Some(Value::Null) => Some(instead),
        Some(value) => whole(value).map(Some),
    };
    Some(Prices {
        input: read("input", base.map(|base| base.input))??,
        output: read("output", base.map(|base| base.output))??,
        cache_read: read("cache_read", base.and_then(|base| base.cache_read))?,
        cache_write: read("cache_write", base.and_then(|base| base.cache_write))?,
        cache_write_1h: None,
        per_search: None,
    })
}
