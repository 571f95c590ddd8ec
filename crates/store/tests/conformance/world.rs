//! A store to play in: a database of its own, a clock that stands still, and the things one does, in the words of the product.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use exhibit_model::digest::Digest;
use exhibit_model::findings::Findings;
use exhibit_model::ids::{AssetId, CollectionId, RunId, SourceId, UnitId};
use exhibit_model::lineage::{Lineage, LineageParts, ModelProfile};
use exhibit_model::source::SourceClass;
use exhibit_model::states::UnitState;
use exhibit_model::time::{CountingIds, FixedClock, IdSource as _, Timestamp};
use exhibit_store::ledger::verify::{Report, verify_ledger};
use exhibit_store::sql::assets::{FileStat, ScannedFile, by_sha256, record_files};
use exhibit_store::sql::runs::{self, NewRun, Run};
use exhibit_store::sql::units::{self, Ending};
use exhibit_store::sql::{ledger, sources};
use exhibit_store::{
    Append, Backend, Candidate, Draft, Effect, GateError, Location, Made, Read, Receipt, Room, Store, StoreError,
    StoreOptions, StoredBlob, Synchronous, Tx,
};
use exhibit_testkit::postgres::{PostgresOptions, TestPostgres};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::raw::Raw;
use crate::room::ROOM;

/// The time of the tests, microseconds UTC.
pub const NOW: i64 = 1_700_000_000_000_000;

/// Waits for a future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    RUNTIME.get_or_init(build).block_on(future)
}

/// A new, empty place for a database. The server does not wait for the disk: no test here cuts its power.
pub fn new_location(backend: Backend, folder: &Path) -> Location {
    static SERVER: OnceLock<TestPostgres> = OnceLock::new();
    match backend {
        Backend::Sqlite => Location::Sqlite { path: folder.join("exhibit.db"), synchronous: Synchronous::Normal },
        Backend::Postgres => {
            let server = SERVER.get_or_init(|| TestPostgres::start(PostgresOptions { fsync: false }));
            Location::Postgres { address: server.database() }
        }
    }
}

/// How to open the store at a place.
pub fn options(location: &Location, blobs: &Path, rooms: Vec<&'static dyn Room>) -> StoreOptions {
    StoreOptions {
        location: location.clone(),
        blobs: blobs.to_owned(),
        rooms,
        clock: Arc::new(FixedClock::new(Timestamp(NOW))),
        process: u128::from(std::process::id()),
        readers: 2,
    }
}

/// What a child process needs to open the same store.
pub fn store_to_json(location: &Location, blobs: &Path) -> Json {
    match location {
        Location::Sqlite { path, .. } => json!({"sqlite": path, "blobs": blobs}),
        Location::Postgres { address } => json!({"postgres": address, "blobs": blobs}),
    }
}

/// How to open the store that a parent process named.
pub fn options_from_json(store: &Json, synchronous: Synchronous) -> StoreOptions {
    let location = match (store["sqlite"].as_str(), store["postgres"].as_str()) {
        (Some(path), None) => Location::Sqlite { path: path.into(), synchronous },
        (None, Some(address)) => Location::Postgres { address: address.to_owned() },
        _ => panic!("no place of a store: {store}"),
    };
    options(&location, Path::new(store["blobs"].as_str().expect("a folder")), vec![&ROOM])
}

/// A store and the folder that it lives in.
pub struct World {
    /// The store.
    pub store: Store,
    /// Where it is.
    pub location: Location,
    /// Its clock.
    pub clock: Arc<FixedClock>,
    /// Its folder.
    pub folder: TempDir,
    ids: CountingIds,
}

