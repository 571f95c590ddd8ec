//! `compare`: two runs side by side. Which was faster, which was more reliable, and which facts differ.

mod facts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::ids::{AssetId, RunId};
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::benchmarks;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use facts::{FactKey, FactsOfRun, Found};

/// Times that differ by less than this part of the slower one are called the same: two runs of the same work differ by as much.
const SAME_SPEED: f64 = 0.05;

/// Two runs side by side.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The first and the second.
    pub runs: [RunSide; 2],
    /// Steps that both have, by name, with their times.
    pub steps: Vec<StepPair>,
    /// Which was faster, by the mean time of a unit over the steps that both have; absent when that cannot be said.
    pub faster: Option<Verdict>,
    /// Which had the smaller part of failed units; absent when that cannot be said.
    pub more_reliable: Option<Verdict>,
    /// What they found.
    pub facts: FactComparison,
}

/// One run of a comparison.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunSide {
    /// The run.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// `sandbox` or `production`.
    pub policy: String,
    /// Frozen members.
    pub members: i64,
    /// Units by state.
    pub units: BTreeMap<String, i64>,
    /// Failed units of those that were tried, from 0 to 1; absent when none was.
    pub failed_part: Option<f64>,
    /// Its newest benchmark record; absent while it has not ended.
    pub benchmark: Option<Json>,
}

/// One step that both runs have.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StepPair {
    /// Its name.
    pub step: String,
    /// Mean time of a unit in microseconds, in the first and in the second run.
    pub mean_us: [Option<u64>; 2],
    /// Half of the units took at most this long.
    pub p50_us: [Option<u64>; 2],
    /// 95 of 100 units took at most this long.
    pub p95_us: [Option<u64>; 2],
    /// Parameters that differ, with both values.
    pub params: BTreeMap<String, [Json; 2]>,
}

/// Which of the two.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The run; absent when they are the same.
    pub run: Option<RunId>,
    /// The numbers behind it, in words.
    pub because: String,
}

/// How the facts of two runs differ.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct FactComparison {
    /// Facts that both found, equal.
    pub same: u64,
    /// Facts at the same asset, kind and span with other content.
    pub differing: u64,
    /// Facts that only the first found.
    pub only_first: u64,
    /// Facts that only the second found.
    pub only_second: u64,
    /// The first of those that are not the same; when they are more than were asked for, some of each sort.
    pub examples: Vec<Difference>,
}

/// Facts at one place that are not the same.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The asset.
    pub asset_id: AssetId,
    /// The kind.
    pub kind: String,
    /// The span in milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// Artifacts of the first run.
    pub first: Vec<String>,
    /// Artifacts of the second run.
    pub second: Vec<String>,
}

/// Compares two runs; at most `examples` differences are listed, all are counted.
///
/// # Errors
/// When the database cannot be read.
pub fn compare(read: &Read<'_>, kinds: &Kinds, runs: &[Run; 2], examples: usize) -> Result<Comparison, StoreError> {
    let sides = [side(read, &runs[0])?, side(read, &runs[1])?];
    let steps = pair_steps(runs, &sides);
    Ok(Comparison {
        faster: faster(&sides, &steps),
        more_reliable: more_reliable(&sides),
        facts: compare_facts(read, kinds, runs, examples)?,
        steps,
        runs: sides,
    })
}

fn side(read: &Read<'_>, run: &Run) -> Result<RunSide, StoreError> {
    let mut units: BTreeMap<String, i64> = BTreeMap::new();
    for (_, state, count) in runs::coverage(read, run.key)? {
        *units.entry(state.to_string()).or_default() += count;
    }
    let count = |state: &str| units.get(state).copied().unwrap_or(0);
    let tried = count("done") + count("done-empty") + count("reused") + count("failed");
    Ok(RunSide {
        run: run.id,
        pipeline: run.pipeline.clone(),
        pipeline_version: run.pipeline_version.clone(),
        policy: run.policy.clone(),
        members: run.members,
        failed_part: (tried > 0).then(|| count("failed") as f64 / tried as f64),
        units,
        benchmark: benchmarks::newest(read, run)?.and_then(|body| serde_json::from_slice(&body).ok()),
    })
}

