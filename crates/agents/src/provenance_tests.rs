//! The rules of provenance, clause by clause: AG-23.

use proptest::prelude::*;

use super::*;
use crate::contract::Counts;
use crate::usage::UsageSemantics;

const HIGH: Provenance = Provenance::new(Source::ProviderReported, Level::High);
const REPORTED_MEDIUM: Provenance = Provenance::new(Source::ProviderReported, Level::Medium);
const REPORTED_LOW: Provenance = Provenance::new(Source::ProviderReported, Level::Low);
const DERIVED_MEDIUM: Provenance = Provenance::new(Source::Derived, Level::Medium);
const DERIVED_LOW: Provenance = Provenance::new(Source::Derived, Level::Low);

fn counts(prompt: Option<i64>, completion: Option<i64>, total: Option<i64>) -> TokenCounts {
    TokenCounts { prompt, completion, total }
}

fn call(input: Option<i64>, output: Option<i64>, provenance: Provenance) -> CallUsage {
    let counts = Counts { input_uncached: input, output, ..Counts::default() };
    CallUsage { counts, total_only: None, semantics: UsageSemantics::Disjoint, provenance }
}

fn total_only(total: i64) -> CallUsage {
    CallUsage {
        total_only: Some(total),
        semantics: UsageSemantics::TotalOnly,
        provenance: REPORTED_MEDIUM,
        ..CallUsage::UNKNOWN
    }
}

#[test]
fn words_read_back() {
    for source in Source::EVERY {
        assert_eq!(Source::of_word(source.as_str()), Some(source));
    }
    for level in Level::EVERY {
        assert_eq!(Level::of_word(level.as_str()), Some(level));
    }
    for confidence in CostConfidence::EVERY {
        assert_eq!(CostConfidence::of_word(confidence.as_str()), Some(confidence));
    }
    assert_eq!(Source::of_word("Derived"), None);
}

/// AG-23: what a session says itself.
#[test]
fn ag_23_tokens_that_were_sent() {
    for (sent, shown, provenance) in [
        // Consistent counts.
        (counts(Some(10), Some(5), Some(15)), counts(Some(10), Some(5), Some(15)), HIGH),
        (counts(Some(0), Some(0), Some(0)), counts(Some(0), Some(0), Some(0)), HIGH),
        // A total that is summed here is derived.
        (counts(Some(10), Some(5), None), counts(Some(10), Some(5), Some(15)), DERIVED_MEDIUM),
        // One side, or a total alone.
        (counts(Some(10), None, None), counts(Some(10), None, None), REPORTED_MEDIUM),
        (counts(None, Some(5), None), counts(None, Some(5), None), REPORTED_MEDIUM),
        (counts(None, None, Some(15)), counts(None, None, Some(15)), REPORTED_MEDIUM),
        (counts(Some(10), None, Some(15)), counts(Some(10), None, Some(15)), REPORTED_MEDIUM),
        // A total that differs: what was sent wins.
        (counts(Some(10), Some(5), Some(99)), counts(Some(10), Some(5), Some(99)), REPORTED_LOW),
        (counts(Some(10), None, Some(9)), counts(Some(10), None, Some(9)), REPORTED_LOW),
        (counts(None, Some(10), Some(9)), counts(None, Some(10), Some(9)), REPORTED_LOW),
        // Nothing.
        (counts(None, None, None), counts(None, None, None), Provenance::MISSING),
    ] {
        let tokens = session_tokens(sent, &[]);
        assert_eq!((tokens.counts, tokens.provenance), (shown, provenance), "{sent:?}");
    }
}

