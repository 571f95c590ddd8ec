//! Usage over time and performance of models: the same numbers whatever way they are cut.
//!
//! Whole hours and days come from the aggregates. Where a bound or a midnight of the zone cuts an hour in two, the sessions of that hour are
//! booked one by one ([`parts`]), so that no cut is wrong by an hour.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError};
use jiff::Timestamp as Instant;
use jiff::civil::Date;

use crate::aggregates::{Basis, DAY, HOUR, Part, Performance, Sum, Sums, parts, performance_of};
use crate::alerts::Zone;
use crate::sql::analytics::{By, Cuts, SHOWN, booked, booked_in_hours, performance, reach, usage};
use crate::sql::calls::{self, CallRow};
use crate::sql::seals::floors;
use crate::sql::sessions::{self, SessionRow};
use crate::sql::usage::{self as usages, UsageRow};

/// Microseconds of a second.
const MICROS: i64 = 1_000_000;

/// Microseconds of an hour.
const HOUR_US: i64 = HOUR * MICROS;

/// Microseconds of a day of UTC.
const DAY_US: i64 = DAY * MICROS;

/// Sessions that are read at a time.
const PAGE: usize = 500;

/// A span of time, `from` in it and `before` not; open ends reach as far as there is something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub before: Option<Timestamp>,
}

/// Sums by day of a zone and by name.
pub type Series = BTreeMap<(Date, i64), Sums>;

/// Usage by day of the zone, told apart as wanted: the sums that are [`SHOWN`].
///
/// # Errors
/// When the database cannot be read.
pub fn by_day(
    read: &Read<'_>,
    basis: Basis,
    span: Reach,
    zone: &Zone,
    cuts: &Cuts,
    by: By,
) -> Result<Series, StoreError> {
    let mut series = Series::new();
    let Some(span) = bounds(read, basis, span)? else { return Ok(series) };
    let question = Question { read, basis, zone, cuts, by };
    // A day of UTC is kept as a whole; what the span has of its first and last day is told by hours, as all days of other zones are.
    let days = (span.0.saturating_add(DAY_US - 1).div_euclid(DAY_US) * DAY_US, span.1.div_euclid(DAY_US) * DAY_US);
    if zone.name() == "UTC" && days.0 < days.1 {
        question.add_days(days, &mut series)?;
        question.add_hours((span.0, days.0), &mut series)?;
        question.add_hours((days.1, span.1), &mut series)?;
    } else {
        question.add_hours(span, &mut series)?;
    }
    Ok(series)
}

/// What is asked of usage over time.
struct Question<'a, 'r> {
    read: &'a Read<'r>,
    basis: Basis,
    zone: &'a Zone,
    cuts: &'a Cuts,
    by: By,
}

impl Question<'_, '_> {
    /// Adds days of UTC, from one midnight to before another.
    fn add_days(&self, days: (i64, i64), series: &mut Series) -> Result<(), StoreError> {
        for found in usage(self.read, self.basis, DAY, days, self.cuts, self.by)? {
            let date = local_day(&Zone::default(), found.bucket_at);
            series.entry((date, found.by)).or_default().merge(&found.sums, 1);
        }
        Ok(())
    }

    /// Adds a span by its hours, as far as they are kept.
    fn add_hours(&self, (from, before): (i64, i64), series: &mut Series) -> Result<(), StoreError> {
        if from >= before {
            return Ok(());
        }
        let from = match older(self.read, (from, before))? {
            None => from,
            Some(days) => {
                self.add_days(days.whole, series)?;
                days.finer
            }
        };
        if from >= before {
            return Ok(());
        }
        let (basis, by, day) = (self.basis, self.by, |at: i64| local_day(self.zone, at));
        let hours = (from.div_euclid(HOUR_US) * HOUR_US, before);
        let (mut cut, mut halved) = (BTreeSet::new(), BTreeMap::<(i64, i64), Sums>::new());
        for found in usage(self.read, basis, HOUR, hours, self.cuts, by)? {
            if cut.contains(&found.bucket_at) || is_cut(found.bucket_at, (from, before), self.zone) {
                cut.insert(found.bucket_at);
                halved.insert((found.bucket_at, found.by), found.sums);
            } else {
                series.entry((day(found.bucket_at), found.by)).or_default().merge(&found.sums, 1);
            }
        }
        let keys = booked_in_hours(self.read, basis, &cut)?;
        each_booked(self.read, basis, &keys, self.cuts, &mut |session, part| {
            let hour = part.at.0.div_euclid(HOUR_US) * HOUR_US;
            if !cut.contains(&hour) {
                return;
            }
            let name = match by {
                By::Nothing => 0,
                By::Agent => session.agent_key,
                By::Model => part.model_key,
                By::Category => session.task_category_key,
            };
            let sums = part.sums.only(&SHOWN);
            halved.entry((hour, name)).or_default().merge(&sums, -1);
            if (from..before).contains(&part.at.0) {
                series.entry((day(part.at.0), name)).or_default().merge(&sums, 1);
            }
        })?;
        // What is left of an hour was booked by sessions whose rows went: nobody knows the minute, so it counts where the hour begins.
        for ((hour, name), rest) in halved {
            if hour >= from && rest.get(Sum::Runs) > 0 {
                series.entry((day(hour), name)).or_default().merge(&rest, 1);
            }
        }
        Ok(())
    }
}

