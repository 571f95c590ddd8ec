//! From counts that may overlap to buckets that do not.

use exhibit_model::findings::Findings;

use super::{CallUsage, Normalised, UsageSemantics, reader};
use crate::contract::Counts;
use crate::provenance::{Level, Provenance, Source};

/// What the input of an object means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It holds what was read from caches and written to them.
    Inclusive,
    /// It is what came from no cache and went to none.
    Exclusive,
    /// Only the total is to be believed.
    TotalOnly,
}

/// The counts of an object as they stand there; all within range.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) input: Option<i64>,
    pub(super) cache_read: Option<i64>,
    /// All that was written to caches; a split of it, when there is one, is part of this.
    pub(super) cache_write: Option<i64>,
    pub(super) cache_write_5m: Option<i64>,
    pub(super) cache_write_1h: Option<i64>,
    pub(super) output: Option<i64>,
    pub(super) reasoning: Option<i64>,
    pub(super) web_search_requests: Option<i64>,
    pub(super) total: Option<i64>,
}

/// The sum of what is known; `None` when nothing is.
pub(super) fn sum<const N: usize>(parts: [Option<i64>; N]) -> Option<i64> {
    parts.into_iter().flatten().reduce(i64::saturating_add)
}

/// Sorts the counts of an object into buckets.
pub(super) fn settle(told: Told, meaning: Meaning, mut findings: Findings) -> Normalised {
    let searches = told.web_search_requests;
    let sides = sum([told.input, told.cache_read, written(&told), told.output]).is_some();
    if meaning == Meaning::TotalOnly || !sides {
        let total = told.total.or_else(|| side_sum(&told));
        return Normalised { usage: total_only(total, searches, &findings), findings };
    }
    let (write, write_5m, write_1h) = split_writes(&told, &mut findings);
    let cached = sum([told.cache_read, write, write_5m, write_1h]).unwrap_or(0);
    let (input_uncached, semantics) = match (meaning, told.input) {
        (Meaning::Exclusive, input) => (input, UsageSemantics::Exclusive),
        (_, Some(input)) if cached > input => {
            let message = format!("{cached} cached tokens are more than the input of {input} that should hold them");
            findings.add("", "cache_exceeds_input", message);
            (Some(input), UsageSemantics::ExclusiveInferred)
        }
        (_, input) => (input.map(|input| input - cached), UsageSemantics::Inclusive),
    };
    let reasoning = told.reasoning.filter(|reasoning| {
        let part = told.output.is_none_or(|output| *reasoning <= output);
        if !part {
            findings.add("", "reasoning_exceeds_output", "the reasoning is not part of the output");
        }
        part
    });
    let counts = Counts {
        input_uncached,
        cache_read: told.cache_read,
        cache_write_5m: write_5m,
        cache_write_1h: write_1h,
        cache_write: write,
        output: told.output,
        reasoning,
        web_search_requests: searches,
    };
    let usage = CallUsage { counts, total_only: None, semantics, provenance: Provenance::MISSING };
    check_total(&usage, told.total, &told, &mut findings);
    let level = level_of(told.input.is_some() && told.output.is_some(), &findings);
    let provenance = Provenance::new(Source::ProviderReported, level);
    Normalised { usage: CallUsage { provenance, ..usage }, findings }
}

/// Buckets that the caller sends as such.
pub(super) fn disjoint(counts: &Counts) -> Normalised {
    let mut findings = Findings::new();
    let mut kept = |name: &str, count: Option<i64>| {
        count.and_then(|count| match reader::in_range(count) {
            Ok(count) => Some(count),
            Err((code, message)) => {
                findings.add(format!("/{name}"), code, message);
                None
            }
        })
    };
    let mut counts = Counts {
        input_uncached: kept("inputUncached", counts.input_uncached),
        cache_read: kept("cacheRead", counts.cache_read),
        cache_write_5m: kept("cacheWrite5m", counts.cache_write_5m),
        cache_write_1h: kept("cacheWrite1h", counts.cache_write_1h),
        cache_write: kept("cacheWrite", counts.cache_write),
        output: kept("output", counts.output),
        reasoning: kept("reasoning", counts.reasoning),
        web_search_requests: kept("webSearchRequests", counts.web_search_requests),
    };
    if let (Some(reasoning), Some(output)) = (counts.reasoning, counts.output)
        && reasoning > output
    {
        findings.add("/reasoning", "reasoning_exceeds_output", "the reasoning is not part of the output");
        counts.reasoning = None;
    }
    let usage = CallUsage { counts, semantics: UsageSemantics::Disjoint, ..CallUsage::UNKNOWN };
    let provenance = match (usage.input(), usage.output()) {
        (None, None) => Provenance::MISSING,
        (input, output) => {
            Provenance::new(Source::ProviderReported, level_of(input.is_some() && output.is_some(), &findings))
        }
    };
    Normalised { usage: CallUsage { provenance, ..usage }, findings }
}

/// One side alone is `medium`, and so is a total alone; whatever speaks against the object makes it `low`.
fn level_of(both_sides: bool, findings: &Findings) -> Level {
    match (findings.is_empty(), both_sides) {
        (false, _) => Level::Low,
        (true, true) => Level::High,
        (true, false) => Level::Medium,
    }
}

fn total_only(total: Option<i64>, searches: Option<i64>, findings: &Findings) -> CallUsage {
    let counts = Counts { web_search_requests: searches, ..Counts::default() };
    let Some(total) = total else {
        return CallUsage { counts, ..CallUsage::UNKNOWN };
    };
    let provenance = Provenance::new(Source::ProviderReported, level_of(false, findings));
    CallUsage { counts, total_only: Some(total), semantics: UsageSemantics::TotalOnly, provenance }
}

/// The total of an object whose sender says that only a total is known, and that has both sides and no total.
fn side_sum(told: &Told) -> Option<i64> {
    Some(told.input?.saturating_add(told.output?)).filter(|total| reader::in_range(*total).is_ok())
}

/// All that was written to caches, split or not.
fn written(told: &Told) -> Option<i64> {
    told.cache_write.max(sum([told.cache_write_5m, told.cache_write_1h]))
}

/// What was written without saying for how long, for five minutes, and for an hour. The split is believed over the sum of it.
fn split_writes(told: &Told, findings: &mut Findings) -> (Option<i64>, Option<i64>, Option<i64>) {
    let split = sum([told.cache_write_5m, told.cache_write_1h]);
    let rest = match (told.cache_write, split) {
        (None, _) => None,
        (Some(all), None) => Some(all),
        (Some(all), Some(split)) if split > all => {
            let message = format!("{split} tokens were written for a known time, and only {all} at all");
            findings.add("", "split_exceeds_total", message);
            None
        }
        // Nothing is left over: then there is no such bucket.
        (Some(all), Some(split)) => Some(all - split).filter(|rest| *rest > 0),
    };
    (rest, told.cache_write_5m, told.cache_write_1h)
}

/// The total that an object tells has to be the sum of its buckets, as far as these are known.
fn check_total(usage: &CallUsage, total: Option<i64>, told: &Told, findings: &mut Findings) {
    let (Some(total), Some(counted)) = (total, usage.total()) else { return };
    let complete = told.input.is_some() && told.output.is_some();
    if counted > total || (complete && counted < total) {
        findings.add("", "total_differs", format!("the buckets hold {counted} tokens, the object says {total}"));
    }
}
