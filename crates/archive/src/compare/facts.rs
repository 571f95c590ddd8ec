//! The facts of a run, asset by asset, in the order of its members. A reused unit has the facts of the unit that did the work.

use std::collections::{BTreeMap, VecDeque};

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;
use exhibit_store::ledger::verify::printed_id;
use exhibit_store::sql::records;
use exhibit_store::sql::runs::Run;
use exhibit_store::sql::units;
use exhibit_store::{Read, StoreError};

/// Members whose facts are read at once.
const MEMBERS_AT_ONCE: i64 = 256;

/// What facts of two runs are matched by, within one asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FactKey {
    pub(super) kind: i64,
    pub(super) span_ms: Option<(i64, i64)>,
}

/// One fact.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) asset_id: Option<AssetId>,
    pub(super) content_hash: Digest,
}

/// The facts about one asset.
pub(super) struct AssetFacts {
    /// Key of the asset.
    pub(super) asset: i64,
    pub(super) facts: BTreeMap<FactKey, Vec<Found>>,
}

/// Reads them piece by piece.
pub(super) struct FactsOfRun<'a> {
    run: &'a Run,
    member: i64,
    ready: VecDeque<AssetFacts>,
}

impl<'a> FactsOfRun<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        Self { run, member: 0, ready: VecDeque::new() }
    }

    /// The facts of the next asset that has any.
    pub(super) fn next(&mut self, read: &Read<'_>) -> Result<Option<AssetFacts>, StoreError> {
        while self.ready.is_empty() && self.member < self.run.members {
            self.fill(read)?;
        }
        Ok(self.ready.pop_front())
    }

    fn fill(&mut self, read: &Read<'_>) -> Result<(), StoreError> {
        let first = self.run.first_unit + self.member * self.run.steps;
        self.member += MEMBERS_AT_ONCE;
        let end = (self.run.first_unit + self.member * self.run.steps).min(self.run.units_end());
        let makers = units::makers(read, first, end)?;
        let keys: Vec<i64> = makers.iter().map(|(_, maker)| *maker).collect();
        let mut of_unit: BTreeMap<i64, Vec<(FactKey, Found)>> = BTreeMap::new();
        for record in records::of_units(read, &keys)? {
            let (Some(unit), true) = (record.unit, record.body.is_some()) else { continue };
            let found =
                Found { id: printed_id(&record), asset_id: record.asset.map(AssetId), content_hash: record.commitment };
            of_unit.entry(unit).or_default().push((FactKey { kind: record.kind, span_ms: record.span_ms }, found));
        }
        let mut by_asset: BTreeMap<i64, BTreeMap<FactKey, Vec<Found>>> = BTreeMap::new();
        for (asset, maker) in makers {
            for (key, found) in of_unit.get(&maker).cloned().unwrap_or_default() {
                by_asset.entry(asset).or_default().entry(key).or_default().push(found);
            }
        }
        self.ready.extend(by_asset.into_iter().map(|(asset, facts)| AssetFacts { asset, facts }));
        Ok(())
    }
}
