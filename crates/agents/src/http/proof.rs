//! What an auditor needs to check what stands of a session against the ledger, with nothing but a checkpoint of it.

use exhibit_model::digest::Digest;
use exhibit_model::envelope::{LeafAdmission, content_hash_of_canonical, leaf_bytes};
use exhibit_model::merkle::leaf_hash;
use exhibit_store::kinds::Kinds;
use exhibit_store::ledger::proof::{InclusionProof, prove};
use exhibit_store::ledger::verify::{Problem, Report, check_record};
use exhibit_store::retention::Tombstones;
use exhibit_store::sql::records;
use exhibit_store::{Read, Seq, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::evidence::Conflict;
use crate::sql::asides;

/// Refused documents, and documents that came too late, of one answer: a sender that goes on after hundreds of refusals tells nothing new.
const ASIDES_MAX: i64 = 1_000;

/// Where the stored revision of a session lies in the ledger. `docs/reference/formats.md` says how each hash is made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionProof {
    /// The id of the record.
    pub record_id: String,
    /// Its kind.
    pub kind: String,
    /// The version of its kind.
    pub schema_version: u32,
    /// How it was admitted: `new`.
    pub admission: String,
    /// Its place in the ledger.
    pub ledger_seq: i64,
    /// What was recorded, byte by byte as it was hashed (RFC 8785): the document, and how it came. Absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub body: Option<Box<RawValue>>,
    /// SHA-256 of `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_hash: Option<Digest>,
    /// SHA-256 of kind, version and body: what the leaf commits to.
    pub content_hash: Digest,
    /// The leaf of the record, and the paths from it to the root of its batch and from there to the root of the ledger.
    pub inclusion: InclusionProof,
    /// Whether all of this fits together.
    pub holds: bool,
    /// What is not as it was written; empty when all is.
    pub problems: Vec<Problem>,
    /// Documents about this session that were refused, by place; 1,000 at most.
    pub conflicts: Vec<Conflict>,
    /// Documents about this session that came too late to change anything, by place; 1,000 at most.
    pub stale: Vec<Stale>,
}

/// A document that came too late.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stale {
    /// Its place in the ledger.
    pub ledger_seq: i64,
    /// The key that it came under.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The revision that stood by then.
    pub revision: i64,
}

/// The proof for the session whose stored revision lies at a place.
///
/// # Errors
/// When the database cannot be read, or holds no such record.
pub(super) fn of_session(
    read: &Read<'_>,
    kinds: &Kinds,
    session_id: &str,
    seq: Seq,
) -> Result<SessionProof, StoreError> {
    let damaged = |what: &str| StoreError::Unexpected(format!("record {seq} {what}; `exhibit verify` names it"));
    let record = records::at(read, seq)?.ok_or_else(|| damaged("is not there"))?;
    let inclusion = prove(read, seq)?.ok_or_else(|| damaged("is in no batch"))?;
    let kind = kinds.by_key(record.kind).ok_or_else(|| damaged("is of no known kind"))?;
    let admission =
        LeafAdmission::from_code(record.admission).ok_or_else(|| damaged("was admitted in no known way"))?;
    let mut report = Report::default();
    let stones = Tombstones::for_record(read, kinds, &record)?;
    check_record((kinds, &stones), &record, &mut report);
    let body = record.body.map(String::from_utf8).transpose().map_err(|_| damaged("is no text"))?;
    let body_hash = body.as_ref().map(|body| Digest::of(body.as_bytes()));
    let body = body.map(RawValue::from_string).transpose().map_err(|_| damaged("is no JSON"))?;
    let mut proof = SessionProof {
        record_id: record.record_id.ok_or_else(|| damaged("has no id"))?,
        kind: kind.name().to_owned(),
        schema_version: kind.declaration.version,
        admission: admission.as_str().to_owned(),
        ledger_seq: seq,
        body,
        body_hash,
        content_hash: record.commitment,
        inclusion,
        holds: false,
        problems: report.problems,
        conflicts: asides::conflicts(read, session_id, ASIDES_MAX)?.into_iter().map(Conflict::from).collect(),
        stale: asides::stale(read, session_id, ASIDES_MAX)?.into_iter().map(Stale::from).collect(),
    };
    proof.holds = proof.problems.is_empty() && proof.fits();
    Ok(proof)
}

impl SessionProof {
    /// Checks the proof with nothing but itself: the body against its hashes, these against the leaf, the leaf against the root.
    pub fn fits(&self) -> bool {
        let body = self.body.as_ref().map(|body| body.get().as_bytes());
        let content = |body| content_hash_of_canonical(&self.kind, self.schema_version, None, None, body, None);
        let admission =
            [LeafAdmission::New, LeafAdmission::Stale].into_iter().find(|known| known.as_str() == self.admission);
        let Some(admission) = admission else { return false };
        let commits = (&self.record_id, &self.kind, self.schema_version);
        let leaf = leaf_hash(&leaf_bytes(commits.0, commits.1, commits.2, admission, self.content_hash, None, None));
        body.map(Digest::of) == self.body_hash
            && body.is_none_or(|body| content(body) == self.content_hash)
            && (leaf, self.ledger_seq) == (self.inclusion.leaf, self.inclusion.seq)
            && self.inclusion.holds()
    }
}

impl From<asides::StaleRow> for Stale {
    fn from(row: asides::StaleRow) -> Self {
        let asides::StaleRow { ledger_seq, key, fingerprint, revision } = row;
        Self { ledger_seq, key, fingerprint: fingerprint.to_hex(), revision }
    }
}
