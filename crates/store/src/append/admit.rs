//! Which records of a group are new: the rooms decide, for many requests at a time.

use std::collections::BTreeMap;

use exhibit_model::envelope::LeafAdmission;

use super::{Append, Candidate, GroupContext, Guard, Receipt};
use crate::error::{GateError, StoreError};
use crate::room::{Admission, default_admission};
use crate::session::{Read, Tx};

/// Where each candidate of a request goes.
pub(super) struct Admitted {
    /// Of those that are known; of the others once they are written.
    pub(super) receipts: Vec<Option<Receipt>>,
    /// Those that are appended.
    pub(super) fresh: Vec<(usize, LeafAdmission)>,
}

/// Why a request is not admitted, and the evidence of it.
pub(super) type Refused = (GateError, Option<Box<Candidate>>);

/// The effect of one request, or none of many, and then their admission: each room decides once about all records of its own, in order.
pub(super) fn admit_requests(
    tx: &mut Tx<'_>,
    context: &GroupContext,
    some: &[Append],
    lags: bool,
) -> Result<Vec<Result<Admitted, Refused>>, StoreError> {
    for effect in some.iter().filter_map(|append| append.effect.as_ref()) {
        if let Guard::Refuse(reason) = effect(tx)? {
            return Ok(vec![Err((GateError::Refused(reason), None))]);
        }
    }
    let mut by_room: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    let mut decisions: Vec<Vec<Option<Admission>>> = Vec::with_capacity(some.len());
    for (request, append) in some.iter().enumerate() {
        for (index, candidate) in append.candidates.iter().enumerate() {
            by_room.entry(&candidate.kind.room).or_default().push((request, index));
        }
        decisions.push(vec![None; append.candidates.len()]);
    }
    for (room, places) in by_room {
        let batch: Vec<&Candidate> = places.iter().map(|(request, index)| &some[*request].candidates[*index]).collect();
        let decided = decide(tx, context, room, &batch, lags)?;
        for ((request, index), decision) in places.into_iter().zip(decided) {
            decisions[request][index] = Some(decision);
        }
    }
    Ok(some.iter().zip(decisions).map(|(append, decisions)| admitted(append, decisions)).collect())
}

/// Where the candidates of a request go; the first conflict refuses all of it.
fn admitted(append: &Append, decisions: Vec<Option<Admission>>) -> Result<Admitted, Refused> {
    let mut admitted = Admitted { receipts: vec![None; append.candidates.len()], fresh: Vec::new() };
    for (index, (decision, candidate)) in decisions.into_iter().zip(&append.candidates).enumerate() {
        match decision {
            Some(Admission::New) => admitted.fresh.push((index, LeafAdmission::New)),
            Some(Admission::Stale) => admitted.fresh.push((index, LeafAdmission::Stale)),
            Some(Admission::Replay(seq)) => {
                let content_hash = candidate.content_hash;
                admitted.receipts[index] = Some(Receipt { seq, content_hash, replay: true });
            }
            Some(Admission::Conflict { evidence }) => {
                return Err((GateError::Conflict { record_id: candidate.record_id() }, evidence));
            }
            None => {
                let error = StoreError::Unexpected(format!("nobody decided about {}", candidate.record_id()));
                return Err((GateError::Store(error), None));
            }
        }
    }
    Ok(admitted)
}

fn decide(
    read: &Read<'_>,
    context: &GroupContext,
    room: &str,
    batch: &[&Candidate],
    lags: bool,
) -> Result<Vec<Admission>, StoreError> {
    let decisions = match context.rooms.iter().find(|candidate| candidate.name() == room) {
        Some(room) if lags && room.admits_by_projections() => return Err(StoreError::Lagging),
        Some(room) => room.admit(read, batch)?,
        None => default_admission(read, batch)?,
    };
    if decisions.len() == batch.len() {
        Ok(decisions)
    } else {
        Err(StoreError::Unexpected(format!("room {room} decided about {} of {} records", decisions.len(), batch.len())))
    }
}
