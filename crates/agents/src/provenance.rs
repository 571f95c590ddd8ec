//! Provenance: where each token, second and dollar of a session came from, and how far it can be trusted.
//!
//! The rules are those of section 6 of the room's specification; `docs/governance.md` explains them to the people who read the numbers.
//! Every rule is a total function of what is known: the same inputs give the same words, on every rebuild.

use exhibit_model::time::Timestamp;

use crate::money::Nano;
use crate::prices::{Cost, PricingVersion};
use crate::usage::CallUsage;

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

/// What a session itself says of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCounts {
    /// Tokens that went in.
    pub prompt: Option<i64>,
    /// Tokens that came out.
    pub completion: Option<i64>,
    /// All tokens.
    pub total: Option<i64>,
}

/// The tokens of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTokens {
    /// Prompt, completion and total, as far as they are known.
    pub counts: TokenCounts,
    /// Where the total came from.
    pub provenance: Provenance,
}

/// The tokens of a session: what it says itself, else the sum of its calls.
///
/// What the session says is taken as it is, even where its calls say something else: it was sent. One thing is added: a total that was not
/// sent is the sum of both sides, when both were, and then the total is `derived`.
pub fn session_tokens(sent: TokenCounts, calls: &[CallUsage]) -> SessionTokens {
    let known = |source, level| Provenance::new(source, level);
    let (counts, provenance) = match (sent.prompt, sent.completion, sent.total) {
        (None, None, None) => return summed_tokens(calls),
        (Some(prompt), Some(completion), None) => {
            let total = Some(prompt.saturating_add(completion));
            (TokenCounts { total, ..sent }, known(Source::Derived, Level::Medium))
        }
        (Some(prompt), Some(completion), Some(total)) => {
            let level = if prompt.checked_add(completion) == Some(total) { Level::High } else { Level::Low };
            (sent, known(Source::ProviderReported, level))
        }
        (Some(side), None, Some(total)) | (None, Some(side), Some(total)) if side > total => {
            (sent, known(Source::ProviderReported, Level::Low))
        }
        _ => (sent, known(Source::ProviderReported, Level::Medium)),
    };
    SessionTokens { counts, provenance }
}

/// The sum of what is known of calls. A call that says only a total leaves both sides unknown; a call that says nothing lowers the trust.
fn summed_tokens(calls: &[CallUsage]) -> SessionTokens {
    let mut sum = TokenCounts::default();
    let mut provenance: Option<Provenance> = None;
    let (mut silent, mut unsplit) = (false, false);
    for call in calls {
        let Some(total) = call.total() else {
            silent = true;
            continue;
        };
        unsplit |= call.total_only.is_some();
        let add = |sum: Option<i64>, part: Option<i64>| match (sum, part) {
            (None, None) => None,
            (sum, part) => Some(sum.unwrap_or(0).saturating_add(part.unwrap_or(0))),
        };
        sum.prompt = add(sum.prompt, call.input());
        sum.completion = add(sum.completion, call.output());
        sum.total = add(sum.total, Some(total));
        provenance = Some(provenance.map_or(call.provenance, |so_far| so_far.weaker(call.provenance)));
    }
    let Some(provenance) = provenance else {
        return SessionTokens { counts: TokenCounts::default(), provenance: Provenance::MISSING };
    };
    if unsplit {
        (sum.prompt, sum.completion) = (None, None);
    }
    let summed_here = Provenance::new(Source::Derived, if silent { Level::Low } else { Level::Medium });
    SessionTokens { counts: sum, provenance: provenance.weaker(summed_here) }
}

/// What is known of the time a session took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeFacts {
    /// Whether nothing more is to come.
    pub terminal: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it ran, in milliseconds, when that was sent.
    pub runtime_ms: Option<i64>,
    /// When it ended, when that was sent.
    pub ended_at: Option<Timestamp>,
    /// When its end was seen, when that was sent.
    pub terminal_at: Option<Timestamp>,
    /// When its end was inferred from silence, for feeds that tell no end.
    pub inferred_end: Option<Timestamp>,
}