/// The part of a span whose hours are not kept any more, as whole days of UTC: of it nothing finer is known, so a day that the span begins or
/// ends in counts when its noon lies in the span.
fn older(read: &Read<'_>, (from, before): (i64, i64)) -> Result<Option<Days>, StoreError> {
    let floor = floors(read)?.hour;
    if from >= floor {
        return Ok(None);
    }
    // The first midnight whose noon is not before the moment.
    let midnight = |at: i64| (at + DAY_US / 2 - 1).div_euclid(DAY_US) * DAY_US;
    let end = if before < floor { midnight(before) } else { floor };
    Ok(Some(Days { whole: (midnight(from), end), finer: before.min(floor) }))
}

/// Whole days of a span.
struct Days {
    /// From which to which midnight of UTC.
    whole: (i64, i64),
    /// Where hours are known again, or the span ends.
    finer: i64,
}

/// Usage by provider, which no aggregate has: from the rows, so without sessions that went when their time was over.
///
/// # Errors
/// When the database cannot be read.
pub fn by_provider(
    read: &Read<'_>,
    basis: Basis,
    span: Reach,
    cuts: &Cuts,
) -> Result<BTreeMap<Option<i64>, Sums>, StoreError> {
    let mut groups: BTreeMap<Option<i64>, Sums> = BTreeMap::new();
    let Some(span) = bounds(read, basis, span)? else { return Ok(groups) };
    let keys = booked(read, basis, span)?;
    each_booked(read, basis, &keys, cuts, &mut |_, part| {
        if (span.0..span.1).contains(&part.at.0) {
            groups.entry(part.provider_key).or_default().merge(&part.sums, 1);
        }
    })?;
    Ok(groups)
}

/// The span in microseconds, its open ends closed.
fn bounds(read: &Read<'_>, basis: Basis, span: Reach) -> Result<Option<(i64, i64)>, StoreError> {
    let Some((first, last)) = reach(read, basis)? else { return Ok(None) };
    let from = span.from.map_or(first, |from| from.0.max(first));
    let before = span.before.map_or(last + DAY_US, |before| before.0.min(last + DAY_US));
    Ok((from < before).then_some((from, before)))
}

fn local_day(zone: &Zone, at: i64) -> Date {
    // Moments of sessions are within the years that a date can have; the gate has seen to that.
    Instant::from_microsecond(at).map_or(Date::ZERO, |at| at.to_zoned(zone.rules().clone()).date())
}

/// Whether a bound or a midnight of the zone cuts an hour in two. Only hours that hold something are asked about, so it does not matter how
/// far the first session lies from the last.
fn is_cut(hour: i64, (from, before): (i64, i64), zone: &Zone) -> bool {
    let inside = |at: i64| hour < at && at < hour + HOUR_US;
    let first = local_day(zone, hour);
    // A zone that set its clock back just after midnight was a moment in the next day, and is in the first one again when the hour ends.
    let midnight = first.tomorrow().ok().and_then(|next| next.to_zoned(zone.rules().clone()).ok());
    let midnight = midnight.is_some_and(|midnight| inside(midnight.timestamp().as_microsecond()));
    inside(from) || inside(before) || midnight || local_day(zone, hour + HOUR_US - 1) != first
}

/// Visits everything that is booked by some sessions, one by one.
fn each_booked(
    read: &Read<'_>,
    basis: Basis,
    keys: &[i64],
    cuts: &Cuts,
    visit: &mut dyn FnMut(&SessionRow, &Part),
) -> Result<(), StoreError> {
    for keys in keys.chunks(PAGE) {
        each_session(read, keys, &mut |session, usage, calls| {
            let wanted = cuts.agent_key.is_none_or(|key| key == session.agent_key)
                && cuts.category_key.is_none_or(|key| key == session.task_category_key);
            if !wanted {
                return;
            }
            for part in parts(session, usage, calls.iter().copied()) {
                if part.basis == basis && cuts.model_key.is_none_or(|key| key == part.model_key) {
                    visit(session, &part);
                }
            }
        })?;
    }
    Ok(())
}

type VisitSession<'a> = dyn FnMut(&SessionRow, &UsageRow, &[&CallRow]) + 'a;

fn each_session(read: &Read<'_>, keys: &[i64], visit: &mut VisitSession<'_>) -> Result<(), StoreError> {
    let found = usages::by_keys(read, keys)?;
    let mut by_session: BTreeMap<i64, Vec<CallRow>> = BTreeMap::new();
    for call in calls::by_sessions(read, keys)? {
        by_session.entry(call.session_key).or_default().push(call);
    }
    for session in sessions::by_keys(read, keys)? {
        let key = session.standing.session_key;
        if let Some(usage) = found.get(&key) {
            let calls: Vec<&CallRow> = by_session.get(&key).into_iter().flatten().collect();
            visit(&session, usage, &calls);
        }
    }
    Ok(())
}

