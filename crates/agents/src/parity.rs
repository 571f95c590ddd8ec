//! Whether the sums by hour and day say what the rows of the sessions say, and what to do when they do not.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_store::{Read, Store, StoreError};

use crate::aggregates::{Contributions, Cut, Performance, Sum, Sums};
use crate::retention::Seals;
use crate::sql::calls::{self, CallRow};
use crate::sql::seals::floors;
use crate::sql::{aggregates, dims, sessions, usage};

/// Sessions whose rows are held at once while they are counted: with their calls, a few megabytes.
const PAGE_SESSIONS: i64 = 500;

/// Cuts that are written at once: some ten megabytes.
const PART_CUTS: usize = 2_000;

/// Differences that are told one by one; the number of them is exact beyond that. Nobody reads more, and one is reason enough to rebuild.
pub const DIFFERENCES_MAX: usize = 100;

/// A sum that is not what the rows come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `daily_usage_agg` or `model_perf_agg`.
    pub table: &'static str,
    /// The column. Of a histogram, the numbers of its values are told.
    pub column: &'static str,
    /// Where it stands.
    pub cut: Cut,
    /// The name of the agent.
    pub agent: String,
    /// The name of the model.
    pub model: String,
    /// The name of the category.
    pub category: String,
    /// What is kept.
    pub stored: i64,
    /// What the rows come to.
    pub counted: i64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parity {
    /// Cuts that were compared.
    pub cuts: usize,
    /// Sums that differ.
    pub differing: usize,
    /// The first of them, [`DIFFERENCES_MAX`] at most, in the order of tables, cuts and columns.
    pub differences: Vec<Difference>,
}

impl Parity {
    /// Whether everything is as it should be.
    pub fn holds(&self) -> bool {
        self.differing == 0
    }
}

/// Counts the sums anew from the rows of the sessions, a page at a time, and from the seals of those that went, one at a time: what is held are
/// the cuts and one page, however many sessions there are.
///
/// # Errors
/// When the database cannot be read, or a session has no usage.
pub fn recount(read: &Read<'_>) -> Result<Contributions, StoreError> {
    let (mut counted, mut after) = (Contributions::default(), i64::MIN);
    loop {
        let page = sessions::page(read, after, PAGE_SESSIONS)?;
        let Some(last) = page.last() else { break };
        after = last.standing.session_key;
        let keys: Vec<i64> = page.iter().map(|row| row.standing.session_key).collect();
        let usages = usage::by_keys(read, &keys)?;
        let mut of_sessions: BTreeMap<i64, Vec<CallRow>> = BTreeMap::new();
        for call in calls::by_sessions(read, &keys)? {
            of_sessions.entry(call.session_key).or_default().push(call);
        }
        for session in &page {
            let key = session.standing.session_key;
            let usage = usages.get(&key);
            let usage = usage.ok_or_else(|| StoreError::Unexpected(format!("session {key} has no usage")))?;
            counted.add(session, usage, of_sessions.get(&key).into_iter().flatten(), 1);
        }
    }
    let mut sealed = Seals::default();
    while let Some(seal) = sealed.next(read)? {
        counted.merge(&seal.contributions(read)?);
    }
    Ok(counted.above(floors(read)?).without_zeros())
}

/// Compares what is kept with what the rows come to, on one snapshot of the database.
///
/// # Errors
/// When the database cannot be read.
pub fn check(read: &Read<'_>) -> Result<Parity, StoreError> {
    let (stored, counted) = (aggregates::every(read)?, recount(read)?);
    let mut found = Found::default();
    for cut in union(&stored.usage, &counted.usage) {
        let none = Sums::default();
        let (old, new) = (stored.usage.get(cut).unwrap_or(&none), counted.usage.get(cut).unwrap_or(&none));
        for (sum, column) in Sum::EVERY.iter().zip(Sum::COLUMNS) {
            found.compare("daily_usage_agg", column, cut, (old.get(*sum), new.get(*sum)), true);
        }
        found.cuts += 1;
    }
    for cut in union(&stored.performance, &counted.performance) {
        let none = Performance::default();
        let (old, new) = (stored.performance.get(cut).unwrap_or(&none), counted.performance.get(cut).unwrap_or(&none));
        for (column, old, new) in [
            ("runs_total", old.runs, new.runs),
            ("success_count", old.success, new.success),
            ("failure_count", old.failure, new.failure),
            ("killed_count", old.killed, new.killed),
            ("cancelled_count", old.cancelled, new.cancelled),
            ("inferred_count", old.inferred, new.inferred),
        ] {
            found.compare("model_perf_agg", column, cut, (old, new), true);
        }
        for (column, old, new) in
            [("runtime_sketch", &old.runtime, &new.runtime), ("cost_sketch", &old.cost, &new.cost)]
        {
            found.compare("model_perf_agg", column, cut, (old.count(), new.count()), old == new);
        }
        found.cuts += 1;
    }
    found.named(read)
}

