//! The gate, first half: decode, contract version, validate, canonicalise, hash. Runs on as many threads as there are; nothing
//! invalid reaches the write path, because only [`Gate::check`] makes a [`Candidate`].

use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::content_hash_of_canonical;
use exhibit_model::findings::Findings;
use exhibit_model::ids::{AssetId, UnitId};
use exhibit_model::json::{JsonLimits, check_value, parse_strict};
use exhibit_model::kind::Subject;
use exhibit_model::lineage::{Lineage, LineageParts};
use exhibit_model::{canonical, kind::KindName};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::append::{Candidate, Origin, StoredBlob};
use crate::blobs::Blobs;
use crate::kinds::Kinds;

/// Largest document that the gate reads, in bytes: the largest body that any contract of the rooms allows.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Longest record id from outside, in bytes.
pub const RECORD_ID_BYTES_MAX: usize = 512;

/// How an artifact was made, once per unit.
#[derive(Debug)]
pub struct Made {
    /// Key of the unit in the database.
    pub unit: i64,
    /// Its printed id.
    pub unit_id: UnitId,
    /// How it was found, canonical.
    pub lineage: Vec<u8>,
    /// SHA-256 of it.
    pub lineage_hash: Digest,
}

impl Made {
    /// Puts a unit and its lineage together.
    pub fn new(unit: i64, unit_id: UnitId, lineage: &Lineage) -> Self {
        let bytes = lineage.canonical();
        let lineage_hash = Digest::of(&bytes);
        Self { unit, unit_id, lineage: bytes, lineage_hash }
    }
}

/// A record on its way to the gate, not yet checked.
#[derive(Debug)]
pub struct Draft {
    /// Name of the kind.
    pub kind: String,
    /// Version of the kind.
    pub schema_version: u32,
    /// The asset it is about, with its key in the database.
    pub asset: Option<(AssetId, i64)>,
    /// Start and end in milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What is claimed.
    pub payload: Json,
    /// Bytes that were put into the blob store before.
    pub blob: Option<StoredBlob>,
    /// Unit and lineage, and the place among the artifacts of the unit; the gate refuses an artifact without (I4).
    pub made: Option<(Arc<Made>, u32)>,
    /// The id it came with, for records from outside.
    pub record_id: Option<String>,
    /// The content hash that the sender computed, if it did.
    pub content_hash: Option<Digest>,
}

/// A record as a JSON document, for candidates that come from outside as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    kind: String,
    schema_version: u32,
    #[serde(default)]
    record_id: Option<String>,
    #[serde(default)]
    asset_id: Option<AssetId>,
    #[serde(default)]
    span_start_ms: Option<i64>,
    #[serde(default)]
    span_end_ms: Option<i64>,
    payload: Json,
    #[serde(default)]
    blob: Option<StoredBlob>,
    #[serde(default)]
    content_hash: Option<Digest>,
    #[serde(default)]
    lineage: Option<LineageParts>,
}

/// What a document says, decoded; its ids still have to be looked up.
#[derive(Debug)]
pub struct Decoded {
    /// The record. Its `asset` and `made` are still empty.
    pub draft: Draft,
    /// The asset it names.
    pub asset_id: Option<AssetId>,
    /// The lineage it names.
    pub lineage: Option<Lineage>,
}

/// Checks candidates.
#[derive(Clone)]
pub struct Gate {
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) blobs: Blobs,
}

impl Gate {
    /// Decodes a document: strict JSON, known fields only.
    ///
    /// # Errors
    /// All problems found, sorted.
    pub fn decode(bytes: &[u8]) -> Result<Decoded, Findings> {
        let value = parse_strict(bytes, &JsonLimits::of_bytes(BODY_BYTES_MAX))?;
        let document: Document = serde_json::from_value(value).map_err(|error| document_finding(&error.to_string()))?;
        let span_ms = match (document.span_start_ms, document.span_end_ms) {
            (Some(start), Some(end)) => Some((start, end)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(Findings::one("/span_end_ms", "missing_field", "a span has a start and an end"));
            }
            (None, Some(_)) => {
                return Err(Findings::one("/span_start_ms", "missing_field", "a span has a start and an end"));
            }
        };
        let lineage =
            document.lineage.map(Lineage::new).transpose().map_err(|findings| under("/lineage", &findings))?;
        let draft = Draft {
            kind: document.kind,
            schema_version: document.schema_version,
            asset: None,
            span_ms,
            payload: document.payload,
            blob: document.blob,
            made: None,
            record_id: document.record_id,
            content_hash: document.content_hash,
        };
        Ok(Decoded { draft, asset_id: document.asset_id, lineage })
    }

