//! A list of prices, and the name that its content gives it.

use exhibit_model::canonical::to_canonical;
use exhibit_model::findings::Findings;
use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde_json::{Map, Value, json};

use super::index::{Index, Match};
use super::version::PricingVersion;
use crate::contract::ServiceTier;

/// Largest file of prices in bytes. The largest public ones have two to three million; this leaves room for years.
pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Models of one list. The largest public lists have a few thousand.
pub const MODELS_MAX: usize = 20_000;

/// Other names of one model: dated ones, and those of a few resellers.
pub const ALIASES_MAX: usize = 64;

/// Tiers of one model: each of four services, at four sizes of input.
pub const TIERS_MAX: usize = 16;

/// Longest name in bytes, as everywhere in the contract.
pub(super) const NAME_BYTES_MAX: usize = 256;

/// Largest price, in nano-USD per million tokens: nine million dollars.
pub const PRICE_MAX: i64 = SAFE_INTEGER_MAX;

/// Prices in nano-USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prices {
    /// Input that came from no cache.
    pub input: i64,
    /// Output, what was thought included.
    pub output: i64,
    /// Input that was read from a cache.
    pub cache_read: Option<i64>,
    /// Input that was written to a cache for five minutes, or for nobody says how long.
    pub cache_write: Option<i64>,
    /// Input that was written to a cache for an hour.
    pub cache_write_1h: Option<i64>,
    /// One search of the web, in nano-USD each.
    pub per_search: Option<i64>,
}

/// Other prices of a model, for large inputs or for another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// For calls with more input tokens than this, all of them; for any when absent.
    pub above_input: Option<i64>,
    /// For calls at this service; for any when absent.
    pub service_tier: Option<ServiceTier>,
    /// What holds then, instead of all prices of the model. A search that has no price here has that of the model.
    pub prices: Prices,
}

/// A model and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrices {
    /// Who serves it; anyone when absent.
    pub provider: Option<String>,
    /// Its name.
    pub model: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What it costs.
    pub prices: Prices,
    /// What it costs at other sizes and services.
    pub tiers: Vec<Tier>,
}

/// Who keeps a list, and when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the prices were taken from.
    pub origin: String,
    /// Who answers for them.
    pub owner: String,
    /// Since when they hold.
    pub effective_from: Timestamp,
    /// When they should be looked at again.
    pub review_at: Option<Timestamp>,
}

/// A list that was not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who keeps it, and when it holds.
    pub head: Head,
    /// Its models.
    pub models: Vec<ModelPrices>,
}

/// A list of prices that was checked. Two with the same content have the same name.
#[derive(Debug, Clone)]
pub struct Snapshot {
    draft: Draft,
    body: Vec<u8>,
    version: PricingVersion,
    index: Index,
}

/// A list that was made from someone else's file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The list.
    pub snapshot: Snapshot,
    /// Entries that have no token prices: images, speech, examples.
    pub without_prices: usize,
    /// Entries whose names or prices cannot be used, and names that occur again.
    pub unusable: usize,
}

impl Snapshot {
    /// Checks a list and gives it its name.
    ///
    /// # Errors
    /// All problems, with JSON pointers into the list: `empty`, `too_long`, `too_many`, `out_of_range`, `duplicate_name`,
    /// `duplicate_tier`, `tier_without_condition`, `review_before_effective`, `integer_range`.
    pub fn new(draft: Draft) -> Result<Self, Findings> {
        let (index, findings) = check(&draft);
        if !findings.is_empty() {
            return Err(findings);
        }
        let body = to_canonical(&value_of(&draft))?;
        let version = PricingVersion::of_snapshot(&body);
        Ok(Self { draft, body, version, index })
    }

    /// Who keeps it, and when it holds.
    pub fn head(&self) -> &Head {
        &self.draft.head
    }

    /// Its models, in the order of the file.
    pub fn models(&self) -> &[ModelPrices] {
        &self.draft.models
    }

    /// Its canonical bytes (RFC 8785): defaults filled in, times as RFC 3339 in UTC with microseconds. Reading them back gives the same list.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its name: `px-` and the first 16 hex digits of the SHA-256 of [`Snapshot::body`].
    pub fn pricing_version(&self) -> &PricingVersion {
        &self.version
    }

    /// The model that a call means, and how it was found.
    pub fn find(&self, provider: Option<&str>, model: &str) -> Option<Match<'_>> {
        self.index.find(&self.draft.models, provider, model)
    }
}

