//! The gate, second half: idempotency, append, project, in one transaction for a whole group of requests.

mod admit;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::{LeafAdmission, head_leaf, leaf_bytes};
use exhibit_model::ids::{ArtifactId, AssetId};
use exhibit_model::kind::Cell;
use exhibit_model::merkle::{leaf_hash, root_of};
use exhibit_model::time::Clock;

use self::admit::{Admitted, admit_requests};
use crate::error::{GateError, StoreError};
use crate::gate::Made;
use crate::kinds::{Kind, Kinds};
use crate::room::{Room, Seq};
use crate::session::Tx;
use crate::sql::{ledger, records};
use crate::value::Value;

/// Bytes in the blob store, named by a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// How many there are.
    pub bytes: u64,
    /// What they are.
    pub media_type: String,
}

/// Where a record comes from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Unit { made: Arc<Made>, ordinal: u32 },
    Outside { record_id: String },
}

/// A record that passed every check that needs no database. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub(crate) kind: Arc<Kind>,
    pub(crate) origin: Origin,
    pub(crate) asset: Option<(AssetId, i64)>,
    pub(crate) span_ms: Option<(i64, i64)>,
    pub(crate) body: Vec<u8>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) blob: Option<StoredBlob>,
    pub(crate) content_hash: Digest,
    /// Its leaf should it be new, computed beside the write path; `None` for candidates that are only projected again.
    pub(crate) leaf_new: Option<Digest>,
    /// What was read of the body beside the write path; no part of the record.
    pub(crate) reading: Option<Reading>,
}

/// What a room makes of a body: a type of its own.
type Reading = Arc<dyn Any + Send + Sync>;

impl Candidate {
    /// Reads the body now, on the thread of whoever hands the record in, for the room that decides about it and projects it on the writer's.
    ///
    /// # Errors
    /// With the error of `read`.
    pub fn read_ahead<T: Any + Send + Sync, E>(
        mut self,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<(Self, Arc<T>), E> {
        let reading = Arc::new(read(&self.body)?);
        self.reading = Some(Arc::clone(&reading) as Reading);
        Ok((self, reading))
    }

    /// What [`Candidate::read_ahead`] made of the body; `None` when nobody has, as in a rebuild.
    pub fn reading<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.reading.as_ref()?).downcast().ok()
    }

    /// What is claimed, as one digest.
    pub fn content_hash(&self) -> Digest {
        self.content_hash
    }

    /// What the leaf commits to: the content hash, as long as no kind of class `personal` exists.
    pub fn commitment(&self) -> Digest {
        self.content_hash
    }

    /// The canonical payload.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The kind.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The id it came with; `None` for artifacts.
    pub fn outside_id(&self) -> Option<&str> {
        match &self.origin {
            Origin::Unit { .. } => None,
            Origin::Outside { record_id } => Some(record_id),
        }
    }

    /// The id it is printed under.
    pub fn record_id(&self) -> String {
        match &self.origin {
            Origin::Unit { made, ordinal } => ArtifactId { unit: made.unit_id, ordinal: *ordinal }.to_string(),
            Origin::Outside { record_id } => record_id.clone(),
        }
    }

    /// Fills in the leaf of a new record.
    pub(crate) fn with_leaf(mut self) -> Self {
        self.leaf_new = Some(self.leaf(LeafAdmission::New));
        self
    }

    fn leaf(&self, admission: LeafAdmission) -> Digest {
        if let (LeafAdmission::New, Some(leaf)) = (admission, self.leaf_new) {
            return leaf;
        }
        let (lineage, run) = match &self.origin {
            Origin::Unit { made, .. } => (Some(made.lineage_hash), Some(made.unit_id.run)),
            Origin::Outside { .. } => (None, None),
        };
        let (name, version) = (self.kind.name(), self.kind.declaration.version);
        leaf_hash(&leaf_bytes(&self.record_id(), name, version, admission, self.commitment(), lineage, run))
    }
}

/// What an effect says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Go on.
    Proceed,
    /// Write nothing, for this reason (a lost lease, ...).
    Refuse(String),
}