/// AG-23: what the calls of a session add up to.
#[test]
fn ag_23_tokens_of_calls() {
    let full = call(Some(10), Some(5), HIGH);
    for (calls, shown, provenance) in [
        (vec![full, full], counts(Some(20), Some(10), Some(30)), DERIVED_MEDIUM),
        (vec![full, call(Some(1), None, REPORTED_MEDIUM)], counts(Some(11), Some(5), Some(16)), DERIVED_MEDIUM),
        (vec![full, call(Some(1), Some(1), REPORTED_LOW)], counts(Some(11), Some(6), Some(17)), DERIVED_LOW),
        // A call that says nothing: the sum is too small.
        (vec![full, CallUsage::UNKNOWN], counts(Some(10), Some(5), Some(15)), DERIVED_LOW),
        // A total alone: both sides of the sum are unknown.
        (vec![full, total_only(100)], counts(None, None, Some(115)), DERIVED_MEDIUM),
        (vec![CallUsage::UNKNOWN], counts(None, None, None), Provenance::MISSING),
    ] {
        let tokens = session_tokens(TokenCounts::default(), &calls);
        assert_eq!((tokens.counts, tokens.provenance), (shown, provenance), "{calls:?}");
    }
    // What the session says wins over its calls.
    let sent = session_tokens(counts(Some(1), Some(1), Some(2)), &[full]);
    assert_eq!((sent.counts.total, sent.provenance), (Some(2), HIGH));
}

fn facts(terminal: bool) -> RuntimeFacts {
    RuntimeFacts {
        terminal,
        started_at: Timestamp(1_000_000),
        runtime_ms: None,
        ended_at: None,
        terminal_at: None,
        inferred_end: None,
    }
}

/// AG-23: the time a session took.
#[test]
fn ag_23_runtime() {
    let (early, late, later) = (Some(Timestamp(500_000)), Some(Timestamp(3_500_999)), Some(Timestamp(9_000_000)));
    for (facts, ms, end, provenance) in [
        // Sent.
        (RuntimeFacts { runtime_ms: Some(7), ended_at: late, ..facts(true) }, 7, late, HIGH),
        // Both ends.
        (RuntimeFacts { ended_at: late, terminal_at: later, ..facts(true) }, 2_500, late, HIGH),
        // When the end was seen.
        (RuntimeFacts { terminal_at: late, inferred_end: later, ..facts(true) }, 2_500, late, DERIVED_MEDIUM),
        // Inferred.
        (RuntimeFacts { inferred_end: late, ..facts(true) }, 2_500, late, DERIVED_LOW),
        // Negative is 0.
        (RuntimeFacts { ended_at: early, ..facts(true) }, 0, early, DERIVED_LOW),
        (RuntimeFacts { terminal_at: early, ..facts(true) }, 0, early, DERIVED_LOW),
        (RuntimeFacts { runtime_ms: Some(-1), ..facts(true) }, 0, None, DERIVED_LOW),
        // Still live.
        (facts(false), 0, None, Provenance::MISSING),
        (RuntimeFacts { runtime_ms: Some(7), ..facts(false) }, 0, None, Provenance::MISSING),
        (
            RuntimeFacts { ended_at: late, terminal_at: late, inferred_end: late, ..facts(false) },
            0,
            None,
            Provenance::MISSING,
        ),
        // Over, and nobody says when.
        (facts(true), 0, None, Provenance::MISSING),
        // Far ends do not overflow.
        (
            RuntimeFacts { started_at: Timestamp(i64::MIN), ended_at: Some(Timestamp(i64::MAX)), ..facts(true) },
            i64::MAX / 1_000,
            Some(Timestamp(i64::MAX)),
            HIGH,
        ),
    ] {
        let runtime = session_runtime(&facts);
        assert_eq!((runtime.ms, runtime.end, runtime.provenance), (ms, end, provenance), "{facts:?}");
        let inferred = facts.terminal && facts.ended_at.is_none() && facts.terminal_at.is_none();
        assert_eq!(runtime.end_inferred, inferred && facts.inferred_end.is_some(), "{facts:?}");
    }
}

fn words(cost: &Cost) -> (Option<i64>, Option<&str>, Source, Level, CostConfidence) {
    (
        cost.amount().map(|amount| amount.0),
        cost.pricing_version().map(PricingVersion::as_str),
        cost.source(),
        cost.level(),
        cost.confidence(),
    )
}

