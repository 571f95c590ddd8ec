//! What the room gives the store: admission by the rules of the contract, keys, and the rows that are shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use exhibit_model::envelope::LeafAdmission;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::{ledger, records};
use exhibit_store::{Accepted, Admission, Candidate, Migration, Read, Room, Seq, StoreError, Taken, Tx};

use crate::admission::{Decision, Incoming, Obstacle, decide};
use crate::collect::close::{CLOSE, Close};
use crate::fold::Placed;
use crate::projection;
use crate::recompute;
use crate::record::{
    CONFLICT, Handed, IMPORTED, KINDS, Key, PRICES, RECOMPUTE, SESSION, conflicting_session, read_prices,
};
use crate::retention::{self, FLOOR, SEAL};
use crate::sql::asides::{self, Aside};
use crate::sql::keys::{self, KeyRow};
use crate::sql::sessions;
use crate::sql::{aggregates, cost_rows, events, prices, words};

/// The agents room.
#[derive(Debug)]
pub struct AgentsRoom;

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "agents_baseline",
        sqlite: include_str!("migrations/sqlite/0001_agents_baseline.sql"),
        postgres: include_str!("migrations/postgres/0001_agents_baseline.sql"),
    },
    Migration {
        version: 2,
        name: "agents_governance",
        sqlite: include_str!("migrations/sqlite/0002_agents_governance.sql"),
        postgres: include_str!("migrations/postgres/0002_agents_governance.sql"),
    },
    Migration {
        version: 3,
        name: "agents_alerts",
        sqlite: include_str!("migrations/sqlite/0003_agents_alerts.sql"),
        postgres: include_str!("migrations/postgres/0003_agents_alerts.sql"),
    },
    Migration {
        version: 4,
        name: "agents_control",
        sqlite: include_str!("migrations/sqlite/0004_agents_control.sql"),
        postgres: include_str!("migrations/postgres/0004_agents_control.sql"),
    },
    Migration {
        version: 5,
        name: "agents_collect",
        sqlite: include_str!("migrations/sqlite/0005_agents_collect.sql"),
        postgres: include_str!("migrations/postgres/0005_agents_collect.sql"),
    },
    Migration {
        version: 6,
        name: "agents_imports",
        sqlite: include_str!("migrations/sqlite/0006_agents_imports.sql"),
        postgres: include_str!("migrations/postgres/0006_agents_imports.sql"),
    },
    Migration {
        version: 7,
        name: "agents_asides",
        sqlite: include_str!("migrations/sqlite/0007_agents_asides.sql"),
        postgres: include_str!("migrations/postgres/0007_agents_asides.sql"),
    },
    Migration {
        version: 8,
        name: "agents_retention",
        sqlite: include_str!("migrations/sqlite/0008_agents_retention.sql"),
        postgres: include_str!("migrations/postgres/0008_agents_retention.sql"),
    },
    Migration {
        version: 9,
        name: "agents_terms",
        sqlite: include_str!("migrations/sqlite/0009_agents_terms.sql"),
        postgres: include_str!("migrations/postgres/0009_agents_terms.sql"),
    },
];