impl World {
    /// A new store with the room of the tests.
    pub fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = new_location(backend, folder.path());
        let clock = Arc::new(FixedClock::new(Timestamp(NOW)));
        let options = StoreOptions {
            clock: Arc::clone(&clock) as Arc<_>,
            ..options(&location, &folder.path().join("blobs"), vec![&ROOM])
        };
        let store = Store::open(options).expect("a new store");
        Self { store, location, clock, folder, ids: CountingIds::new(7) }
    }

    /// Opens the same database once more, as another process would.
    pub fn open_again(&self) -> Result<Store, StoreError> {
        Store::open(options(&self.location, &self.folder.path().join("blobs"), vec![&ROOM]))
    }

    /// What a child process needs to open the same store.
    pub fn to_json(&self) -> Json {
        store_to_json(&self.location, &self.folder.path().join("blobs"))
    }

    /// A connection past the store.
    pub fn raw(&self) -> Raw {
        Raw::connect(&self.location)
    }

    /// Reads, and expects that it works.
    pub fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        block_on(self.store.read(query)).expect("a query")
    }

    /// Writes, and expects that it works.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        block_on(self.store.write(work)).expect("a write")
    }

    /// Appends candidates without an effect.
    pub fn append(&self, candidates: Vec<Candidate>) -> Result<Vec<Receipt>, GateError> {
        block_on(self.store.append(Append { candidates, effect: None, ..Append::default() }))
    }

    /// Appends candidates after an effect.
    pub fn append_with(&self, candidates: Vec<Candidate>, effect: Effect) -> Result<Vec<Receipt>, GateError> {
        block_on(self.store.append(Append { candidates, effect: Some(effect), ..Append::default() }))
    }

    /// An event from outside.
    pub fn event(&self, id: &str, payload: Json) -> Candidate {
        check_event(&self.store, id, payload).expect("a good event")
    }

    /// An event from outside whose only news is its id.
    pub fn plain_event(&self, id: &str) -> Candidate {
        self.event(id, json!({"level": "info", "text": id}))
    }

    /// Appends plain events, all in one batch.
    pub fn append_events(&self, ids: &[String]) -> Vec<Receipt> {
        self.append(ids.iter().map(|id| self.plain_event(id)).collect()).expect("new events")
    }

    /// Puts bytes into the blob store.
    pub fn blob(&self, bytes: &[u8]) -> StoredBlob {
        let staged = self.store.blobs().stage(&mut &*bytes, u64::MAX).expect("room").expect("no limit");
        let (sha256, size) = (staged.sha256, staged.bytes);
        self.store.blobs().publish(vec![staged]).expect("room");
        StoredBlob { sha256, bytes: size, media_type: "application/octet-stream".to_owned() }
    }

    /// Adds a source and scans `count` files with bytes of their own into it. Returns the assets.
    pub fn archive(&self, count: usize) -> Vec<(AssetId, i64)> {
        let id = SourceId(self.ids.next_ulid());
        let (name, root) = (id.to_string(), id.to_string().into_bytes());
        let source = self.write(move |tx| sources::insert(tx, id, &name, SourceClass::Sacred, &root, NOW));
        let files: Vec<ScannedFile> = (0..count).map(|index| file(&format!("{source}/{index}"))).collect();
        let hashes: Vec<Digest> = files.iter().map(|file| file.sha256).collect();
        self.write(move |tx| record_files(tx, source, &files, NOW));
        self.read(move |read| {
            hashes
                .iter()
                .map(|sha256| Ok((AssetId(*sha256), by_sha256(read, *sha256)?.expect("scanned").key)))
                .collect()
        })
    }

    /// Makes a run over all assets; nothing is planned yet.
    pub fn new_run(&self, steps: i64) -> Run {
        self.run_over(NewRun { id: RunId(self.ids.next_ulid()), ..new_run(RunId(0), steps) })
    }

    /// Makes a run; nothing is planned yet.
    pub fn run_over(&self, new: NewRun) -> Run {
        let kinds = Arc::clone(self.store.kinds());
        self.write(move |tx| {
            let key = runs::create(tx, &kinds, &new)?;
            Ok(runs::by_key(tx, key)?.expect("just made"))
        })
    }

    /// A fresh id.
    pub fn ulid(&self) -> u128 {
        self.ids.next_ulid()
    }

    /// Makes a run over all assets and plans all of it.
    pub fn planned_run(&self, steps: i64) -> Run {
        self.planned_run_of(&self.new_run(steps))
    }

    /// Plans all of a run.
    pub fn planned_run_of(&self, run: &Run) -> Run {
        let (run, key) = (run.clone(), run.key);
        self.write(move |tx| units::plan(tx, &run, i64::MAX, &|_, _, _| true));
        self.run(key)
    }

    /// The run as it is now.
    pub fn run(&self, key: i64) -> Run {
        self.read(move |read| Ok(runs::by_key(read, key)?.expect("a run")))
    }

    /// A fact about an asset, made by a unit of a run.
    pub fn observation(&self, run: &Run, unit: u32, ordinal: u32, asset: (AssetId, i64), payload: Json) -> Candidate {
        let draft = Draft {
            payload,
            asset: Some(asset),
            made: Some((made(run, unit, "0"), ordinal)),
            ..empty_draft("test.observation")
        };
        self.store.gate().check(draft).expect("a good observation")
    }

    /// Checks the whole ledger.
    pub fn verify(&self) -> Report {
        verify_store(&self.store)
    }

    /// How many records there are, by the ledger's own count.
    pub fn records(&self) -> i64 {
        self.read(|read| Ok(ledger::state(read)?.next_seq - 1))
    }
}