/// Runs first, in the same transaction, and may be run again; `Refuse` means that nothing is written.
pub type Effect = Box<dyn Fn(&mut Tx<'_>) -> Result<Guard, StoreError> + Send>;

/// All candidates or none; may be empty. Its effect changes the operation tables that must change with the evidence.
#[derive(Default)]
pub struct Append {
    /// What is to be recorded.
    pub candidates: Vec<Candidate>,
    /// What must happen with it.
    pub effect: Option<Effect>,
    /// What admission decides about besides the ids of the candidates: no other request with one of these keys is decided in the same group, so
    /// that each sees what the one before it wrote.
    pub keys: Vec<String>,
}

impl Append {
    /// Bytes of all bodies.
    pub(crate) fn body_bytes(&self) -> usize {
        self.candidates.iter().map(|candidate| candidate.body.len()).sum()
    }

    /// The keys under which admission decides: two requests with the same key never share a group.
    pub(crate) fn admission_keys(&self) -> Vec<String> {
        let ids = self.candidates.iter().filter_map(|candidate| candidate.outside_id().map(str::to_owned));
        ids.chain(self.keys.iter().cloned()).collect()
    }
}

/// What became of one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the ledger.
    pub seq: Seq,
    /// What it claims.
    pub content_hash: Digest,
    /// True when it had been recorded before and nothing was written.
    pub replay: bool,
}

/// A record that was appended, for projections.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// Its place in the ledger.
    pub seq: Seq,
    /// The record.
    pub candidate: &'a Candidate,
}

/// A record that was taken in, whether it is projected or came too late for that.
#[derive(Debug)]
pub struct Taken<'a> {
    /// Its place in the ledger.
    pub seq: Seq,
    /// How it was admitted.
    pub admission: LeafAdmission,
    /// The record.
    pub candidate: &'a Candidate,
}

/// What the writer needs beside the transaction.
pub(crate) struct GroupContext {
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) rooms: Vec<&'static dyn Room>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl GroupContext {
    pub(crate) fn room_of(&self, kind: &Kind) -> Option<&'static dyn Room> {
        self.rooms.iter().copied().find(|room| room.name() == kind.room)
    }
}

pub(crate) enum Outcome {
    /// One answer per request; commit.
    Applied(Vec<Result<Vec<Receipt>, GateError>>),
    /// A request that has written something must not be kept: roll back, and append the evidence of a conflict.
    RollBack(GateError, Option<Box<Candidate>>),
}

/// Applies a group. `Err` and `RollBack` mean that nothing of it may be committed.
pub(crate) fn apply_group(tx: &mut Tx<'_>, context: &GroupContext, group: &[Append]) -> Result<Outcome, StoreError> {
    let mut answers: Vec<Result<Admitted, GateError>> = Vec::with_capacity(group.len());
    let state = ledger::state(tx)?;
    let mut rest = group;
    while let Some(first) = rest.first() {
        // No two of a group share a key, so those without an effect are decided together: nothing of one changes what another finds.
        let length =
            if first.effect.is_some() { 1 } else { rest.iter().take_while(|append| append.effect.is_none()).count() };
        let (some, others) = rest.split_at(length);
        let before = tx.writes();
        for answer in admit_requests(tx, context, some, state.lags())? {
            match answer {
                Ok(admitted) => answers.push(Ok(admitted)),
                Err((GateError::Store(error), _)) => return Err(error),
                Err((error, evidence)) if tx.writes() > before || evidence.is_some() => {
                    return Ok(Outcome::RollBack(error, evidence));
                }
                Err((error, _)) => answers.push(Err(error)),
            }
        }
        rest = others;
    }
    let mut fresh: Vec<(&Candidate, LeafAdmission)> = Vec::new();
    for (append, answer) in group.iter().zip(&answers) {
        if let Ok(admitted) = answer {
            fresh.extend(admitted.fresh.iter().map(|(index, admission)| (&append.candidates[*index], *admission)));
        }
    }
    let mut next_seq = write_records(tx, context, &fresh, state)?;
    let mut finished = Vec::with_capacity(answers.len());
    for (append, answer) in group.iter().zip(answers) {
        finished.push(answer.map(|mut admitted| {
            for (index, _) in &admitted.fresh {
                let content_hash = append.candidates[*index].content_hash;
                admitted.receipts[*index] = Some(Receipt { seq: next_seq, content_hash, replay: false });
                next_seq += 1;
            }
            admitted.receipts.into_iter().flatten().collect()
        }));
    }
    Ok(Outcome::Applied(finished))
}

