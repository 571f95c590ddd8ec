//! A histogram that can be merged and taken apart: integers in steps of which 128 make a power of two (log-linear, as in HdrHistogram).
//!
//! Values below 256 are exact; above, a value is known to 1/256 of itself. Sums of histograms are the same in any order, so an aggregate that was
//! moved step by step equals one that was counted anew.

use std::collections::BTreeMap;

/// Steps between a power of two and the next.
const STEPS: i64 = 128;

/// Bits of a step within its power of two.
const STEP_BITS: u32 = 7;

/// How many values fell into each step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch(BTreeMap<i64, i64>);

/// The step of a value; negative ones count as 0.
fn step_of(value: i64) -> i64 {
    let value = value.max(0);
    if value < STEPS {
        return value;
    }
    let power = value.ilog2();
    let part = (value >> (power - STEP_BITS)) - STEPS;
    STEPS + i64::from(power - STEP_BITS) * STEPS + part
}

/// The middle of a step.
fn value_of(step: i64) -> i64 {
    if step < STEPS {
        return step;
    }
    let shift = (step - STEPS) / STEPS;
    let low = (STEPS + (step - STEPS) % STEPS) << shift;
    low + ((1_i64 << shift) - 1) / 2
}

impl Sketch {
    /// Adds a value so many times; a negative number takes it out.
    pub fn add(&mut self, value: i64, times: i64) {
        self.add_step(step_of(value), times);
    }

    /// Adds all values of another one so many times; -1 takes them out.
    pub fn merge(&mut self, other: &Self, times: i64) {
        for (step, count) in &other.0 {
            self.add_step(*step, count * times);
        }
    }

    fn add_step(&mut self, step: i64, times: i64) {
        let count = self.0.entry(step).or_insert(0);
        *count += times;
        if *count == 0 {
            self.0.remove(&step);
        }
    }

    /// How many values there are.
    pub fn count(&self) -> i64 {
        self.0.values().sum()
    }

    /// True when nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a rank from 0, in order.
    fn at(&self, rank: i64) -> i64 {
        let mut seen = 0;
        for (step, count) in &self.0 {
            seen += count;
            if seen > rank {
                return value_of(*step);
            }
        }
        0
    }

    /// Twice the median, which is the mean of the middle two: twice, so that it is an integer. `None` without values.
    pub fn median_twice(&self) -> Option<i64> {
        let count = self.count();
        (count > 0).then(|| self.at((count - 1) / 2).saturating_add(self.at(count / 2)))
    }

    /// The value of the nearest rank: the smallest that at least `percent` of all do not exceed. `None` without values.
    pub fn percentile(&self, percent: i64) -> Option<i64> {
        let count = self.count();
        (count > 0).then(|| self.at(((count * percent + 99) / 100 - 1).clamp(0, count - 1)))
    }

    /// As bytes: for each step that holds values, the distance from the one before and the number of values, both as LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before = 0;
        for (step, count) in &self.0 {
            push(&mut bytes, step - before);
            push(&mut bytes, *count);
            before = *step;
        }
        bytes
    }

    /// Reads bytes back. `None` when they are not what [`Self::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (mut rest, mut step, mut steps) = (bytes, 0_i64, BTreeMap::new());
        while !rest.is_empty() {
            step = step.checked_add(pull(&mut rest)?)?;
            let count = pull(&mut rest)?;
            if count == 0 || steps.insert(step, count).is_some() {
                return None;
            }
        }
        Some(Self(steps))
    }
}

fn push(bytes: &mut Vec<u8>, value: i64) {
    // Counts and distances are never negative in what is kept.
    let mut rest = value.unsigned_abs();
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn pull(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return i64::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn medians_are_means_of_the_middle_two() {
        let mut sketch = Sketch::default();
        assert_eq!((sketch.median_twice(), sketch.percentile(95)), (None, None));
        for (value, twice) in [(10, 20), (20, 30), (200, 40), (0, 30)] {
            sketch.add(value, 1);
            assert_eq!(sketch.median_twice(), Some(twice), "{value}");
        }
        assert_eq!(
            (sketch.percentile(95), sketch.percentile(50), sketch.percentile(0)),
            (Some(200), Some(10), Some(0))
        );
        sketch.add(200, -1);
        assert_eq!((sketch.count(), sketch.median_twice()), (3, Some(20)));
    }

    proptest! {
        #[test]
        fn a_value_is_known_to_a_256th(value in 0..i64::MAX) {
            let near = value_of(step_of(value));
            prop_assert!((near - value).abs() <= value / 256, "{value} {near}");
            prop_assert_eq!(step_of(near), step_of(value));
        }

        #[test]
        fn bytes_read_back_and_order_does_not_matter(values in prop::collection::vec(0..1_i64 << 50, 0..60), cut in 0..60_usize) {
            let all = |values: &[i64]| {
                let mut sketch = Sketch::default();
                values.iter().for_each(|value| sketch.add(*value, 1));
                sketch
            };
            let whole = all(&values);
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = all(right);
            merged.merge(&all(left), 1);
            prop_assert_eq!(&merged, &whole);
            let read = Sketch::from_bytes(&whole.to_bytes());
            prop_assert_eq!(read.as_ref(), Some(&whole));
            left.iter().for_each(|value| merged.add(*value, -1));
            prop_assert_eq!(merged, all(right));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            Sketch::from_bytes(&bytes);
        }
    }
}