/// How long a session ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runtime {
    /// Milliseconds; 0 while it is live and when nothing is known.
    pub ms: i64,
    /// Its end, of a session that has one.
    pub end: Option<Timestamp>,
    /// Whether the end was inferred.
    pub end_inferred: bool,
    /// Where the milliseconds came from.
    pub provenance: Provenance,
}

/// Microseconds of a millisecond.
const MICROS_PER_MILLI: i64 = 1_000;

/// How long a session ran: what was sent, else from its start to its end, where the end is the one that was sent, else when the end was
/// seen, else when it was inferred. A negative time is 0, with little trust. A live session has neither end nor runtime, whatever was sent.
pub fn session_runtime(facts: &RuntimeFacts) -> Runtime {
    let ends = [
        (facts.ended_at, false, Provenance::new(Source::ProviderReported, Level::High)),
        (facts.terminal_at, false, Provenance::new(Source::Derived, Level::Medium)),
        (facts.inferred_end, true, Provenance::new(Source::Derived, Level::Low)),
    ];
    let end =
        ends.into_iter().filter(|_| facts.terminal).find_map(|(end, inferred, from)| Some((end?, inferred, from)));
    let measured = match (facts.runtime_ms.filter(|_| facts.terminal), end) {
        (Some(ms), _) => Some((ms, Provenance::new(Source::ProviderReported, Level::High))),
        (None, Some((end, _, from))) => {
            let micros = end.0.saturating_sub(facts.started_at.0);
            Some((if micros < 0 { -1 } else { micros / MICROS_PER_MILLI }, from))
        }
        (None, None) => None,
    };
    let (ms, provenance) = match measured {
        Some((ms, _)) if ms < 0 => (0, Provenance::new(Source::Derived, Level::Low)),
        Some(measured) => measured,
        None => (0, Provenance::MISSING),
    };
    let (at, end_inferred) = end.map_or((None, false), |(at, inferred, _)| (Some(at), inferred));
    Runtime { ms, end: at, end_inferred, provenance }
}

/// What a session cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCost {
    /// The cost, under which prices, and how far it can be trusted.
    pub cost: Cost,
    /// Calls that have no cost.
    pub unpriced_calls: i64,
}

/// What a session cost: what was billed for it, else the sum of its calls.
///
/// The sum takes the weakest words of its parts. With calls that have no cost it is too small, so it is `derived`, `low`, `estimated`; when
/// no call has one, there is none. A session without calls is priced as one call by whoever knows its tokens, and comes here with that.
pub fn session_cost(billed: Option<Nano>, calls: &[Cost]) -> SessionCost {
    let unpriced = calls.iter().filter(|call| call.amount().is_none()).count();
    let unpriced_calls = i64::try_from(unpriced).unwrap_or(i64::MAX);
    if let Some(billed) = billed {
        return SessionCost { cost: Cost::billed(billed), unpriced_calls };
    }
    let mut provenance = Provenance::new(Source::ProviderReported, Level::High);
    let mut confidence = CostConfidence::Exact;
    let mut sum = Some(0_i64);
    for call in calls {
        let Some(amount) = call.amount() else { continue };
        sum = sum.and_then(|sum| sum.checked_add(amount.0));
        provenance = provenance.weaker(Provenance::new(call.source(), call.level()));
        confidence = confidence.max(call.confidence());
    }
    if unpriced > 0 {
        provenance = provenance.weaker(Provenance::new(Source::Derived, Level::Low));
        confidence = confidence.max(CostConfidence::Estimated);
    }
    let version = PricingVersion::of_sum(calls.iter().filter_map(Cost::pricing_version));
    let cost = match (sum, version) {
        (Some(sum), Some(version)) => Cost::known(Nano(sum), version, provenance, confidence),
        // No call has a cost, or the sum is beyond what any bill holds.
        _ => Cost::missing(),
    };
    SessionCost { cost, unpriced_calls }
}

#[cfg(test)]
#[path = "provenance_tests.rs"]
mod tests;
