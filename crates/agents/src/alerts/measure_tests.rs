//! Tests of values, thresholds and levels.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{rule, usd};
use super::{Comparison, Level, Measure, Rule, level_of, p95};
use crate::money::Nano;

fn level(fields: &Value, previous: Level, value: Option<Measure>, sample: i64) -> Option<Level> {
    level_of(&rule(fields), previous, value, sample)
}

#[test]
fn thresholds_are_compared_exactly() {
    let nano = |nano| Some(Measure::Cost(Nano(nano)));
    let rate = |failed, total| Some(Measure::FailureRate { failed, total });
    let ms = |runtime_ms| Some(Measure::Runtime(runtime_ms));
    // 0.1 and 0.3 have no exact double: the decimals that were written count.
    for (warn, comparison, value, expected) in [
        (json!(0.1), "gt", nano(100_000_000), Level::Ok),
        (json!(0.1), "gt", nano(100_000_001), Level::Warning),
        (json!(0.1), "gte", nano(100_000_000), Level::Warning),
        (json!(0.3), "gte", rate(3, 10), Level::Warning),
        (json!(0.3), "gt", rate(3, 10), Level::Ok),
        (json!(0.3), "gt", rate(300_000_001, 1_000_000_000), Level::Warning),
        (json!(1), "gte", rate(1, 3), Level::Ok),
        (json!(1), "gte", rate(3, 3), Level::Warning),
        (json!(1500), "gt", ms(1500), Level::Ok),
        (json!(1499.5), "gt", ms(1500), Level::Warning),
        (json!(0), "gt", ms(0), Level::Ok),
        (json!(0), "gte", ms(0), Level::Warning),
        // The half of a billionth is rounded up.
        (json!(0.000_000_000_5), "gte", nano(0), Level::Ok),
        (json!(0.000_000_000_5), "gte", nano(1), Level::Warning),
        (json!(0.000_000_000_4), "gte", nano(0), Level::Warning),
        // What no value reaches is never crossed, and no product overflows.
        (json!(1e300), "gte", ms(i64::MAX), Level::Ok),
        (json!(1e19), "gte", nano(i64::MAX), Level::Ok),
        (json!(1e19), "gte", rate(u32::MAX, u32::MAX), Level::Ok),
        (json!(1), "gte", ms(i64::MAX), Level::Warning),
    ] {
        // Beyond what a body may say: a database that was written to by hand may hold it.
        let thresholds = Rule { warn_threshold: warn.as_f64().unwrap(), critical_threshold: 1e300, ..rule(&json!({})) };
        let rule = Rule { comparison: Comparison::of_word(comparison).unwrap(), ..thresholds };
        assert_eq!(level_of(&rule, Level::Ok, value, 1), Some(expected), "{warn} {comparison} {value:?}");
    }
}

/// AG-29: a level is entered at its threshold and left past its threshold less the hysteresis.
#[test]
fn ag_29_hysteresis_holds_a_level() {
    // Warn 10, left at 8; critical 50, left at 40.
    for (comparison, previous, dollars, expected) in [
        ("gt", Level::Ok, 10, Level::Ok),
        ("gt", Level::Ok, 9, Level::Ok),
        ("gt", Level::Ok, 11, Level::Warning),
        ("gt", Level::Warning, 9, Level::Warning),
        ("gt", Level::Warning, 8, Level::Ok),
        ("gte", Level::Warning, 8, Level::Warning),
        ("gte", Level::Warning, 7, Level::Ok),
        ("gt", Level::Warning, 45, Level::Warning),
        ("gt", Level::Warning, 51, Level::Critical),
        ("gt", Level::Critical, 41, Level::Critical),
        ("gt", Level::Critical, 40, Level::Warning),
        ("gt", Level::Critical, 9, Level::Warning),
        ("gt", Level::Critical, 8, Level::Ok),
    ] {
        let fields = json!({"hysteresisPct": 20, "comparison": comparison});
        assert_eq!(level(&fields, previous, usd(dollars), 1), Some(expected), "{comparison} {previous} {dollars}");
    }
    let third = json!({"warnThreshold": 0.000_000_001, "criticalThreshold": 9, "hysteresisPct": 33.3});
    assert_eq!(level(&third, Level::Warning, Some(Measure::Cost(Nano(1))), 1), Some(Level::Ok));
}

