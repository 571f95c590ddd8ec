//! What rules measure, read from the ledger: one reading per instance, and each stretch of time read once however many rules look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError};

use super::measure::{Measure, p95};
use super::rule::Rule;
use super::scope::{Instance, Scope};
use super::window::{Span, span_of};
use super::words::Metric;
use crate::aggregates::{DAY, HOUR};
use crate::money::Nano;
use crate::sql::alerts_measures::{self as sql, Ended, Spent};
use crate::sql::dims;

/// Ended sessions that are held, the latest first: 64 MiB. Within seven days that is more than one a second; beyond it percentiles and
/// failure rates are those of the latest ones.
const ENDED_MAX: i64 = 1_000_000;

/// Microseconds of a second.
const MICROS: i64 = 1_000_000;

/// What was measured of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The value.
    pub value: Measure,
    /// What it was counted from; at least 1.
    pub sample: i64,
}

/// Values by the keys of agent and model.
type ByPair<T> = Rc<BTreeMap<(i64, i64), T>>;

/// Reads measures, and keeps what it read: it is for one evaluation, within one transaction.
#[derive(Default)]
pub(super) struct Gauge {
    names: BTreeMap<i64, String>,
    /// From where on ended sessions are wanted, in microseconds.
    ended_after_us: Option<i64>,
    /// Ended sessions, the latest first, and from where on they were read.
    ended: Option<(i64, Vec<Ended>)>,
    spent: BTreeMap<(i64, i64), ByPair<(i64, i64)>>,
    /// What was read of stretches that several spans have in common.
    pieces: BTreeMap<Piece, Rc<[Spent]>>,
    runtimes: BTreeMap<(i64, i64), ByPair<Vec<i64>>>,
    outcomes: BTreeMap<(i64, i64), ByPair<(i64, i64)>>,
}

impl Gauge {
    /// A gauge for rules that are all looked at at the same moment: sessions that ended are read once, for the longest of their windows.
    pub(super) fn for_rules(rules: &[Rule], now: Timestamp) -> Self {
        let is_about_ends =
            |rule: &&Rule| rule.enabled && matches!(rule.metric, Metric::RuntimeP95Ms | Metric::FailureRate);
        let spans = rules
            .iter()
            .filter(is_about_ends)
            .filter_map(|rule| span_of(rule.metric, rule.window, &rule.zone, now).ok());
        Self { ended_after_us: spans.map(|span| span.after.0).min(), ..Self::default() }
    }

