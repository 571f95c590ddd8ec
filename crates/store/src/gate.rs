//! The gate, first half: decode, contract version, validate, canonicalise, hash. Runs on as many threads as there are; nothing
//! invalid reaches the write path, because only [`Gate::check`] makes a [`Candidate`].

mod document;

use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::envelope::content_hash_of_canonical;
use exhibit_model::findings::Findings;
use exhibit_model::ids::{AssetId, UnitId};
use exhibit_model::json::{JsonLimits, RECORD_DEPTH_MAX, check_value_within, parse_strict};
use exhibit_model::kind::{Cell, KindDeclaration, Subject};
use exhibit_model::lineage::Lineage;
use exhibit_model::{canonical, kind::KindName};
use serde_json::Value as Json;

use crate::append::{Candidate, Origin, StoredBlob};
use crate::blobs::Blobs;
use crate::kinds::Kinds;

/// Largest document that the gate reads, in bytes: the largest body that any contract of the rooms allows.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Largest payload of a record in canonical form, in bytes. Defaults and numbers that are written out (`9e15`) make it up to 3.4 times
/// as long as the body that it was read from.
pub const RECORD_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// How recorded payloads are read again.
pub(crate) const RECORD_LIMITS: JsonLimits = JsonLimits { bytes_max: RECORD_BYTES_MAX, depth_max: RECORD_DEPTH_MAX };

/// Longest record id from outside, in bytes.
pub const RECORD_ID_BYTES_MAX: usize = 512;

/// Longest media type of a blob, in bytes (RFC 6838, section 4.2: 127 for each half would be allowed, nobody needs it).
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;

/// Bytes of text in one index: PostgreSQL's limit is 2,704 for an entry, and SQLite must not take in what PostgreSQL cannot.
pub const INDEXED_TEXT_BYTES_MAX: usize = 2_000;

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

impl Draft {
    /// A record of version 1 of a kind, about nothing but itself.
    pub fn record(kind: &str, record_id: String, payload: Json) -> Self {
        Self {
            kind: kind.to_owned(),
            schema_version: 1,
            asset: None,
            span_ms: None,
            payload,
            blob: None,
            made: None,
            record_id: Some(record_id),
            content_hash: None,
        }
    }
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
        document::read(value)
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
        findings.merge(under("/payload", &check_value_within(&draft.payload, RECORD_DEPTH_MAX)));
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
        if body.len() > RECORD_BYTES_MAX {
            findings.add("/payload", "too_large", format!("the payload has more than {RECORD_BYTES_MAX} bytes"));
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
        let cells = declaration.project(&draft.payload);
        check_indexed_text(&mut findings, declaration, &cells);
        let Some(origin) = origin else { return Err(findings) };
        let candidate = Candidate {
            kind,
            origin,
            asset: draft.asset,
            span_ms: draft.span_ms,
            body,
            cells,
            blob: draft.blob,
            content_hash,
            leaf_new: None,
            reading: None,
        };
        findings.into_result(()).map(|()| candidate.with_leaf())
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
        if blob.is_some_and(|blob| !is_media_type(&blob.media_type)) {
            let message = format!("a media type is like image/png and has at most {MEDIA_TYPE_BYTES_MAX} bytes");
            findings.add("/blob/media_type", "bad_media_type", message);
        }
    }
}

/// `type/subtype` in visible ASCII; parameters may follow.
fn is_media_type(text: &str) -> bool {
    let halves = text.split_once('/').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    halves && text.len() <= MEDIA_TYPE_BYTES_MAX && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn check_indexed_text(findings: &mut Findings, declaration: &KindDeclaration, cells: &[Cell]) {
    for index in &declaration.indexes {
        let texts = declaration.columns.iter().zip(cells).filter_map(|(column, cell)| match cell {
            Cell::Text(text) if index.contains(&column.name) => Some((column, text.len())),
            _ => None,
        });
        if texts.clone().map(|(_, bytes)| bytes).sum::<usize>() > INDEXED_TEXT_BYTES_MAX
            && let Some((longest, _)) = texts.max_by_key(|(_, bytes)| *bytes)
        {
            let message =
                format!("indexed texts have at most {INDEXED_TEXT_BYTES_MAX} bytes, those of one index together");
            findings.add(format!("/payload{}", longest.pointer), "too_long", message);
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

/// The same findings, one level down.
fn under(prefix: &str, findings: &Findings) -> Findings {
    let mut moved = Findings::new();
    for finding in findings.iter() {
        moved.add(format!("{prefix}{}", finding.pointer), finding.code, finding.message.clone());
    }
    moved
}
