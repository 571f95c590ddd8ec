//! Claims, leaves and the envelope: what is said, what the ledger commits to, and how an artifact looks from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{append_canonical, append_integer, append_string, to_canonical};
use crate::digest::Digest;
use crate::findings::Findings;
use crate::ids::{ArtifactId, AssetId, RunId};
use crate::lineage::ModelProfile;
use crate::merkle::leaf_hash;
use crate::time::Timestamp;

/// What is claimed, without who, when and how.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The name of the kind.
    pub kind: &'a str,
    /// The version of the kind.
    pub schema_version: u32,
    /// The asset it is about.
    pub asset_id: Option<AssetId>,
    /// Start and end within the asset, in milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// The payload, as its schema wants it.
    pub payload: &'a Value,
    /// The bytes that belong to it.
    pub blob: Option<Digest>,
}

impl Claim<'_> {
    /// RFC 8785 of {asset_id?, blob?, kind, payload, schema_version, span_end_ms?, span_start_ms?}; what is absent is left out.
    ///
    /// # Errors
    /// When the payload has no canonical form.
    pub fn canonical(&self) -> Result<Vec<u8>, Findings> {
        let mut out = Vec::with_capacity(512);
        self.head(&mut out);
        append_canonical(&mut out, self.payload)?;
        tail(&mut out, self.schema_version, self.span_ms);
        Ok(out)
    }

    /// SHA-256 of [`Claim::canonical`]. It holds neither run nor producer, so two tools that say the same agree.
    ///
    /// # Errors
    /// When the payload has no canonical form.
    pub fn content_hash(&self) -> Result<Digest, Findings> {
        let payload = to_canonical(self.payload)?;
        let Self { kind, schema_version, asset_id, span_ms, blob, .. } = *self;
        Ok(content_hash_of_canonical(kind, schema_version, asset_id, span_ms, &payload, blob))
    }

    fn head(&self, out: &mut Vec<u8>) {
        head(out, self.kind, self.asset_id, self.blob);
    }
}

/// [`Claim::content_hash`] of a payload that is canonical already.
pub fn content_hash_of_canonical(
    kind: &str,
    schema_version: u32,
    asset_id: Option<AssetId>,
    span_ms: Option<(i64, i64)>,
    canonical_payload: &[u8],
    blob: Option<Digest>,
) -> Digest {
    let mut before = Vec::with_capacity(256);
    head(&mut before, kind, asset_id, blob);
    let mut after = Vec::with_capacity(96);
    tail(&mut after, schema_version, span_ms);
    Digest::of_parts(&[&before, canonical_payload, &after])
}

/// Everything up to the payload.
fn head(out: &mut Vec<u8>, kind: &str, asset_id: Option<AssetId>, blob: Option<Digest>) {
    out.push(b'{');
    if let Some(asset) = asset_id {
        out.extend_from_slice(b"\"asset_id\":\"ast_");
        out.extend_from_slice(asset.0.to_hex().as_bytes());
        out.extend_from_slice(b"\",");
    }
    if let Some(blob) = blob {
        out.extend_from_slice(b"\"blob\":\"");
        out.extend_from_slice(blob.to_hex().as_bytes());
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"kind\":");
    append_string(out, kind);
    out.extend_from_slice(b",\"payload\":");
}

/// Everything after the payload.
fn tail(out: &mut Vec<u8>, schema_version: u32, span_ms: Option<(i64, i64)>) {
    out.extend_from_slice(b",\"schema_version\":");
    append_integer(out, i64::from(schema_version));
    if let Some((start, end)) = span_ms {
        out.extend_from_slice(b",\"span_end_ms\":");
        append_integer(out, end);
        out.extend_from_slice(b",\"span_start_ms\":");
        append_integer(out, start);
    }
    out.push(b'}');
}

/// How the gate took a record in, as the leaf says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafAdmission {
    /// It counts.
    New,
    /// It came too late to count and is kept as evidence.
    Stale,
}

