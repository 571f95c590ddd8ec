//! Inclusion proofs: a path from a record to the root of its batch, and from the batch to the root of the ledger (RFC 9162).

use exhibit_model::digest::Digest;
use exhibit_model::envelope::head_leaf;
use exhibit_model::merkle::{ProofError, inclusion_path, inclusion_path_from, verify_inclusion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::session::Read;
use crate::sql::ledger as sql;

/// Everything that shows, without the database, that a leaf is in a ledger with a known root.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct InclusionProof {
    /// Place of the record.
    pub seq: i64,
    /// Its leaf hash.
    pub leaf: Digest,
    /// Its batch.
    pub batch: i64,
    /// Place of the first record of the batch.
    pub first_seq: i64,
    /// Records in the batch.
    pub count: i64,
    /// When the batch was committed, microseconds UTC.
    pub at_us: i64,
    /// Root over the leaves of the batch.
    pub leaves_root: Digest,
    /// From the leaf to the root of the batch.
    pub path_in_batch: Vec<Digest>,
    /// Batches in the ledger.
    pub batches: i64,
    /// From the batch to the root of the ledger.
    pub path_in_ledger: Vec<Digest>,
    /// Root of the ledger.
    pub root: Digest,
}

impl InclusionProof {
    /// Checks the proof with nothing but itself.
    pub fn holds(&self) -> bool {
        let (Ok(count), Ok(batches)) = (u64::try_from(self.count), u64::try_from(self.batches)) else { return false };
        let before = |number: i64, first: i64| u64::try_from(number.checked_sub(first)?).ok();
        let (Some(place), Some(index)) = (before(self.seq, self.first_seq), before(self.batch, 1)) else {
            return false;
        };
        if !verify_inclusion(&self.leaf, place, count, &self.path_in_batch, &self.leaves_root) {
            return false;
        }
        let head = head_leaf(self.batch, self.first_seq, self.count, self.at_us, self.leaves_root);
        verify_inclusion(&head, index, batches, &self.path_in_ledger, &self.root)
    }
}

/// Proves that the record at `seq` is in the ledger; `None` when there is no such record.
///
/// # Errors
/// When the database cannot be read or the stored tree is incomplete.
pub fn prove(read: &Read<'_>, seq: i64) -> Result<Option<InclusionProof>, StoreError> {
    let Some(batch) = sql::batch_of(read, seq)? else { return Ok(None) };
    let leaves = sql::leaves(read, &batch)?;
    let place = usize::try_from(seq - batch.first_seq).unwrap_or(usize::MAX);
    let (Some(leaf), Some(path_in_batch)) = (leaves.get(place).copied(), inclusion_path(&leaves, place)) else {
        return Ok(None);
    };
    let state = sql::state(read)?;
    let index = u64::try_from(batch.batch - 1).unwrap_or(u64::MAX);
    let mut node = |level, position| sql::node(read, level, position);
    let path_in_ledger =
        inclusion_path_from(state.frontier.len(), index, &mut node).map_err(|error| unproved(&error))?;
    Ok(Some(InclusionProof {
        seq,
        leaf,
        batch: batch.batch,
        first_seq: batch.first_seq,
        count: batch.count,
        at_us: batch.at_us,
        leaves_root: batch.leaves_root,
        path_in_batch,
        batches: state.batches,
        path_in_ledger,
        root: state.frontier.root(),
    }))
}

pub(crate) fn unproved(error: &ProofError<StoreError>) -> StoreError {
    StoreError::Unexpected(format!("the ledger cannot prove this: {error}"))
}
