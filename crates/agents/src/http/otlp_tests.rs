//! AG-40 through the handlers, on both backends.

use std::sync::Arc;

use axum::body::to_bytes;
use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_store::sql::ledger::count_records;
use exhibit_store::{Backend, Location, Store, StoreOptions, Synchronous};
use exhibit_testkit::postgres::TestPostgres;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::super::collectors;
use exhibit_model::time::CountingIds;

use crate::alerts::deliver::Bell;
use crate::alerts::evaluator::{Commits, Evaluator};
use crate::control::controller::ThreadPace;
use crate::control::controls::{Controls, ControlsOptions};
use crate::control::nobody::Nobody;

use super::*;
use crate::collect::otlp::sample::protobuf;
use crate::collect::testing::sample;
use crate::http::ApiOptions;
use crate::room::AgentsRoom;

struct World {
    api: Api,
    runtime: Runtime,
    _folder: TempDir,
}

impl World {
    fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = match backend {
            Backend::Sqlite => {
                Location::Sqlite { path: folder.path().join("exhibit.db"), synchronous: Synchronous::Normal }
            }
            Backend::Postgres => Location::Postgres { address: TestPostgres::shared().database() },
        };
        let options = StoreOptions {
            location,
            blobs: folder.path().join("blobs"),
            rooms: vec![&AgentsRoom],
            clock: Arc::new(FixedClock::new(Timestamp(1_700_000_000_000_000))),
            process: 1,
            readers: 1,
        };
        let store = Store::open(options).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let clock = Arc::clone(store.clock());
        let options = ControlsOptions {
            controller: Arc::new(Nobody::default()),
            pace: Arc::new(ThreadPace::new(clock)),
            ids: Arc::new(CountingIds::new(1)),
            allowed_models: Vec::new(),
        };
        let controls = runtime.block_on(Controls::open(options, &store)).unwrap();
        let evaluator = Arc::new(Evaluator::new(store.clone(), Arc::clone(store.clock()), Bell::default()));
        let api = Api::new(ApiOptions {
            store,
            allow_bare: false,
            commits: Commits::default(),
            evaluator,
            ids: Arc::new(CountingIds::new(2)),
            controls,
            import: Default::default(),
        });
        Self { api, runtime, _folder: folder }
    }

    /// Status, content type and body of the answer.
    fn posts(&self, signal: Signal, headers: &HeaderMap, body: &[u8]) -> (u16, String, Vec<u8>) {
        self.runtime.block_on(async {
            let response = take(&self.api, signal, headers, Bytes::copy_from_slice(body)).await;
            let status = response.status().as_u16();
            let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            (status, content_type, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
        })
    }

    fn records(&self) -> i64 {
        self.runtime.block_on(self.api.store().read(count_records)).unwrap()
    }
}

fn headers(content_type: &'static str, encoding: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    headers.extend(encoding.map(|word| (header::CONTENT_ENCODING, HeaderValue::from_static(word))));
    headers
}

/// Gzip (RFC 1952) around blocks that are stored as they are (RFC 1951, section 3.2.4).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    let blocks: Vec<&[u8]> = bytes.chunks(usize::from(u16::MAX)).collect();
    for (index, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(index + 1 == blocks.len()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    packed
}

/// AG-40: protobuf, JSON and gzip say the same; what is sent again adds no record, whichever way it comes.
#[test]
fn ag_40_the_same_request_in_any_form_is_recorded_once() {
    const JSON: &str = "application/json; charset=utf-8";
    const PROTOBUF: &str = "application/x-protobuf";
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = World::new(backend);
        for (signal, name) in [(Signal::Traces, "traces"), (Signal::Logs, "logs"), (Signal::Metrics, "metrics")] {
            let body = sample(&format!("otlp/{name}.json"));
            let first = world.posts(signal, &headers(JSON, None), &body);
            assert_eq!((first.0, first.1.as_str()), (200, "application/json"), "{name}");
            let records = world.records();
            assert_eq!(world.posts(signal, &headers(JSON, None), &body), first, "{name} again");
            assert_eq!(world.posts(signal, &headers(JSON, Some("gzip")), &gzip(&body)), first, "{name} packed");
            let in_kind = world.posts(signal, &headers(PROTOBUF, None), &protobuf(&body));
            assert_eq!((in_kind.0, in_kind.1.as_str()), (200, PROTOBUF), "{name}");
            let packed = world.posts(signal, &headers(PROTOBUF, Some("gzip")), &gzip(&protobuf(&body)));
            assert_eq!(packed, in_kind);
            assert_eq!(world.records(), records, "{name} is recorded once");
        }
        assert!(world.records() >= 4);
    }
}

/// AG-40: what cannot be read is told as a status of Google's RPC, in kind.
#[test]
fn ag_40_problems_are_told_in_kind() {
    let world = World::new(Backend::Sqlite);
    let says = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["code"].as_i64().unwrap();
    for (content_type, encoding, body, status, code) in [
        ("text/plain", None, b"{}".to_vec(), 415, 3),
        ("application/json", Some("br"), b"{}".to_vec(), 415, 3),
        ("application/json", Some("gzip"), b"{}".to_vec(), 400, 3),
        ("application/json", None, b"[]".to_vec(), 400, 3),
        ("application/json", Some("gzip"), gzip(&vec![b' '; BODY_BYTES_MAX + 1]), 413, 8),
    ] {
        let (told, media_type, answer) = world.posts(Signal::Traces, &headers(content_type, encoding), &body);
        assert_eq!((told, media_type.as_str(), says(&answer)), (status, "application/json", code), "{content_type}");
    }
    let (status, media_type, body) =
        world.posts(Signal::Logs, &headers("application/x-protobuf", None), &[0xFF, 0xFF, 0xFF]);
    assert_eq!((status, media_type.as_str()), (400, "application/x-protobuf"));
    assert_eq!(body[..2], [8, 3], "the code is the first field");
    assert_eq!(world.records(), 0);
    let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "busy");
    assert_eq!(refused(Encoding::Json, &error).headers()[header::RETRY_AFTER], "1");
}

/// AG-40: payloads of LiteLLM with one id and two starts are two calls, and sent again they add nothing.
#[test]
fn ag_40_litellm_is_recorded_once() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = World::new(backend);
        let body = sample("litellm/payloads.json");
        let post = || {
            let taken = collectors::take(State(world.api.clone()), HeaderMap::new(), Bytes::from(body.clone()));
            serde_json::to_value(world.runtime.block_on(taken).unwrap().0).unwrap()
        };
        let (first, records) = (post(), world.records());
        assert!(first["documents"].as_u64() > Some(0), "{first}");
        assert_eq!((post(), world.records()), (first.clone(), records));
        let told = world.runtime.block_on(world.api.store().read(crate::collect::report::collectors)).unwrap();
        let litellm = serde_json::to_value(told.iter().find(|told| told.collector == "litellm").unwrap()).unwrap();
        let sum = |field: &str| 2 * first[field].as_u64().unwrap();
        assert_eq!(litellm["records"], json!(sum("accepted") + sum("rejected")));
        assert_eq!(litellm["badRecords"], json!(sum("rejected")));
    }
}