/// Checks the whole ledger of a store.
pub fn verify_store(store: &Store) -> Report {
    let kinds = Arc::clone(store.kinds());
    block_on(store.read(move |read| verify_ledger(read, &kinds, &mut |_, _| Ok(())))).expect("a readable ledger")
}

/// A draft with nothing in it.
pub fn empty_draft(kind: &str) -> Draft {
    Draft {
        kind: kind.to_owned(),
        schema_version: 1,
        asset: None,
        span_ms: None,
        payload: json!({}),
        blob: None,
        made: None,
        record_id: None,
        content_hash: None,
    }
}

/// Puts an event through the first half of the gate.
pub fn check_event(store: &Store, id: &str, payload: Json) -> Result<Candidate, Findings> {
    store.gate().check(Draft { payload, record_id: Some(id.to_owned()), ..empty_draft("test.event") })
}

/// How a unit of a run made its artifacts. `tool` tells lineages apart.
pub fn made(run: &Run, unit: u32, tool: &str) -> Arc<Made> {
    let parts = LineageParts {
        producer: "test".to_owned(),
        producer_version: tool.to_owned(),
        model_profile: ModelProfile::Balanced,
        config_hash: Digest::of(b"config"),
        input_hash: Digest::of(b"input"),
        inputs: vec![Digest::of(b"b"), Digest::of(b"a")],
    };
    let lineage = Lineage::new(parts).expect("a lineage");
    Arc::new(Made::new(run.first_unit + i64::from(unit), UnitId { run: run.id, ordinal: unit }, &lineage))
}

/// A file whose path and bytes are both `name`.
pub fn file(name: &str) -> ScannedFile {
    file_with(name, name)
}

/// A file with bytes of its own.
pub fn file_with(path: &str, bytes: &str) -> ScannedFile {
    ScannedFile {
        path: path.as_bytes().to_vec(),
        stat: FileStat { size_bytes: bytes.len() as i64, mtime_ns: 1, device: 2, inode: 3 },
        sha256: Digest::of(bytes.as_bytes()),
        media_type: "image/jpeg",
    }
}

/// What a run of the tests is made of.
pub fn new_run(id: RunId, steps: i64) -> NewRun {
    NewRun {
        id,
        pipeline: "test".to_owned(),
        pipeline_version: "1".to_owned(),
        definition: b"{}".to_vec(),
        policy: "production".to_owned(),
        expires_us: None,
        collection: CollectionId::ALL,
        attempts_max: 3,
        recompute: false,
        steps,
        now_us: NOW,
    }
}

/// How a leased unit ended.
pub fn ending(leased: &units::Leased, state: UnitState) -> Ending {
    Ending {
        key: leased.key,
        step: leased.step,
        generation: leased.generation,
        state,
        attempts: 1,
        crashes: 0,
        retryable: false,
        artifacts: 0,
        reason: None,
        detail: None,
        work_key: None,
        reused_unit: None,
        ended_us: NOW,
        made: None,
    }
}