impl LeafAdmission {
    /// The word in the leaf.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Stale => "stale",
        }
    }

    /// The number that the database holds.
    pub fn code(self) -> i64 {
        match self {
            Self::New => 0,
            Self::Stale => 1,
        }
    }

    /// Reads the number that the database holds.
    pub fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::New),
            1 => Some(Self::Stale),
            _ => None,
        }
    }
}

/// The bytes under a record's leaf: RFC 8785 of {admission, commitment, kind, lineage_hash?, record_id, run?, schema_version}.
pub fn leaf_bytes(
    record_id: &str,
    kind: &str,
    schema_version: u32,
    admission: LeafAdmission,
    commitment: Digest,
    lineage_hash: Option<Digest>,
    run: Option<RunId>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(384);
    out.extend_from_slice(b"{\"admission\":\"");
    out.extend_from_slice(admission.as_str().as_bytes());
    out.extend_from_slice(b"\",\"commitment\":\"");
    out.extend_from_slice(commitment.to_hex().as_bytes());
    out.extend_from_slice(b"\",\"kind\":");
    append_string(&mut out, kind);
    if let Some(lineage) = lineage_hash {
        out.extend_from_slice(b",\"lineage_hash\":\"");
        out.extend_from_slice(lineage.to_hex().as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b",\"record_id\":");
    append_string(&mut out, record_id);
    if let Some(run) = run {
        out.extend_from_slice(b",\"run\":");
        append_string(&mut out, &run.to_string());
    }
    out.extend_from_slice(b",\"schema_version\":");
    append_integer(&mut out, i64::from(schema_version));
    out.push(b'}');
    out
}

/// The bytes under a batch's leaf in the ledger's tree: RFC 8785 of {at_us, batch, count, first_seq, leaves_root}.
///
/// `at_us` is in microseconds UTC. All four numbers stay below 2^53 for as long as the ledger can live.
pub fn head_leaf_bytes(batch: i64, first_seq: i64, count: i64, at_us: i64, leaves_root: Digest) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    let members: [(&[u8], i64); 4] =
        [(b"{\"at_us\":", at_us), (b",\"batch\":", batch), (b",\"count\":", count), (b",\"first_seq\":", first_seq)];
    for (key, value) in members {
        out.extend_from_slice(key);
        append_integer(&mut out, value);
    }
    out.extend_from_slice(b",\"leaves_root\":\"");
    out.extend_from_slice(leaves_root.to_hex().as_bytes());
    out.extend_from_slice(b"\"}");
    out
}

/// The leaf of a batch: what [`head_leaf_bytes`] hashes to.
pub fn head_leaf(batch: i64, first_seq: i64, count: i64, at_us: i64, leaves_root: Digest) -> Digest {
    leaf_hash(&head_leaf_bytes(batch, first_seq, count, at_us, leaves_root))
}

/// The blob of an artifact, as the envelope names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlobRef {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// How many bytes.
    pub bytes: u64,
    /// What they are (RFC 6838).
    pub media_type: String,
}

/// The logical view of an artifact: API, CLI and exports. It is not the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// Its id.
    pub artifact_id: ArtifactId,
    /// The asset it is about.
    pub asset_id: Option<AssetId>,
    /// The name of its kind.
    pub artifact_type: String,
    /// The version of its kind.
    pub schema_version: u32,
    /// Start within the asset, in milliseconds.
    pub span_start_ms: Option<i64>,
    /// End within the asset, in milliseconds.
    pub span_end_ms: Option<i64>,
    /// What is claimed.
    pub payload: Value,
    /// The bytes that belong to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobRef>,
    /// The extractor that made it.
    pub producer: String,
    /// Its version.
    pub producer_version: String,
    /// The strength of the run.
    pub model_profile: ModelProfile,
    /// See [`crate::lineage::LineageParts::config_hash`].
    pub config_hash: Digest,
    /// See [`crate::lineage::LineageParts::input_hash`].
    pub input_hash: Digest,
    /// Content hashes of the records that were read, sorted.
    pub inputs: Vec<Digest>,
    /// The run that made it.
    pub run_id: RunId,
    /// See [`Claim::content_hash`].
    pub content_hash: Digest,
    /// When the gate took it in.
    pub created_at: Timestamp,
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
