//! Taking a document in: through the gate, and an answer after the commit.

use std::sync::Arc;

use exhibit_store::{Append, Candidate, Draft, Gate, GateError, Receipt as Written, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::admission::{Decision, Obstacle};
use crate::contract::{Document, Options, Rejection, Version, decode_told};
use crate::record::{API_FEED, Handed, Submission, conflict};
use crate::room::{examine, other_events};
use crate::sql::{keys, sessions};

/// A document that was taken in, now or before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// Always true; older clients look for it.
    pub ok: bool,
    /// The session.
    #[serde(rename = "sessionId")]
    pub session_id: String,
    /// The revision that it has.
    pub revision: i64,
    /// SHA-256 of the canonical document, in hex.
    pub fingerprint: String,
    /// Whether it had been taken in before and nothing was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent_replay: bool,
    /// Whether it came too late to change what is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// Why a document was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Something is wrong with it.
    #[error("the document was refused")]
    Rejected(Rejection),
    /// We could not do our work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Times a document is decided anew because what stood in its way changed meanwhile; each time another document was taken in.
const TRIES_MAX: usize = 16;

/// Takes a document of a feed in. Returns after the commit.
///
/// # Errors
/// When something else stands under its key or the id of one of its events, which is kept as evidence, or when the database cannot be written.
pub async fn ingest(store: &Store, document: &Document, feed: &str) -> Result<Receipt, IngestError> {
    for _ in 0..TRIES_MAX {
        let Submission { draft, keys, .. } = Submission::new(document, feed)?;
        let candidate = checked(&store.gate(), draft)?.ok_or(IngestError::Rejected(Rejection::TooLarge))?;
        let (candidate, handed) = candidate.read_ahead(Handed::read)?;
        match store.append(Append { candidates: vec![candidate], effect: None, keys }).await {
            Ok(receipts) => return told(store, document, receipts, &handed).await.map_err(IngestError::Store),
            Err(GateError::Conflict { .. }) => {
                if let Some(rejection) = refuse(store, document, feed, handed).await? {
                    return Err(IngestError::Rejected(rejection));
                }
            }
            Err(error) => return Err(unexpected(error).into()),
        }
    }
    Err(StoreError::Refused("the session changes too fast".to_owned()).into())
}

/// One of many documents, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Its place, from 0.
    pub index: usize,
    /// The status that it would have been answered with alone.
    pub status: u16,
    /// The body that it would have been answered with alone.
    pub body: Value,
}

/// Documents of a batch that are on their way at a time: enough to fill the groups of the writer.
const AT_ONCE: usize = 64;

/// Takes many documents in, one a line; empty lines are passed over. Each is taken in or refused by itself, in the order of the lines.
///
/// # Errors
/// When the database cannot be written; what was taken in before stays, and is a replay when it is sent again.
pub async fn ingest_lines(
    store: &Store,
    bytes: &[u8],
    options: Options,
    refused: impl Fn(&Rejection, Option<Version>),
    understood: impl Fn(&Document),
) -> Result<Vec<Line>, StoreError> {
    let lines: Vec<&[u8]> = bytes.split(is_line_end).filter(|line| !line.trim_ascii().is_empty()).collect();
    let mut answers = Vec::with_capacity(lines.len());
    for some in lines.chunks(AT_ONCE) {
        let mut read: Vec<Result<Document, Rejection>> = Vec::with_capacity(some.len());
        for line in some {
            let (version, document) = decode_told(line, options);
            read.push(document.inspect(&understood).inspect_err(|rejection| refused(rejection, version)));
        }
        let documents: Vec<&Document> = read.iter().flatten().collect();
        let taken = documents.iter().map(|document| ingest(store, document, API_FEED));
        let mut taken = futures_util::future::join_all(taken).await.into_iter();
        for document in &read {
            let answer = match document {
                Err(rejection) => Err(rejection.clone()),
                Ok(document) => match taken.next() {
                    Some(Ok(receipt)) => Ok(receipt),
                    Some(Err(IngestError::Rejected(rejection))) => {
                        refused(&rejection, Some(document.version));
                        Err(rejection)
                    }
                    Some(Err(IngestError::Store(error))) => return Err(error),
                    None => return Err(StoreError::Unexpected("a document has no answer".to_owned())),
                },
            };
            let (status, body) = match answer {
                Ok(receipt) => (200, serde_json::to_value(receipt)),
                Err(rejection) => (rejection.status(), serde_json::from_slice(&rejection.body())),
            };
            // Both were written by us.
            answers.push(Line { index: answers.len(), status, body: body.unwrap_or_default() });
        }
    }
    Ok(answers)
}

