//! What a host does with finished units: blobs to the disk first, then one transaction with records, lineage, state and coverage.

use std::sync::Arc;

use exhibit_model::findings::Findings;
use exhibit_model::ids::{AssetId, UnitId};
use exhibit_model::lineage::Lineage;
use exhibit_model::states::UnitState;
use exhibit_store::sql::units::{self, Ending};
use exhibit_store::{Append, Candidate, Draft, GateError, Guard, Made, Staged, Store, StoredBlob};

use crate::protocol::FactMessage;

/// A unit that ended, with what it found.
#[derive(Debug)]
pub struct Finished {
    /// How it ended. The number of artifacts is filled in here.
    pub ending: Ending,
    /// Its printed id.
    pub unit: UnitId,
    /// The asset and its key.
    pub asset: (AssetId, i64),
    /// How its facts were found; `None` for units without facts.
    pub lineage: Option<Lineage>,
    /// Its facts.
    pub facts: Vec<Fact>,
}

/// One fact with its blob, copied into the blob store but without a name yet.
#[derive(Debug)]
pub struct Fact {
    /// What the extractor said.
    pub message: FactMessage,
    /// The bytes and their media type.
    pub blob: Option<(Staged, String)>,
    /// The asset that it is about and its key, when that is not the one of the unit.
    pub about: Option<(AssetId, i64)>,
}

/// What became of a group of finished units.
#[derive(Debug, Default)]
pub struct Committed {
    /// Units that were committed, with their endings.
    pub ended: Vec<(UnitId, Ending)>,
    /// Units whose lease was lost; nothing of them was written.
    pub refused: u64,
}

struct Checked {
    unit: UnitId,
    ending: Ending,
    candidates: Vec<Candidate>,
}

/// Commits a group of finished units of one run: all in one transaction when every lease still holds, else one by one.
///
/// # Errors
/// When the disk or the database fails; nothing of the group is acknowledged then.
pub async fn commit(store: &Store, run: i64, group: Vec<Finished>) -> Result<Committed, GateError> {
    let checked = check(store, group).await?;
    let mut committed = Committed::default();
    match append(store, run, &checked).await {
        Ok(()) => {
            committed.ended.extend(checked.into_iter().map(|checked| (checked.unit, checked.ending)));
            return Ok(committed);
        }
        Err(GateError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    for one in checked {
        match append(store, run, std::slice::from_ref(&one)).await {
            Ok(()) => committed.ended.push((one.unit, one.ending)),
            Err(GateError::Refused(reason)) => {
                tracing::warn!(unit.id = %one.unit, "a commit was refused: {reason}");
                committed.refused += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(committed)
}

/// Makes the blobs durable and turns facts into candidates. A unit whose facts do not pass the gate fails with what is wrong.
async fn check(store: &Store, group: Vec<Finished>) -> Result<Vec<Checked>, GateError> {
    let (gate, blobs) = (store.gate(), store.blobs().clone());
    let work = move || -> Result<Vec<Checked>, GateError> {
        let mut staged = Vec::new();
        let mut named = Vec::with_capacity(group.len());
        for Finished { ending, unit, asset, lineage, facts } in group {
            let mut drafts = Vec::with_capacity(facts.len());
            for Fact { message, blob, about } in facts {
                let stored = blob.map(|(bytes, media_type)| {
                    let stored = StoredBlob { sha256: bytes.sha256, bytes: bytes.bytes, media_type };
                    staged.push(bytes);
                    stored
                });
                drafts.push((message, stored, about.unwrap_or(asset)));
            }
            named.push((ending, unit, lineage, drafts));
        }
        blobs.publish(staged)?;
        let checked = named.into_iter().map(|(mut ending, unit, lineage, drafts)| {
            let made = lineage.map(|lineage| Arc::new(Made::new(ending.key, unit, &lineage)));
            let candidates: Result<Vec<Candidate>, Findings> = (0_u32..)
                .zip(drafts)
                .map(|(ordinal, (message, blob, about))| gate.check(draft(message, blob, about, made.clone(), ordinal)))
                .collect();
            let candidates = candidates.unwrap_or_else(|findings| {
                ending.state = UnitState::Failed;
                ending.retryable = false;
                ending.work_key = None;
                ending.reason = Some("bad-output".to_owned());
                ending.detail = Some(findings.to_string().chars().take(500).collect());
                Vec::new()
            });
            ending.artifacts = i64::try_from(candidates.len()).unwrap_or(i64::MAX);
            Checked { unit, ending, candidates }
        });
        Ok(checked.collect())
    };
    let failed =
        |error: tokio::task::JoinError| GateError::Store(exhibit_store::StoreError::Panicked(error.to_string()));
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn draft(
    message: FactMessage,
    blob: Option<StoredBlob>,
    asset: (AssetId, i64),
    made: Option<Arc<Made>>,
    ordinal: u32,
) -> Draft {
    Draft {
        kind: message.kind,
        schema_version: message.schema_version,
        asset: Some(asset),
        span_ms: message.span_start_ms.zip(message.span_end_ms),
        payload: message.payload,
        blob,
        made: made.map(|made| (made, ordinal)),
        record_id: None,
        content_hash: None,
    }
}

async fn append(store: &Store, run: i64, checked: &[Checked]) -> Result<(), GateError> {
    let candidates = checked.iter().flat_map(|checked| checked.candidates.iter().cloned()).collect();
    let endings: Vec<Ending> = checked.iter().map(|checked| checked.ending.clone()).collect();
    let effect = move |tx: &mut exhibit_store::Tx<'_>| {
        let held = units::end(tx, run, &endings)?;
        if held == endings.len() as u64 {
            return Ok(Guard::Proceed);
        }
        Ok(Guard::Refuse(format!("the lease of {} of {} units was lost", endings.len() as u64 - held, endings.len())))
    };
    store.append(Append { candidates, effect: Some(Box::new(effect)), ..Append::default() }).await.map(|_| ())
}
