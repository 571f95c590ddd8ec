//! What one source said about its sessions since it was last asked.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::again::seen_again;
use super::{BadLine, Feed};
use crate::contract::{Call, Document, Event, EventType, Session};
use crate::state::SessionState;

/// The model of a session whose source has named none.
pub const UNKNOWN_MODEL: &str = "unknown";

/// Sessions that one file or one request may tell of: a file has one or a few, a request at most as many as it has records.
pub const SESSIONS_MAX: usize = 20_000;

/// Calls and events that wait to be taken; at about 2 KiB each this is 40 MiB.
pub const PENDING_MAX: usize = 20_000;

/// Calls and events of one document: with 2 KiB each it stays well under the largest body of the contract.
const DOCUMENT_ITEMS_MAX: usize = 1_000;

/// Calls that were handed over and are remembered, so that what streams on across two readings stays one call with its first timestamp. A
/// streamed answer recurs within a few lines; one that was forgotten is merged by the ledger, by the same rule.
const RECENT_CALLS_MAX: usize = 512;

/// Sessions of one source, with what is new about them.
#[derive(Debug)]
pub struct Gathering {
    feed: Feed,
    sessions: BTreeMap<String, Telling>,
    pending: usize,
    recent: Recent,
    refused: u64,
}

/// One session: what is known of it, what was handed over of that, and what is new.
#[derive(Debug)]
struct Telling {
    session: Session,
    told: Option<Session>,
    calls: BTreeMap<String, Call>,
    events: BTreeMap<String, Event>,
}

/// Calls that were handed over, the oldest first.
#[derive(Debug, Default)]
struct Recent {
    calls: BTreeMap<(String, String), Call>,
    order: VecDeque<(String, String)>,
}

impl Recent {
    fn get(&self, session_id: &str, call_id: &str) -> Option<&Call> {
        self.calls.get(&(session_id.to_owned(), call_id.to_owned()))
    }

    fn insert(&mut self, session_id: &str, call: Call) {
        let key = (session_id.to_owned(), call.call_id.clone());
        if self.calls.insert(key.clone(), call).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > RECENT_CALLS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }
}

impl Gathering {
    /// Nothing yet from this feed.
    pub fn new(feed: Feed) -> Self {
        Self { feed, sessions: BTreeMap::new(), pending: 0, recent: Recent::default(), refused: 0 }
    }

    /// Whether more may come before the documents are taken.
    ///
    /// # Errors
    /// [`BadLine::Full`].
    pub fn room(&self) -> Result<(), BadLine> {
        if self.pending < PENDING_MAX { Ok(()) } else { Err(BadLine::Full) }
    }

    /// The session with this id, which was at work at this time; made when it is new. `agent_id` counts only then.
    ///
    /// # Errors
    /// [`BadLine::Sessions`] when there are too many already.
    pub fn session(&mut self, session_id: &str, agent_id: &str, at: Timestamp) -> Result<Told<'_>, BadLine> {
        if !self.sessions.contains_key(session_id) && self.sessions.len() >= SESSIONS_MAX {
            return Err(BadLine::Sessions);
        }
        let telling = self.sessions.entry(session_id.to_owned()).or_insert_with(|| Telling {
            session: Session::new(
                session_id.to_owned(),
                agent_id.to_owned(),
                UNKNOWN_MODEL.to_owned(),
                SessionState::Running,
                at,
            ),
            told: None,
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
        });
        telling.session.started_at = telling.session.started_at.min(at);
        Ok(Told { telling, pending: &mut self.pending, recent: &self.recent })
    }

    /// What is known of a session.
    pub fn known(&self, session_id: &str) -> Option<&Session> {
        self.sessions.get(session_id).map(|telling| &telling.session)
    }

    /// Hands over what is new, by session; a session with much that is new gives several documents with the same header.
    pub fn take(&mut self) -> Vec<Document> {
        let mut documents = Vec::new();
        for (session_id, telling) in &mut self.sessions {
            let is_told = telling.told.as_ref() == Some(&telling.session);
            if is_told && telling.calls.is_empty() && telling.events.is_empty() {
                continue;
            }
            telling.told = Some(telling.session.clone());
            let mut calls = mem::take(&mut telling.calls).into_values();
            let mut events = mem::take(&mut telling.events).into_values();
            loop {
                let some_calls: Vec<Call> = calls.by_ref().take(DOCUMENT_ITEMS_MAX).collect();
                let some_events: Vec<Event> = events.by_ref().take(DOCUMENT_ITEMS_MAX - some_calls.len()).collect();
                for call in &some_calls {
                    self.recent.insert(session_id, call.clone());
                }
                let session = telling.session.clone();
                match Document::assemble(self.feed.as_str(), session, some_events, some_calls) {
                    Ok(document) => documents.push(document),
                    Err(_) => self.refused += 1,
                }
                if calls.len() == 0 && events.len() == 0 {
                    break;
                }
            }
        }
        self.pending = 0;
        documents
    }

    /// Documents that could not be made although their parts were bounded: each is a mistake of ours that a person should hear of.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// A session that something is told of.
#[derive(Debug)]
pub struct Told<'a> {
    telling: &'a mut Telling,
    pending: &'a mut usize,
    recent: &'a Recent,
}

impl Told<'_> {
    /// What is known of it, to be added to.
    pub fn header(&mut self) -> &mut Session {
        &mut self.telling.session
    }

    /// A call; one that was told of before is merged, and is new again only when that changed it.
    pub fn call(&mut self, call: Call) {
        let session_id = &self.telling.session.session_id;
        if let Some(waiting) = self.telling.calls.get_mut(&call.call_id) {
            *waiting = seen_again(waiting, call);
            return;
        }
        let merged = match self.recent.get(session_id, &call.call_id) {
            Some(known) => {
                let merged = seen_again(known, call);
                if merged == *known {
                    return;
                }
                merged
            }
            None => call,
        };
        *self.pending += 1;
        self.telling.calls.insert(merged.call_id.clone(), merged);
    }

    /// An event; `place` is its place in its line or record. Without an id its content gives it one. Events do not change: the first stands.
    pub fn event(
        &mut self,
        event_id: Option<String>,
        place: usize,
        event_type: EventType,
        at: Timestamp,
        payload: Map<String, Value>,
    ) {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let seq = at.0.max(0).saturating_add(place).min(SAFE_INTEGER_MAX);
        let event = Event::new(&self.telling.session.session_id, event_id, seq, event_type, at, payload);
        if !self.telling.events.contains_key(&event.event_id) {
            *self.pending += 1;
            self.telling.events.insert(event.event_id.clone(), event);
        }
    }
}

/// The payload of an event, without what is absent.
pub(super) fn payload<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
