//! `GET /v1/agents/events`: the room as it changes, as server-sent events.

pub mod seen;

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use exhibit_http::live::{self, Looks, last_event_id, stream_to};
use exhibit_http::{ApiError, Route, Scope};
use exhibit_model::time::Timestamp;
use exhibit_store::{Seq, Store, StoreError};
use tokio::sync::watch;

use super::Api;
use seen::{MISSED_MAX, News, Seen, look, recorded};

/// How much earlier than it is seen something may say that it happened, in microseconds: a transition bears the time at which its evaluation
/// began, and a minute is longer than any evaluation. Who comes back may be told of this much twice.
const SEEN_LATER_US: i64 = 60_000_000;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsEvents", "Sessions, alerts, notices, collectors, prices and orders as they change, as events");
    vec![Route::get("/v1/agents/events", words, Scope::Read, (events, api.clone())).bytes(
        200,
        "A stream that ends when either side wants it to",
        "text/event-stream",
    )]
}

/// Tells listeners how things stand. The task that looks is started by the first of them.
#[derive(Default)]
pub(super) struct Live(OnceLock<Looks<Seen>>);

impl Live {
    fn looks(&self, store: &Store) -> &Looks<Seen> {
        self.0.get_or_init(|| Looks::start(Seen::default(), Looker { store: store.clone(), next_seq: None }))
    }
}

/// Looks, and remembers how far it has told what was recorded.
struct Looker {
    store: Store,
    next_seq: Option<Seq>,
}

impl live::Look for Looker {
    type Seen = Seen;

    async fn look(&mut self) -> Result<Seen, StoreError> {
        let seen = look_now(&self.store, self.next_seq).await?;
        self.next_seq = Some(seen.next_seq);
        Ok(seen)
    }
}

async fn look_now(store: &Store, from: Option<Seq>) -> Result<Seen, StoreError> {
    let (kinds, now) = (Arc::clone(store.kinds()), store.clock().now());
    store.read(move |read| look(read, &kinds, from, now)).await
}

/// One listener.
struct Listener {
    store: Store,
    looks: watch::Receiver<Arc<Seen>>,
    /// The place of the next record to tell about.
    next_seq: Seq,
    /// The last look that it was told of.
    before: Arc<Seen>,
    /// Whether it knows its place.
    greeted: bool,
}

/// Where a listener was: the place of the last record that it was told about, and when the look was that told it everything else.
fn place_of(id: &str) -> Option<(Seq, Timestamp)> {
    let (seq, at) = id.split_once('-')?;
    let (seq, at): (Seq, i64) = (seq.parse().ok()?, at.parse().ok()?);
    (seq >= 0).then_some((seq, Timestamp(at)))
}

async fn events(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    let looks = api.0.live.looks(api.store()).subscribe();
    let now = look_now(api.store(), None).await?;
    let (next_seq, before, greeted) = match last_event_id(&headers).and_then(place_of) {
        Some((seq, at)) => {
            let since = Timestamp(at.0.saturating_sub(SEEN_LATER_US));
            (seq.saturating_add(1), now.as_known_at(since), true)
        }
        // Who has no place yet begins with how things stand now, not with how they will at the next look.
        None => (now.next_seq, now, false),
    };
    let store = api.store().clone();
    Ok(stream_to(Listener { store, looks, next_seq, before: Arc::new(before), greeted }))
}

impl live::Listener for Listener {
    async fn next(&mut self) -> Option<Vec<Event>> {
        if !self.greeted {
            self.greeted = true;
            return Some(vec![self.event("ready", "{}")]);
        }
        loop {
            self.looks.changed().await.ok()?;
            let now = Arc::clone(&self.looks.borrow_and_update());
            // One that was begun before this listener came would take back what it knows.
            if now.next_seq < self.before.next_seq {
                continue;
            }
            let mut told = Vec::new();
            let is_lost = self.tell_records(&now, &mut told).await;
            let before = std::mem::replace(&mut self.before, Arc::clone(&now));
            let differs = now.differs(&before);
            if is_lost || differs.is_lost {
                told.push(self.event("lost", "{}"));
            }
            told.extend(differs.told.iter().map(|(about, stands)| self.event(about.as_str(), &stands.data)));
            if !told.is_empty() {
                return Some(told);
            }
        }
    }
}

impl Listener {
    /// Each event says with its id what its listener knows from then on.
    fn event(&self, name: &str, data: &str) -> Event {
        self.event_at(name, data, self.next_seq.saturating_sub(1))
    }

    fn event_at(&self, name: &str, data: &str, seq: Seq) -> Event {
        Event::default().event(name).data(data).id(format!("{seq}-{}", self.before.at.0))
    }

    /// Tells what was recorded; says whether that is more than is told.
    async fn tell_records(&mut self, now: &Seen, told: &mut Vec<Event>) -> bool {
        let first = self.next_seq;
        // An id of another ledger may lie beyond the end of this one.
        if first > now.next_seq || now.next_seq - first > MISSED_MAX {
            self.next_seq = now.next_seq;
            return true;
        }
        let own;
        let news: &[News] = if first >= now.first_seq {
            &now.news
        } else {
            let (kinds, end) = (Arc::clone(self.store.kinds()), now.next_seq);
            match self.store.read(move |read| recorded(read, &kinds, first, end)).await {
                Ok(news) => own = news,
                Err(error) => {
                    tracing::warn!(%error, "a listener cannot be told about records");
                    return false;
                }
            }
            &own
        };
        let fresh = news.iter().filter(|news| news.seq >= first);
        told.extend(fresh.map(|news| self.event_at(news.about.as_str(), &news.data, news.seq)));
        self.next_seq = now.next_seq;
        false
    }
}
