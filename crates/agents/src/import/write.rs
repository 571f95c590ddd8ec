//! Sessions of an older file on their way into the ledger: looked up, decided, and recorded while what was looked up still stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use exhibit_store::sql::records;
use exhibit_store::{Append, Candidate, Effect, GateError, Guard, Read, Seq, Store, StoreError};

use super::ImportError;
use super::file::Part;
use super::plan::Entry;
use super::report::{CONFLICT, IDENTICAL, NEWER_PRESENT, Outcome, Tally};
use crate::contract::{Document, Rejection};
use crate::ingest::checked;
use crate::record::{IMPORT_FEED, Submission};
use crate::sql::dims;
use crate::sql::events::{self, EventRow};
use crate::sql::sessions::{self, SessionRow};
use crate::sql::usage::{self, UsageRow};

/// Sessions of one transaction: enough that the log is not waited for, few enough that others get their turn.
const SESSIONS_AT_ONCE: usize = 200;

/// Times that sessions are looked up anew because something was said of one meanwhile.
const TRIES_MAX: usize = 16;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Nothing is.
    pub(super) dry_run: bool,
    /// What stands is replaced where the file says something else.
    pub(super) replace: bool,
}

/// What is known here of a session of the file.
#[derive(Debug, Clone)]
struct Known {
    row: SessionRow,
    usage: Option<UsageRow>,
    feed: String,
    /// Ids of events that are here and say the same.
    same_events: BTreeSet<String>,
    /// Ids of events that are here and say something else.
    other_events: BTreeSet<String>,
}

/// A session of the file as it would be recorded.
#[derive(Debug)]
struct Prepared {
    entry: Entry,
    document: Document,
    record_id: String,
}

/// What was found of the sessions of a chunk.
struct Found {
    known: BTreeMap<String, Known>,
    recorded: BTreeMap<String, Seq>,
}

/// Writes sessions, and notes what became of their rows.
pub(super) async fn sessions(
    store: &Store,
    entries: Vec<Entry>,
    manner: Manner,
    tally: &mut Tally,
) -> Result<(), ImportError> {
    let mut rest = entries.into_iter().peekable();
    while rest.peek().is_some() {
        let mut chunk = Vec::with_capacity(SESSIONS_AT_ONCE);
        for entry in rest.by_ref().take(SESSIONS_AT_ONCE) {
            match prepared(entry)? {
                Ok(prepared) => chunk.push(prepared),
                Err((entry, reason)) => refuse(tally, &entry, &reason),
            }
        }
        write_chunk(store, Arc::new(chunk), manner, tally).await?;
    }
    Ok(())
}

fn prepared(entry: Entry) -> Result<Result<Prepared, (Entry, String)>, StoreError> {
    let events = entry.events.iter().map(|(_, event)| event.clone()).collect();
    let document = match Document::assemble(IMPORT_FEED, entry.session.clone(), events, Vec::new()) {
        Ok(document) => document,
        Err(rejection) => return Ok(Err((entry, reason_of(&rejection)))),
    };
    let record_id = Submission::imported(&document, &entry.stated, None)?.record_id;
    Ok(Ok(Prepared { entry, document, record_id }))
}

fn reason_of(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Invalid(details) => {
            let told: Vec<String> = details.iter().map(|it| format!("{} {}", it.field, it.message)).collect();
            told.join("; ")
        }
        other => other.code().to_owned(),
    }
}

async fn write_chunk(
    store: &Store,
    chunk: Arc<Vec<Prepared>>,
    manner: Manner,
    tally: &mut Tally,
) -> Result<(), ImportError> {
    for _ in 0..TRIES_MAX {
        let asked = Arc::clone(&chunk);
        let found = store.read(move |read| look_up(read, &asked)).await?;
        let mut work = Work::default();
        for prepared in chunk.iter() {
            work.decide(store, prepared, &found, manner)?;
        }
        if !manner.dry_run && !work.candidates.is_empty() {
            let effect = Some(guard(std::mem::take(&mut work.expected)));
            let append = Append { candidates: work.candidates, effect, keys: work.keys };
            match store.append(append).await {
                Ok(_) => {}
                Err(GateError::Refused(_)) => continue,
                Err(GateError::Store(error)) => return Err(error.into()),
                Err(other) => return Err(StoreError::Unexpected(other.to_string()).into()),
            }
        }
        for (part, index, outcome, reason) in work.outcomes {
            tally.settle(part, index, outcome, &reason);
        }
        return Ok(());
    }
    Err(ImportError::Contended)
}