/// AG-23: what a session cost.
#[test]
fn ag_23_cost() {
    use CostConfidence::{Estimated, Exact, Unknown};
    use Source::{Derived, Missing, ProviderReported};
    let px = |name: &str| PricingVersion::parse(name).expect("a name");
    let billed = || Cost::billed(Nano(100));
    let priced = || Cost::estimated(Nano(10), px("px-1"));
    let other = || Cost::estimated(Nano(1), px("px-2"));
    let assumed = || Cost::assumed(Nano(5), px("px-1"));
    let none = (None, None, Missing, Level::Unknown, Unknown);
    for (name, bill, calls, shown, unpriced) in [
        (
            "billed",
            Some(Nano(7)),
            vec![priced(), Cost::missing()],
            (Some(7), Some("provider_native"), ProviderReported, Level::High, Exact),
            1,
        ),
        (
            "billed, zero",
            Some(Nano(0)),
            vec![],
            (Some(0), Some("provider_native"), ProviderReported, Level::High, Exact),
            0,
        ),
        (
            "billed calls",
            None,
            vec![billed(), billed()],
            (Some(200), Some("provider_native"), ProviderReported, Level::High, Exact),
            0,
        ),
        ("priced", None, vec![priced(), priced()], (Some(20), Some("px-1"), Derived, Level::Medium, Estimated), 0),
        ("two lists", None, vec![priced(), other()], (Some(11), Some("mixed"), Derived, Level::Medium, Estimated), 0),
        ("weakest", None, vec![billed(), assumed()], (Some(105), Some("mixed"), Derived, Level::Low, Estimated), 0),
        (
            "unpriced",
            None,
            vec![billed(), Cost::missing()],
            (Some(100), Some("provider_native"), Derived, Level::Low, Estimated),
            1,
        ),
        ("none priced", None, vec![Cost::missing(), Cost::missing()], none, 2),
        ("no calls", None, vec![], none, 0),
        ("beyond any bill", None, vec![Cost::billed(Nano(i64::MAX)), billed()], none, 0),
    ] {
        let session = session_cost(bill, &calls);
        assert_eq!((words(&session.cost), session.unpriced_calls), (shown, unpriced), "{name}");
    }
}

#[test]
fn the_weakest_of_none_is_missing() {
    assert_eq!(Provenance::weakest([]), Provenance::MISSING);
    assert_eq!(Provenance::weakest([HIGH, DERIVED_MEDIUM, REPORTED_LOW]), DERIVED_LOW);
}

fn provenances() -> impl Strategy<Value = Provenance> {
    (0..3_usize, 0..4_usize).prop_map(|(source, level)| Provenance::new(Source::EVERY[source], Level::EVERY[level]))
}

proptest! {
    #[test]
    fn the_weakest_does_not_depend_on_the_order(mut many in prop::collection::vec(provenances(), 1..8)) {
        let weakest = Provenance::weakest(many.clone());
        many.reverse();
        prop_assert_eq!(Provenance::weakest(many.clone()), weakest);
        prop_assert!(many.iter().all(|one| one.weaker(weakest) == weakest));
    }

    #[test]
    fn a_runtime_is_never_negative(
        terminal: bool, start: i64, sent: Option<i64>, ended: Option<i64>, seen: Option<i64>, inferred: Option<i64>,
    ) {
        let runtime = session_runtime(&RuntimeFacts {
            terminal,
            started_at: Timestamp(start),
            runtime_ms: sent,
            ended_at: ended.map(Timestamp),
            terminal_at: seen.map(Timestamp),
            inferred_end: inferred.map(Timestamp),
        });
        prop_assert!(runtime.ms >= 0);
        prop_assert_eq!(runtime.end.is_some(), terminal && (ended.or(seen).or(inferred)).is_some());
    }

    #[test]
    fn sent_counts_never_panic(prompt: Option<i64>, completion: Option<i64>, total: Option<i64>) {
        session_tokens(counts(prompt, completion, total), &[]);
    }
}