/// AG-29: too few samples decide nothing, and none decides what the rule says.
#[test]
fn ag_29_small_samples_keep_and_no_data_decides_as_asked() {
    let few = json!({"minSample": 5});
    assert_eq!(level(&few, Level::Ok, usd(99), 4), None);
    assert_eq!(level(&few, Level::Critical, usd(0), 1), None);
    assert_eq!(level(&few, Level::Ok, usd(99), 5), Some(Level::Critical));
    for (no_data, expected) in [("resolve", Some(Level::Ok)), ("keep", None), ("alert", Some(Level::Warning))] {
        let fields = json!({"minSample": 5, "noData": no_data});
        for (value, sample) in [(usd(99), 0), (None, 0), (None, 7), (usd(99), -1)] {
            assert_eq!(level(&fields, Level::Critical, value, sample), expected, "{no_data} {value:?} {sample}");
        }
    }
}

#[test]
fn p95_is_the_nearest_rank() {
    assert_eq!(p95(&mut []), None);
    for (count, expected) in [(1, 1), (2, 2), (19, 19), (20, 19), (21, 20), (100, 95), (101, 96)] {
        let mut runtimes: Vec<i64> = (1..=count).rev().collect();
        assert_eq!(p95(&mut runtimes), Some(expected), "{count}");
    }
}

#[test]
fn values_are_written_exactly_and_shown_in_their_unit() {
    for (measure, text, shown) in [
        (Measure::Cost(Nano(1_234_567_890)), "nano:1234567890", 1.234_568),
        (Measure::Runtime(1_500), "ms:1500", 1_500.0),
        (Measure::FailureRate { failed: 1, total: 4 }, "ratio:1/4", 0.25),
        (Measure::FailureRate { failed: 0, total: 0 }, "ratio:0/0", 0.0),
    ] {
        assert_eq!(measure.to_string(), text);
        assert_eq!(Measure::parse(text), Some(measure));
        assert!((measure.wire() - shown).abs() < 1e-12);
    }
    for wrong in ["", "nano", "nano:", "nano:+1", "ms:01", "ratio:1", "ratio:-1/2", "usd:1", "ms: 1"] {
        assert_eq!(Measure::parse(wrong), None, "{wrong}");
    }
    assert_eq!(Measure::failure_rate(3, 1), Some(Measure::FailureRate { failed: 1, total: 4 }));
    assert_eq!(Measure::failure_rate(0, 0), None);
    assert_eq!(Measure::failure_rate(u32::MAX, 1), None);
}

proptest! {
    #[test]
    fn no_text_panics_as_a_value(text in "(nano|ms|ratio)?:?[-+0-9/]{0,24}") {
        if let Some(measure) = Measure::parse(&text) {
            prop_assert_eq!(measure.to_string(), text);
        }
    }

    #[test]
    fn p95_is_that_of_sorting(mut runtimes in prop::collection::vec(any::<i64>(), 1..300)) {
        let mut sorted = runtimes.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 95).div_ceil(100);
        prop_assert_eq!(p95(&mut runtimes), Some(sorted[rank - 1]));
    }

    #[test]
    fn levels_rise_with_values_and_with_what_stood(
        warn in 0.0..1e12_f64, above in 0.0..1e12_f64, pct in 0.0..100.0_f64, low in any::<i64>(), high in any::<i64>(),
    ) {
        let fields = json!({"metric": "runtime_p95_ms", "warnThreshold": warn, "criticalThreshold": warn + above, "hysteresisPct": pct});
        let rule = rule(&fields);
        let of = |previous, runtime_ms| level_of(&rule, previous, Some(Measure::Runtime(runtime_ms)), 1).unwrap();
        for previous in Level::EVERY {
            prop_assert!(of(*previous, low.min(high)) <= of(*previous, low.max(high)));
            prop_assert!(of(Level::Ok, low) <= of(*previous, low));
            // A level that was just decided stands when the same value comes again.
            let decided = of(*previous, low);
            prop_assert!(of(decided, low) == decided);
        }
    }
}