/// Refuses to write when something was said of a session since it was looked up.
fn guard(expected: BTreeMap<String, Option<Seq>>) -> Effect {
    Box::new(move |tx| {
        let ids: Vec<&str> = expected.keys().map(String::as_str).collect();
        let standing = sessions::standing(tx, &ids)?;
        for (session_id, expected) in &expected {
            if standing.get(session_id).map(|standing| standing.ledger_seq) != *expected {
                return Ok(Guard::Refuse(format!("something was said of session `{session_id}` meanwhile")));
            }
        }
        Ok(Guard::Proceed)
    })
}

fn look_up(read: &Read<'_>, chunk: &[Prepared]) -> Result<Found, StoreError> {
    let ids: Vec<&str> = chunk.iter().map(|prepared| prepared.entry.session.session_id.as_str()).collect();
    let record_ids: Vec<&str> = chunk.iter().map(|prepared| prepared.record_id.as_str()).collect();
    let recorded = records::by_record_ids(read, &record_ids)?.into_iter().map(|(id, (seq, _))| (id, seq)).collect();
    let mut rows = sessions::rows(read, &ids)?;
    let keys: Vec<i64> = rows.values().map(|row| row.standing.session_key).collect();
    let mut usages = usage::by_keys(read, &keys)?;
    let feeds = dims::names(read, &rows.values().map(|row| row.feed_key).collect())?;
    let mut known = BTreeMap::new();
    for Prepared { entry, .. } in chunk {
        let Some(row) = rows.remove(&entry.session.session_id) else { continue };
        let session_key = row.standing.session_key;
        let ids: Vec<&str> = entry.events.iter().map(|(_, event)| event.event_id.as_str()).collect();
        let here = events::by_ids(read, session_key, &ids)?;
        let (mut same_events, mut other_events) = (BTreeSet::new(), BTreeSet::new());
        for (_, event) in &entry.events {
            if let Some(stands) = here.get(&event.event_id) {
                let is_same = *stands == EventRow::of(event)?;
                if is_same { &mut same_events } else { &mut other_events }.insert(event.event_id.clone());
            }
        }
        let feed = feeds.get(&row.feed_key).cloned().unwrap_or_default();
        let usage = usages.remove(&session_key);
        known.insert(entry.session.session_id.clone(), Known { row, usage, feed, same_events, other_events });
    }
    Ok(Found { known, recorded })
}

/// What is to be done about the sessions of a chunk.
#[derive(Default)]
struct Work {
    candidates: Vec<Candidate>,
    keys: Vec<String>,
    expected: BTreeMap<String, Option<Seq>>,
    outcomes: Vec<(Part, usize, Outcome, String)>,
}

impl Work {
    fn note(&mut self, part: Part, index: usize, outcome: Outcome, reason: &str) {
        self.outcomes.push((part, index, outcome, reason.to_owned()));
    }