    /// Checks everything that can be checked without the database.
    ///
    /// # Errors
    /// All problems found, sorted; the same bad input gives the same findings every time (I8).
    pub fn check(&self, draft: Draft) -> Result<Candidate, Findings> {
        let Some(kind) = self.kinds.get(&draft.kind, draft.schema_version) else {
            return Err(self.unknown_kind(&draft));
        };
        let declaration = &kind.declaration;
        let mut findings = kind.check(&draft.payload, "/payload");
        findings.merge(under("/payload", &check_value(&draft.payload)));
        check_span(&mut findings, declaration.span.admits(draft.span_ms.is_some()), draft.span_ms);
        self.check_blob(&mut findings, declaration.blob.admits(draft.blob.is_some()), draft.blob.as_ref());
        let origin =
            check_origin(&mut findings, declaration.subject, draft.made, draft.record_id, draft.asset.is_some());
        let body = match canonical::to_canonical(&draft.payload) {
            Ok(body) => body,
            Err(problems) => {
                findings.merge(under("/payload", &problems));
                return Err(findings);
            }
        };
        if body.len() > BODY_BYTES_MAX {
            findings.add("/payload", "too_large", format!("the payload has more than {BODY_BYTES_MAX} bytes"));
        }
        let content_hash = content_hash_of_canonical(
            kind.name(),
            declaration.version,
            draft.asset.map(|(asset, _)| asset),
            draft.span_ms,
            &body,
            draft.blob.as_ref().map(|blob| blob.sha256),
        );
        if draft.content_hash.is_some_and(|sent| sent != content_hash) {
            findings.add("/content_hash", "content_hash_mismatch", "the content has another hash");
        }
        let Some(origin) = origin else { return Err(findings) };
        let cells = declaration.project(&draft.payload);
        findings.into_result(Candidate {
            kind,
            origin,
            asset: draft.asset,
            span_ms: draft.span_ms,
            body,
            cells,
            blob: draft.blob,
            content_hash,
        })
    }

    fn unknown_kind(&self, draft: &Draft) -> Findings {
        if self.kinds.knows_name(&draft.kind) {
            let message = format!("version {} of {} is not known", draft.schema_version, draft.kind);
            return Findings::one("/schema_version", "schema_not_found", message);
        }
        let message = match draft.kind.parse::<KindName>() {
            Ok(name) => format!("kind {name} is not known"),
            Err(error) => error.to_string(),
        };
        Findings::one("/kind", "schema_not_found", message)
    }

    fn check_blob(&self, findings: &mut Findings, admitted: bool, blob: Option<&StoredBlob>) {
        match blob {
            None if !admitted => findings.add("/blob", "missing_field", "this kind needs a blob"),
            Some(_) if !admitted => findings.add("/blob", "unknown_field", "this kind has no blob"),
            Some(blob) => match self.blobs.size_of(blob.sha256) {
                Ok(Some(size)) if size == blob.bytes => {}
                Ok(Some(_)) => findings.add("/blob/bytes", "blob_mismatch", "the blob has another size"),
                Ok(None) | Err(_) => findings.add("/blob/sha256", "blob_absent", "the blob is not in the blob store"),
            },
            None => {}
        }
    }
}

fn check_span(findings: &mut Findings, admitted: bool, span_ms: Option<(i64, i64)>) {
    match span_ms {
        None if !admitted => findings.add("/span_start_ms", "missing_field", "this kind needs a span"),
        Some(_) if !admitted => findings.add("/span_start_ms", "unknown_field", "this kind has no span"),
        Some((start, end)) if start < 0 || end < start => {
            findings.add("/span_start_ms", "bad_span", "a span is 0 <= start <= end");
        }
        Some((_, end)) if end > exhibit_model::json::SAFE_INTEGER_MAX => {
            findings.add("/span_end_ms", "integer_range", "the end is beyond 2^53 - 1");
        }
        _ => {}
    }
}

fn check_origin(
    findings: &mut Findings,
    subject: Subject,
    made: Option<(Arc<Made>, u32)>,
    record_id: Option<String>,
    has_asset: bool,
) -> Option<Origin> {
    match (subject, made, record_id) {
        (Subject::Artifact, Some((made, ordinal)), None) => {
            if !has_asset {
                findings.add("/asset_id", "missing_field", "an artifact is about an asset");
            }
            Some(Origin::Unit { made, ordinal })
        }
        (Subject::Artifact, None, _) => {
            let message = "an artifact needs run, producer, version, config hash, input hash and inputs";
            findings.add("/lineage", "missing_lineage", message);
            None
        }
        (Subject::Artifact, Some(_), Some(_)) => {
            findings.add("/record_id", "unknown_field", "the id of an artifact comes from its unit");
            None
        }
        (Subject::Record, None, Some(record_id)) => {
            if record_id.is_empty() || record_id.len() > RECORD_ID_BYTES_MAX || record_id.chars().any(char::is_control)
            {
                let message = format!("a record id has 1 to {RECORD_ID_BYTES_MAX} bytes and no control characters");
                findings.add("/record_id", "bad_record_id", message);
            }
            Some(Origin::Outside { record_id })
        }
        (Subject::Record, None, None) => {
            findings.add("/record_id", "missing_field", "a record from outside needs its id");
            None
        }
        (Subject::Record, Some(_), _) => {
            findings.add("/lineage", "unknown_field", "only artifacts have a unit");
            None
        }
    }
}

/// Turns the message of the decoder into a finding with the place it names. `serde_json` words are part of our frozen errors: a test
/// holds them.
fn document_finding(message: &str) -> Findings {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let mut pointer = String::new();
    if let Some(field) = message.strip_prefix("unknown field ").map(|_| quoted) {
        pointer_to(&mut pointer, field);
        return Findings::one(pointer, "unknown_field", "this field is not known");
    }
    if message.starts_with("missing field ") {
        pointer_to(&mut pointer, quoted);
        return Findings::one(pointer, "missing_field", "this field is required");
    }
    Findings::one("", "wrong_type", message.to_owned())
}

fn pointer_to(pointer: &mut String, field: &str) {
    exhibit_model::json::pointer_push(pointer, field);
}

/// The same findings, one level down.
fn under(prefix: &str, findings: &Findings) -> Findings {
    let mut moved = Findings::new();
    for finding in findings.iter() {
        moved.add(format!("{prefix}{}", finding.pointer), finding.code, finding.message.clone());
    }
    moved
}
