//! Provenance: where each token, second and dollar of a session came from, and how far it can be trusted.
//!
//! The rules are those of section 6 of the room's specification; `docs/governance.md` explains them to the people who read the numbers.
//! Every rule is a total function of what is known: the same inputs give the same words, on every rebuild.

/// Who says a number. Ordered: later is weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The provider, or the agent that spoke to it.
    ProviderReported,
    /// It was computed here, or estimated by someone in between.
    Derived,
    /// Nobody.
    Missing,
}

/// How far a number can be trusted. Ordered: later is weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It was said, and nothing speaks against it.
    High,
    /// A part was computed, or only a part was said.
    Medium,
    /// It rests on an assumption, or something speaks against it.
    Low,
    /// There is no number to trust.
    Unknown,
}

/// What sort of number a cost is. Ordered: later is weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostConfidence {
    /// Billed.
    Exact,
    /// Computed from prices, or estimated by someone else.
    Estimated,
    /// There is none.
    Unknown,
}

impl Source {
    /// All of them, from the strongest to the weakest.
    pub const EVERY: [Self; 3] = [Self::ProviderReported, Self::Derived, Self::Missing];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProviderReported => "provider_reported",
            Self::Derived => "derived",
            Self::Missing => "missing",
        }
    }

    /// What a word means; exactly that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

impl Level {
    /// All of them, from the strongest to the weakest.
    pub const EVERY: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Unknown];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        }
    }

    /// What a word means; exactly that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

impl CostConfidence {
    /// All of them, from the strongest to the weakest.
    pub const EVERY: [Self; 3] = [Self::Exact, Self::Estimated, Self::Unknown];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }

    /// What a word means; exactly that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// Who says a number, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provenance {
    /// Who says it.
    pub source: Source,
    /// How far it can be trusted.
    pub level: Level,
}

impl Provenance {
    /// There is no number.
    pub const MISSING: Self = Self::new(Source::Missing, Level::Unknown);

    /// Both words.
    pub const fn new(source: Source, level: Level) -> Self {
        Self { source, level }
    }

    /// The weaker source and the weaker level of two.
    #[must_use]
    pub fn weaker(self, other: Self) -> Self {
        Self::new(self.source.max(other.source), self.level.max(other.level))
    }

    /// The weakest source and the weakest level of many; of none at all, [`Provenance::MISSING`].
    pub fn weakest(many: impl IntoIterator<Item = Self>) -> Self {
        many.into_iter().reduce(Self::weaker).unwrap_or(Self::MISSING)
    }
}