    fn decide(&mut self, store: &Store, it: &Prepared, found: &Found, manner: Manner) -> Result<(), StoreError> {
        let Some(known) = found.known.get(&it.entry.session.session_id) else {
            return self.write(store, &it.entry, &it.document, None);
        };
        if is_identical(it, known, found.recorded.get(&it.record_id).copied()) {
            self.everything(&it.entry, Outcome::Skipped, IDENTICAL);
            return Ok(());
        }
        if !manner.replace {
            self.leave(it, known);
            return Ok(());
        }
        for (index, event) in &it.entry.events {
            if known.other_events.contains(&event.event_id) {
                self.note(Part::Events, *index, Outcome::Error, CONFLICT);
            } else if known.same_events.contains(&event.event_id) {
                self.note(Part::Events, *index, Outcome::Skipped, IDENTICAL);
            }
        }
        // Events never change, so those that say something else stay out of the new revision.
        let kept = it.document.events.iter().filter(|event| !known.other_events.contains(&event.event_id)).cloned();
        let document = Document::assemble(IMPORT_FEED, it.entry.session.clone(), kept.collect(), Vec::new());
        let document = document.map_err(|rejection| StoreError::Unexpected(reason_of(&rejection)))?;
        self.write(store, &it.entry, &document, Some(known.row.standing.ledger_seq))
    }

    fn write(
        &mut self,
        store: &Store,
        entry: &Entry,
        document: &Document,
        over: Option<Seq>,
    ) -> Result<(), StoreError> {
        let Submission { draft, keys, .. } = Submission::imported(document, &entry.stated, over)?;
        let Some(candidate) = checked(&store.gate(), draft)? else {
            self.everything(entry, Outcome::Error, "too_large");
            return Ok(());
        };
        self.candidates.push(candidate);
        self.keys.extend(keys);
        self.expected.insert(entry.session.session_id.clone(), over);
        self.everything(entry, Outcome::Written, "");
        Ok(())
    }

    /// Something else stands: of a feed of this installation that is newer, of an earlier import nobody knows which is right.
    fn leave(&mut self, it: &Prepared, known: &Known) {
        let (outcome, reason) =
            if known.feed == IMPORT_FEED { (Outcome::Error, CONFLICT) } else { (Outcome::Skipped, NEWER_PRESENT) };
        if let (Some(index), Some(usage)) = (it.entry.usage, &known.usage)
            && says_the_same(it, usage)
        {
            self.note(Part::Usage, index, Outcome::Skipped, IDENTICAL);
        }
        for (index, event) in &it.entry.events {
            if known.same_events.contains(&event.event_id) {
                self.note(Part::Events, *index, Outcome::Skipped, IDENTICAL);
            } else if known.other_events.contains(&event.event_id) {
                self.note(Part::Events, *index, Outcome::Error, CONFLICT);
            }
        }
        self.everything(&it.entry, outcome, reason);
    }

    /// All rows of a session that nothing was noted of.
    fn everything(&mut self, entry: &Entry, outcome: Outcome, reason: &str) {
        for (part, index) in rows_of(entry) {
            self.note(part, index, outcome, reason);
        }
    }
}

fn rows_of(entry: &Entry) -> impl Iterator<Item = (Part, usize)> + '_ {
    let usage = entry.usage.map(|index| (Part::Usage, index));
    let events = entry.events.iter().map(|(index, _)| (Part::Events, *index));
    std::iter::once((Part::Ledger, entry.ledger)).chain(usage).chain(events)
}

fn refuse(tally: &mut Tally, entry: &Entry, reason: &str) {
    for (part, index) in rows_of(entry) {
        tally.refuse(part, index, reason);
    }
}

/// Whether what stands is this very record, or says the same in words and numbers.
fn is_identical(it: &Prepared, known: &Known, recorded: Option<Seq>) -> bool {
    let standing = &known.row.standing;
    if recorded == Some(standing.ledger_seq) {
        return true;
    }
    let says = if standing.state.is_terminal() { standing.terminal_fp } else { standing.live_fp };
    says == Some(it.document.fingerprint) && known.usage.as_ref().is_some_and(|usage| says_the_same(it, usage))
}

fn says_the_same(it: &Prepared, usage: &UsageRow) -> bool {
    let (session, stated) = (&it.entry.session, &it.entry.stated);
    (usage.sent.prompt, usage.sent.completion, usage.sent.total)
        == (session.prompt_tokens, session.completion_tokens, session.total_tokens)
        && (usage.tokens.provenance, usage.runtime, usage.runtime_ms)
            == (stated.tokens, stated.runtime, stated.runtime_ms)
        && usage.cost == stated.cost
}
