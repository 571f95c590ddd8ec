//! The sum: tokens times prices, in 128 bits, rounded once.

use super::snapshot::{ModelPrices, Prices, Snapshot, Tier};
use super::{Cost, PricedCall};
use crate::contract::ServiceTier;
use crate::money::Nano;
use crate::provenance::Level;
use crate::usage::{CallUsage, UsageSemantics};

/// Prices are for so many tokens.
const TOKENS_PER_PRICE: i128 = 1_000_000;

/// What a call comes to under a list: `derived`, `medium`, `estimated`, or `low` when anything had to be assumed. None for a model that the
/// list does not know, and for a call whose buckets are not known.
pub(super) fn compute(snapshot: &Snapshot, call: &PricedCall<'_>) -> Cost {
    let (input, output) = (call.usage.input(), call.usage.output());
    if call.usage.total_only.is_some() || (input.is_none() && output.is_none()) {
        return Cost::missing();
    }
    let Some(found) = snapshot.find(call.provider, call.model) else { return Cost::missing() };
    let choice = choose_tier(found.model, input.unwrap_or(0), call.service_tier);
    let Some((amount, assumed)) = amount(call.usage, &choice.prices) else { return Cost::missing() };
    let version = snapshot.pricing_version().clone();
    if assumed || choice.assumed || found.is_assumed() || call.usage.provenance.level >= Level::Low {
        Cost::assumed(amount, version)
    } else {
        Cost::estimated(amount, version)
    }
}

/// The prices that hold for a call, and whether they are a guess.
struct Choice {
    prices: Prices,
    assumed: bool,
}

/// The tier for a size of input and a service. One for the service stands above one for any, and of these the one for the larger input. It is
/// a guess when the service has no prices of its own, or when its prices know nothing of a size that the model charges otherwise.
fn choose_tier(model: &ModelPrices, input: i64, service: Option<ServiceTier>) -> Choice {
    let service = service.unwrap_or(ServiceTier::Standard);
    let fits = |tier: &&Tier| {
        tier.above_input.is_none_or(|above| input > above) && tier.service_tier.is_none_or(|wanted| wanted == service)
    };
    let rank = |tier: &&Tier| (tier.service_tier.is_some(), tier.above_input);
    let fitting = || model.tiers.iter().filter(fits);
    let best = fitting().max_by_key(rank);
    let served = service == ServiceTier::Standard || best.is_some_and(|tier| tier.service_tier == Some(service));
    let sized = fitting().map(|tier| tier.above_input).max().flatten() <= best.and_then(|tier| tier.above_input);
    let prices = best.map_or(model.prices, |tier| Prices {
        per_search: tier.prices.per_search.or(model.prices.per_search),
        ..tier.prices
    });
    Choice { prices, assumed: !(served && sized) }
}

/// Buckets times prices. True beside it when something was assumed that could change the amount; `None` beyond 64 bits.
fn amount(usage: &CallUsage, prices: &Prices) -> Option<(Nano, bool)> {
    let counts = &usage.counts;
    let mut assumed = usage.semantics == UsageSemantics::ExclusiveInferred;
    let mut sum: i128 = 0;
    // Without a price of its own, what was cached costs as much as input, and twice that when it was kept for an hour.
    let cache_write = prices.cache_write.unwrap_or(prices.input);
    let parts = [
        (counts.input_uncached, Some(prices.input), prices.input),
        (counts.cache_read, prices.cache_read, prices.input),
        (counts.cache_write_5m, prices.cache_write, cache_write),
        (counts.cache_write, prices.cache_write, cache_write),
        (counts.cache_write_1h, prices.cache_write_1h, prices.input.checked_mul(2)?),
        (counts.output, Some(prices.output), prices.output),
    ];
    for (tokens, price, instead) in parts {
        let tokens = tokens.unwrap_or(0).max(0);
        assumed |= tokens > 0 && price.is_none();
        let product = i128::from(tokens).checked_mul(i128::from(price.unwrap_or(instead)))?;
        sum = sum.checked_add(product)?;
    }
    assumed |= assumes_sides(usage, prices);
    let searches = counts.web_search_requests.unwrap_or(0).max(0);
    assumed |= searches > 0 && prices.per_search.is_none();
    let extras = i128::from(searches).checked_mul(i128::from(prices.per_search.unwrap_or(0)))?;
    let rounded = sum.checked_add(TOKENS_PER_PRICE / 2)?.div_euclid(TOKENS_PER_PRICE).checked_add(extras)?;
    Some((Nano(i64::try_from(rounded).ok()?), assumed))
}

/// A side that nobody told is taken as nothing, and a prompt that nobody split is taken as uncached. That is an assumption where the side
/// has a price, and where a cached prompt would have another.
fn assumes_sides(usage: &CallUsage, prices: &Prices) -> bool {
    let counts = &usage.counts;
    let no_input = usage.input().is_none() && prices.input > 0;
    let no_output = usage.output().is_none() && prices.output > 0;
    let unsplit = usage.semantics == UsageSemantics::Inclusive
        && counts.cache_read.is_none()
        && counts.input_uncached.is_some_and(|prompt| prompt > 0)
        && prices.cache_read.is_some_and(|price| price != prices.input);
    let hidden = counts.input_uncached.is_none() && usage.input().is_some() && prices.input > 0;
    no_input || no_output || unsplit || hidden
}
