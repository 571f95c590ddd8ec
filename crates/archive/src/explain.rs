//! `explain`: from a fact down to the bytes, the tool, the version, the parameters and the ledger.

use std::collections::BTreeMap;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::Envelope;
use exhibit_model::time::Timestamp;
use exhibit_store::kinds::Kinds;
use exhibit_store::ledger::proof::{InclusionProof, prove};
use exhibit_store::ledger::verify::{Problem, Report, check_record};
use exhibit_store::retention::Tombstones;
use exhibit_store::sql::assets;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::catalog::{LookupError, PathView, find_artifact, printable};
use crate::envelope::envelope_of;
use crate::export::prov::{Activity, document_of};

/// Where the original was when the unit ended, and where it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The logical view of the artifact.
    pub artifact: Envelope,
    /// The original: media type and size.
    pub original: OriginalView,
    /// How it was made.
    pub made: MadeView,
    /// Its place in the ledger, with the proof.
    pub ledger: InclusionProof,
    /// True when its payload went with an expired or discarded sandbox run; what the leaf was computed from is still here.
    pub erased: bool,
    /// Whether the proof holds, and everything that is not as it was written.
    pub proof_holds: bool,
    /// Problems of this one record; empty when it is as it was written.
    pub problems: Vec<Problem>,
}

/// The original.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OriginalView {
    /// Found from its first bytes.
    pub media_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Paths that it had when the fact was made.
    pub paths: Vec<PathView>,
}

/// How an artifact was made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MadeView {
    /// The pipeline with its version.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// Name of the step.
    pub step: String,
    /// All parameters of the step.
    pub params: Json,
    /// `sandbox` or `production`.
    pub policy: String,
    /// SHA-256 of what was found, as it was found.
    pub lineage_hash: Digest,
    /// Worker, duration in microseconds, input check, tools, build, as the host noted them.
    pub host: Json,
    /// Attempts of the unit.
    pub attempts: i64,
    /// When the unit was leased.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// Explains an artifact. Opens no original.
///
/// # Errors
/// When there is no such artifact.
pub fn explain(read: &Read<'_>, kinds: &Kinds, text: &str) -> Result<Explanation, LookupError> {
    let (run, unit, record) = find_artifact(read, text)?;
    let broken =
        |what: &str| LookupError::Store(StoreError::Unexpected(format!("{text}: {what}; `exhibit verify` names it")));
    let proof = prove(read, record.seq)?.ok_or_else(|| broken("it is in no batch"))?;
    let asset =
        assets::by_key(read, record.asset_key.unwrap_or(unit.asset))?.ok_or_else(|| broken("its asset is missing"))?;
    let definition: Json =
        serde_json::from_slice(&run.definition).map_err(|_| broken("its pipeline cannot be read"))?;
    let step = &definition["steps"][unit.step as usize];
    let mut report = Report::default();
    let stones = Tombstones::for_record(read, kinds, &record)?;
    check_record((kinds, &stones), &record, &mut report);
    let artifact = envelope_of(&record, kinds, Timestamp(proof.at_us)).map_err(broken)?;
    Ok(Explanation {
        original: original(read, &asset, unit.ended_us)?,
        made: MadeView {
            pipeline: run.pipeline.clone(),
            pipeline_version: run.pipeline_version.clone(),
            step: step["name"].as_str().unwrap_or_default().to_owned(),
            params: step["params"].clone(),
            policy: run.policy.clone(),
            lineage_hash: record.lineage_hash.unwrap_or(Digest([0; 32])),
            host: unit.made.as_deref().and_then(|made| serde_json::from_str(made).ok()).unwrap_or(Json::Null),
            attempts: unit.attempts,
            started: unit.started_us.map(Timestamp),
            ended: unit.ended_us.map(Timestamp),
        },
        erased: record.body.is_none(),
        proof_holds: proof.holds() && proof.leaf == record.leaf,
        ledger: proof,
        problems: report.problems,
        artifact,
    })
}

/// The lineage of an artifact as a W3C PROV-JSON document. Opens no original.
///
/// # Errors
/// When there is no such artifact.
pub fn lineage_document(read: &Read<'_>, kinds: &Kinds, text: &str) -> Result<Vec<u8>, LookupError> {
    let found = explain(read, kinds, text)?;
    let wrong = |what: String| LookupError::Store(StoreError::Unexpected(format!("{text}: {what}")));
    let asset = found.artifact.asset_id.map(|asset| assets::by_sha256(read, asset.0)).transpose()?.flatten();
    let asset = asset.ok_or_else(|| wrong("its asset is missing; `exhibit verify` names it".to_owned()))?;
    let made = Activity {
        pipeline: found.made.pipeline,
        pipeline_version: found.made.pipeline_version,
        step: found.made.step,
        params: found.made.params,
        policy: found.made.policy,
        started: found.made.started,
        ended: found.made.ended,
    };
    document_of(&asset, &found.artifact, found.made.lineage_hash, &made).map_err(|error| wrong(error.to_string()))
}

fn original(read: &Read<'_>, asset: &assets::Asset, at_us: Option<i64>) -> Result<OriginalView, StoreError> {
    let names: BTreeMap<i64, String> = crate::catalog::source_names(read)?;
    let at_us = at_us.unwrap_or(i64::MAX);
    let paths = assets::paths_of(read, asset.key)?
        .into_iter()
        .filter(|path| path.first_seen_us <= at_us)
        .map(|path| {
            use base64::Engine as _;
            PathView {
                source: names.get(&path.source).cloned().unwrap_or_default(),
                path: printable(&path.path),
                path_b64: base64::prelude::BASE64_STANDARD.encode(&path.path),
                state: path.state.as_str().into(),
                first_seen: Timestamp(path.first_seen_us),
                last_seen: Timestamp(path.last_seen_us),
            }
        })
        .collect();
    Ok(OriginalView { media_type: asset.media_type.clone(), size_bytes: asset.size_bytes, paths })
}