fn pair_steps(runs: &[Run; 2], sides: &[RunSide; 2]) -> Vec<StepPair> {
    // A definition that cannot be read is one without steps here; `verify` says what is wrong with it.
    let definitions: [Json; 2] =
        [0, 1].map(|index| serde_json::from_slice(&runs[index].definition).unwrap_or(Json::Null));
    let steps = |index: usize| definitions[index]["steps"].as_array().cloned().unwrap_or_default();
    let second = steps(1);
    let mut pairs = Vec::new();
    for step in steps(0) {
        let Some(other) = second.iter().find(|other| other["name"] == step["name"]) else { continue };
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let time = |field: &str| {
            [0, 1].map(|index| {
                let steps = sides[index].benchmark.as_ref()?["steps"].as_array()?;
                steps.iter().find(|timed| timed["step"] == name.as_str())?[field].as_u64()
            })
        };
        let params = differing_params(&step, other);
        pairs.push(StepPair {
            mean_us: time("mean_us"),
            p50_us: time("p50_us"),
            p95_us: time("p95_us"),
            step: name,
            params,
        });
    }
    pairs
}

fn differing_params(first: &Json, second: &Json) -> BTreeMap<String, [Json; 2]> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for step in [first, second] {
        names.extend(step["params"].as_object().into_iter().flat_map(|params| params.keys().cloned()));
    }
    let mut differing: BTreeMap<String, [Json; 2]> = BTreeMap::new();
    for name in names {
        let values = [first, second].map(|step| step["params"][name.as_str()].clone());
        if values[0] != values[1] {
            differing.insert(name, values);
        }
    }
    for field in ["extractor", "profile"] {
        if first[field] != second[field] {
            differing.insert(field.to_owned(), [first[field].clone(), second[field].clone()]);
        }
    }
    differing
}

/// Each common step counts alike: the mean over the steps of the mean time of a unit.
fn faster(sides: &[RunSide; 2], steps: &[StepPair]) -> Option<Verdict> {
    let timed: Vec<(u64, u64)> = steps.iter().filter_map(|step| Some((step.mean_us[0]?, step.mean_us[1]?))).collect();
    if timed.is_empty() {
        return None;
    }
    let mean = |pick: fn(&(u64, u64)) -> u64| timed.iter().map(pick).sum::<u64>() as f64 / timed.len() as f64;
    let (first, second) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let because = format!("{:.2} ms and {:.2} ms for a unit", first / 1000.0, second / 1000.0);
    let same = (first - second).abs() <= SAME_SPEED * first.max(second);
    let winner = usize::from(second < first);
    Some(Verdict { run: (!same).then_some(sides[winner].run), because })
}

fn more_reliable(sides: &[RunSide; 2]) -> Option<Verdict> {
    let (first, second) = (sides[0].failed_part?, sides[1].failed_part?);
    let because = format!("{:.2} % and {:.2} % of the units failed", first * 100.0, second * 100.0);
    let winner = usize::from(second < first);
    Some(Verdict { run: (first != second).then_some(sides[winner].run), because })
}

