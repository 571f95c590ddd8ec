//! The logical view of a stored artifact, the same in `explain` and in exports.

use exhibit_model::envelope::{BlobRef, Envelope};
use exhibit_model::ids::{ArtifactId, AssetId, RunId, UnitId};
use exhibit_model::lineage::LineageParts;
use exhibit_model::time::Timestamp;
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::records::StoredRecord;
use serde_json::Value as Json;

/// Puts an envelope together; the payload of one that was erased is `null`. `Err` says what of a damaged record is not there.
///
/// # Errors
/// When the record was not made by a unit, or its lineage or kind cannot be read.
pub fn envelope_of(record: &StoredRecord, kinds: &Kinds, created_at: Timestamp) -> Result<Envelope, &'static str> {
    let lineage = record.lineage.as_deref().ok_or("its lineage is missing")?;
    let lineage: LineageParts = serde_json::from_slice(lineage).map_err(|_| "its lineage cannot be read")?;
    let kind = kinds.by_key(record.kind).ok_or("its kind is not registered")?;
    let (Some(run), Some(unit), Some(ordinal)) = (record.run, record.unit_ordinal, record.ordinal) else {
        return Err("its unit is missing");
    };
    let run_id = RunId(run);
    Ok(Envelope {
        artifact_id: ArtifactId { unit: UnitId { run: run_id, ordinal: unit }, ordinal },
        asset_id: record.asset.map(AssetId),
        artifact_type: kind.name().to_owned(),
        schema_version: kind.declaration.version,
        span_start_ms: record.span_ms.map(|span| span.0),
        span_end_ms: record.span_ms.map(|span| span.1),
        payload: record.body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Json::Null),
        blob: record.blob.as_ref().map(|blob| BlobRef {
            sha256: blob.sha256,
            bytes: blob.bytes,
            media_type: blob.media_type.clone(),
        }),
        producer: lineage.producer,
        producer_version: lineage.producer_version,
        model_profile: lineage.model_profile,
        config_hash: lineage.config_hash,
        input_hash: lineage.input_hash,
        inputs: lineage.inputs,
        run_id,
        content_hash: record.commitment,
        created_at,
    })
}