/// Counts the sums anew and puts them in the place of what is kept, in one transaction. The number of cuts that are kept then.
///
/// # Errors
/// When the database cannot be read or written; then everything stands as it was.
pub async fn rebuild(store: &Store) -> Result<usize, StoreError> {
    let at = store.clock().now();
    store
        .write(move |tx| {
            let counted = recount(tx)?;
            let cuts = counted.usage.len() + counted.performance.len();
            aggregates::clear(tx)?;
            for part in parts(counted) {
                aggregates::apply(tx, &part, at.0)?;
            }
            let mut sealed = Seals::default();
            while let Some(seal) = sealed.next(tx)? {
                aggregates::seal(tx, &seal.contributions(tx)?)?;
            }
            Ok(cuts)
        })
        .await
}

/// The same in parts of so many cuts, because a cut takes several times its size on its way into the database.
fn parts(whole: Contributions) -> impl Iterator<Item = Contributions> {
    let (mut usage, mut performance) = (whole.usage.into_iter(), whole.performance.into_iter());
    std::iter::from_fn(move || {
        let usage: BTreeMap<_, _> = usage.by_ref().take(PART_CUTS).collect();
        let performance: BTreeMap<_, _> = performance.by_ref().take(PART_CUTS).collect();
        (!usage.is_empty() || !performance.is_empty()).then_some(Contributions { usage, performance })
    })
}

/// Counts the sums once when there are sessions and no sums at all: after an upgrade from a version that kept none, before anything is taken in.
/// True when they were counted.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn ensure_counted(store: &Store) -> Result<bool, StoreError> {
    let uncounted =
        store.read(|read| Ok(!aggregates::any(read)? && !sessions::page(read, i64::MIN, 1)?.is_empty())).await?;
    if uncounted {
        rebuild(store).await?;
    }
    Ok(uncounted)
}

fn union<'a, T, U>(one: &'a BTreeMap<Cut, T>, other: &'a BTreeMap<Cut, U>) -> BTreeSet<&'a Cut> {
    one.keys().chain(other.keys()).collect()
}

/// Differences, without names.
#[derive(Default)]
struct Found {
    cuts: usize,
    differing: usize,
    told: Vec<(&'static str, &'static str, Cut, i64, i64)>,
}

impl Found {
    /// Notes a difference: of the numbers, or of what they stand for.
    fn compare(&mut self, table: &'static str, column: &'static str, cut: &Cut, (old, new): (i64, i64), same: bool) {
        if old == new && same {
            return;
        }
        self.differing += 1;
        if self.told.len() < DIFFERENCES_MAX {
            self.told.push((table, column, *cut, old, new));
        }
    }

    fn named(self, read: &Read<'_>) -> Result<Parity, StoreError> {
        let keys = |cut: &Cut| [cut.agent_key, cut.model_key, cut.category_key];
        let names = dims::names(read, &self.told.iter().flat_map(|(_, _, cut, _, _)| keys(cut)).collect())?;
        let name = |key: i64| names.get(&key).cloned().unwrap_or_else(|| key.to_string());
        let difference = |(table, column, cut, stored, counted): (_, _, Cut, _, _)| {
            let [agent, model, category] = keys(&cut).map(name);
            Difference { table, column, cut, agent, model, category, stored, counted }
        };
        let (cuts, differing) = (self.cuts, self.differing);
        Ok(Parity { cuts, differing, differences: self.told.into_iter().map(difference).collect() })
    }
}
