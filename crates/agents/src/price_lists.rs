//! Lists of prices in the ledger: the one that comes with the program, those that people load, and what differs between two of them.
//!
//! `docs/governance.md` says what loading a list changes, and what it does not.

use std::collections::BTreeMap;

use exhibit_model::findings::Findings;
use exhibit_model::time::Timestamp;
use exhibit_store::{Append, GateError, Read, Store, StoreError};

use crate::prices::{Head, Loaded, ModelPrices, PricingVersion, Snapshot, litellm, models_dev, parse, shipped};
use crate::record;
use crate::sql::prices;

/// What a file of prices is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Our own, which says who keeps it and since when it holds.
    Own,
    /// `model_prices_and_context_window.json` of LiteLLM, which says neither.
    LiteLlm(Head),
    /// `api.json` of models.dev, which says neither.
    ModelsDev(Head),
}

/// A list that is in the ledger now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub version: PricingVersion,
    /// Whether it had been there before, and nothing was written.
    pub was_there: bool,
    /// Its models.
    pub models: usize,
    /// Entries of the file that have no token prices.
    pub without_prices: usize,
    /// Entries of the file that cannot be used.
    pub unusable: usize,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// Something is wrong with the file.
    #[error("the prices were refused: {0}")]
    Refused(Findings),
    /// We could not do our work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the list in that comes with the program. Doing it at every start is right: once it is there, nothing is written.
///
/// # Errors
/// When the database cannot be written.
pub async fn ensure_shipped(store: &Store) -> Result<Taken, PricesError> {
    let snapshot = shipped::shipped().map_err(PricesError::Refused)?;
    take(store, Loaded { snapshot, without_prices: 0, unusable: 0 }).await
}

/// Takes a file of prices in. It holds for calls that begin once it is in force and are recorded from now on; what costs were stored already is
/// changed by a recompute alone.
///
/// # Errors
/// [`PricesError::Refused`] with all that is wrong with the file, also when it is larger than a record may be.
pub async fn load(store: &Store, bytes: &[u8], format: Format) -> Result<Taken, PricesError> {
    let loaded = match format {
        Format::Own => parse(bytes).map(|snapshot| Loaded { snapshot, without_prices: 0, unusable: 0 }),
        Format::LiteLlm(head) => litellm::load(bytes, head),
        Format::ModelsDev(head) => models_dev::load(bytes, head),
    };
    take(store, loaded.map_err(PricesError::Refused)?).await
}

async fn take(store: &Store, loaded: Loaded) -> Result<Taken, PricesError> {
    let Loaded { snapshot, without_prices, unusable } = loaded;
    let candidate = store.gate().check(record::prices(&snapshot)?).map_err(PricesError::Refused)?;
    let receipts = match store.append(Append { candidates: vec![candidate], ..Append::default() }).await {
        Ok(receipts) => receipts,
        Err(GateError::Store(error)) => return Err(error.into()),
        Err(other) => return Err(StoreError::Unexpected(other.to_string()).into()),
    };
    Ok(Taken {
        version: snapshot.pricing_version().clone(),
        was_there: receipts.iter().all(|receipt| receipt.replay),
        models: snapshot.models().len(),
        without_prices,
        unusable,
    })
}

/// A list, without its models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub version: String,
    /// Where the prices were taken from.
    pub origin: String,
    /// Who answers for them.
    pub owner: String,
    /// Since when they hold.
    pub effective_at: Timestamp,
    /// When they should be looked at again.
    pub review_at: Option<Timestamp>,
    /// When they were recorded.
    pub loaded_at: Timestamp,
}

/// Lists after a place, in the order in which they come into force, then by name; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn list(read: &Read<'_>, after: Option<(Timestamp, &str)>, limit: i64) -> Result<Vec<Listed>, StoreError> {
    prices::list(read, after, limit)
}

/// A list with its models, when there is one of that name.
///
/// # Errors
/// When the database cannot be read.
pub fn show(read: &Read<'_>, version: &PricingVersion) -> Result<Option<Snapshot>, StoreError> {
    Ok(prices::book(read)?.get(version).cloned())
}

/// A model in two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Who serves it.
    pub provider: Option<String>,
    /// Its name.
    pub model: String,
    /// As the older list has it; none when it is new.
    pub before: Option<ModelPrices>,
    /// As the newer list has it; none when it is gone.
    pub after: Option<ModelPrices>,
}

/// Models that are in one of two lists alone, or whose prices, tiers or other names differ, by provider and name.
pub fn diff(before: &Snapshot, after: &Snapshot) -> Vec<Changed> {
    type Sides<'a> = (Option<&'a ModelPrices>, Option<&'a ModelPrices>);
    let mut every: BTreeMap<(Option<&str>, &str), Sides<'_>> = BTreeMap::new();
    for model in before.models() {
        every.entry((model.provider.as_deref(), &model.model)).or_default().0 = Some(model);
    }
    for model in after.models() {
        every.entry((model.provider.as_deref(), &model.model)).or_default().1 = Some(model);
    }
    every
        .into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|((provider, model), (before, after))| Changed {
            provider: provider.map(str::to_owned),
            model: model.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        })
        .collect()
}
