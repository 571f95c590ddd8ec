//! Exports: originals, facts with their lineage and blobs as a folder or a zip file, or a manifest of the originals where they lie. Whoever
//! gets one can check it with `sha256sum -c`, and ask the sender to prove that the ledger extends the checkpoint in it.
//!
//! Originals are read and never written; each is hashed while it is copied, and what is not in the catalog as it is on the disk is a stated
//! failure.

mod facts;
mod listing;
mod maker;
mod names;
pub mod prov;
mod select;
mod sink;
mod tape;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;
use exhibit_store::delivery::{DeliveryError, Progress, refuse_overlap};
use exhibit_store::ledger::checkpoint::{CheckpointError, CheckpointKey, sign};
use exhibit_store::sql::{assets, sources};
use exhibit_store::{Read, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use facts::Frozen;
pub use select::{SelectError, Selection, select};

/// The `format` of every export.
const FORMAT: &str = "exhibit-export";

/// The version of the form of exports that is written here.
const VERSION: u32 = 1;

/// Failures that a report lists; all are counted.
pub const FAILURES_LISTED_MAX: usize = 1_000;

/// How an export looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A folder of files.
    Folder,
    /// One zip file, its members stored as they are.
    Zip,
    /// One list of digests and absolute paths; nothing is copied and no original is opened.
    Manifest,
}

/// What of the assets is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExportParts {
    /// The originals.
    pub originals: bool,
    /// Facts and their lineage.
    pub facts: bool,
    /// Blobs that belong to facts.
    pub blobs: bool,
}

/// What to export, and where to.
pub struct ExportOptions {
    /// The folder or file to make.
    pub target: PathBuf,
    /// How it looks.
    pub format: ExportFormat,
    /// What of the assets.
    pub parts: ExportParts,
    /// Keys of the assets.
    pub members: Vec<i64>,
    /// What was asked for, in words.
    pub selection: String,
    /// Facts of sandbox runs that nobody promoted, too.
    pub sandboxes: bool,
    /// Signs the checkpoint.
    pub key: CheckpointKey,
    /// The name of checkpoints.
    pub origin: &'static str,
    /// The version of the program.
    pub exhibit: String,
    /// Folders of our own that the target must not lie in, nor the other way round.
    pub own_folders: Vec<PathBuf>,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The target cannot be used or written.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The checkpoint could not be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Something that is not in the export though it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExportFailure")]
pub struct Failure {
    /// The asset, blob or record.
    pub subject: String,
    /// Where the original should be, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `missing`, `changed`, `unreadable`, `path-too-long` or `damaged`.
    pub code: Cow<'static, str>,
    /// The same for people.
    pub reason: String,
}

/// What was exported.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ExportReport {
    /// The folder or file, for people.
    pub target: String,
    /// How it looks.
    pub format: ExportFormat,
    /// Assets that were asked for.
    pub assets: u64,
    /// Originals in it.
    pub originals: u64,
    /// Facts in it.
    pub facts: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is not in it though it was asked for.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
    /// Batches in the ledger at that moment.
    pub batches: u64,
    /// Its root.
    pub root: Digest,
}

impl ExportReport {
    fn fail(&mut self, failure: Failure) {
        self.failed += 1;
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(failure);
        }
    }
}

/// Exports. Facts are those of one moment; originals are read one after the other.
///
/// # Errors
/// When the target lies in a source or in the home, or the other way round, cannot be written, or someone asks to stop: nothing is left
/// behind then. What cannot be exported of the assets is in the report.
pub async fn export(
    store: &Store,
    options: ExportOptions,
    progress: Arc<Progress>,
) -> Result<ExportReport, ExportError> {
    let all = store.read(sources::all).await?;
    let roots = all.iter().map(|source| ("the source", root_of(source)));
    let own = options.own_folders.iter().map(|folder| ("the home's", folder.clone()));
    refuse_overlap(&options.target, &roots.chain(own).collect::<Vec<_>>())?;
    let (sandboxes, origin, keys) = (options.sandboxes, options.origin, options.members.clone());
    let frozen = store
        .read(move |read| {
            let frozen = Frozen::read(read, sandboxes, origin)?;
            Ok((frozen, in_order(read, &keys)?, exhibit_store::sql::ledger::state(read)?.next_seq - 1))
        })
        .await?;
    let (frozen, members, last_seq) = (frozen.0?, frozen.1, frozen.2);
    let note = sign(&frozen.checkpoint, &options.key)?.to_string();
    let report = ExportReport {
        target: options.target.display().to_string(),
        format: options.format,
        assets: members.len() as u64,
        originals: 0,
        facts: 0,
        blobs: 0,
        files: 0,
        bytes: 0,
        failed: 0,
        failures: Vec::new(),
        batches: frozen.checkpoint.size(),
        root: frozen.checkpoint.root(),
    };
    let state = maker::State { frozen: Arc::new(frozen), last_seq, members, sources: all, note, report };
    match options.format {
        ExportFormat::Manifest => listing::write(store, &options, state, &progress).await,
        ExportFormat::Folder | ExportFormat::Zip => maker::make(store, options, state, progress).await,
    }
}

pub(crate) fn root_of(source: &sources::Source) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(source.root.clone()))
}

/// Members that a statement asks for at once.
const ASKED_AT_ONCE: usize = 1_000;

/// Bytes of the originals of these assets.
///
/// # Errors
/// When the database cannot be read.
pub async fn bytes_of(store: &Store, keys: Vec<i64>) -> Result<u64, StoreError> {
    let total = store.read(move |read| {
        let mut total = 0;
        for some in keys.chunks(ASKED_AT_ONCE) {
            let known = assets::by_keys(read, some)?;
            total += known.iter().map(|asset| u64::try_from(asset.size_bytes).unwrap_or(0)).sum::<u64>();
        }
        Ok(total)
    });
    total.await
}

/// The members in the order of the digests of their bytes, which is the same in every home.
fn in_order(read: &Read<'_>, keys: &[i64]) -> Result<Vec<(AssetId, i64)>, StoreError> {
    let mut members = Vec::with_capacity(keys.len());
    for some in keys.chunks(ASKED_AT_ONCE) {
        members.extend(assets::by_keys(read, some)?.into_iter().map(|asset| (AssetId(asset.sha256), asset.key)));
    }
    members.sort_unstable();
    members.dedup();
    Ok(members)
}