fn is_line_end(byte: &u8) -> bool {
    *byte == b'\n'
}

/// The gate, for evidence: `None` when it can be no record with all that surrounds it, so that less of it is kept rather than nothing.
fn checked_evidence(gate: &Gate, draft: Draft) -> Option<Candidate> {
    let told = gate.check(draft);
    told.inspect_err(|findings| tracing::warn!(%findings, "a refused document cannot be kept whole")).ok()
}

/// The gate. `None` when it is larger than any record; everything else about it was checked by the contract.
pub(crate) fn checked(gate: &Gate, draft: Draft) -> Result<Option<Candidate>, StoreError> {
    match gate.check(draft) {
        Ok(candidate) => Ok(Some(candidate)),
        Err(findings) if findings.iter().any(|finding| finding.code == "too_large") => Ok(None),
        Err(findings) => Err(StoreError::Unexpected(format!("a checked document is no record: {findings}"))),
    }
}

fn unexpected(error: GateError) -> StoreError {
    match error {
        GateError::Store(error) => error,
        other => StoreError::Unexpected(other.to_string()),
    }
}

async fn told(
    store: &Store,
    document: &Document,
    receipts: Vec<Written>,
    handed: &Handed,
) -> Result<Receipt, StoreError> {
    let Some(receipt) = receipts.into_iter().next() else {
        return Err(StoreError::Unexpected("a record has no receipt".to_owned()));
    };
    let told = match handed.answer().filter(|_| !receipt.replay) {
        Some(noted) => Some(noted),
        // It was known: what was told then stands under the place of the record.
        None => store.read(move |read| keys::at(read, receipt.seq)).await?,
    };
    let (revision, stale) = told.ok_or_else(|| StoreError::Unexpected(format!("record {} has no key", receipt.seq)))?;
    Ok(Receipt {
        ok: true,
        session_id: document.session.session_id.clone(),
        revision,
        fingerprint: document.fingerprint.to_hex(),
        idempotent_replay: receipt.replay,
        stale,
    })
}

/// Keeps the evidence and says what is in the way; `None` when nothing is any more.
async fn refuse(
    store: &Store,
    document: &Document,
    feed: &str,
    incoming: Arc<Handed>,
) -> Result<Option<Rejection>, StoreError> {
    let found = store
        .read(move |read| {
            let decision = examine(read, &[&incoming])?.into_iter().next();
            let Some(Decision::Conflict(obstacle, seq)) = decision else { return Ok(None) };
            let session_id = &incoming.recorded.said.session.session_id;
            let standing = sessions::standing(read, &[session_id.as_str()])?;
            let others = match (obstacle, standing.get(session_id)) {
                (Obstacle::Event, Some(standing)) => other_events(read, standing.session_key, &incoming)?,
                _ => Vec::new(),
            };
            Ok(Some((obstacle, seq, others)))
        })
        .await?;
    let Some((obstacle, seq, others)) = found else { return Ok(None) };
    let evidence = match checked_evidence(&store.gate(), conflict(document, feed, obstacle, seq, true)?) {
        Some(evidence) => Some(evidence),
        // With what surrounds it, it is more than a record may be; its fingerprint is kept.
        None => checked(&store.gate(), conflict(document, feed, obstacle, seq, false)?)?,
    };
    match store.append(Append { candidates: evidence.into_iter().collect(), ..Append::default() }).await {
        // The same document may have met another obstacle before; that evidence stands.
        Ok(_) | Err(GateError::Conflict { .. }) => {}
        Err(error) => return Err(unexpected(error)),
    }
    let places: Vec<usize> = others.iter().filter_map(|id| document.event_places.of(id)).collect();
    Ok(Some(if places.is_empty() { Rejection::key_conflict() } else { Rejection::event_conflicts(places) }))
}