/// Writes lineages, blobs, records, the batch and the projections. Returns the first new place in the ledger.
fn write_records(
    tx: &mut Tx<'_>,
    context: &GroupContext,
    fresh: &[(&Candidate, LeafAdmission)],
    mut state: ledger::LedgerState,
) -> Result<Seq, StoreError> {
    let first_seq = state.next_seq;
    if fresh.is_empty() {
        return Ok(first_seq);
    }
    write_lineages(tx, fresh)?;
    let blobs = records::ensure_blobs(tx, fresh.iter().filter_map(|(candidate, _)| candidate.blob.as_ref()))?;
    let mut leaves = Vec::with_capacity(fresh.len());
    let mut rows = Vec::with_capacity(fresh.len());
    for (offset, (candidate, admission)) in (0_i64..).zip(fresh) {
        let leaf = candidate.leaf(*admission);
        leaves.push(leaf);
        let blob = candidate.blob.as_ref().and_then(|blob| blobs.get(&blob.sha256).copied());
        rows.push(records::row(first_seq + offset, candidate, *admission, blob, leaf));
    }
    records::insert(tx, &rows)?;
    let count = fresh.len() as i64;
    let (batch, at_us) = (state.batches + 1, context.clock.now().0);
    let leaves_root = root_of(&leaves);
    let nodes = state.frontier.push(head_leaf(batch, first_seq, count, at_us, leaves_root));
    ledger::insert_batch(
        tx,
        &ledger::Batch { batch, first_seq, count, at_us, leaves_root, head: state.frontier.root() },
    )?;
    ledger::insert_nodes(tx, &nodes)?;
    // Nothing is projected before what waits.
    let in_turn = state.projected == first_seq;
    (state.batches, state.next_seq) = (batch, first_seq + count);
    if in_turn {
        state.projected = state.next_seq;
    }
    ledger::update_state(tx, &state)?;
    settle(tx, context, first_seq, fresh)?;
    let accepted: Vec<Accepted<'_>> = (first_seq..)
        .zip(fresh)
        .filter(|(_, (_, admission))| *admission == LeafAdmission::New)
        .map(|(seq, (candidate, _))| Accepted { seq, candidate })
        .collect();
    if in_turn {
        project(tx, context, &accepted)?;
    }
    Ok(first_seq)
}

/// Tells the rooms what was taken in, before anything is projected.
fn settle(
    tx: &mut Tx<'_>,
    context: &GroupContext,
    first_seq: Seq,
    fresh: &[(&Candidate, LeafAdmission)],
) -> Result<(), StoreError> {
    let mut taken: Vec<Taken<'_>> = (first_seq..)
        .zip(fresh)
        .map(|(seq, (candidate, admission))| Taken { seq, admission: *admission, candidate })
        .collect();
    for room in &context.rooms {
        let (own, others) = taken.into_iter().partition(|each| each.candidate.kind.room == room.name());
        let own: Vec<Taken<'_>> = own;
        if !own.is_empty() {
            room.settle(tx, &own)?;
        }
        taken = others;
    }
    Ok(())
}

fn write_lineages(tx: &mut Tx<'_>, fresh: &[(&Candidate, LeafAdmission)]) -> Result<(), StoreError> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    // Two lineages of one unit are two rows, and the database refuses the second: a record never stands under a lineage of others.
    let mut known = BTreeSet::new();
    for (candidate, _) in fresh {
        if let Origin::Unit { made, .. } = &candidate.origin
            && known.insert((made.unit, made.lineage_hash))
        {
            rows.push(vec![made.unit.into(), made.lineage_hash.into(), made.lineage.clone().into()]);
        }
    }
    records::insert_lineages(tx, &rows)
}

/// Writes declared projections kind by kind, then those of the rooms.
pub(crate) fn project(tx: &mut Tx<'_>, context: &GroupContext, accepted: &[Accepted<'_>]) -> Result<(), StoreError> {
    let mut by_kind: BTreeMap<i64, (&Kind, Vec<Vec<Value>>)> = BTreeMap::new();
    for Accepted { seq, candidate } in accepted {
        let row = candidate.kind.projection_row(
            *seq,
            candidate.asset.map(|asset| asset.1),
            candidate.span_ms,
            &candidate.cells,
        );
        by_kind.entry(candidate.kind.key).or_insert_with(|| (&candidate.kind, Vec::new())).1.push(row);
    }
    for (kind, rows) in by_kind.values() {
        tx.execute_many(&kind.insert_projection, rows)?;
    }
    crate::collections::project(tx, accepted)?;
    let mut start = 0;
    while start < accepted.len() {
        let room = &accepted[start].candidate.kind.room;
        let end = accepted[start..]
            .iter()
            .position(|next| next.candidate.kind.room != *room)
            .map_or(accepted.len(), |length| start + length);
        if let Some(room) = context.room_of(&accepted[start].candidate.kind) {
            room.project(tx, &accepted[start..end])?;
        }
        start = end;
    }
    Ok(())
}
