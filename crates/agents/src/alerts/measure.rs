//! What was measured, and how bad it is: exact comparisons of integers and ratios with thresholds.

use std::fmt;

use super::rule::Rule;
use super::words::{Comparison, Level, NoData};
use crate::money::Nano;

/// Parts of a unit that thresholds are kept in: a billionth of a dollar, of a millisecond, of a whole.
const PARTS: i128 = 1_000_000_000;

/// A value, exact as it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Cost, in nano-USD.
    Cost(Nano),
    /// Runtime, in milliseconds.
    Runtime(i64),
    /// Failed sessions among those that failed or succeeded.
    FailureRate {
        /// Sessions that failed.
        failed: u32,
        /// Sessions that failed or succeeded.
        total: u32,
    },
}

impl Measure {
    /// The share of failures; `None` when nothing ended in one way or the other.
    pub fn failure_rate(succeeded: u32, failed: u32) -> Option<Self> {
        let total = succeeded.checked_add(failed).filter(|total| *total > 0)?;
        Some(Self::FailureRate { failed, total })
    }

    /// The value in the unit of the metric, as the wire has it: USD with six decimals at most, whole milliseconds, a share from 0 to 1.
    pub fn wire(self) -> f64 {
        match self {
            Self::Cost(nano) => nano.usd(),
            #[expect(clippy::cast_precision_loss, reason = "the wire has doubles; 2^53 ms are 285,000 years")]
            Self::Runtime(runtime_ms) => runtime_ms as f64,
            Self::FailureRate { total: 0, .. } => 0.0,
            Self::FailureRate { failed, total } => f64::from(failed) / f64::from(total),
        }
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        let measure = match kind {
            "nano" => Self::Cost(Nano(value.parse().ok()?)),
            "ms" => Self::Runtime(value.parse().ok()?),
            "ratio" => {
                let (failed, total) = value.split_once('/')?;
                Self::FailureRate { failed: failed.parse().ok()?, total: total.parse().ok()? }
            }
            _ => return None,
        };
        (measure.to_string() == text).then_some(measure)
    }

    /// Numerator and denominator in the unit of the metric; the denominator is positive.
    fn ratio(self) -> (i128, i128) {
        match self {
            Self::Cost(nano) => (i128::from(nano.0), PARTS),
            Self::Runtime(runtime_ms) => (i128::from(runtime_ms), 1),
            Self::FailureRate { failed, total } => (i128::from(failed), i128::from(total.max(1))),
        }
    }

    /// Whether the value crosses a threshold of so many [`PARTS`]. No product overflows: numerators have 64 bits, thresholds 95 at most,
    /// and the largest factor beside them is 2^32.
    fn crosses(self, comparison: Comparison, threshold: i128) -> bool {
        let (numerator, denominator) = self.ratio();
        let (value, limit) = (numerator * PARTS, threshold * denominator);
        match comparison {
            Comparison::Greater => value > limit,
            Comparison::GreaterOrEqual => value >= limit,
        }
    }
}

/// `nano:<nano-USD>`, `ms:<milliseconds>` or `ratio:<failed>/<total>`: the exact value, as the database keeps it.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cost(nano) => write!(f, "nano:{}", nano.0),
            Self::Runtime(runtime_ms) => write!(f, "ms:{runtime_ms}"),
            Self::FailureRate { failed, total } => write!(f, "ratio:{failed}/{total}"),
        }
    }
}

/// The level of a value, or `None` when there is too little to go by and what stood stands.
///
/// `sample` is what the value was counted from: priced calls, ended sessions of known runtime, or failed and successful sessions. A level
/// that stands is left only below its threshold less the hysteresis, by the same comparison; entered is it at the threshold itself.
/// Without a value there is no sample, whatever was counted.
pub fn level_of(rule: &Rule, previous: Level, value: Option<Measure>, sample: i64) -> Option<Level> {
    let Some(value) = value.filter(|_| sample > 0) else {
        return match rule.no_data {
            NoData::Resolve => Some(Level::Ok),
            NoData::Keep => None,
            NoData::Alert => Some(Level::Warning),
        };
    };
    if sample < rule.min_sample {
        return None;
    }
    let crosses = |threshold: f64, level: Level| {
        let hysteresis_pct = if previous >= level { rule.hysteresis_pct } else { 0.0 };
        value.crosses(rule.comparison, lowered(parts_of(threshold), hysteresis_pct))
    };
    Some(if crosses(rule.critical_threshold, Level::Critical) {
        Level::Critical
    } else if crosses(rule.warn_threshold, Level::Warning) {
        Level::Warning
    } else {
        Level::Ok
    })
}

/// The 95th percentile by nearest rank: the smallest runtime that 95 of 100 do not exceed. `None` of nothing; the order changes.
pub fn p95(runtimes_ms: &mut [i64]) -> Option<i64> {
    let count = runtimes_ms.len();
    // ceil(0.95 * count) without a product that could overflow; at least 1, at most count.
    let rank = count - count / 20;
    let index = rank.checked_sub(1)?;
    Some(*runtimes_ms.select_nth_unstable(index).1)
}

/// A threshold in billionths of its unit: the decimal that a person wrote (the shortest that reads back as the same double), rounded half
/// up. Beyond 2^64 units every threshold is the same, because no value gets there.
fn parts_of(threshold: f64) -> i128 {
    const BEYOND: i128 = (1 << 64) * PARTS;
    let text = format!("{threshold}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let Some(whole) = whole.parse::<u64>().ok() else { return BEYOND };
    let digits = format!("{part:0<10}");
    let kept = digits.get(..9).and_then(|digits| digits.parse::<i128>().ok()).unwrap_or(0);
    let up = digits.as_bytes().get(9).is_some_and(|digit| *digit >= b'5');
    i128::from(whole) * PARTS + kept + i128::from(up)
}

/// A threshold less a share of it in percent, rounded up to a whole part.
fn lowered(parts: i128, hysteresis_pct: f64) -> i128 {
    let hundred = 100 * PARTS;
    let share = (hundred - parts_of(hysteresis_pct)).clamp(0, hundred);
    // 95 bits times 37 bits would be too many: whole units first, then what is left of them.
    let (whole, rest) = (parts.div_euclid(hundred), parts.rem_euclid(hundred));
    whole * share + (rest * share + hundred - 1).div_euclid(hundred)
}
