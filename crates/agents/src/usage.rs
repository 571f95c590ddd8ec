//! Usage: the counts of any provider's usage object as tokens in buckets that do not overlap.
//!
//! Each provider and tool counts its own way. Where the input holds what caches gave (OpenAI, Codex, OpenTelemetry), the cached part is taken
//! out of it; where it does not (Anthropic, Claude Code, OpenClaw), it stays. A collector knows what it reads and calls the function of that
//! name in [`objects`]; an object that came through the contract is recognised by its names, and means what its sender says.
//!
//! Nothing here fails: a count that cannot be one is left unknown and told as a finding, beside the rest of the object.

pub mod objects;

mod buckets;
mod reader;

use exhibit_model::findings::Findings;
use exhibit_model::json::SAFE_INTEGER_MAX;

use crate::contract::{Counts, Usage};
use crate::provenance::Provenance;

/// The largest count that is believed: what the contract takes, and what every JSON reader keeps exactly. Six of them still fit in 64 bits.
pub const COUNT_MAX: i64 = SAFE_INTEGER_MAX;

/// How the counts of a call were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageSemantics {
    /// As buckets that do not overlap.
    Disjoint,
    /// With an input that holds what caches gave.
    Inclusive,
    /// With an input beside what caches gave.
    Exclusive,
    /// With an input that should hold what caches gave, and is smaller than that: so it was taken to stand beside it.
    ExclusiveInferred,
    /// As a total alone.
    TotalOnly,
    /// Not at all.
    Unknown,
}

impl UsageSemantics {
    /// All of them.
    pub const EVERY: [Self; 6] =
        [Self::Disjoint, Self::Inclusive, Self::Exclusive, Self::ExclusiveInferred, Self::TotalOnly, Self::Unknown];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disjoint => "disjoint",
            Self::Inclusive => "inclusive",
            Self::Exclusive => "exclusive",
            Self::ExclusiveInferred => "exclusive_inferred",
            Self::TotalOnly => "total_only",
            Self::Unknown => "unknown",
        }
    }

    /// What a word means; exactly that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallUsage {
    /// Tokens in buckets that do not overlap; `None` is unknown, 0 is known. `reasoning` is part of `output`.
    pub counts: Counts,
    /// All tokens, where nothing but their number is known; then no bucket of tokens is.
    pub total_only: Option<i64>,
    /// How it was told.
    pub semantics: UsageSemantics,
    /// Where the tokens came from, and how far they can be trusted.
    pub provenance: Provenance,
}

impl CallUsage {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        counts: Counts {
            input_uncached: None,
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
            cache_write: None,
            output: None,
            reasoning: None,
            web_search_requests: None,
        },
        total_only: None,
        semantics: UsageSemantics::Unknown,
        provenance: Provenance::MISSING,
    };

    /// All input tokens: the sum of the buckets that are known; `None` when none is.
    pub fn input(&self) -> Option<i64> {
        let counts = &self.counts;
        buckets::sum([
            counts.input_uncached,
            counts.cache_read,
            counts.cache_write_5m,
            counts.cache_write_1h,
            counts.cache_write,
        ])
    }

    /// All output tokens.
    pub fn output(&self) -> Option<i64> {
        self.counts.output
    }

    /// All tokens: the sum of the buckets that are known, or the total that is known alone.
    pub fn total(&self) -> Option<i64> {
        buckets::sum([self.input(), self.output()]).or(self.total_only)
    }
}

/// A usage object that was read, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// What it says, as far as it can be believed.
    pub usage: CallUsage,
    /// What cannot be believed, with the names of its fields as JSON pointers: `negative_count`, `not_a_count`, `count_out_of_range`,
    /// `not_an_object`, `cache_exceeds_input`, `split_exceeds_total`, `reasoning_exceeds_output`, `total_differs`, `unknown_object`.
    pub findings: Findings,
}

/// What a call of the contract used.
pub fn of_contract(usage: &Usage) -> Normalised {
    match usage {
        Usage::Unknown => Normalised { usage: CallUsage::UNKNOWN, findings: Findings::new() },
        Usage::Counted(counts) => buckets::disjoint(counts),
        Usage::Raw(object, semantics) => objects::of_sender(object, *semantics),
    }
}

/// What a session used that tells counts and no calls: its prompt is taken to have come from no cache, so a cost that is computed from it
/// rests on an assumption where caches are cheaper.
pub fn of_session_counts(prompt: Option<i64>, completion: Option<i64>, total: Option<i64>) -> CallUsage {
    let count = |count: Option<i64>| count.filter(|count| reader::in_range(*count).is_ok());
    let told = buckets::Told {
        input: count(prompt),
        output: count(completion),
        total: count(total),
        ..buckets::Told::default()
    };
    buckets::settle(told, buckets::Meaning::Inclusive, Findings::new()).usage
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod property_tests;