impl Room for AgentsRoom {
    fn name(&self) -> &'static str {
        "agents"
    }

    fn migrations(&self) -> &'static [Migration] {
        MIGRATIONS
    }

    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    fn admit(&self, read: &Read<'_>, batch: &[&Candidate]) -> Result<Vec<Admission>, StoreError> {
        let mut admissions = by_ids(read, batch)?;
        let mut fresh = Vec::new();
        for (index, (admission, candidate)) in admissions.iter().zip(batch).enumerate() {
            if matches!(admission, Admission::New) && is_document(candidate) {
                fresh.push((index, handed(candidate)?));
            }
        }
        let documents: Vec<&Arc<Handed>> = fresh.iter().map(|(_, document)| document).collect();
        let decisions = examine(read, &documents)?;
        for ((index, _), decision) in fresh.iter().zip(decisions) {
            admissions[*index] = match decision {
                Decision::Next => Admission::New,
                Decision::Stale => Admission::Stale,
                Decision::Replay(seq) => Admission::Replay(seq),
                // Whoever sent it appends the evidence: only the gate makes a record.
                Decision::Conflict(_, _) => Admission::Conflict { evidence: None },
            };
        }
        admit_closes(read, batch, &mut admissions)?;
        Ok(admissions)
    }

    fn admits_by_projections(&self) -> bool {
        // What stands of a session decides what becomes of the next document about it.
        true
    }

    fn settle(&self, tx: &mut Tx<'_>, taken: &[Taken<'_>]) -> Result<(), StoreError> {
        let (mut placed, mut beside) = (Vec::new(), Vec::new());
        for Taken { seq, admission, candidate } in taken {
            match candidate.kind().name() {
                SEAL => retention::note(tx, *seq, candidate.body())?,
                FLOOR => retention::note_floor(tx, candidate.body())?,
                _ => {}
            }
            if is_document(candidate) {
                let (handed, at) = (handed(candidate)?, Timestamp(0));
                placed.push((Placed { handed, seq: *seq, at }, *admission == LeafAdmission::Stale));
            } else if candidate.kind().name() == CONFLICT {
                beside.push((conflicting_session(candidate.body())?, *seq, Aside::Conflict));
            }
        }
        let ids: Vec<&str> = placed.iter().map(|(document, _)| document.session_id()).collect();
        let mut standing = sessions::standing(tx, &ids)?;
        let mut rows = Vec::with_capacity(placed.len());
        for (document, stale) in &placed {
            let before = standing.get(document.session_id());
            let revision = if *stale {
                beside.push((document.session_id().to_owned(), document.seq, Aside::Stale));
                before.map_or(0, |before| before.revision)
            } else {
                let after = document.standing(before, 0);
                let revision = after.revision;
                standing.insert(document.session_id().to_owned(), after);
                revision
            };
            let handed = &document.handed;
            handed.note(revision, *stale);
            let (key, fingerprint) = (handed.recorded.key.text(), handed.fingerprint);
            rows.push(KeyRow { key, fingerprint, ledger_seq: document.seq, revision, stale: *stale });
        }
        keys::insert(tx, &rows)?;
        asides::insert(tx, &beside)
    }

    fn project(&self, tx: &mut Tx<'_>, accepted: &[Accepted]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (accepted.first(), accepted.last()) else { return Ok(()) };
        let times = ledger::times(tx, first.seq, last.seq)?;
        let (mut placed, mut closes) = (Vec::new(), Vec::new());
        for Accepted { seq, candidate } in accepted {
            let at = times.partition_point(|(first, _)| first <= seq).checked_sub(1).map_or(0, |batch| times[batch].1);
            let at = Timestamp(at);
            // Neighbours of one sort are applied together; each record is about what stands before it.
            if !is_document(candidate) {
                projection::apply(tx, &std::mem::take(&mut placed))?;
            }
            if candidate.kind().name() != CLOSE {
                projection::close(tx, &std::mem::take(&mut closes))?;
            }
            match candidate.kind().name() {
                SESSION | IMPORTED => placed.push(Placed { handed: handed(candidate)?, seq: *seq, at }),
                CLOSE => closes.push((Close::read(candidate.body())?, at)),
                PRICES => prices::insert(tx, &read_prices(candidate.body())?, at)?,
                RECOMPUTE => recompute::apply(tx, &recompute::Part::read(candidate.body())?, at)?,
                SEAL => retention::apply(tx, candidate.body())?,
                _ => {}
            }
        }
        projection::apply(tx, &placed)?;
        projection::close(tx, &closes)
    }

    fn remove(&self, tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
        // Most that goes is of other rooms, and finding the sessions of a range takes a walk through all of them.
        if keys::any_between(tx, first, last)? { remove_rows(tx, first, last) } else { Ok(()) }
    }

    fn reset(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        remove_rows(tx, Seq::MIN, Seq::MAX)?;
        aggregates::clear(tx)?;
        prices::clear(tx)?;
        retention::restore(tx)
    }
}

/// Takes out the sessions whose standing document lies between two places, with all that hangs on them.
fn remove_rows(tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
    words::remove(tx, first, last)?;
    cost_rows::remove(tx, first, last)?;
    sessions::remove(tx, first, last)
}

fn is_document(candidate: &Candidate) -> bool {
    [SESSION, IMPORTED].contains(&candidate.kind().name())
}

/// Whether a record that is known under its id is the same, whatever else it says.
fn is_decided_here(candidate: &Candidate) -> bool {
    is_document(candidate) || candidate.kind().name() == CLOSE
}

