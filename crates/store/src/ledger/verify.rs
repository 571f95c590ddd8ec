//! The check of everything: every record, lineage, batch, tree node and blob is computed again and compared.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::{LeafAdmission, content_hash_of_canonical, head_leaf, leaf_bytes};
use exhibit_model::ids::{ArtifactId, AssetId, RunId, UnitId};
use exhibit_model::kind::KindDeclaration;
use exhibit_model::merkle::{Frontier, leaf_hash, root_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::kinds::{Kind, Kinds};
use crate::retention::Tombstones;
use crate::session::Read;
use crate::sql::ledger::{self as sql, Batch};
use crate::sql::records::{self, StoredRecord};

/// At most this many problems are listed; the number of all is counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// One thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LedgerProblem")]
pub struct Problem {
    /// What it is about: `record 17 (art_…)`, `batch 3`, `blob …`.
    pub subject: String,
    /// A word from a closed list.
    pub code: Cow<'static, str>,
    /// What is wrong, for people.
    pub message: String,
}

/// What a check found.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "VerifyReport")]
pub struct Report {
    /// Records checked.
    pub records: u64,
    /// Batches checked.
    pub batches: u64,
    /// Blobs checked.
    pub blobs: u64,
    /// Bytes of blobs read.
    pub blob_bytes: u64,
    /// Problems in all.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
    /// Root of the ledger.
    pub root: Option<Digest>,
}

impl Report {
    /// Adds a problem.
    pub fn add(&mut self, subject: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { subject: subject.into(), code: code.into(), message: message.into() });
        }
    }
}

