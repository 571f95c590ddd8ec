//! The facts of an export: which count, on one state of the ledger, in an order that depends on nothing but what they say.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use exhibit_model::digest::Digest;
use exhibit_model::envelope::Envelope;
use exhibit_model::note::Checkpoint;
use exhibit_model::time::Timestamp;
use exhibit_store::kinds::Kinds;
use exhibit_store::ledger::checkpoint::{CheckpointError, current};
use exhibit_store::ledger::verify::printed_id;
use exhibit_store::projection::about_asset;
use exhibit_store::sql::assets::{self, Asset};
use exhibit_store::sql::records::{self, StoredRecord};
use exhibit_store::sql::runs;
use exhibit_store::{Read, StoreError};
use serde::Serialize;
use serde_json::Value as Json;

use super::prov::Activity;
use crate::envelope::envelope_of;
use crate::sql::export as sql;

/// What counts, frozen when the export begins: what comes later is left out, however long the export takes.
#[derive(Debug)]
pub(super) struct Frozen {
    runs: HashSet<i64>,
    /// Units over whole collections of these runs, and the kinds of what they found.
    aggregates: Aggregates,
    batch_times: Vec<(i64, i64)>,
    /// The ledger at that moment.
    pub(super) checkpoint: Checkpoint,
}

impl Frozen {
    pub(super) fn read(
        read: &Read<'_>,
        sandboxes: bool,
        origin: &str,
    ) -> Result<Result<Self, CheckpointError>, StoreError> {
        let checkpoint = match current(read, origin) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Err(error)),
        };
        let runs: HashSet<i64> = sql::runs(read, sandboxes)?.into_iter().collect();
        let aggregates = Aggregates::read(read, &runs)?;
        Ok(Ok(Self { runs, aggregates, batch_times: sql::batch_times(read)?, checkpoint }))
    }

    /// When a record was taken in; `None` when that was after the export began.
    fn recorded(&self, seq: i64) -> Option<Timestamp> {
        let batch = self.batch_times.partition_point(|(first, _)| *first <= seq).checked_sub(1)?;
        // The last batch has no next one that says where it ends; whatever came later has a batch of its own.
        Some(Timestamp(self.batch_times[batch].1))
    }
}

/// A line of `facts.jsonl`: the envelope, and what the ledger says.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    #[serde(flatten)]
    pub(super) envelope: Envelope,
    pub(super) lineage_hash: Digest,
    pub(super) ledger_seq: i64,
    #[serde(skip)]
    pub(super) made: Activity,
}

/// The facts about some assets.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// In the order of the assets, then of what they say.
    pub(super) found: Vec<(Asset, Vec<Fact>)>,
    /// Records that cannot be exported, and why.
    pub(super) broken: Vec<(String, String)>,
}

/// Reads the facts about some assets; they are given and come in the order of their bytes' digests.
pub(super) fn facts_of(
    read: &Read<'_>,
    kinds: &Kinds,
    frozen: &Frozen,
    last_seq: i64,
    keys: &[i64],
) -> Result<Facts, StoreError> {
    let mut makers: Vec<i64> = Vec::new();
    let mut known = HashSet::new();
    for (_, run, maker) in sql::makers(read, keys)? {
        if frozen.runs.contains(&run) && known.insert(maker) {
            makers.push(maker);
        }
    }
    // A unit over a collection is one of no asset in particular: what it found is looked up by asset.
    makers.retain(|unit| !frozen.aggregates.units.contains(unit));
    let units: Vec<i64> = makers.iter().chain(&frozen.aggregates.units).copied().collect();
    let made = activities(read, &units)?;
    let mut facts = Facts::default();
    let mut of_asset: HashMap<i64, Vec<Fact>> = HashMap::new();
    let mut stored = records::of_units(read, &makers)?;
    stored.extend(frozen.aggregates.records_about(read, kinds, keys)?);
    for record in stored {
        if record.body.is_none() || record.seq > last_seq {
            continue;
        }
        match fact_of(&record, kinds, frozen, &made) {
            Ok(fact) => {
                of_asset.entry(record.asset_key.unwrap_or_default()).or_default().push(fact);
            }
            Err(reason) => {
                let reason = format!("{reason}; `exhibit verify` names everything that is damaged");
                facts.broken.push((printed_id(&record), reason));
            }
        }
    }
    let mut known: Vec<Asset> = assets::by_keys(read, keys)?;
    known.sort_by_key(|asset| asset.sha256);
    for asset in known {
        let mut found = of_asset.remove(&asset.key).unwrap_or_default();
        found.sort_by(|left, right| order_of(left).cmp(&order_of(right)));
        facts.found.push((asset, found));
    }
    Ok(facts)
}

