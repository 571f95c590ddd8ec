//! Which sessions are old enough to go, a part at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use exhibit_store::retention::held_bytes;
use exhibit_store::sql::{ledger, records};
use exhibit_store::{Read, Seq, Store, StoreError};
use serde::Deserialize;

use super::{Report, Seal};
use crate::record::Key;
use crate::sql::seals::{self, Old};
use crate::sql::sessions::{self, SessionRow, id_hash};
use crate::sql::usage;

/// Sessions that go at once: with their calls, some tens of milliseconds of the writer.
const PART_SESSIONS: i64 = 200;

/// Calls that go at once, unless one session alone has more.
const PART_CALLS: i64 = 10_000;

/// Records that go at once, unless one session alone has more.
const PART_RECORDS: usize = 5_000;

/// Calls of one session above which it stays: its seal would be larger than a record may be.
/// A call has three hashes there, of about 20 bytes each.
const CALLS_MAX: i64 = 60_000;

/// Records of one session above which it stays: a tombstone names no more.
const RECORDS_MAX: usize = 50_000;

/// Cuts of one session above which it stays, see [`CALLS_MAX`]: each is a few hundred bytes of its seal.
const CUTS_MAX: usize = 15_000;

/// Sessions that may share calls with others: 8 MB of hashes.
const SHARED_MAX: i64 = 1_000_000;

/// Documents whose sessions are looked up at once.
const INDEX_STEP: i64 = 2_000;

/// Before the first page.
pub(super) const FIRST: (i64, i64) = (i64::MIN, i64::MIN);

/// What is old enough.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    /// Nothing may have happened in a session since.
    before: i64,
    /// The first record that is too new.
    before_seq: Seq,
    /// Sessions whose records are needed by others.
    shared: Arc<BTreeSet<i64>>,
}

impl Limit {
    /// For what was recorded, and happened, before a moment.
    pub(super) fn of(read: &Read<'_>, before: i64) -> Result<Self, StoreError> {
        let shared = seals::shared(read, SHARED_MAX)?;
        if i64::try_from(shared.len()).unwrap_or(i64::MAX) >= SHARED_MAX {
            return Err(StoreError::Refused("too many sessions share their calls".to_owned()));
        }
        Ok(Self { before, before_seq: ledger::first_since(read, before)?, shared: Arc::new(shared) })
    }
}

/// Sessions that go together.
#[derive(Debug)]
pub(super) struct Part {
    /// Their ids.
    pub(super) sessions: Vec<String>,
    /// What is left of them.
    pub(super) seal: Seal,
    /// The records that go.
    pub(super) places: BTreeSet<Seq>,
    /// Their calls.
    calls: i64,
    /// Bytes of their bodies.
    bytes: u64,
    /// Where the next part begins.
    pub(super) next: (i64, i64),
    shared: u64,
    large: u64,
}

impl Part {
    pub(super) fn count(&self, report: &mut Report) {
        report.sessions += self.sessions.len() as u64;
        report.calls += self.calls.unsigned_abs();
        report.records += self.places.len() as u64;
        report.bytes += self.bytes;
        report.shared += self.shared;
        report.large += self.large;
    }
}

/// The next part after a place; `None` when nothing old is left.
pub(super) async fn next_part(store: &Store, limit: &Limit, after: (i64, i64)) -> Result<Option<Part>, StoreError> {
    let limit = limit.clone();
    store.read(move |read| of_part(read, &limit, after)).await
}

