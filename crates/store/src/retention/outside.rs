//! Payloads of records from outside that a room keeps for a time only: they go in the transaction that appends the tombstone which names them
//! and whatever the room keeps in their place.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::ranges_of;
use crate::append::{Append, Candidate, Effect, Guard, Receipt};
use crate::error::{GateError, StoreError};
use crate::gate::Draft;
use crate::room::Seq;
use crate::session::Read;
use crate::sql::{projections, retention as sql};
use crate::store::Store;

/// Payloads that go at once, what a tombstone can name at most.
pub const GOING_MAX: usize = 100_000;

/// What goes, and what stays in its place.
pub struct Going {
    /// The room whose records they are.
    pub room: &'static str,
    /// The kinds of them.
    pub kinds: Vec<&'static str>,
    /// Their places in the ledger.
    pub places: BTreeSet<Seq>,
    /// What the room records in their place.
    pub instead: Vec<Candidate>,
    /// What admission decides about, see [`Append::keys`].
    pub keys: Vec<String>,
}

/// Erases payloads for good. The receipts are those of what is recorded in their place, then that of the tombstone.
///
/// # Errors
/// When one of them is no record from outside of that room or has gone already, when the room refuses, or the database cannot be written.
/// Then nothing went.
pub async fn let_go(store: &Store, going: Going) -> Result<Vec<Receipt>, GateError> {
    let Going { room, kinds, places, instead: mut candidates, keys } = going;
    let (first, count) = (places.first().copied().unwrap_or(0), places.len() as u64);
    if places.is_empty() || places.len() > GOING_MAX {
        return Err(GateError::Refused(format!("{count} payloads cannot go at once")));
    }
    let ranges = ranges_of(places.into_iter().collect());
    let payload = json!({ "reason": "retention", "room": room, "count": count, "records": ranges });
    let stone = Draft::record("evidence.tombstone", format!("tombstone:{room}:{first}"), payload);
    candidates.push(store.gate().check(Draft { schema_version: 2, ..stone })?);
    let context = Arc::clone(store.context());
    let effect: Effect = Box::new(move |tx| {
        let mut going = context.kinds.every();
        going.retain(|kind| kind.room == room && kinds.contains(&kind.name()));
        let keys: Vec<i64> = going.iter().map(|kind| kind.key).collect();
        let mut erased = 0;
        for (first, last) in &ranges {
            erased += sql::erase_outside(tx, &keys, *first, *last)?;
            for kind in &going {
                projections::remove(tx, &kind.declaration, *first, *last)?;
            }
        }
        if erased != count {
            let told = format!("{erased} of {count} payloads are records of room {room} and still there");
            return Ok(Guard::Refuse(told));
        }
        Ok(Guard::Proceed)
    });
    store.append(Append { candidates, effect: Some(effect), keys }).await
}

/// Bytes of the payloads at these places that are still there.
///
/// # Errors
/// When the database cannot be read.
pub fn held_bytes(read: &Read<'_>, places: &BTreeSet<Seq>) -> Result<u64, StoreError> {
    sql::bytes_of(read, places)
}