/// Performance of each model, and whether its medians are exact.
pub type Matrix = BTreeMap<i64, (Performance, Medians)>;

/// Twice the medians, which are means of the middle two: twice, so that they are integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Medians {
    /// Of known runtimes, in milliseconds.
    pub runtime_twice: i64,
    /// Of known costs, in nano-USD.
    pub cost_twice: i64,
    /// Whether they come from histograms and are known to 1/256 of themselves.
    pub approx: bool,
}

/// Sessions up to which medians are exact: so many are read in a few milliseconds.
const EXACT_MAX: i64 = 5_000;

/// How sessions that have ended and began in a span did, by model.
///
/// # Errors
/// When the database cannot be read.
pub fn matrix(read: &Read<'_>, span: Reach, cuts: &Cuts) -> Result<Matrix, StoreError> {
    let mut models: BTreeMap<i64, Performance> = BTreeMap::new();
    let Some((from, before)) = bounds(read, Basis::SessionStart, span)? else { return Ok(Matrix::new()) };
    let aligned = from % DAY_US == 0 && before % DAY_US == 0;
    let days = match aligned {
        true => Some(Days { whole: (from, before), finer: before }),
        false => older(read, (from, before))?,
    };
    let mut found = match &days {
        Some(days) => performance(read, DAY, days.whole, cuts)?,
        None => Vec::new(),
    };
    let finer = days.map_or(from, |days| days.finer);
    let whole = ((finer + HOUR_US - 1).div_euclid(HOUR_US) * HOUR_US, before.div_euclid(HOUR_US) * HOUR_US);
    found.extend(performance(read, HOUR, whole, cuts)?);
    for bucket in found {
        models.entry(bucket.model_key).or_default().merge(&bucket.performance, 1);
    }
    let mut edges = vec![(finer, whole.0.min(before)), (whole.1.max(finer), before)];
    edges.dedup();
    for edge in edges.into_iter().filter(|(first, after)| first < after) {
        each_ended(read, edge, cuts, &mut |session, usage| {
            models.entry(session.model_key).or_default().merge(&performance_of(session, usage), 1);
        })?;
    }
    let runs: i64 = models.values().map(|performance| performance.runs).sum();
    let exact = if runs <= EXACT_MAX { Some(values(read, (from, before), cuts)?) } else { None };
    let rows = models.into_iter().map(|(model_key, performance)| {
        let of_model = exact.as_ref().map(|values| values.get(&model_key).map_or((0, 0), counts));
        // Rows that went when their time was over leave histograms alone.
        let all = of_model == Some((performance.runtime.count(), performance.cost.count()));
        let medians = match &exact {
            Some(values) if all => values.get(&model_key).map_or_else(Medians::default, exact_medians),
            _ => Medians {
                runtime_twice: performance.runtime.median_twice().unwrap_or(0),
                cost_twice: performance.cost.median_twice().unwrap_or(0),
                approx: true,
            },
        };
        (model_key, (performance, medians))
    });
    Ok(rows.collect())
}

/// Known runtimes and costs of a model.
type Values = (Vec<i64>, Vec<i64>);

fn values(read: &Read<'_>, span: (i64, i64), cuts: &Cuts) -> Result<BTreeMap<i64, Values>, StoreError> {
    let mut values: BTreeMap<i64, Values> = BTreeMap::new();
    each_ended(read, span, cuts, &mut |session, usage| {
        let (runtimes, costs) = values.entry(session.model_key).or_default();
        if usage.runtime.source != crate::provenance::Source::Missing {
            runtimes.push(usage.runtime_ms);
        }
        costs.extend(usage.cost.amount().map(|amount| amount.0));
    })?;
    Ok(values)
}

fn counts((runtimes, costs): &Values) -> (i64, i64) {
    let count = |values: &[i64]| i64::try_from(values.len()).unwrap_or(i64::MAX);
    (count(runtimes), count(costs))
}

fn exact_medians((runtimes, costs): &Values) -> Medians {
    let twice = |values: &[i64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        match sorted.len() {
            0 => 0,
            count => sorted[(count - 1) / 2].saturating_add(sorted[count / 2]),
        }
    };
    Medians { runtime_twice: twice(runtimes), cost_twice: twice(costs), approx: false }
}

/// Visits the sessions that began in a span and have ended.
fn each_ended(
    read: &Read<'_>,
    span: (i64, i64),
    cuts: &Cuts,
    visit: &mut dyn FnMut(&SessionRow, &UsageRow),
) -> Result<(), StoreError> {
    for keys in booked(read, Basis::SessionStart, span)?.chunks(PAGE) {
        let found = usages::by_keys(read, keys)?;
        for session in sessions::by_keys(read, keys)? {
            let wanted = session.standing.state.is_terminal()
                && cuts.agent_key.is_none_or(|key| key == session.agent_key)
                && cuts.model_key.is_none_or(|key| key == session.model_key)
                && cuts.category_key.is_none_or(|key| key == session.task_category_key);
            if let (true, Some(usage)) = (wanted, found.get(&session.standing.session_key)) {
                visit(&session, usage);
            }
        }
    }
    Ok(())
}
