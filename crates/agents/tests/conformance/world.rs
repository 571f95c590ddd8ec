//! A store with the agents room in it, and the things one does with it, in the words of the product.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use exhibit_agents::contract::{Options, decode};
use exhibit_agents::ingest::{IngestError, Receipt, ingest};
use exhibit_agents::price_lists::{self, Format};
use exhibit_agents::prices::PricingVersion;
use exhibit_agents::record::API_FEED;
use exhibit_agents::room::AgentsRoom;
use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_store::{Backend, Location, Read, Room, Sql, Store, StoreError, StoreOptions, Synchronous};
use exhibit_testkit::postgres::TestPostgres;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The time of the tests, microseconds UTC.
pub const NOW: i64 = 1_700_000_000_000_000;

/// Waits for a future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    RUNTIME.get_or_init(build).block_on(future)
}

/// A store and the folder that it lives in.
pub struct World {
    pub store: Store,
    pub clock: Arc<FixedClock>,
    location: Location,
    folder: TempDir,
}

impl World {
    /// A new store.
    pub fn new(backend: Backend) -> Self {
        Self::of(backend, vec![&AgentsRoom])
    }

    /// A new store of these rooms.
    pub fn of(backend: Backend, rooms: Vec<&'static dyn Room>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = match backend {
            Backend::Sqlite => {
                Location::Sqlite { path: folder.path().join("exhibit.db"), synchronous: Synchronous::Normal }
            }
            Backend::Postgres => Location::Postgres { address: TestPostgres::shared().database() },
        };
        let clock = Arc::new(FixedClock::new(Timestamp(NOW)));
        let store = open(&location, &folder, &clock, rooms);
        Self { store, clock, location, folder }
    }

    /// Opens the database once more, as after a restart.
    pub fn open_again(&self) -> Store {
        open(&self.location, &self.folder, &self.clock, vec![&AgentsRoom])
    }

    /// Hands an envelope in.
    pub fn ingest(&self, envelope: &Value) -> Result<Receipt, IngestError> {
        block_on(self.take(envelope))
    }

    /// Hands an envelope in.
    pub async fn take(&self, envelope: &Value) -> Result<Receipt, IngestError> {
        self.take_from(API_FEED, envelope).await
    }

    /// Hands an envelope of a feed in.
    pub async fn take_from(&self, feed: &str, envelope: &Value) -> Result<Receipt, IngestError> {
        let bytes = serde_json::to_vec(envelope).expect("JSON");
        let document = decode(&bytes, Options { allow_bare: true }).map_err(IngestError::Rejected)?;
        ingest(&self.store, &document, feed).await
    }

    /// Hands in an envelope of a collector, and expects that it is taken.
    pub fn collects(&self, feed: &str, envelope: &Value) -> Receipt {
        block_on(self.take_from(feed, envelope)).expect("a document that is taken in")
    }

    /// Records a list of prices; its name.
    pub fn has_prices(&self, list: &Value) -> PricingVersion {
        let taken = block_on(price_lists::load(&self.store, list.to_string().as_bytes(), Format::Own));
        taken.expect("a list").version
    }

    /// Hands an envelope in, and expects that it is taken.
    pub fn takes(&self, envelope: &Value) -> Receipt {
        self.ingest(envelope).expect("a document that is taken in")
    }

    /// Hands an envelope in, and expects that it is refused; the answer is status and body.
    pub fn refuses(&self, envelope: &Value) -> (u16, Value) {
        match self.ingest(envelope) {
            Err(IngestError::Rejected(rejection)) => {
                (rejection.status(), serde_json::from_slice(&rejection.body()).expect("JSON"))
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Reads, and expects that it works.
    pub fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        block_on(self.store.read(query)).expect("a query")
    }
}

impl World {
    /// What the database answers to a statement that no code of ours would send.
    pub fn tampers(&self, text: &'static str) -> Result<u64, StoreError> {
        block_on(self.store.write(move |tx| tx.execute(&Sql::same(text, text), &[])))
    }
}

fn open(location: &Location, folder: &TempDir, clock: &Arc<FixedClock>, rooms: Vec<&'static dyn Room>) -> Store {
    let options = StoreOptions {
        location: location.clone(),
        blobs: folder.path().join("blobs"),
        rooms,
        clock: Arc::clone(clock) as Arc<_>,
        process: u128::from(std::process::id()),
        readers: 2,
    };
    Store::open(options).expect("a store")
}

/// An envelope of version 1 about a session in a state.
pub fn session(id: &str, state: &str) -> Value {
    json!({
        "envelope_version": "v1",
        "payload": {"session": {
            "sessionId": id, "agentId": "builder", "modelId": "claude-sonnet-4", "state": state,
            "startedAt": "2026-01-02T03:04:05Z",
        }},
    })
}

/// An envelope of version 3 about a session that is running, with calls.
pub fn with_calls(id: &str, fields: &Value, calls: &Value) -> Value {
    let mut envelope = session(id, "running");
    envelope["envelope_version"] = "v3".into();
    for (name, value) in fields.as_object().into_iter().flatten() {
        envelope["payload"]["session"][name] = value.clone();
    }
    envelope["payload"]["calls"] = calls.clone();
    envelope
}

/// The same with a key of the sender's own.
pub fn keyed(mut envelope: Value, key: &str) -> Value {
    envelope["idempotency_key"] = key.into();
    envelope
}

/// The same with another field of the session.
pub fn with(mut envelope: Value, field: &str, value: impl Into<Value>) -> Value {
    envelope["payload"]["session"][field] = value.into();
    envelope
}

/// The same with events.
pub fn with_events(mut envelope: Value, events: Value) -> Value {
    envelope["payload"]["events"] = events;
    envelope
}