/// Walks both runs in the order of assets, which is the order of their members.
fn compare_facts(
    read: &Read<'_>,
    kinds: &Kinds,
    runs: &[Run; 2],
    examples: usize,
) -> Result<FactComparison, StoreError> {
    let mut found = FactComparison::default();
    let mut listed = Listed { examples, ..Listed::default() };
    let (mut first, mut second) = (FactsOfRun::new(&runs[0]), FactsOfRun::new(&runs[1]));
    let (mut left, mut right) = (first.next(read)?, second.next(read)?);
    let empty = BTreeMap::new();
    loop {
        let asset = match (&left, &right) {
            (None, None) => {
                found.examples = listed.fair();
                return Ok(found);
            }
            (Some(left), Some(right)) => left.asset.min(right.asset),
            (Some(only), None) | (None, Some(only)) => only.asset,
        };
        let of_left = left.take_if(|facts| facts.asset == asset);
        let of_right = right.take_if(|facts| facts.asset == asset);
        let (a, b) = (
            of_left.as_ref().map_or(&empty, |facts| &facts.facts),
            of_right.as_ref().map_or(&empty, |facts| &facts.facts),
        );
        compare_asset(&mut found, &mut listed, kinds, a, b);
        if of_left.is_some() {
            left = first.next(read)?;
        }
        if of_right.is_some() {
            right = second.next(read)?;
        }
    }
}

/// Differences that can be named: of each sort (both sides have one, only the first, only the second) as many as may be named in all.
#[derive(Default)]
struct Listed {
    examples: usize,
    next: usize,
    sorts: [Vec<(usize, Difference)>; 3],
}

impl Listed {
    fn wants(&self, sort: usize) -> bool {
        self.sorts[sort].len() < self.examples
    }

    fn add(&mut self, sort: usize, difference: Difference) {
        self.sorts[sort].push((self.next, difference));
        self.next += 1;
    }

    /// What is named in the end. The longest list gives way first, so that a few that differ are not lost behind many that one side lacks.
    fn fair(mut self) -> Vec<Difference> {
        while self.sorts.iter().map(Vec::len).sum::<usize>() > self.examples {
            if let Some(longest) = self.sorts.iter_mut().max_by_key(|sort| sort.len()) {
                longest.pop();
            }
        }
        let mut all: Vec<(usize, Difference)> = self.sorts.into_iter().flatten().collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, difference)| difference).collect()
    }
}

fn compare_asset(
    found: &mut FactComparison,
    listed: &mut Listed,
    kinds: &Kinds,
    first: &BTreeMap<FactKey, Vec<Found>>,
    second: &BTreeMap<FactKey, Vec<Found>>,
) {
    let keys: BTreeSet<&FactKey> = first.keys().chain(second.keys()).collect();
    for key in keys {
        let sides = [first, second].map(|side| side.get(key).map_or(&[][..], Vec::as_slice));
        let (same, mut rest) = take_equal(sides);
        found.same += same;
        if rest.iter().all(Vec::is_empty) {
            continue;
        }
        let both = rest[0].len().min(rest[1].len()) as u64;
        found.differing += both;
        found.only_first += rest[0].len() as u64 - both;
        found.only_second += rest[1].len() as u64 - both;
        let sort = if both > 0 { 0 } else { 1 + usize::from(rest[0].is_empty()) };
        if listed.wants(sort)
            && let Some(asset_id) = rest.iter().flatten().find_map(|fact| fact.asset_id)
        {
            let kind =
                kinds.by_key(key.kind).map_or_else(|| format!("kind {}", key.kind), |kind| kind.name().to_owned());
            let [first, second] =
                [0, 1].map(|index| std::mem::take(&mut rest[index]).into_iter().map(|fact| fact.id.clone()).collect());
            listed.add(sort, Difference { asset_id, kind, span_ms: key.span_ms, first, second });
        }
    }
}

/// Takes out what both sides hold, as often as both hold it. Returns how many pairs there were, and what is left.
fn take_equal(sides: [&[Found]; 2]) -> (u64, [Vec<&Found>; 2]) {
    let mut second: Vec<&Found> = sides[1].iter().collect();
    let mut first = Vec::new();
    let mut same = 0;
    for fact in sides[0] {
        match second.iter().position(|other| other.content_hash == fact.content_hash) {
            Some(place) => {
                second.remove(place);
                same += 1;
            }
            None => first.push(fact),
        }
    }
    (same, [first, second])
}
