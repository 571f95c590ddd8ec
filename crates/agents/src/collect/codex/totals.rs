//! What a session of Codex used so far, and what lies between two such counts.

use serde_json::{Map, Value};

use crate::collect::json::count_of;
use crate::contract::{Counts, Semantics, Usage};

/// Tokens as Codex counts them. The input holds what was read from a cache, the output what was thought and not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// Input, with what came from a cache.
    pub(super) input: i64,
    /// Input from a cache.
    pub(super) cached: i64,
    /// Output, with the reasoning.
    pub(super) output: i64,
    /// Reasoning.
    pub(super) reasoning: i64,
    /// Input and output.
    pub(super) total: i64,
}

impl Totals {
    /// Reads a `TokenUsage` object; what is absent is zero, and an absent total is the sum.
    pub(super) fn read(map: &Map<String, Value>) -> Self {
        let count = |name| count_of(map, name).unwrap_or(0);
        let (input, output) = (count("input_tokens"), count("output_tokens"));
        let total = count_of(map, "total_tokens").unwrap_or_else(|| input.saturating_add(output));
        let (cached, reasoning) = (count("cached_input_tokens"), count("reasoning_output_tokens"));
        Self { input, cached, output, reasoning, total }
    }

    /// The sum; no count is beyond 2^53, so the largest sum that matters fits.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.zip(other, i64::saturating_add)
    }

    fn zip(&self, other: &Self, each: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            input: each(self.input, other.input),
            cached: each(self.cached, other.cached),
            output: each(self.output, other.output),
            reasoning: each(self.reasoning, other.reasoning),
            total: each(self.total, other.total),
        }
    }

    fn is_possible(&self) -> bool {
        [self.input, self.cached, self.output, self.reasoning, self.total].iter().all(|count| *count >= 0)
    }

    /// Nothing went in and nothing came out. A total alone is a size of the context after it was compacted, and no use.
    pub(super) fn is_zero(&self) -> bool {
        self.input == 0 && self.output == 0
    }

    /// What came since `so_far`, when `last` is what the program says the last answer used. The two agree, unless counts were not written
    /// down: then the difference of the totals is right, as the calls have to sum up to the total. Without an earlier count the last answer
    /// is right, as the total may hold what another file tells of.
    pub(super) fn since(&self, so_far: Option<&Self>, last: Option<&Self>) -> Self {
        let difference = so_far.map(|so_far| self.zip(so_far, i64::saturating_sub)).filter(Self::is_possible);
        let last = last.filter(|last| !last.is_zero());
        difference.or(last.copied()).unwrap_or(*self)
    }

    /// The id of the call that made the count what it is.
    pub(super) fn call_id(&self, resets: u64) -> String {
        let Self { input, cached, output, reasoning, total } = self;
        format!("{resets}:{input}/{cached}/{output}/{reasoning}/{total}")
    }

    /// The buckets. Where more came from the cache than went in, the object is handed on as it is, for those who judge such cases.
    pub(super) fn usage(&self) -> Usage {
        if self.cached > self.input {
            let raw = [
                ("input_tokens", self.input),
                ("cached_input_tokens", self.cached),
                ("output_tokens", self.output),
                ("reasoning_output_tokens", self.reasoning),
                ("total_tokens", self.total),
            ];
            let raw = raw.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
            return Usage::Raw(raw, Semantics::Inclusive);
        }
        Usage::Counted(Counts {
            input_uncached: Some(self.input - self.cached),
            cache_read: Some(self.cached),
            output: Some(self.output),
            reasoning: (self.reasoning <= self.output).then_some(self.reasoning),
            ..Counts::default()
        })
    }
}
