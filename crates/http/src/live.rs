//! What happens, as it happens: server-sent events (WHATWG HTML, section 9.2), for every room that tells of itself.
//!
//! One task looks a few times a second, and only while somebody listens. It looks at the database and not at what this process did, so what
//! other processes write is told as well. Nothing is queued for anybody: a listener compares the newest look with what it knows, so that a
//! slow one costs no memory and skips what lies between.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use exhibit_store::StoreError;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

/// How often somebody looks while somebody listens: what changes is seen well within a second.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often a silent stream says that it is there: more often than proxies give a connection up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Looks at how things stand.
pub trait Look: Send + 'static {
    /// What it sees.
    type Seen: Send + Sync + 'static;

    /// Looks once.
    fn look(&mut self) -> impl Future<Output = Result<Self::Seen, StoreError>> + Send;
}

/// Whoever is told.
pub trait Listener: Send + 'static {
    /// What is new since the last time; waits until there is something. `None` when nobody looks any more.
    fn next(&mut self) -> impl Future<Output = Option<Vec<Event>>> + Send;
}

/// What is seen, for all who listen.
pub struct Looks<T>(watch::Sender<Arc<T>>);

impl<T: Send + Sync + 'static> Looks<T> {
    /// Starts the task that looks. Needs a tokio runtime with time.
    pub fn start(first: T, mut look: impl Look<Seen = T>) -> Self {
        let (looks, _) = watch::channel(Arc::new(first));
        let sender = looks.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                if sender.receiver_count() == 0 {
                    continue;
                }
                match look.look().await {
                    Ok(now) => drop(sender.send_replace(Arc::new(now))),
                    Err(error) => tracing::warn!(%error, "live events cannot look at the database"),
                }
            }
        });
        Self(looks)
    }

    /// Hears of every look from now on.
    pub fn subscribe(&self) -> watch::Receiver<Arc<T>> {
        self.0.subscribe()
    }
}

/// The id of the last event that a listener who comes back was told.
pub fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

/// The answer that tells a listener, until either side wants it to end.
pub fn stream_to(listener: impl Listener) -> Response {
    let events = stream::unfold(listener, |mut listener| async move {
        let told = listener.next().await?;
        Some((stream::iter(told.into_iter().map(Ok::<_, Infallible>)), listener))
    });
    Sse::new(events.flatten()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
