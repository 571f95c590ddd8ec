//! Prices from `model_prices_and_context_window.json` of LiteLLM: dollars per token, by model.

use std::collections::BTreeSet;

use exhibit_model::findings::Findings;
use exhibit_model::json::{JsonLimits, parse_strict};
use serde_json::{Map, Value};

use super::decimal::{per_token, whole};
use super::snapshot::{
    Draft, Head, Loaded, MODELS_MAX, ModelPrices, NAME_BYTES_MAX, Prices, SNAPSHOT_BYTES_MAX, Snapshot, TIERS_MAX, Tier,
};
use crate::contract::ServiceTier;

const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";
const CACHE_READ: &str = "cache_read_input_token_cost";
const CACHE_WRITE: &str = "cache_creation_input_token_cost";
const CACHE_WRITE_1H: &str = "cache_creation_input_token_cost_above_1hr";

/// Longest first, because one name begins another.
const BASES: [&str; 5] = [CACHE_WRITE_1H, CACHE_WRITE, CACHE_READ, INPUT, OUTPUT];

/// What the file calls the services that have prices of their own.
const SERVICES: [(&str, ServiceTier); 3] =
    [("_batches", ServiceTier::Batch), ("_flex", ServiceTier::Flex), ("_priority", ServiceTier::Priority)];

/// Entries that are no models.
const NO_MODELS: [&str; 2] = ["sample_spec", "fallback_generalizations"];

/// Sorts of models that have no output tokens, so that a missing price of them is 0.
const WITHOUT_OUTPUT: [&str; 2] = ["embedding", "rerank"];

/// Makes a list of the file: `{<model>: {litellm_provider, input_cost_per_token, output_cost_per_token, …}}`.
///
/// The provider is `litellm_provider`; a name that begins with it loses that beginning and keeps the whole as an alias. Prices above a size of
/// input (`_above_200k_tokens`) and of a service (`_batches`, `_flex`, `_priority`) become tiers, and where one leaves a price out, the next
/// more general one holds: size and service, size, service, neither. Searches have the price of the medium size of context.
///
/// # Errors
/// Those of [`parse_strict`], `wrong_type` when it is no such file, `no_prices` when nothing in it has a price, and those of
/// [`Snapshot::new`].
pub fn load(bytes: &[u8], head: Head) -> Result<Loaded, Findings> {
    let value = parse_strict(bytes, &JsonLimits::of_bytes(SNAPSHOT_BYTES_MAX))?;
    let Value::Object(entries) = value else {
        return Err(Findings::one("", "wrong_type", "must be an object of models"));
    };
    let mut models: Vec<ModelPrices> = Vec::new();
    let mut taken: BTreeSet<(Option<String>, String)> = BTreeSet::new();
    let (mut without_prices, mut unusable) = (0, 0);
    for (key, entry) in entries.iter().filter(|(key, _)| !NO_MODELS.contains(&key.as_str())) {
        let Some(entry) = entry.as_object() else {
            unusable += 1;
            continue;
        };
        if !has_token_prices(entry) {
            without_prices += 1;
            continue;
        }
        let Some(mut model) = model_of(key, entry).filter(|_| models.len() < MODELS_MAX) else {
            unusable += 1;
            continue;
        };
        if !taken.insert((model.provider.clone(), model.model.clone())) {
            unusable += 1;
            continue;
        }
        model.aliases.retain(|alias| taken.insert((model.provider.clone(), alias.clone())));
        models.push(model);
    }
    if models.is_empty() {
        return Err(Findings::one("", "no_prices", "no model in it has a price"));
    }
    Ok(Loaded { snapshot: Snapshot::new(Draft { head, models })?, without_prices, unusable })
}

fn has_token_prices(entry: &Map<String, Value>) -> bool {
    let has = |name: &str| entry.get(name).is_some_and(|value| !value.is_null());
    has(INPUT) && (has(OUTPUT) || is_without_output(entry))
}

fn is_without_output(entry: &Map<String, Value>) -> bool {
    entry.get("mode").and_then(Value::as_str).is_some_and(|mode| WITHOUT_OUTPUT.contains(&mode))
}

/// A model; `None` when its name or one of its prices cannot be used.
fn model_of(key: &str, entry: &Map<String, Value>) -> Option<ModelPrices> {
    let provider = entry.get("litellm_provider").and_then(Value::as_str).filter(|name| !name.is_empty());
    let short = provider.and_then(|provider| key.strip_prefix(provider)?.strip_prefix('/'));
    let model = short.unwrap_or(key);
    if [Some(key), Some(model), provider].into_iter().flatten().any(|it| it.is_empty() || it.len() > NAME_BYTES_MAX) {
        return None;
    }
    let base = prices_of(entry, &[String::new()])?;
    let mut conditions = BTreeSet::new();
    for name in entry.keys() {
        conditions.extend(condition_of(name));
    }
    let mut tiers = Vec::with_capacity(conditions.len());
    for (thousands, service) in conditions {
        let size = thousands.map(|thousands| format!("_above_{thousands}k_tokens")).unwrap_or_default();
        let word = SERVICES.iter().find(|(_, it)| Some(*it) == service).map_or("", |(word, _)| word);
        let endings = [format!("{size}{word}"), size, word.to_owned(), String::new()];
        tiers.push(Tier {
            above_input: thousands.map(|thousands| thousands.saturating_mul(1_000)),
            service_tier: service,
            prices: prices_of(entry, &endings)?,
        });
    }
    (tiers.len() <= TIERS_MAX).then(|| ModelPrices {
        provider: provider.map(str::to_owned),
        model: model.to_owned(),
        aliases: short.map(|_| key.to_owned()).into_iter().collect(),
        prices: base,
        tiers,
    })
}

/// The size of input in thousands and the service that the name of a price is for; `None` for a price without either, and for other names.
fn condition_of(name: &str) -> Option<(Option<i64>, Option<ServiceTier>)> {
    let mut rest = BASES.iter().find_map(|base| name.strip_prefix(base))?;
    let mut thousands = None;
    if let Some((digits, after)) = rest.strip_prefix("_above_").and_then(|it| it.split_once("k_tokens")) {
        // A million thousands of tokens are more than any model takes.
        thousands = Some(digits.parse().ok().filter(|thousands| (1..=1_000_000).contains(thousands))?);
        rest = after;
    }
    let service = SERVICES.iter().find(|(word, _)| *word == rest).map(|(_, service)| *service);
    let known = service.is_some() || (rest.is_empty() && thousands.is_some());
    known.then_some((thousands, service))
}

/// The prices whose names have the first of these endings that is there; `None` when one of them is no price.
fn prices_of(entry: &Map<String, Value>, endings: &[String]) -> Option<Prices> {
    let read = |base: &str| {
        let mut values = endings.iter().filter_map(|ending| entry.get(&format!("{base}{ending}")));
        match values.find(|value| !value.is_null()) {
            Some(value) => per_token(value).map(Some),
            None => Some(None),
        }
    };
    let searches = entry.get("search_context_cost_per_query").and_then(|sizes| sizes.get("search_context_size_medium"));
    let output = match read(OUTPUT)? {
        Some(output) => output,
        None if is_without_output(entry) => 0,
        None => return None,
    };
    Some(Prices {
        input: read(INPUT)??,
        output,
        cache_read: read(CACHE_READ)?,
        cache_write: read(CACHE_WRITE)?,
        cache_write_1h: read(CACHE_WRITE_1H)?,
        per_search: searches.and_then(whole),
    })
}