/// The index of a list, and all that is wrong with what the list says.
pub(super) fn check(draft: &Draft) -> (Index, Findings) {
    let (index, mut findings) = Index::of(&draft.models);
    check_text(&mut findings, "/origin".to_owned(), &draft.head.origin);
    check_text(&mut findings, "/owner".to_owned(), &draft.head.owner);
    for (name, at) in [("effectiveFrom", Some(draft.head.effective_from)), ("reviewAt", draft.head.review_at)] {
        if at.is_some_and(|at| Timestamp::parse(&at.to_string()) != Some(at)) {
            findings.add(format!("/{name}"), "out_of_range", "must be within the years that a date can have");
        }
    }
    if draft.head.review_at.is_some_and(|review_at| review_at < draft.head.effective_from) {
        findings.add("/reviewAt", "review_before_effective", "the review is due before the prices hold");
    }
    check_length(&mut findings, "/models".to_owned(), draft.models.len(), MODELS_MAX);
    for (place, model) in draft.models.iter().take(MODELS_MAX).enumerate() {
        let at = format!("/models/{place}");
        if let Some(provider) = &model.provider {
            check_text(&mut findings, format!("{at}/provider"), provider);
        }
        check_text(&mut findings, format!("{at}/model"), &model.model);
        check_length(&mut findings, format!("{at}/aliases"), model.aliases.len(), ALIASES_MAX);
        for (place, alias) in model.aliases.iter().enumerate() {
            check_text(&mut findings, format!("{at}/aliases/{place}"), alias);
        }
        check_prices(&mut findings, &at, &model.prices);
        check_tiers(&mut findings, &at, &model.tiers);
    }
    (index, findings)
}

fn check_tiers(findings: &mut Findings, at: &str, tiers: &[Tier]) {
    check_length(findings, format!("{at}/tiers"), tiers.len(), TIERS_MAX);
    for (place, tier) in tiers.iter().take(TIERS_MAX).enumerate() {
        let at = format!("{at}/tiers/{place}");
        if tier.above_input.is_none() && tier.service_tier.is_none() {
            findings.add(
                at.clone(),
                "tier_without_condition",
                "a tier says for which input or for which service it is",
            );
        }
        if tier.above_input.is_some_and(|above| !(0..=PRICE_MAX).contains(&above)) {
            findings.add(format!("{at}/aboveInput"), "out_of_range", "must be 0 to 2^53 - 1");
        }
        let same = |other: &Tier| (other.above_input, other.service_tier) == (tier.above_input, tier.service_tier);
        if tiers[..place].iter().any(same) {
            findings.add(at.clone(), "duplicate_tier", "another tier is for the same input and service");
        }
        check_prices(findings, &format!("{at}/prices"), &tier.prices);
    }
}

fn check_text(findings: &mut Findings, at: String, text: &str) {
    if text.is_empty() {
        findings.add(at, "empty", "must be a non-empty string");
    } else if text.len() > NAME_BYTES_MAX {
        findings.add(at, "too_long", format!("must have at most {NAME_BYTES_MAX} bytes"));
    }
}

fn check_length(findings: &mut Findings, at: String, length: usize, length_max: usize) {
    if length > length_max {
        findings.add(at, "too_many", format!("has {length} items; at most {length_max} are allowed"));
    }
}

fn check_prices(findings: &mut Findings, at: &str, prices: &Prices) {
    for (name, price) in named(prices) {
        if price.is_some_and(|price| !(0..=PRICE_MAX).contains(&price)) {
            findings.add(format!("{at}/{name}"), "out_of_range", "must be 0 to 2^53 - 1");
        }
    }
}

/// The prices under the names that the file has for them.
pub(super) fn named(prices: &Prices) -> [(&'static str, Option<i64>); 6] {
    [
        ("in", Some(prices.input)),
        ("out", Some(prices.output)),
        ("cacheRead", prices.cache_read),
        ("cacheWrite", prices.cache_write),
        ("cacheWrite1h", prices.cache_write_1h),
        ("perSearch", prices.per_search),
    ]
}

fn prices_object(prices: &Prices) -> Map<String, Value> {
    named(prices).into_iter().filter_map(|(name, price)| Some((name.to_owned(), Value::from(price?)))).collect()
}

fn value_of(draft: &Draft) -> Value {
    let models: Vec<Value> = draft.models.iter().map(model_value).collect();
    let mut value = json!({
        "origin": draft.head.origin,
        "owner": draft.head.owner,
        "effectiveFrom": draft.head.effective_from.to_string(),
        "models": models,
    });
    if let Some(review_at) = draft.head.review_at {
        value["reviewAt"] = Value::from(review_at.to_string());
    }
    value
}

fn model_value(model: &ModelPrices) -> Value {
    let mut object = prices_object(&model.prices);
    if let Some(provider) = &model.provider {
        object.insert("provider".to_owned(), Value::from(provider.as_str()));
    }
    object.insert("model".to_owned(), Value::from(model.model.as_str()));
    object.insert("aliases".to_owned(), Value::from(model.aliases.clone()));
    object.insert("tiers".to_owned(), model.tiers.iter().map(tier_value).collect());
    Value::Object(object)
}

fn tier_value(tier: &Tier) -> Value {
    let mut object = Map::new();
    if let Some(above) = tier.above_input {
        object.insert("aboveInput".to_owned(), Value::from(above));
    }
    if let Some(service) = tier.service_tier {
        object.insert("serviceTier".to_owned(), Value::from(service.as_str()));
    }
    object.insert("prices".to_owned(), Value::Object(prices_object(&tier.prices)));
    Value::Object(object)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
