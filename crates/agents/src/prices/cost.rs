//! A cost: an amount that always says under which prices, or nothing at all.

use thiserror::Error;

use super::version::PricingVersion;
use crate::money::Nano;
use crate::provenance::{CostConfidence, Level, Provenance, Source};

/// What something cost.
///
/// The fields are private, so that no amount can exist without the name of its prices, with the source `missing` or with the confidence
/// `unknown`, 0 included. The database checks the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost(Option<Known>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    amount: Nano,
    version: PricingVersion,
    provenance: Provenance,
    confidence: CostConfidence,
}

/// The columns of a stored cost, as they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostColumns<'a> {
    /// `cost_nano`.
    pub amount: Option<Nano>,
    /// `pricing_version`.
    pub version: Option<&'a str>,
    /// `cost_source`.
    pub source: Source,
    /// `cost_confidence_level`.
    pub level: Level,
    /// `cost_confidence`.
    pub confidence: CostConfidence,
}

/// Why columns are no cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CostRefused {
    /// An amount without the name of its prices.
    #[error("a cost names its pricing version")]
    NoVersion,
    /// The name of prices without an amount.
    #[error("a pricing version without a cost says nothing")]
    NoAmount,
    /// An amount below zero.
    #[error("a cost is not below zero")]
    Negative,
    /// An amount that nobody says, or words about an amount that is not there.
    #[error("the source, level and confidence do not fit the cost")]
    Words,
}

impl Cost {
    /// None: `missing`, `unknown`, `unknown`.
    pub const fn missing() -> Self {
        Self(None)
    }

    /// What the provider billed: `provider_native`, `provider_reported`, `high`, `exact`. An amount below zero is no bill: none.
    pub fn billed(amount: Nano) -> Self {
        let provenance = Provenance::new(Source::ProviderReported, Level::High);
        Self::known(amount, PricingVersion::provider_native(), provenance, CostConfidence::Exact)
    }

    /// What someone else thinks it cost: `derived`, `medium`, `estimated`, under that one's own prices. Below zero: none.
    pub fn estimated(amount: Nano, version: PricingVersion) -> Self {
        let provenance = Provenance::new(Source::Derived, Level::Medium);
        Self::known(amount, version, provenance, CostConfidence::Estimated)
    }

    /// What was reckoned with an assumption: `derived`, `low`, `estimated`. Below zero: none.
    pub fn assumed(amount: Nano, version: PricingVersion) -> Self {
        let provenance = Provenance::new(Source::Derived, Level::Low);
        Self::known(amount, version, provenance, CostConfidence::Estimated)
    }

    /// All parts. Words that say "there is none" beside an amount are raised to the weakest words that say there is one.
    pub(crate) fn known(
        amount: Nano,
        version: PricingVersion,
        provenance: Provenance,
        confidence: CostConfidence,
    ) -> Self {
        if amount.0 < 0 {
            return Self::missing();
        }
        let provenance = Provenance::new(provenance.source.min(Source::Derived), provenance.level.min(Level::Low));
        let confidence = confidence.min(CostConfidence::Estimated);
        Self(Some(Known { amount, version, provenance, confidence }))
    }

    /// Reads a cost back.
    ///
    /// # Errors
    /// When the columns contradict each other: see [`CostRefused`].
    pub fn from_columns(columns: CostColumns<'_>) -> Result<Self, CostRefused> {
        let CostColumns { amount, version, source, level, confidence } = columns;
        let says_none = [source == Source::Missing, level == Level::Unknown, confidence == CostConfidence::Unknown];
        let Some(amount) = amount else {
            if version.is_some() {
                return Err(CostRefused::NoAmount);
            }
            return if says_none == [true; 3] { Ok(Self::missing()) } else { Err(CostRefused::Words) };
        };
        let version = version.and_then(PricingVersion::parse).ok_or(CostRefused::NoVersion)?;
        if amount.0 < 0 {
            return Err(CostRefused::Negative);
        }
        if says_none != [false; 3] {
            return Err(CostRefused::Words);
        }
        Ok(Self::known(amount, version, Provenance::new(source, level), confidence))
    }

    /// How much, when that is known. 0 is a known zero.
    pub fn amount(&self) -> Option<Nano> {
        self.0.as_ref().map(|known| known.amount)
    }

    /// Under which prices; there exactly when the amount is.
    pub fn pricing_version(&self) -> Option<&PricingVersion> {
        self.0.as_ref().map(|known| &known.version)
    }

    /// Who says it.
    pub fn source(&self) -> Source {
        self.0.as_ref().map_or(Source::Missing, |known| known.provenance.source)
    }

    /// How far it can be trusted.
    pub fn level(&self) -> Level {
        self.0.as_ref().map_or(Level::Unknown, |known| known.provenance.level)
    }

    /// What sort of number it is.
    pub fn confidence(&self) -> CostConfidence {
        self.0.as_ref().map_or(CostConfidence::Unknown, |known| known.confidence)
    }
}