    /// The readings of a rule: of every instance that has data in the span.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn readings(
        &mut self,
        read: &Read<'_>,
        rule: &Rule,
        span: Span,
    ) -> Result<BTreeMap<Instance, Reading>, StoreError> {
        match rule.metric {
            Metric::DailyCostUsd | Metric::RollingCostUsd => {
                let spent = self.spent_in(read, span)?;
                let folded = self.folded(read, &rule.scope, &spent, |sum: &mut (i64, i64), part| {
                    *sum = (sum.0.saturating_add(part.0), sum.1.saturating_add(part.1));
                })?;
                Ok(readings(folded, |(nano, priced)| Some((Measure::Cost(Nano(*nano)), *priced))))
            }
            Metric::RuntimeP95Ms => {
                let runtimes = self.runtimes_in(read, span)?;
                let folded = self.folded(read, &rule.scope, &runtimes, |all: &mut Vec<i64>, part| all.extend(part))?;
                Ok(readings(folded, |runtimes| {
                    let sample = i64::try_from(runtimes.len()).ok()?;
                    Some((Measure::Runtime(p95(runtimes)?), sample))
                }))
            }
            Metric::FailureRate => {
                let outcomes = self.outcomes_in(read, span)?;
                let folded = self.folded(read, &rule.scope, &outcomes, |sum: &mut (i64, i64), part| {
                    *sum = (sum.0.saturating_add(part.0), sum.1.saturating_add(part.1));
                })?;
                Ok(readings(folded, |(succeeded, failed)| {
                    let rate = Measure::failure_rate(u32::try_from(*succeeded).ok()?, u32::try_from(*failed).ok()?)?;
                    Some((rate, succeeded.saturating_add(*failed)))
                }))
            }
        }
    }

    /// Parts by instance of a scope.
    fn folded<T: Default>(
        &mut self,
        read: &Read<'_>,
        scope: &Scope,
        parts: &BTreeMap<(i64, i64), T>,
        add: impl Fn(&mut T, &T),
    ) -> Result<BTreeMap<Instance, T>, StoreError> {
        self.learn(read, parts.keys())?;
        let mut folded: BTreeMap<Instance, T> = BTreeMap::new();
        for ((agent_key, model_key), part) in parts {
            let (Some(agent_id), Some(model_id)) = (self.names.get(agent_key), self.names.get(model_key)) else {
                return Err(StoreError::Unexpected("an agent or a model has no name".to_owned()));
            };
            if let Some(instance) = scope.instance_of(agent_id, model_id) {
                add(folded.entry(instance).or_default(), part);
            }
        }
        Ok(folded)
    }

    /// Finds the names of keys that are not known yet.
    fn learn<'k>(&mut self, read: &Read<'_>, pairs: impl Iterator<Item = &'k (i64, i64)>) -> Result<(), StoreError> {
        let keys: BTreeSet<i64> = pairs
            .flat_map(|(agent_key, model_key)| [*agent_key, *model_key])
            .filter(|key| !self.names.contains_key(key))
            .collect();
        self.names.extend(dims::names(read, &keys)?);
        Ok(())
    }

    /// Nano-USD and priced calls.
    fn spent_in(&mut self, read: &Read<'_>, span: Span) -> Result<ByPair<(i64, i64)>, StoreError> {
        let key = (span.after.0, span.until.0);
        if let Some(known) = self.spent.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut sums: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
        for piece in pieces(span) {
            let parts = self.piece(read, piece)?;
            for part in parts.iter().filter(|part| part.priced > 0) {
                let sum = sums.entry((part.agent_key, part.model_key)).or_default();
                *sum = (sum.0.saturating_add(part.nano), sum.1.saturating_add(part.priced));
            }
        }
        let sums = Rc::new(sums);
        self.spent.insert(key, Rc::clone(&sums));
        Ok(sums)
    }

    /// What was spent in a piece.
    fn piece(&mut self, read: &Read<'_>, piece: Piece) -> Result<Rc<[Spent]>, StoreError> {
        if let Some(known) = self.pieces.get(&piece) {
            return Ok(Rc::clone(known));
        }
        let parts: Rc<[Spent]> = match piece {
            Piece::Buckets { grain, from_us, before_us } => sql::spent_in_buckets(read, grain, from_us, before_us)?,
            Piece::Ragged { from_us, before_us } => sql::spent_between(read, from_us, before_us)?,
        }
        .into();
        self.pieces.insert(piece, Rc::clone(&parts));
        Ok(parts)
    }

    /// Known runtimes in milliseconds, in no order.
    fn runtimes_in(&mut self, read: &Read<'_>, span: Span) -> Result<ByPair<Vec<i64>>, StoreError> {
        let key = (span.after.0, span.until.0);
        if let Some(known) = self.runtimes.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut runtimes: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
        for ended in self.ended_in(read, span)? {
            if let Some(runtime_ms) = ended.runtime_ms {
                runtimes.entry((ended.agent_key, ended.model_key)).or_default().push(runtime_ms);
            }
        }
        let runtimes = Rc::new(runtimes);
        self.runtimes.insert(key, Rc::clone(&runtimes));
        Ok(runtimes)
    }

    /// Sessions that succeeded, and that failed.
    fn outcomes_in(&mut self, read: &Read<'_>, span: Span) -> Result<ByPair<(i64, i64)>, StoreError> {
        let key = (span.after.0, span.until.0);
        if let Some(known) = self.outcomes.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut outcomes: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
        for ended in self.ended_in(read, span)? {
            if let Some(is_success) = ended.is_success {
                let count = outcomes.entry((ended.agent_key, ended.model_key)).or_default();
                *(if is_success { &mut count.0 } else { &mut count.1 }) += 1;
            }
        }
        let outcomes = Rc::new(outcomes);
        self.outcomes.insert(key, Rc::clone(&outcomes));
        Ok(outcomes)
    }

    /// The sessions that ended in a span.
    fn ended_in(&mut self, read: &Read<'_>, span: Span) -> Result<impl Iterator<Item = &Ended>, StoreError> {
        let from = span.after.0;
        let held = match self.ended.take() {
            Some((after_us, held)) if after_us <= from => (after_us, held),
            _ => {
                let after_us = self.ended_after_us.map_or(from, |wanted| wanted.min(from));
                (after_us, sql::ended(read, (after_us, span.until.0), ENDED_MAX)?)
            }
        };
        let (_, held) = self.ended.insert(held);
        Ok(held.iter().take_while(move |ended| from < ended.at_us))
    }
}