/// Units over whole collections, of the runs whose results are exported.
#[derive(Debug, Default)]
struct Aggregates {
    units: Vec<i64>,
    /// Keys of the kinds of what they found.
    kinds: Vec<i64>,
}

impl Aggregates {
    fn read(read: &Read<'_>, runs: &HashSet<i64>) -> Result<Self, StoreError> {
        let mut units = Vec::new();
        for run in runs {
            let Some(run) = runs::by_key(read, *run)? else { continue };
            let definition: Json = serde_json::from_slice(&run.definition).unwrap_or(Json::Null);
            let steps = definition["steps"].as_array().map_or(&[][..], Vec::as_slice);
            let over_all = (0_i64..)
                .zip(steps)
                .filter(|(_, step)| step["reads"].as_array().is_some_and(|reads| !reads.is_empty()));
            units.extend(over_all.map(|(index, _)| run.first_unit + index));
        }
        units.sort_unstable();
        let kinds = sql::kinds_of(read, &units)?;
        Ok(Self { units, kinds })
    }

    fn records_about(&self, read: &Read<'_>, kinds: &Kinds, assets: &[i64]) -> Result<Vec<StoredRecord>, StoreError> {
        let mut found = Vec::new();
        let emitted: Vec<_> = self.kinds.iter().filter_map(|kind| kinds.by_key(*kind)).collect();
        for asset in assets.iter().filter(|_| !emitted.is_empty()) {
            for seq in about_asset(read, &emitted, *asset, FACTS_OF_ASSET_MAX)? {
                let record = records::at(read, seq)?;
                found.extend(record.filter(|record| record.unit.is_some_and(|unit| self.units.contains(&unit))));
            }
        }
        Ok(found)
    }
}

/// Facts of one kind about one asset that units over collections may have found, over all runs.
const FACTS_OF_ASSET_MAX: i64 = 10_000;

/// What is said first, and only then who said it: two homes that found the same have the same order.
fn order_of(fact: &Fact) -> impl Ord + '_ {
    let said = &fact.envelope;
    let span = (said.span_start_ms, said.span_end_ms);
    (&said.artifact_type, said.schema_version, span, said.content_hash, fact.lineage_hash, said.artifact_id)
}

fn fact_of(
    record: &StoredRecord,
    kinds: &Kinds,
    frozen: &Frozen,
    made: &HashMap<i64, Activity>,
) -> Result<Fact, &'static str> {
    let recorded = frozen.recorded(record.seq).ok_or("it is in no batch")?;
    let envelope = envelope_of(record, kinds, recorded)?;
    let made = record.unit.and_then(|unit| made.get(&unit)).ok_or("its unit is missing")?;
    let lineage_hash = record.lineage_hash.ok_or("its lineage is missing")?;
    Ok(Fact { envelope, lineage_hash, ledger_seq: record.seq, made: made.clone() })
}

/// How units were worked off.
fn activities(read: &Read<'_>, units: &[i64]) -> Result<HashMap<i64, Activity>, StoreError> {
    let mut known: BTreeMap<i64, Option<(runs::Run, Json)>> = BTreeMap::new();
    let mut made = HashMap::new();
    for unit in sql::units(read, units)? {
        if let Entry::Vacant(place) = known.entry(unit.run) {
            let run = runs::by_key(read, unit.run)?;
            place.insert(run.map(|run| {
                let definition = serde_json::from_slice(&run.definition).unwrap_or(Json::Null);
                (run, definition)
            }));
        }
        let Some((run, definition)) = known.get(&unit.run).and_then(Option::as_ref) else { continue };
        let step = &definition["steps"][unit.step as usize];
        let activity = Activity {
            pipeline: run.pipeline.clone(),
            pipeline_version: run.pipeline_version.clone(),
            step: step["name"].as_str().unwrap_or_default().to_owned(),
            params: step["params"].clone(),
            policy: run.policy.clone(),
            started: unit.started_us.map(Timestamp),
            ended: unit.ended_us.map(Timestamp),
        };
        made.insert(unit.unit, activity);
    }
    Ok(made)
}