/// See [`next_part`].
pub(super) fn of_part(read: &Read<'_>, limit: &Limit, after: (i64, i64)) -> Result<Option<Part>, StoreError> {
    let page = seals::old(read, limit.before, after, PART_SESSIONS)?;
    let Some(last) = page.last() else { return Ok(None) };
    let mut part = Part {
        sessions: Vec::new(),
        seal: Seal::of(read, &[])?,
        places: BTreeSet::new(),
        calls: 0,
        bytes: 0,
        next: last.place,
        shared: 0,
        large: 0,
    };
    let rows = chosen(read, limit, &page, &mut part)?;
    part.seal = Seal::of(read, &rows)?;
    if rows.len() == 1 && part.seal.cuts() > CUTS_MAX {
        (part.seal, part.places, part.calls) = (Seal::of(read, &[])?, BTreeSet::new(), 0);
        part.large += 1;
        return Ok(Some(part));
    }
    part.sessions = rows.into_iter().map(|row| row.standing.session_id).collect();
    let ids: Vec<&str> = part.sessions.iter().map(String::as_str).collect();
    if !ids.is_empty() {
        part.places.extend(seals::conflicts_of(read, &ids)?.range(..limit.before_seq));
    }
    part.bytes = held_bytes(read, &part.places)?;
    Ok(Some(part))
}

/// The sessions of a page that go, as many as fit; notes their records, those that stay, and where the next part begins.
fn chosen(read: &Read<'_>, limit: &Limit, page: &[Old], part: &mut Part) -> Result<Vec<SessionRow>, StoreError> {
    let hashes: Vec<i64> = page.iter().map(|old| old.id_hash).collect();
    let mut places = seals::records_of(read, &hashes)?;
    let keys: Vec<i64> = page.iter().map(|old| old.place.1).collect();
    let usages = usage::by_keys(read, &keys)?;
    let (mut chosen, mut calls) = (Vec::new(), 0);
    for old in page {
        let own = places.remove(&old.id_hash).unwrap_or_default();
        let own_calls = usages.get(&old.place.1).map_or(0, |usage| usage.call_count);
        // Something was told of it since, or nothing is known of who told of it: rows that older versions made have no records.
        if own.is_empty() || own.last().is_some_and(|last| *last >= limit.before_seq) {
            continue;
        }
        if limit.shared.contains(&old.id_hash) {
            part.shared += 1;
            continue;
        }
        if own_calls > CALLS_MAX || own.len() > RECORDS_MAX {
            part.large += 1;
            continue;
        }
        // A session of many calls goes alone, so that its seal has room.
        let full = calls + own_calls > PART_CALLS || part.places.len() + own.len() > PART_RECORDS;
        if full && !chosen.is_empty() {
            let before = page.iter().take_while(|each| each.place != old.place).last();
            part.next = before.map_or(part.next, |each| each.place);
            break;
        }
        calls += own_calls;
        part.places.extend(own);
        chosen.push(old.place.1);
    }
    part.calls = calls;
    sessions::by_keys(read, &chosen)
}

/// The id of the session in the body of a document, and nothing else of it.
#[derive(Deserialize)]
struct Body {
    document: Document,
}

#[derive(Deserialize)]
struct Document {
    session: Named,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "sessionId")]
    session_id: String,
}

/// Notes which session each document tells of that was taken in since the last time.
pub(super) async fn complete_index(store: &Store) -> Result<(), StoreError> {
    loop {
        let rows = store
            .read(|read| {
                let mut rows = Vec::new();
                for (seq, key) in seals::to_index(read, INDEX_STEP)? {
                    rows.push((seq, hash_of(read, seq, &key)?));
                }
                Ok(rows)
            })
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        store.write(move |tx| seals::index(tx, &rows)).await?;
    }
}

/// The session that a document tells of: its key says it, or else its body. 0 where the body went, which no session has that still stands.
fn hash_of(read: &Read<'_>, seq: Seq, key: &str) -> Result<i64, StoreError> {
    if let Some(Key::Live(id) | Key::Terminal(id)) = Key::parse(key) {
        return Ok(id_hash(&id));
    }
    let Some(body) = records::at(read, seq)?.and_then(|record| record.body) else { return Ok(0) };
    let body: Body = serde_json::from_slice(&body)
        .map_err(|error| StoreError::Unexpected(format!("the document at {seq} cannot be read: {error}")))?;
    Ok(id_hash(&body.document.session.session_id))
}
