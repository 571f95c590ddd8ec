//! Sessions that their feeds never end are closed when nothing is heard of them for a while.

use exhibit_model::time::Timestamp;
use exhibit_store::{Append, GateError, Store, StoreError};

use super::close::Close;
use crate::ingest::checked;
use crate::sql::idle::{erred_last, idle};
use crate::state::SessionState;

/// Silence after which a session is taken to have ended, in microseconds: 30 minutes.
pub const IDLE_US: i64 = 30 * 60 * 1_000_000;

/// Sessions that one transaction closes.
const CLOSES_AT_ONCE: i64 = 500;

/// Transactions of one call: a hundred thousand sessions, as many as the first look into old folders may find.
const ROUNDS_MAX: usize = 200;

/// Closes the sessions of collectors that nothing was heard of for [`IDLE_US`] before `now`. Answers how many closes were recorded.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn close_idle(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let until = Timestamp(now.0.saturating_sub(IDLE_US));
    let mut closed = 0;
    for _ in 0..ROUNDS_MAX {
        let found = store.read(move |read| find(read, until)).await?;
        let Ok(count) = i64::try_from(found.len()) else { break };
        if count == 0 {
            break;
        }
        let gate = store.gate();
        let (mut candidates, mut keys) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
        for close in &found {
            let candidate = checked(&gate, close.draft())?;
            candidates.push(candidate.ok_or_else(|| StoreError::Unexpected("a close is too large".to_owned()))?);
            keys.push(close.admission_key());
        }
        match store.append(Append { candidates, effect: None, keys }).await {
            Ok(receipts) => closed += receipts.iter().filter(|receipt| !receipt.replay).map(|_| 1).sum::<u64>(),
            Err(GateError::Store(error)) => return Err(error),
            Err(other) => return Err(StoreError::Unexpected(other.to_string())),
        }
        if count < CLOSES_AT_ONCE {
            break;
        }
    }
    Ok(closed)
}

fn find(read: &exhibit_store::Read<'_>, until: Timestamp) -> Result<Vec<Close>, StoreError> {
    let mut closes = Vec::new();
    for row in idle(read, until, CLOSES_AT_ONCE)? {
        let erred = erred_last(read, row.session_key)?;
        closes.push(Close {
            session_id: row.session_id,
            revision: row.revision,
            last_activity_at: row.last_activity_at,
            state: if erred { SessionState::Failed } else { SessionState::Success },
        });
    }
    Ok(closes)
}