/// Those parts that say something.
fn readings<T>(
    folded: BTreeMap<Instance, T>,
    says: impl Fn(&mut T) -> Option<(Measure, i64)>,
) -> BTreeMap<Instance, Reading> {
    let reading = |(instance, mut part): (Instance, T)| {
        let (value, sample) = says(&mut part).filter(|(_, sample)| *sample > 0)?;
        Some((instance, Reading { value, sample }))
    };
    folded.into_iter().filter_map(reading).collect()
}

/// A part of a stretch of time, from a moment to before another one, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// Whole hours or days, which are summed already.
    Buckets { grain: i64, from_us: i64, before_us: i64 },
    /// What is left of the first and of the last hour.
    Ragged { from_us: i64, before_us: i64 },
}

/// Cuts a span into days, hours, and at most two ends that are shorter than an hour. On data of a month they hold a thousandth of its
/// calls, while the buckets of seven days are 6 days and 46 hours at most.
fn pieces(span: Span) -> Vec<Piece> {
    let (from, before) = (span.after.0.saturating_add(1), span.until.0.saturating_add(1));
    let hours = (up_to(from, HOUR), down_to(before, HOUR));
    if hours.0 >= hours.1 {
        return vec![Piece::Ragged { from_us: from, before_us: before }];
    }
    let mut pieces = vec![
        Piece::Ragged { from_us: from, before_us: hours.0 },
        Piece::Ragged { from_us: hours.1, before_us: before },
    ];
    let buckets = |grain, from_us, before_us| Piece::Buckets { grain, from_us, before_us };
    let days = (up_to(hours.0, DAY), down_to(hours.1, DAY));
    if days.0 < days.1 {
        pieces.extend([buckets(HOUR, hours.0, days.0), buckets(DAY, days.0, days.1), buckets(HOUR, days.1, hours.1)]);
    } else {
        pieces.push(buckets(HOUR, hours.0, hours.1));
    }
    pieces.retain(|piece| match piece {
        Piece::Buckets { from_us, before_us, .. } | Piece::Ragged { from_us, before_us } => from_us < before_us,
    });
    pieces
}

/// The start of the bucket that a moment lies in.
fn down_to(at_us: i64, grain: i64) -> i64 {
    let length = grain * MICROS;
    at_us.div_euclid(length).saturating_mul(length)
}

/// The first start of a bucket that is not before a moment.
fn up_to(at_us: i64, grain: i64) -> i64 {
    let start = down_to(at_us, grain);
    if start < at_us { start.saturating_add(grain * MICROS) } else { start }
}

#[cfg(test)]
mod tests {
    use exhibit_model::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    const H: i64 = HOUR * MICROS;

    fn span(from: i64, before: i64) -> Span {
        Span { after: Timestamp(from - 1), until: Timestamp(before - 1) }
    }

    #[test]
    fn a_span_is_cut_into_days_hours_and_ragged_ends() {
        let ragged = |from_us, before_us| Piece::Ragged { from_us, before_us };
        let buckets = |grain, from_us, before_us| Piece::Buckets { grain, from_us, before_us };
        assert_eq!(pieces(span(5, 9)), [ragged(5, 9)]);
        assert_eq!(pieces(span(H - 5, H + 5)), [ragged(H - 5, H + 5)], "no whole hour lies within");
        assert_eq!(pieces(span(H, 2 * H)), [buckets(HOUR, H, 2 * H)]);
        assert_eq!(
            pieces(span(H - 1, 2 * H + 1)),
            [ragged(H - 1, H), ragged(2 * H, 2 * H + 1), buckets(HOUR, H, 2 * H)]
        );
        assert_eq!(
            pieces(span(H + 1, 75 * H)),
            [
                ragged(H + 1, 2 * H),
                buckets(HOUR, 2 * H, 24 * H),
                buckets(DAY, 24 * H, 72 * H),
                buckets(HOUR, 72 * H, 75 * H)
            ]
        );
    }

    proptest! {
        #[test]
        fn pieces_cover_a_span_once(from in -400 * H..400 * H, length in 0..400 * H) {
            let mut covered: Vec<(i64, i64)> = pieces(span(from, from + length))
                .into_iter()
                .map(|piece| match piece {
                    Piece::Buckets { from_us, before_us, .. } | Piece::Ragged { from_us, before_us } => (from_us, before_us),
                })
                .collect();
            covered.sort_unstable();
            let mut at = from;
            for (from_us, before_us) in covered {
                prop_assert_eq!(from_us, at);
                at = before_us;
            }
            prop_assert_eq!(at, from + length);
        }

        #[test]
        fn no_span_panics(after in any::<i64>(), until in any::<i64>()) {
            let count = pieces(Span { after: Timestamp(after), until: Timestamp(until) }).len();
            prop_assert!(count <= 5);
        }
    }
}
