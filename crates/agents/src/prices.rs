//! Prices: lists with a name, the one in force when a call began, and what the call cost under it, to the nano-USD.
//!
//! A [`Snapshot`] is a list that says who keeps it and since when it holds; its name is made from its content, so a cost that names it can be
//! recomputed by anyone. A [`PriceBook`] holds the lists of an installation. [`price`] gives the cost of a call: what was billed stands
//! above what someone else estimated, and that above what is computed here. What is not known costs nothing known, never 0.
//! `docs/governance.md` says who may change a list, and what a change does to costs that are already stored.

mod book;
mod cost;
mod decimal;
mod formula;
mod index;
mod names;
mod parse;
mod snapshot;
mod version;

pub mod litellm;
pub mod models_dev;
pub mod shipped;

use exhibit_model::time::Timestamp;

pub use book::PriceBook;
pub use cost::{Cost, CostColumns, CostRefused};
pub use index::{Match, MatchBy};
pub use parse::parse;
pub use snapshot::{
    ALIASES_MAX, Draft, Head, Loaded, MODELS_MAX, ModelPrices, PRICE_MAX, Prices, SNAPSHOT_BYTES_MAX, Snapshot,
    TIERS_MAX, Tier,
};
pub use version::{
    CLAUDE_CODE_PREFIX, LEGACY_UNVERSIONED, LITELLM_PREFIX, MIXED, OPENCLAW_PREFIX, PROVIDER_NATIVE, PricingVersion,
    SNAPSHOT_PREFIX, V3_FLAT, V41_DEFAULT, VERSION_BYTES_MAX,
};

use crate::contract::{Call, ServiceTier};
use crate::money::Nano;
use crate::usage::CallUsage;

/// What has to be known of a call to price it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedCall<'a> {
    /// Who serves the model.
    pub provider: Option<&'a str>,
    /// The model.
    pub model: &'a str,
    /// At which of its prices; the standard ones when nobody says.
    pub service_tier: Option<ServiceTier>,
    /// What was used.
    pub usage: &'a CallUsage,
    /// When the call began: the list in force then counts.
    pub started_at: Timestamp,
    /// What the provider billed.
    pub billed: Option<Nano>,
    /// What someone else thinks it cost, and under which prices.
    pub estimated: Option<(Nano, &'a str)>,
}

impl<'a> PricedCall<'a> {
    /// A call of the contract. A model and a provider that it does not name are those of its session.
    pub fn of_call(call: &'a Call, usage: &'a CallUsage, model: &'a str, provider: Option<&'a str>) -> Self {
        Self {
            provider: call.provider.as_deref().or(provider),
            model: call.model_id.as_deref().unwrap_or(model),
            service_tier: call.service_tier,
            usage,
            started_at: call.started_at,
            billed: call.billed,
            estimated: call.estimated.as_ref().map(|(amount, version)| (*amount, version.as_str())),
        }
    }

    /// The estimate, when it names its prices.
    fn estimate(&self) -> Option<Cost> {
        let (amount, version) = self.estimated?;
        let cost = Cost::estimated(amount, PricingVersion::parse(version)?);
        cost.amount().is_some().then_some(cost)
    }
}

/// What a call cost: what was billed, else what was estimated for it, else what it comes to under the list in force when it began.
pub fn price(book: &PriceBook, call: &PricedCall<'_>) -> Cost {
    if let Some(billed) = call.billed {
        return Cost::billed(billed);
    }
    if let Some(estimate) = call.estimate() {
        return estimate;
    }
    book.in_force(call.started_at).map_or_else(Cost::missing, |snapshot| formula::compute(snapshot, call))
}

/// What a call comes to under one list, whenever that holds: for costs that are computed again. What was billed stays; an estimate stays
/// where the list knows no price.
pub fn reprice(snapshot: &Snapshot, call: &PricedCall<'_>) -> Cost {
    if let Some(billed) = call.billed {
        return Cost::billed(billed);
    }
    let computed = formula::compute(snapshot, call);
    if computed.amount().is_none() { call.estimate().unwrap_or(computed) } else { computed }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod loader_tests;