/// A session that moved on since it was found silent is not closed.
fn admit_closes(read: &Read<'_>, batch: &[&Candidate], admissions: &mut [Admission]) -> Result<(), StoreError> {
    let mut closes = Vec::new();
    for (index, (admission, candidate)) in admissions.iter().zip(batch).enumerate() {
        if matches!(admission, Admission::New) && candidate.kind().name() == CLOSE {
            closes.push((index, Close::read(candidate.body())?));
        }
    }
    if closes.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = closes.iter().map(|(_, close)| close.session_id.as_str()).collect();
    let standing = sessions::standing(read, &ids)?;
    for (index, close) in &closes {
        if !standing.get(&close.session_id).is_some_and(|standing| close.holds(standing)) {
            admissions[*index] = Admission::Stale;
        }
    }
    Ok(())
}

/// Admission by record ids alone: what is not recorded yet is new.
fn by_ids(read: &Read<'_>, batch: &[&Candidate]) -> Result<Vec<Admission>, StoreError> {
    let ids: Vec<&str> = batch.iter().filter_map(|candidate| candidate.outside_id()).collect();
    let known = records::by_record_ids(read, &ids)?;
    let mut seen = BTreeSet::new();
    let admissions = batch.iter().map(|candidate| {
        let Some(id) = candidate.outside_id() else { return Admission::New };
        match known.get(id) {
            // Key and fingerprint are the id (R2): the version it came in this time, or who says it, changes nothing.
            Some((seq, _)) if is_decided_here(candidate) => Admission::Replay(*seq),
            Some((seq, commitment)) if *commitment == candidate.commitment() => Admission::Replay(*seq),
            None if seen.insert(id) => Admission::New,
            _ => Admission::Conflict { evidence: None },
        }
    });
    Ok(admissions.collect())
}

/// The document of a candidate: as it was read beside the writer, or read now.
fn handed(candidate: &Candidate) -> Result<Arc<Handed>, StoreError> {
    match candidate.reading() {
        Some(handed) => Ok(handed),
        None => Ok(Arc::new(Handed::read(candidate.body())?)),
    }
}

/// What becomes of documents that are not recorded yet, in order: each sees the ones before it.
///
/// # Errors
/// When the database cannot be read.
pub fn examine(read: &Read<'_>, documents: &[&Arc<Handed>]) -> Result<Vec<Decision>, StoreError> {
    let ids: Vec<&str> = documents.iter().map(|handed| handed.recorded.said.session.session_id.as_str()).collect();
    let own: Vec<String> = documents
        .iter()
        .filter(|handed| matches!(handed.recorded.key, Key::Own(_)))
        .map(|handed| handed.recorded.key.text())
        .collect();
    let under_keys = keys::first_under(read, &own)?;
    let mut standing = sessions::standing(read, &ids)?;
    let unknown: Vec<&str> = ids.iter().copied().filter(|id| !standing.contains_key(*id)).collect();
    let gone = retention::gone(read, &unknown)?;
    let mut decisions = Vec::with_capacity(documents.len());
    for handed in documents {
        let recorded = &handed.recorded;
        let session = &recorded.said.session;
        let before = standing.get(&session.session_id);
        let incoming = Incoming {
            key: &recorded.key,
            fingerprint: handed.fingerprint,
            state: session.state,
            sent_revision: recorded.sent_revision,
            collected: recorded.is_never_refused(),
            under_key: under_keys.get(&recorded.key.text()).copied(),
        };
        let mut decision = decide(before, &incoming);
        if decision == Decision::Next && gone.contains(session.session_id.as_str()) {
            // It was counted before it went, and is not counted again.
            decision = Decision::Stale;
        }
        if let (Decision::Next | Decision::Stale, Some(before), false) = (decision, before, recorded.is_never_refused())
            && !other_events(read, before.session_key, handed)?.is_empty()
        {
            decision = Decision::Conflict(Obstacle::Event, before.ledger_seq);
        }
        if decision == Decision::Next {
            let placed = Placed { handed: Arc::clone(handed), seq: 0, at: Timestamp(0) };
            let after = placed.standing(before, 0);
            standing.insert(session.session_id.clone(), after);
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

/// Ids of the events of a document that stand in its session and say something else there.
///
/// # Errors
/// When the database cannot be read.
pub fn other_events(read: &Read<'_>, session_key: i64, handed: &Handed) -> Result<Vec<String>, StoreError> {
    let ids: Vec<&str> = handed.events.iter().map(|event| event.event_id.as_str()).collect();
    let known = events::by_ids(read, session_key, &ids)?;
    let is_other = |event: &&events::EventRow| known.get(&event.event_id).is_some_and(|known| known != *event);
    Ok(handed.events.iter().filter(is_other).map(|event| event.event_id.clone()).collect())
}
