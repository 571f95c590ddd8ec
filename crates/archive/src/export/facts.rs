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
        let runs = sql::runs(read, sandboxes)?.into_iter().collect();
        Ok(Ok(Self { runs, batch_times: sql::batch_times(read)?, checkpoint }))
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
    let mut asset_of: HashMap<i64, i64> = HashMap::new();
    for (asset, run, maker) in sql::makers(read, keys)? {
        if frozen.runs.contains(&run) && asset_of.insert(maker, asset).is_none() {
            makers.push(maker);
        }
    }
    let made = activities(read, &makers)?;
    let mut facts = Facts::default();
    let mut of_asset: HashMap<i64, Vec<Fact>> = HashMap::new();
    for record in records::of_units(read, &makers)? {
        if record.body.is_none() || record.seq > last_seq {
            continue;
        }
        match fact_of(&record, kinds, frozen, &made) {
            Ok(fact) => {
                let asset = record.unit.and_then(|unit| asset_of.get(&unit)).copied();
                of_asset.entry(asset.unwrap_or_default()).or_default().push(fact);
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
