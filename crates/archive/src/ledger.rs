//! Checkpoints of the ledger: what a person keeps elsewhere, so that nothing before it can be changed unseen.

use exhibit_model::digest::Digest;
use exhibit_store::Store;
use exhibit_store::ledger::checkpoint::{self, CheckpointError, CheckpointKey, current, sign};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name under which checkpoints are signed, before the id of the home.
pub const KEY_NAME: &str = "exhibit";

/// A signed checkpoint: how long the ledger is, and its root.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointView {
    /// The C2SP signed note.
    pub note: String,
    /// The public key that its signature is checked with.
    pub key: String,
    /// Batches in the ledger.
    pub batches: u64,
    /// The root over all of them.
    pub root: Digest,
}

/// That the ledger extends a checkpoint: nothing before it was changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// Always true; what does not hold is an error.
    pub extends: bool,
    /// Batches at the checkpoint.
    pub checkpoint_batches: u64,
    /// The root at the checkpoint.
    pub checkpoint_root: Digest,
    /// Batches now.
    pub batches: u64,
    /// The root now.
    pub root: Digest,
}

/// Signs how the ledger stands now.
///
/// # Errors
/// When the database cannot be read, or the ledger in it is damaged.
pub async fn checkpoint(store: &Store, key: &CheckpointKey) -> Result<CheckpointView, CheckpointError> {
    let now = store.read(|read| Ok(current(read, KEY_NAME))).await??;
    let note = sign(&now, key)?.to_string();
    Ok(CheckpointView { note, key: key.verifier().to_string(), batches: now.size(), root: now.root() })
}

/// Proves that the ledger extends a signed checkpoint.
///
/// # Errors
/// When the note or the key cannot be read, the signature is not of this key, or the ledger does not extend it.
pub async fn check_checkpoint(store: &Store, note: &str, key: &str) -> Result<Extension, CheckpointError> {
    let older = checkpoint::open(note, key)?;
    let asked = older.clone();
    let now = store.read(move |read| Ok(checkpoint::extends(read, &asked))).await??;
    Ok(Extension {
        extends: true,
        checkpoint_batches: older.size(),
        checkpoint_root: older.root(),
        batches: now.size(),
        root: now.root(),
    })
}
