//! Taking a document in: through the gate, and an answer after the commit.

use exhibit_model::digest::Digest;
use exhibit_store::{Append, Candidate, Draft, GateError, Receipt as Written, Store, StoreError};
use serde::Serialize;

use crate::admission::{Decision, Obstacle};
use crate::contract::{Document, Rejection};
use crate::record::{Recorded, Submission, conflict};
use crate::room::{examine, other_events};
use crate::sql::{keys, sessions};

/// A document that was taken in, now or before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub idempotent_replay: bool,
    /// Whether it came too late to change what is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
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
        let Submission { draft, keys } = Submission::new(document, feed)?;
        let candidate = checked(store, draft)?.ok_or(IngestError::Rejected(Rejection::TooLarge))?;
        let body = candidate.body().to_vec();
        match store.append(Append { candidates: vec![candidate], effect: None, keys }).await {
            Ok(receipts) => return told(store, document, receipts).await.map_err(IngestError::Store),
            Err(GateError::Conflict { .. }) => {
                if let Some(rejection) = refuse(store, document, feed, body).await? {
                    return Err(IngestError::Rejected(rejection));
                }
            }
            Err(error) => return Err(unexpected(error).into()),
        }
    }
    Err(StoreError::Refused("the session changes too fast".to_owned()).into())
}

/// The gate. `None` when it is larger than any record; everything else about it was checked by the contract.
fn checked(store: &Store, draft: Draft) -> Result<Option<Candidate>, StoreError> {
    match store.gate().check(draft) {
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

async fn told(store: &Store, document: &Document, receipts: Vec<Written>) -> Result<Receipt, StoreError> {
    let Some(receipt) = receipts.into_iter().next() else {
        return Err(StoreError::Unexpected("a record has no receipt".to_owned()));
    };
    let told = store.read(move |read| keys::at(read, receipt.seq)).await?;
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
    body: Vec<u8>,
) -> Result<Option<Rejection>, StoreError> {
    let incoming: (Recorded, Digest) = (Recorded::read(&body)?, document.fingerprint);
    let found = store
        .read(move |read| {
            let decision = examine(read, &[&incoming])?.into_iter().next();
            let Some(Decision::Conflict(obstacle, seq)) = decision else { return Ok(None) };
            let session_id = &incoming.0.said.session.session_id;
            let standing = sessions::standing(read, &[session_id.as_str()])?;
            let others = match (obstacle, standing.get(session_id)) {
                (Obstacle::Event, Some(standing)) => other_events(read, standing.session_key, &incoming.0)?,
                _ => Vec::new(),
            };
            Ok(Some((obstacle, seq, others)))
        })
        .await?;
    let Some((obstacle, seq, others)) = found else { return Ok(None) };
    let evidence = match checked(store, conflict(document, feed, obstacle, seq, true)?)? {
        Some(evidence) => Some(evidence),
        // With what surrounds it, it is larger than a record may be; its fingerprint is kept.
        None => checked(store, conflict(document, feed, obstacle, seq, false)?)?,
    };
    match store.append(Append { candidates: evidence.into_iter().collect(), ..Append::default() }).await {
        // The same document may have met another obstacle before; that evidence stands.
        Ok(_) | Err(GateError::Conflict { .. }) => {}
        Err(error) => return Err(unexpected(error)),
    }
    let place = others.iter().filter_map(|id| document.event_places.get(id)).min();
    Ok(Some(place.map_or_else(Rejection::key_conflict, |place| Rejection::event_conflict(*place))))
}