/// Checks the ledger and everything its leaves stand for. `progress` gets (records checked, records in all) and can end the check.
///
/// # Errors
/// When the database cannot be read, or `progress` wants an end. What is wrong with the evidence is in the report.
pub fn verify_ledger(
    read: &Read<'_>,
    kinds: &Arc<Kinds>,
    progress: &mut dyn FnMut(u64, u64) -> Result<(), StoreError>,
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let total = u64::try_from(sql::count_records(read)?).unwrap_or(0);
    let stones = Tombstones::read(read, kinds)?;
    let mut frontier = Frontier::new();
    let mut nodes = BTreeMap::new();
    let mut next_seq = 1;
    let batches = match sql::batches(read) {
        Ok(batches) => batches,
        Err(StoreError::Unexpected(reason)) => {
            report.add("batches", "unreadable", reason);
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    for batch in &batches {
        check_batch(read, (kinds, &stones), batch, next_seq, &mut report)?;
        next_seq = batch.first_seq.saturating_add(batch.count);
        let leaf = head_leaf(batch.batch, batch.first_seq, batch.count, batch.at_us, batch.leaves_root);
        for node in frontier.push(leaf) {
            nodes.insert((i64::from(node.level), i64::try_from(node.index).unwrap_or(i64::MAX)), node.hash);
        }
        if batch.batch != i64::try_from(frontier.len()).unwrap_or(i64::MAX) {
            report.add(format!("batch {}", batch.batch), "gap", "batches are not numbered without a gap");
        }
        if frontier.root() != batch.head {
            let message = "the stored root of the ledger after this batch is not the one computed from the batches";
            report.add(format!("batch {}", batch.batch), "head_mismatch", message);
        }
        report.batches += 1;
        progress(report.records, total)?;
    }
    check_tree(read, &nodes, &mut report)?;
    check_state(read, &frontier, next_seq, total, &mut report)?;
    check_kinds(read, kinds, &mut report)?;
    for run in crate::retention::unpromoted(read)? {
        report.add(format!("run {}", run.id), "unpromoted", "its sandbox results count although no record promotes it");
    }
    report.root = Some(frontier.root());
    Ok(report)
}

fn check_batch(
    read: &Read<'_>,
    known: (&Kinds, &Tombstones),
    batch: &Batch,
    next_seq: i64,
    report: &mut Report,
) -> Result<(), StoreError> {
    let subject = format!("batch {}", batch.batch);
    if batch.first_seq != next_seq {
        report.add(&subject, "gap", format!("it starts at record {} instead of {next_seq}", batch.first_seq));
    }
    let mut leaves = Vec::new();
    let mut expected = batch.first_seq;
    records::each_readable_from(read, batch.first_seq, batch.count, &mut |seq, record| {
        if seq != expected {
            report.add(&subject, "record_missing", format!("record {expected} is missing"));
        }
        expected = seq.saturating_add(1);
        match record {
            Ok(record) => leaves.push(check_record(known, &record, report)),
            Err(reason) => report.add(format!("record {seq}"), "unreadable", reason),
        }
        report.records += 1;
        Ok(())
    })?;
    let end = batch.first_seq.saturating_add(batch.count);
    if expected != end {
        report.add(&subject, "record_missing", format!("record {expected} is missing"));
    }
    if root_of(&leaves) != batch.leaves_root {
        let last = end.saturating_sub(1);
        let message = format!("its root is not the one of its records ({} to {last})", batch.first_seq);
        report.add(&subject, "leaves_root_mismatch", message);
    }
    Ok(())
}

/// Checks one record and returns the leaf that its columns give.
pub fn check_record((kinds, stones): (&Kinds, &Tombstones), record: &StoredRecord, report: &mut Report) -> Digest {
    let id = printed_id(record);
    let subject = format!("record {} ({id})", record.seq);
    let Some(kind) = kinds.by_key(record.kind) else {
        report.add(&subject, "unknown_kind", format!("its kind {} is not registered", record.kind));
        return record.leaf;
    };
    match (&record.body, LeafAdmission::from_code(record.admission)) {
        (_, None) => report.add(&subject, "leaf_mismatch", "its admission is neither new nor stale"),
        (None, _) if stones.names(record.seq) => {}
        (None, _) => report.add(&subject, "body_missing", "its body is gone and no tombstone names it"),
        (Some(_), _) if stones.names(record.seq) => {
            report.add(&subject, "body_present", "a tombstone says that its body is gone");
        }
        (Some(body), _) if content_hash(&kind, record, body) != record.commitment => {
            report.add(&subject, "content_mismatch", "its content is not what its commitment says");
        }
        _ => {}
    }
    if let Some(lineage) = &record.lineage
        && record.lineage_hash != Some(Digest::of(lineage))
    {
        report.add(format!("lineage of {subject}"), "lineage_mismatch", "the lineage is not what its hash says");
    }
    for (part, key, found) in
        [("asset", record.asset_key, record.asset.is_some()), ("blob", record.blob_key, record.blob.is_some())]
    {
        if let Some(key) = key.filter(|_| !found) {
            report.add(&subject, "reference_missing", format!("its {part} {key} is not there"));
        }
    }
    let of_unit = record.unit.is_some() && record.ordinal.is_some() && record.record_id.is_none();
    let from_outside = record.unit.is_none() && record.ordinal.is_none() && record.record_id.is_some();
    if !of_unit && !from_outside {
        report.add(
            &subject,
            "origin_mismatch",
            "it has neither a unit and an ordinal alone, nor an id of its own alone",
        );
    }
    if record.unit.is_some() && record.lineage.is_none() {
        report.add(&subject, "lineage_missing", "it has no lineage");
    }
    let leaf = leaf_of(&kind, record, &id);
    if leaf != record.leaf {
        report.add(&subject, "leaf_mismatch", "its ledger row is not what its leaf says");
    }
    leaf
}

fn content_hash(kind: &Kind, record: &StoredRecord, body: &[u8]) -> Digest {
    let asset = record.asset.map(AssetId);
    let blob = record.blob.as_ref().map(|blob| blob.sha256);
    content_hash_of_canonical(kind.name(), kind.declaration.version, asset, record.span_ms, body, blob)
}

fn leaf_of(kind: &Kind, record: &StoredRecord, id: &str) -> Digest {
    let admission = LeafAdmission::from_code(record.admission).unwrap_or(LeafAdmission::Stale);
    let version = kind.declaration.version;
    let run = record.run.map(RunId);
    leaf_hash(&leaf_bytes(id, kind.name(), version, admission, record.commitment, record.lineage_hash, run))
}

/// The id under which a record is printed.
pub fn printed_id(record: &StoredRecord) -> String {
    match (record.run, record.unit_ordinal, record.ordinal, &record.record_id) {
        (Some(run), Some(unit), Some(ordinal), _) => {
            ArtifactId { unit: UnitId { run: RunId(run), ordinal: unit }, ordinal }.to_string()
        }
        (_, _, _, Some(id)) => id.clone(),
        _ => "without an id".to_owned(),
    }
}

fn check_tree(read: &Read<'_>, computed: &BTreeMap<(i64, i64), Digest>, report: &mut Report) -> Result<(), StoreError> {
    let mut found = 0;
    sql::each_node(read, &mut |level, position, hash| {
        let expected = computed.get(&(level, position));
        found += usize::from(expected.is_some());
        if expected != Some(&hash) {
            let subject = format!("tree node {level}/{position}");
            report.add(subject, "node_mismatch", "it is not the hash of what lies below it");
        }
        Ok(())
    })?;
    if found < computed.len() {
        report.add("ledger tree", "node_missing", format!("{} nodes are missing", computed.len() - found));
    }
    Ok(())
}

fn check_state(
    read: &Read<'_>,
    frontier: &Frontier,
    next_seq: i64,
    records: u64,
    report: &mut Report,
) -> Result<(), StoreError> {
    match sql::state(read) {
        Ok(state) => {
            if state.frontier != *frontier || state.next_seq != next_seq {
                report.add(
                    "ledger state",
                    "state_mismatch",
                    "the stored edge of the tree is not the one of the batches",
                );
            }
        }
        Err(StoreError::Unexpected(reason)) => report.add("ledger state", "state_mismatch", reason),
        Err(error) => return Err(error),
    }
    let named = next_seq.saturating_sub(1);
    if u64::try_from(named).unwrap_or(0) != records {
        let message = format!("{records} records are stored, the batches name {named}");
        report.add("ledger", "record_outside", message);
    }
    Ok(())
}

/// The stored kinds against their digests, and against those that this process has checked the records with.
fn check_kinds(read: &Read<'_>, kinds: &Kinds, report: &mut Report) -> Result<(), StoreError> {
    let stored = match crate::sql::kinds::all(read) {
        Ok(stored) => stored,
        Err(StoreError::Unexpected(reason)) => {
            report.add("kinds", "unreadable", reason);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for (_, name, version, digest, _, file) in &stored {
        let parsed = KindDeclaration::parse(file);
        if !parsed.is_ok_and(|kind| kind.digest == *digest && kind.kind.as_str() == name && kind.version == *version) {
            let subject = format!("kind {name} v{version}");
            report.add(subject, "kind_mismatch", "its file is not the one that was registered");
        }
    }
    for kind in kinds.every() {
        let declaration = &kind.declaration;
        let same = stored.iter().any(|(key, name, version, digest, _, _)| {
            (*key, name.as_str(), *version) == (kind.key, kind.name(), declaration.version)
                && *digest == declaration.digest
        });
        if !same {
            let subject = format!("kind {} v{}", kind.name(), declaration.version);
            report.add(subject, "kind_mismatch", "it is not registered as this process knows it");
        }
    }
    Ok(())
}
